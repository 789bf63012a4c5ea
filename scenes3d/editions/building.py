"""Editions out of footprints: all of them, or those that changed since another edition.

Both ways end in the same bytes: tiles and tree are functions of the set of buildings, and a patch only saves the work of
making again what it knows will not change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes3d.buildings.footprints import Footprints
from scenes3d.buildings.quadtree import assign
from scenes3d.buildings.tiling import Rows, build_tile, order_of, rows_of, tiles_of
from scenes3d.editions.edition import Cell, Edition, Entry
from scenes3d.editions.folder import SceneFolder

Fetch = Callable[[Sequence[str]], Footprints | None]
"""Footprints of these features as they stand at the version wanted, those that can be raised; None where none can."""


@dataclass(frozen=True, slots=True)
class Patch:
    """What an edit made of a scene.

    Attributes:
        rewritten: Cells whose tile is another one now, or new.
        removed: Cells that have no tile any more.
    """

    edition: Edition
    rewritten: tuple[Cell, ...]
    removed: tuple[Cell, ...]


def build_edition(
    folder: SceneFolder, buildings: Footprints, plan: Edition, progress: Callable[[int], None] = lambda count: None
) -> Edition:
    """Write all tiles; `plan` is the edition without its tiles. Tells `progress` the number of buildings done after each tile."""
    note = str(plan.made.get("copyright", ""))
    entries: list[Entry] = []
    for tile in tiles_of(buildings, note):
        entries.append(folder.put(tile))
        progress(entries[-1].count)
    return replace(plan, entries=tuple(entries))


def patch_edition(folder: SceneFolder, before: Edition, plan: Edition, touched: Collection[str], fetch: Fetch) -> Patch:
    """The edition after some features changed: their tiles are made anew, the others taken over.

    Args:
        before: Made in the same way as `plan`, at any version.
        touched: Ids of all features that differ between the two versions; some more do no harm.

    Raises:
        UnreadableFileError: if files of the scene are lost.
    """
    note = str(plan.made.get("copyright", ""))
    changed = fetch(sorted(touched))
    known = _Standing.of(folder.rows(before.entries), touched, changed)
    order = order_of(known.rows)
    cells = assign(known.rows.codes[order], known.rows.sizes_mm[order])
    by_level = np.argsort(cells.levels, kind="stable")
    order, levels, codes = order[by_level], cells.levels[by_level], cells.codes[by_level]
    change = np.flatnonzero((levels[1:] != levels[:-1]) | (codes[1:] != codes[:-1])) + 1
    edges = [0, *change.tolist(), len(order)] if len(order) else [0]
    entries: list[Entry] = []
    rewritten: list[Cell] = []
    for start, stop in pairwise(edges):
        cell = int(levels[start]), int(codes[start])
        members = order[start:stop]
        kept = known.unchanged(members, cell, before.entries)
        if kept is None:
            kept = folder.put(build_tile(_in_order(known.ids_of(members), fetch), *cell, note))
            rewritten.append(cell)
        entries.append(kept)
    standing = {entry.cell for entry in entries}
    removed = tuple(entry.cell for entry in before.entries if entry.cell not in standing)
    return Patch(replace(plan, entries=tuple(entries)), tuple(rewritten), removed)


@dataclass(frozen=True)
class _Standing:
    """Buildings after the edit, and which tile each was in before; -1 for those that changed."""

    rows: Rows
    tiles: np.ndarray[tuple[int, ...], np.dtype[np.int64]]

    @classmethod
    def of(cls, before: Sequence[Rows], touched: Collection[str], changed: Footprints | None) -> _Standing:
        ids = [name for rows in before for name in rows.ids]
        tiles = np.repeat(np.arange(len(before)), [len(rows.ids) for rows in before])
        stays = ~np.asarray(pc.is_in(pa.array(ids, pa.string()), pa.array(sorted(touched), pa.string())))
        parts = [rows_of(changed)] if changed is not None and len(changed) else []
        codes = np.concatenate([np.empty(0, np.uint64), *(rows.codes for rows in before)])[stays]
        sizes = np.concatenate([np.empty(0, np.int64), *(rows.sizes_mm for rows in before)])[stays]
        return cls(
            Rows(
                [name for name, stay in zip(ids, stays.tolist(), strict=True) if stay]
                + [i for r in parts for i in r.ids],
                np.concatenate([codes, *(rows.codes for rows in parts)]),
                np.concatenate([sizes, *(rows.sizes_mm for rows in parts)]),
            ),
            np.concatenate([tiles[stays], *(np.full(len(rows.ids), -1) for rows in parts)]),
        )

    def ids_of(self, members: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[str]:
        return [self.rows.ids[row] for row in members.tolist()]

    def unchanged(
        self, members: np.ndarray[tuple[int, ...], np.dtype[np.int64]], cell: Cell, entries: Sequence[Entry]
    ) -> Entry | None:
        """The tile that holds exactly these buildings already."""
        first = int(self.tiles[members[0]])
        if first < 0 or entries[first].cell != cell or entries[first].count != len(members):
            return None
        return entries[first] if (self.tiles[members] == first).all() else None


def _in_order(ids: list[str], fetch: Fetch) -> Footprints:
    """These buildings in this order; all of them can be raised, or they would not be in the tree."""
    found = fetch(ids)
    assert found is not None
    place = {name: row for row, name in enumerate(found.columns[0].values.to_pylist())}
    return found.take(np.array([place[name] for name in ids], dtype=np.int64))
