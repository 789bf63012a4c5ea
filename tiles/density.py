"""Density grids: how many features lie where, for levels at which drawing them all would only make a blot."""

from __future__ import annotations

import math

import numpy as np
import shapely

from tiles.address import Tile
from tiles.grids import Grid
from twin.bounds import Bounds
from twin.feature import FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import GridCount
from twin.text import LocalText

COUNT = "_count"
CELLS_PER_SIDE = 64

# Features a dense tile may hold before a layer without a wish of its own turns to density.
COMFORTABLE_FEATURES = 20_000
# Features a dense tile may hold whatever the layer wishes.
MOST_FEATURES = 50_000
# How much fuller a dense tile of a city is than the mean over the layer's box. Of 244 z14 tiles over the box of Tokyo's
# 1.28 million buildings, one exceeds 20,000 and is 4.0 times the mean.
_CROWDING = 3.5
_DEEPEST = 22

DENSITY_SCHEMA = Schema(
    GeometryType.POLYGON,
    (Property(COUNT, PropertyType.INTEGER, title=LocalText(zh="要素数量", en="Number of features")),),
)


def density_zoom(feature_count: int, bounds: Bounds | None, wished: int | None) -> int:
    """Web Mercator level below which a layer is shown as a density grid; 0 for never.

    Args:
        feature_count: Features of the layer.
        bounds: Their box.
        wished: The level the layer asks for, or None. It is kept unless a dense tile would then hold more than
            `MOST_FEATURES`; nothing is ever cut to meet a wish.
    """
    if wished is None:
        return _first_zoom(feature_count, bounds, COMFORTABLE_FEATURES)
    return max(wished, _first_zoom(feature_count, bounds, MOST_FEATURES))


def _first_zoom(feature_count: int, bounds: Bounds | None, most: int) -> int:
    if bounds is None or feature_count <= most:
        return 0
    width_deg, height_deg = bounds.east - bounds.west, bounds.north - bounds.south
    middle = math.radians(min(85.0, abs(bounds.south + bounds.north) / 2.0))
    for z in range(_DEEPEST):
        side_deg = 360.0 / (1 << z)
        tiles = max(1.0, width_deg / side_deg) * max(1.0, height_deg / (side_deg * math.cos(middle)))
        if _CROWDING * feature_count / tiles <= most:
            return z
    return _DEEPEST


def cell_size_deg(tile: Tile, grid: Grid) -> float:
    """Side of a density cell in degrees: a 64th of the tile's width, so that columns end with the tile."""
    return 360.0 / (grid.columns << tile.z) / CELLS_PER_SIDE


def density_batch(counts: list[GridCount], tile: Tile, grid: Grid) -> FeatureBatch:
    """The cells that meet a tile, as polygons.

    Cells are squares in degrees on one world-wide grid for each level. In Web Mercator a row of cells may lie across
    the edge of two tiles; both then hold it, with the same id and the same count, as any feature on an edge.
    """
    cell = cell_size_deg(tile, grid)
    met = _cells_of(counts, tile, grid)
    at = np.array(list(met), dtype=np.int64).reshape(-1, 2)
    west, south = at[:, 0] * cell - 180.0, at[:, 1] * cell - 90.0
    squares = shapely.box(west, south, west + cell, south + cell)
    fids = at[:, 1] * _columns_of_world(tile, grid) + at[:, 0]
    return FeatureBatch(
        schema=DENSITY_SCHEMA,
        fids=fids,
        ids=[str(fid) for fid in fids.tolist()],
        wkb=list(shapely.to_wkb(squares)),
        columns={COUNT: list(met.values())},
    )


def _cells_of(counts: list[GridCount], tile: Tile, grid: Grid) -> dict[tuple[int, int], int]:
    """Counts by column and row of the cells that meet the tile; what lies on 180°E or 90°N counts with the last cell."""
    cell = cell_size_deg(tile, grid)
    box = grid.lonlat_bounds(tile)
    last_column = _columns_of_world(tile, grid) - 1
    last_row = round(180.0 / cell) - 1
    met: dict[tuple[int, int], int] = {}
    for counted in counts:
        column, row = min(counted.column, last_column), min(counted.row, last_row)
        if column // CELLS_PER_SIDE == tile.x and row * cell - 90.0 < box.north and (row + 1) * cell - 90.0 > box.south:
            met[column, row] = met.get((column, row), 0) + counted.count
    return met


def _columns_of_world(tile: Tile, grid: Grid) -> int:
    return (grid.columns << tile.z) * CELLS_PER_SIDE


def inner_bounds(tile: Tile, grid: Grid) -> Bounds:
    """The tile's box drawn in by a hair, so that cells which only touch its edge are not asked for.

    The edge of the world stays: what lies on it belongs to the last cell.
    """
    box = grid.lonlat_bounds(tile)
    hair = cell_size_deg(tile, grid) * 1e-6
    return Bounds(
        west=box.west + hair,
        south=box.south + hair,
        east=box.east if box.east == 180.0 else box.east - hair,
        north=box.north if box.north == 90.0 else box.north - hair,
    )
