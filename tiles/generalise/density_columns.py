"""The density grid of a tile out of a snapshot: the squares of `tiles.density`, counted from columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tiles.density import CELLS_PER_SIDE, COUNT
from tiles.kernel.counting import count_cells
from tiles.kernel.layer import EncodedPart, Part, encode_columns
from tiles.kernel.search import search
from tiles.kernel.window import TileWindow
from tiles.snapshot.index import pack_tree
from tiles.snapshot.layout import POLYGONS, SHELL, Columns
from tiles.snapshot.values import ValueTable
from tiles.snapshot.world import WORLD, world_units

_CELL_BITS = CELLS_PER_SIDE.bit_length() - 1
_HALF_WORLD = WORLD >> 1
_NOTHING_HIDDEN = np.empty(0, dtype=np.uint8)

Ints = npt.NDArray[np.int64]


def encode_density(name: str, parts: Sequence[Part], window: TileWindow) -> EncodedPart:
    """A layer of a vector tile with a square for every cell that holds features, and their number as `_count`.

    A feature is counted where the middle of its box lies.
    """
    shift = window.bits - _CELL_BITS
    first_column, first_row, rows = window.tile.x << _CELL_BITS, *_rows(window, shift)
    counts = np.zeros((rows, CELLS_PER_SIDE), dtype=np.int64)
    box = _box(first_column, first_row, rows, shift)
    frame = np.array([shift, first_column, first_row, (_HALF_WORLD >> shift) - 1], dtype=np.int64)
    for part in parts:
        columns = part.columns
        chosen = search(columns.tree_boxes, columns.tree_levels, columns.boxes, box)
        hidden = _NOTHING_HIDDEN if part.hidden is None else part.hidden
        paths, vertices = columns.feature_paths, columns.path_vertices
        count_cells(chosen, hidden, columns.boxes, paths, vertices, columns.row, frame, counts)
    at, column = np.nonzero(counts)
    squares = _squares(column + first_column, at + first_row, counts[at, column], shift)
    return encode_columns(name, [Part(squares)], window)


def _rows(window: TileWindow, shift: int) -> tuple[int, int]:
    """The first of the rows of cells that meet the tile, counted from the South Pole, and how many there are."""
    box = window.grid.lonlat_bounds(window.tile)
    cells = (_HALF_WORLD >> shift) / 180.0
    first = int((box.south + 90.0) * cells)
    end = int(np.ceil((box.north + 90.0) * cells))
    return first, end - first


def _box(first_column: int, first_row: int, rows: int, shift: int) -> Ints:
    """West, north, east, south of the cells in `x` and `y`, a unit wider than they are."""
    north, south = _ordinates(np.array([first_row + rows, first_row]), shift).tolist()
    west, east = first_column << shift, (first_column + CELLS_PER_SIDE) << shift
    return np.array([max(west - 1, 0), max(north - 1, 0), min(east, WORLD - 1), min(south + 1, WORLD - 1)])


def _ordinates(edges: Ints, shift: int) -> npt.NDArray[np.uint32]:
    """`y` of the edges of rows of cells."""
    latitudes = edges.astype(np.float64) * (180.0 / (_HALF_WORLD >> shift)) - 90.0
    return world_units(np.zeros(len(edges)), latitudes)[1]


def _squares(column: Ints, row: Ints, counts: Ints, shift: int) -> Columns:
    """Cells as columns, their id as in `tiles.density`."""
    n = len(counts)
    west, east = column << shift, np.minimum((column + 1) << shift, WORLD - 1)
    north, south = _ordinates(row + 1, shift), _ordinates(row, shift)
    top, bottom = _HALF_WORLD - ((row + 1) << shift), _HALF_WORLD - (row << shift)
    boxes = np.column_stack([west, north, east, south]).astype(np.uint32)
    tree_boxes, tree_levels = pack_tree(boxes)
    table = ValueTable(1)
    codes = table.numbers(0, counts.tolist()).reshape(n, 1)
    value_starts, value_bytes = table.packed_along(codes)
    each = np.arange(n + 1, dtype=np.int64)
    return Columns(
        keys=(COUNT,),
        fids=row * (WORLD >> shift) + column,
        kinds=np.full(n, POLYGONS, dtype=np.uint8),
        first_zoom=np.zeros(n, dtype=np.uint8),
        boxes=boxes,
        centres=boxes[:, :2],
        feature_paths=each,
        path_vertices=4 * each,
        path_roles=np.full(n, SHELL, dtype=np.uint8),
        x=_corners(west, east, east, west),
        y=_corners(north, north, south, south),
        row=_corners(top, top, bottom, bottom),
        vertex_zoom=np.zeros(4 * n, dtype=np.uint8),
        codes=codes,
        value_starts=value_starts,
        value_bytes=value_bytes,
        tree_boxes=tree_boxes,
        tree_levels=tree_levels,
    )


def _corners(*axes: npt.NDArray[np.integer]) -> npt.NDArray[np.uint32]:
    return np.column_stack(axes).astype(np.uint32).ravel()
