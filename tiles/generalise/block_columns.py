"""Blocks of a tile out of a snapshot: outlines of what its polygons cover, drawn anew for every tile and as fresh as its state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tiles.generalise.blocks import COVER, Blocks
from tiles.grids import CGCS2000_QUAD
from tiles.kernel.contours import Outlines, outlines
from tiles.kernel.cover import CELL_BITS, add_cells, cells, cells_between, coarser, merge_levels
from tiles.kernel.layer import EncodedPart, Part, encode_columns
from tiles.kernel.vertex_zoom import vertex_zooms
from tiles.kernel.window import TileWindow
from tiles.snapshot.index import pack_tree
from tiles.snapshot.layout import HOLE, POLYGONS, SHELL, UNKNOWN, WORLD_BITS, Columns
from tiles.snapshot.paths import starts_of
from tiles.snapshot.values import ValueTable
from tiles.snapshot.world import WORLD

# The part of a cell, taken together with its neighbours', from which ground is built up: on the deepest level with blocks more than on
# those above, so that streets part the blocks there.
_BUILT_UP = (0.25, 0.20, 0.16)
# Smaller blocks and smaller courts are left out, in cells: a cell is two pixels wide on a tile of 512.
_SMALLEST_BLOCK, _SMALLEST_COURT = 2.0, 1.5
# Cells beyond the tile and its buffer that have a say in what is drawn.
_MARGIN = 3
# Outlines are thinned as if they were drawn so many levels higher: within half a pixel.
_COARSER = 3

Ints = npt.NDArray[np.int64]
Field = npt.NDArray[np.float32]


def encode_blocks(name: str, parts: Sequence[Part], wish: Blocks, window: TileWindow) -> EncodedPart:
    """A layer of a vector tile with the blocks of built-up ground, and the polygons that are too large to be part of one.

    A block has `_cover`, the covered part of its ground in percent, and no `id`. Polygons that are neither large nor near others
    are left out, the smallest first.

    Args:
        name: Name of the layer in the tile.
        parts: At least one, with the same keys.
        wish: Says on which levels there are blocks; the level of the window is one of them.
        window: The tile.
    """
    field, row, column = _field(parts, wish, window)
    rise = min(wish.below - 1 - window.zoom, len(_BUILT_UP) - 1)
    drawn = [
        Part(_block_columns(parts[0].columns.keys, outlines(_smooth(field), _BUILT_UP[rise]), row, column, window))
    ]
    for part in parts:
        large = part.columns.cover_large
        large = large[merge_levels(part.columns.boxes[large], wish.below) < window.zoom]
        if len(large):
            hidden = np.ones(len(part.columns), dtype=np.uint8)
            hidden[large] = 0 if part.hidden is None else part.hidden[large]
            drawn.append(Part(part.columns, hidden))
    return encode_columns(name, drawn, window)


def _field(parts: Sequence[Part], wish: Blocks, window: TileWindow) -> tuple[Field, int, int]:
    """The covered part of the cells in and around the window, and the row and column of the first of them."""
    bits = WORLD_BITS - CELL_BITS - window.zoom
    west, north, east, south = window.mercator_box()
    row, column = (north >> bits) - _MARGIN, (west >> bits) - _MARGIN
    shape = (south >> bits) + _MARGIN + 1 - row, (east >> bits) + _MARGIN + 1 - column
    field = np.zeros(shape, dtype=np.float32)
    for part in parts:
        rows, places = range(row, row + shape[0]), range(column, column + shape[1])
        keys, shares = cells_between(part.columns, window.zoom, rows, places)
        add_cells(field, keys, shares, row, column)
        if part.hidden is not None:
            _take_away(field, part.columns, np.flatnonzero(part.hidden), wish, window.zoom, row, column)
    return field, row, column


def _take_away(field: Field, columns: Columns, gone: Ints, wish: Blocks, level: int, row: int, column: int) -> None:
    """Take out what polygons that are out of date have put in."""
    gone = gone[columns.kinds[gone] == POLYGONS]
    merged_at = merge_levels(columns.boxes[gone], wish.below)
    for at in np.unique(merged_at[merged_at >= level]).tolist():
        keys, shares = coarser(*cells(columns, gone[merged_at == at], at), at - level)
        add_cells(field, keys, -shares, row, column)


def _smooth(field: Field) -> Field:
    """Each cell with its neighbours, by the weights 1 2 1 both ways: houses along a street hang together."""
    padded = np.pad(np.minimum(field, 1.0), 1)
    across = 0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:]
    return np.ascontiguousarray(0.25 * across[:-2] + 0.5 * across[1:-1] + 0.25 * across[2:], dtype=np.float32)


def _block_columns(keys: tuple[str, ...], found: Outlines, row: int, column: int, window: TileWindow) -> Columns:
    """Outlines as columns, a block a feature. Their keys follow those of the layer, so that every other part may stand behind."""
    shells = np.flatnonzero(np.append(True, found.owners[1:] != found.owners[:-1])) if len(found.owners) else _none()
    is_shell = np.zeros(len(found.owners), dtype=bool)
    is_shell[shells] = True
    large = np.zeros(len(found.means), dtype=bool)
    large[found.owners[shells]] = found.areas[shells] >= _SMALLEST_BLOCK
    kept = np.flatnonzero(large[found.owners] & (is_shell | (found.areas >= _SMALLEST_COURT)))
    sizes = np.diff(found.starts)[kept]
    starts = starts_of(sizes)
    chosen = np.repeat(found.starts[kept] - starts[:-1], sizes) + np.arange(starts[-1])
    bits = WORLD_BITS - CELL_BITS - window.zoom
    x, y = (
        np.clip(np.rint((places[chosen] + first + 0.5) * 2.0**bits), 0, WORLD - 1).astype(np.uint32)
        for places, first in ((found.x, column), (found.y, row))
    )
    feature_paths = np.append(np.flatnonzero(is_shell[kept]), len(kept)).astype(np.int64)
    boxes = _boxes(x, y, starts[feature_paths])
    levels = vertex_zooms(x, y, starts, np.ones(len(kept), dtype=np.uint8))
    values = np.rint(100 * found.means[found.owners[kept[is_shell[kept]]]]).astype(np.int64)
    table = ValueTable(1)
    codes = np.full((len(values), len(keys) + 1), UNKNOWN, dtype=np.int32)
    codes[:, -1] = table.numbers(0, values.tolist())
    value_starts, value_bytes = table.packed_along(codes)
    tree_boxes, tree_levels = pack_tree(boxes)
    return Columns(
        keys=(*keys, COVER),
        fids=np.full(len(values), -1, dtype=np.int64),
        kinds=np.full(len(values), POLYGONS, dtype=np.uint8),
        first_zoom=np.zeros(len(values), dtype=np.uint8),
        boxes=boxes,
        centres=boxes[:, :2],
        feature_paths=feature_paths,
        path_vertices=starts,
        path_roles=np.where(is_shell[kept], SHELL, HOLE).astype(np.uint8),
        x=x,
        y=y,
        row=y if window.is_mercator else _rows_of(y),
        vertex_zoom=np.where(levels > 0, np.minimum(levels.astype(np.int64) + _COARSER, 255), 0).astype(np.uint8),
        codes=codes,
        value_starts=value_starts,
        value_bytes=value_bytes,
        tree_boxes=tree_boxes,
        tree_levels=tree_levels,
    )


def _none() -> Ints:
    return np.empty(0, dtype=np.int64)


def _rows_of(y: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Mercator ordinates as rows of the grid of degrees."""
    latitude = np.degrees(np.arctan(np.sinh(np.pi * (1.0 - 2.0 * y.astype(np.float64) / WORLD))))
    _, rows = CGCS2000_QUAD.forward(np.zeros(len(y)), latitude)
    return np.clip(np.rint(rows * (WORLD // 2)), 0, WORLD - 1).astype(np.uint32)


def _boxes(x: npt.NDArray[np.uint32], y: npt.NDArray[np.uint32], starts: Ints) -> npt.NDArray[np.uint32]:
    if len(starts) < 2:
        return np.empty((0, 4), dtype=np.uint32)
    low, high = np.minimum.reduceat, np.maximum.reduceat
    return np.column_stack([low(x, starts[:-1]), low(y, starts[:-1]), high(x, starts[:-1]), high(y, starts[:-1])])
