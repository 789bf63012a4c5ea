"""All buildings of an edition as the tree sees them, and the level of the cell that draws each: what an edit is worked out from.

They stand in the order of the curve, so that an edit moves a few rows and a cell's buildings are found by bisection: an edit in a
city of a million costs little more than copying some tens of megabytes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scenes3d.buildings.footprints import Footprints, Ints
from scenes3d.buildings.quadtree import DEEPEST, Codes, reassign
from scenes3d.buildings.tiling import Rows, order_of, rows_of
from scenes3d.editions.edition import Cell, Entry

Levels = npt.NDArray[np.int8]
_NEW = -1
_SCANNED = 4
"""So few ids are looked for one by one; a table of more of them is probed once for every building."""


@dataclass(frozen=True)
class Standing:
    """Buildings in the order of the curve, those of one place by id.

    Attributes:
        levels: int8 (n,), of the cell that draws each.
    """

    rows: Rows
    levels: Levels

    @classmethod
    def of(cls, tiles: Sequence[Rows], entries: Sequence[Entry]) -> Standing:
        """The buildings of an edition's tiles."""
        rows = Rows.joined(tiles)
        levels = np.repeat(np.array([entry.level for entry in entries], dtype=np.int8), [len(t.codes) for t in tiles])
        order = order_of(rows)
        return cls(rows.take(order), levels[order])

    def edited(self, touched: Collection[str], changed: Footprints | None) -> tuple[Standing, set[Cell]]:
        """Without the touched ones, and with those of them that stand now; and the cells that are not what they were."""
        gone = _places_of(self.rows.ids, touched)
        new = rows_of(changed) if changed is not None and len(changed) else Rows.joined([])
        new = new.take(order_of(new))
        rows, before = _spliced(self.rows, self.levels, gone, new)
        places = np.sort(np.concatenate([self.rows.codes[gone], new.codes]))
        root = int(self.levels.min()) if len(self.levels) else 0
        levels = reassign(rows.codes, rows.sizes_mm, before, root, places)
        moved = np.flatnonzero(levels != before)
        cells = _cells(levels[moved], rows.codes[moved]) | _cells(self.levels[gone], self.rows.codes[gone])
        known = moved[before[moved] != _NEW]
        return Standing(rows, levels), cells | _cells(before[known], rows.codes[known])

    def members(self, cell: Cell) -> list[str]:
        """Ids of the buildings that a cell draws, in their order."""
        level, code = cell
        shift = 2 * (DEEPEST - level)
        ends = np.array([code << shift, ((code + 1) << shift) - 1], dtype=np.uint64)
        start = int(np.searchsorted(self.rows.codes, ends[0], side="left"))
        stop = int(np.searchsorted(self.rows.codes, ends[1], side="right"))
        chosen = start + np.flatnonzero(self.levels[start:stop] == level)
        return [str(name) for name in self.rows.ids.take(pa.array(chosen)).to_pylist()]


def _cells(levels: Levels, codes: Codes) -> set[Cell]:
    return {
        (level, code >> (2 * (DEEPEST - level))) for level, code in zip(levels.tolist(), codes.tolist(), strict=True)
    }


def _places_of(ids: pa.Array, wanted: Collection[str]) -> Ints:
    """Rows of those of the wanted ids that are there, ascending: int64 (k,)."""
    if len(wanted) <= _SCANNED:
        found = [pc.index(ids, pa.scalar(name, pa.large_string())).as_py() for name in wanted]
        return np.array(sorted(row for row in found if row >= 0), dtype=np.int64)
    return np.flatnonzero(np.asarray(pc.is_in(ids, pa.array(sorted(wanted), pa.large_string()))))


def _spliced(rows: Rows, levels: Levels, gone: Ints, new: Rows) -> tuple[Rows, Levels]:
    """Rows without those that are gone and with new ones at their places; the level of a new one is `_NEW`."""
    at = _insertions(rows, new)
    # What happens at a row: new ones come before it, then it goes itself.
    events = sorted(
        [*((place, 0, number) for number, place in enumerate(at)), *((row, 1, row) for row in gone.tolist())]
    )
    ids: list[pa.Array] = [pa.array([], pa.large_string())]
    codes, sizes, drawn = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], [np.empty(0, np.int8)]
    start = 0

    def keep(stop: int) -> None:
        ids.append(rows.ids.slice(start, stop - start))
        codes.append(rows.codes[start:stop])
        sizes.append(rows.sizes_mm[start:stop])
        drawn.append(levels[start:stop])

    for place, leaves, number in events:
        keep(place)
        start = place + leaves
        if not leaves:
            ids.append(new.ids.slice(number, 1))
            codes.append(new.codes[number : number + 1])
            sizes.append(new.sizes_mm[number : number + 1])
            drawn.append(np.array([_NEW], dtype=np.int8))
    keep(len(levels))
    return Rows(pa.concat_arrays(ids), np.concatenate(codes), np.concatenate(sizes)), np.concatenate(drawn)


def _insertions(rows: Rows, new: Rows) -> list[int]:
    """Before which row each new one comes: by place, those of one place by id."""
    places: list[int] = []
    for number, place in enumerate(np.searchsorted(rows.codes, new.codes, side="left").tolist()):
        code, name, at = new.codes[number], new.ids[number].as_py(), place
        while at < len(rows.codes) and rows.codes[at] == code and rows.ids[at].as_py() < name:
            at += 1
        places.append(at)
    return places
