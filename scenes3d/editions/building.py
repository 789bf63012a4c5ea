"""Editions out of footprints: all of them, or those that changed since another edition.

Both ways end in the same bytes: tiles and tree are functions of the set of buildings, and a patch only saves the work of
making again what it knows will not change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scenes3d.buildings.footprints import Footprints
from scenes3d.buildings.tiling import TileWork, build_tile, layout_of
from scenes3d.editions.edition import Cell, Edition, Entry, cell_name
from scenes3d.editions.folder import SceneFolder
from scenes3d.editions.journal import Journal
from twin.disk import told_when_full
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Tasks, Unit

Fetch = Callable[[Sequence[str]], Footprints | None]
"""Footprints of these features as they stand at the version wanted, those that can be raised; None where none can."""

PAYS_FROM = 200_000
"""Below so many buildings other workers cost more than they save: half a second of CPU each to start."""


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
    folder: SceneFolder,
    buildings: Footprints,
    plan: Edition,
    progress: Callable[[int], None] = lambda count: None,
    *,
    tasks: Tasks = IN_THREAD,
    birth: str = "",
) -> Edition:
    """Write all tiles; `plan` is the edition without its tiles. Goes on where a build of the same plan was killed.

    Args:
        progress: Told the number of buildings done after each tile, 0 while one is waited for; what it raises ends the build.
        tasks: Who makes the tiles and writes them into the folder.
        birth: Tells the layer from an earlier one of the same name.
    """
    note = str(plan.made.get("copyright", ""))
    layout = layout_of(buildings)
    hands = tasks if len(buildings) >= PAYS_FROM else IN_THREAD
    entries: list[Entry] = []
    with Journal(folder, plan, birth) as journal:
        missing = (
            Unit(f"tile {cell_name(cell)}", (folder.path, layout.tile(number, note)))
            for number, cell in enumerate(layout.cells)
            if cell not in journal.resumed
        )
        with closing(hands.map(put_tile, missing, lambda: progress(0))) as made:
            for cell in layout.cells:
                entries.append(journal.resumed.get(cell) or journal.add(next(made)))
                progress(entries[-1].count)
    return replace(plan, entries=tuple(entries))


def put_tile(work: tuple[Path, TileWork]) -> Entry:
    """Make a tile and keep it in the scene's folder.

    Raises:
        TooLargeError: if the disk is full, or `build_tile` finds too many buildings.
    """
    path, tile = work
    with told_when_full(f"a tile of {path.name}"):
        return SceneFolder(path).put(build_tile(tile))


def patch_edition(folder: SceneFolder, before: Edition, plan: Edition, touched: Collection[str], fetch: Fetch) -> Patch:
    """The edition after some features changed: their tiles are made anew, the others taken over.

    Args:
        before: Made in the same way as `plan`, at any version.
        touched: Ids of all features that differ between the two versions; some more do no harm.

    Raises:
        UnreadableFileError: if files of the scene are lost.
    """
    note = str(plan.made.get("copyright", ""))
    standing, changed = folder.standing(before.entries).edited(touched, fetch(sorted(touched)))
    tiles = {entry.cell: entry for entry in before.entries}
    rewritten: list[Cell] = []
    for cell in sorted(changed):
        members = standing.members(cell)
        if members:
            tiles[cell] = folder.put(build_tile(TileWork(_in_order(members, fetch), *cell, note)))
            rewritten.append(cell)
        else:
            tiles.pop(cell, None)
    entries = tuple(tiles[cell] for cell in sorted(tiles))
    if plan.valid is None:  # the next edit goes on from the newest states
        folder.keep_standing(entries, standing)
    removed = tuple(entry.cell for entry in before.entries if entry.cell not in tiles)
    return Patch(replace(plan, entries=entries), tuple(rewritten), removed)


def _in_order(ids: list[str], fetch: Fetch) -> Footprints:
    """These buildings in this order; all of them can be raised, or they would not be in the tree."""
    found = fetch(ids)
    assert found is not None
    place = {name: row for row, name in enumerate(found.columns[0].values.to_pylist())}
    return found.take(np.array([place[name] for name in ids], dtype=np.int64))
