"""How much of the ground the polygons of a layer cover, cell by cell: what the blocks of low zooms are drawn from.

A cell is a 256th of a tile wide, at each level below that of the blocks. A polygon counts where it is small (no wider and no higher
than `SMALL_CELLS`); from the level on at which it is larger it is drawn as itself. Cells of a coarser level hold the mean of the
four below them and the polygons that have become small there. Only cells with something on them are kept.
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from numba import njit

from tiles.kernel.writing import wider
from tiles.snapshot.layout import POLYGONS, WORLD_BITS, Columns

CELL_BITS = 8
SMALL_CELLS = 64
# Lines along which a cell is measured: the covered length on each is exact.
_LINES = 4
_LOW = np.uint64(0xFFFFFFFF)

Keys = npt.NDArray[np.uint64]
Shares = npt.NDArray[np.float32]


def with_cover(columns: Columns, below: int) -> Columns:
    """The columns with the cover of their polygons on the levels below `below`. Some 3 µs and 50 bytes for each building."""
    numbers = np.flatnonzero(columns.kinds == POLYGONS)
    merged_at = merge_levels(columns.boxes[numbers], below)
    keys, shares = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.float32)
    found: list[tuple[Keys, Shares]] = []
    for level in range(below - 1, -1, -1):
        fresh = cells(columns, numbers[merged_at == level], level)
        keys, shares = _summed([coarser(keys, shares, 1), fresh])
        found.append((keys, shares))
    found.reverse()
    return replace(
        columns,
        cover_keys=np.concatenate([keys for keys, _ in found]),
        cover_shares=np.concatenate([shares for _, shares in found]),
        cover_levels=np.cumsum([0, *(len(keys) for keys, _ in found)]).astype(np.int64),
        cover_large=numbers[merged_at < below - 1],
    )


def merge_levels(boxes: npt.NDArray[np.uint32], below: int) -> npt.NDArray[np.int64]:
    """The deepest level below `below` on which each box is small, so that its polygon is part of a block; -1 for none."""
    size = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]).astype(np.int64) + 1
    # Small on a level: size <= SMALL_CELLS << (WORLD_BITS - CELL_BITS - level).
    bits = np.ceil(np.log2(size / SMALL_CELLS)).astype(np.int64)
    levels: npt.NDArray[np.int64] = np.clip(WORLD_BITS - CELL_BITS - np.maximum(bits, 0), -1, below - 1)
    return levels


def cells(columns: Columns, numbers: npt.NDArray[np.int64], level: int) -> tuple[Keys, Shares]:
    """Cells of a level on which polygons lie, each as often as there are polygons on it: keys and covered parts."""
    keys, shares = _cells(
        numbers,
        columns.boxes,
        columns.feature_paths,
        columns.path_vertices,
        columns.x,
        columns.y,
        WORLD_BITS - CELL_BITS - level,
    )
    return keys, shares


def add_cells(field: Shares, keys: Keys, shares: Shares, row: int, column: int) -> None:
    """Add cells to a field whose first cell is the one at `row` and `column`; cells beyond it are left out."""
    rows, columns = (keys >> np.uint64(32)).astype(np.int64) - row, (keys & _LOW).astype(np.int64) - column
    inside = (rows >= 0) & (rows < field.shape[0]) & (columns >= 0) & (columns < field.shape[1])
    np.add.at(field, (rows[inside], columns[inside]), shares[inside])


def cells_between(columns: Columns, level: int, rows: range, places: range) -> tuple[Keys, Shares]:
    """Kept cells of a level in a range of rows and one of columns."""
    if level + 1 >= len(columns.cover_levels):
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.float32)
    first, end = columns.cover_levels[level], columns.cover_levels[level + 1]
    keys = columns.cover_keys[first:end]
    lines = np.arange(max(rows.start, 0), rows.stop, dtype=np.uint64) << np.uint64(32)
    starts = np.searchsorted(keys, lines | np.uint64(max(places.start, 0)))
    ends = np.searchsorted(keys, lines | np.uint64(places.stop))
    met = np.flatnonzero(ends > starts)
    chosen = (
        np.concatenate([np.arange(starts[i], ends[i]) for i in met.tolist()])
        if len(met)
        else np.empty(0, dtype=np.int64)
    )
    return keys[chosen], columns.cover_shares[first:end][chosen]


def coarser(keys: Keys, shares: Shares, levels: int) -> tuple[Keys, Shares]:
    """Cells as parts of those so many levels above."""
    by = np.uint64(levels)
    return ((keys >> np.uint64(32)) >> by) << np.uint64(32) | ((keys & _LOW) >> by), shares / np.float32(4**levels)


def _summed(parts: list[tuple[Keys, Shares]]) -> tuple[Keys, Shares]:
    """Each cell once, ascending."""
    keys = np.concatenate([keys for keys, _ in parts])
    shares = np.concatenate([shares for _, shares in parts])
    if len(keys) == 0:
        return keys, shares
    order = np.argsort(keys, kind="stable")
    keys, shares = keys[order], shares[order]
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return keys[first], np.add.reduceat(shares, first)


@njit(nogil=True, cache=True)
def _cells(numbers, boxes, feature_paths, path_vertices, x, y, bits):  # pragma: no cover - compiled
    keys = np.empty(4 * len(numbers) + 16, dtype=np.uint64)
    shares = np.empty(len(keys), dtype=np.float32)
    n = 0
    side = SMALL_CELLS + 2
    field = np.zeros((side, side), dtype=np.float64)
    crossings = np.empty(64, dtype=np.float64)
    width = float(np.int64(1) << bits)
    for number in numbers:
        first, end = feature_paths[number], feature_paths[number + 1]
        vertices = path_vertices[end] - path_vertices[first]
        if vertices > len(crossings):
            crossings = np.empty(2 * vertices, dtype=np.float64)
        west, north = np.int64(boxes[number, 0]) >> bits, np.int64(boxes[number, 1]) >> bits
        east, south = np.int64(boxes[number, 2]) >> bits, np.int64(boxes[number, 3]) >> bits
        for line in range(_LINES * (south - north + 1)):
            at = width * (north + (line + 0.5) / _LINES)
            count = _cross(crossings, at, first, end, path_vertices, x, y)
            crossings[:count].sort()
            for i in range(0, count - 1, 2):
                _add_run(field[line // _LINES], crossings[i] / width - west, crossings[i + 1] / width - west)
        for r in range(south - north + 1):
            for c in range(east - west + 1):
                if field[r, c] > 0.0:
                    if n == len(keys):
                        keys, shares = wider(keys, n, 2 * n), wider(shares, n, 2 * n)
                    keys[n] = np.uint64(north + r) << np.uint64(32) | np.uint64(west + c)
                    shares[n] = field[r, c] / _LINES
                    n += 1
                    field[r, c] = 0.0
    return keys[:n], shares[:n]


@njit(nogil=True, cache=True, inline="always")
def _cross(crossings, at, first, end, path_vertices, x, y):  # pragma: no cover - compiled
    """Where the rings of a polygon cross a line of latitude; their number."""
    count = 0
    for path in range(first, end):
        a = path_vertices[path + 1] - 1
        for b in range(path_vertices[path], path_vertices[path + 1]):
            ya, yb = float(y[a]), float(y[b])
            if (ya <= at) != (yb <= at):
                xa, xb = float(x[a]), float(x[b])
                crossings[count] = xa + (at - ya) / (yb - ya) * (xb - xa)
                count += 1
            a = b
    return count


@njit(nogil=True, cache=True, inline="always")
def _add_run(row, start, end):  # pragma: no cover - compiled
    """The part of each cell of a row that lies between two places on it."""
    c = max(0, int(start))
    while c < len(row) and c < end:
        row[c] += max(0.0, min(end, c + 1.0) - max(start, float(c)))
        c += 1
