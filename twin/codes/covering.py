"""Which cells of a grid an area, a line or a set of points lies in.

* An area has the cells whose inside it shares: a parcel that ends exactly at a sheet's edge is not on the next sheet.
* A line has the cells it touches: a road along the edge of two sheets is on both.
* A point has the one cell that its code names.

Blocks of cells are tried against the geometry and quartered while they lie across its boundary, so that a large area costs its
boundary and not its surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from twin.codes.angles import Floats, Whole, degrees_of, edge_units
from twin.codes.lonlat_grid import LonLatGrid
from twin.errors import BadGeometryError, OutsideCodeSystemError, TooManyCodesError

_COLLECTIONS = (shapely.GeometryType.MULTIPOINT, shapely.GeometryType.GEOMETRYCOLLECTION)
# A boundary of this many vertices takes about a second; areas beside each other in a collection are looked at one by one.
MAX_VERTICES = 100_000
MAX_AREAS = 100


@dataclass(frozen=True, slots=True)
class Limit:
    """How many cells an answer may have, and what to tell who asked for more."""

    cells: int
    remedy: str = "Choose larger cells or a smaller area, or raise the limit."


def covering_cells(geometry: shapely.Geometry, grid: LonLatGrid, limit: Limit) -> tuple[Whole, Whole]:
    """Columns and rows (n,) of the cells that `geometry` lies in, from north to south and west to east.

    Args:
        geometry: CGCS2000 lon/lat, of any type; what crosses the antimeridian is cut there, as in GeoJSON.
        grid: The cells.
        limit: How many there may be.

    Raises:
        BadGeometryError: if it is empty, not valid, or has more than `MAX_VERTICES` or `MAX_AREAS`.
        OutsideCodeSystemError: if part of it lies where the grid has no cells.
        TooManyCodesError: if more cells than `limit` are met.
    """
    _check(geometry, grid)
    parts = _simple_parts(geometry)
    dimensions = shapely.get_dimensions(parts)
    found = [_of_points(parts[dimensions == 0], grid)]
    if (dimensions == 1).any():
        # Side by side as they are: a union would cut lines wherever they cross, and a line may cross itself a million times.
        lines = shapely.multilinestrings(shapely.get_parts(parts[dimensions == 1]))
        found.append(_of_shape(lines, grid, limit, area=False))
    found += [_of_shape(area, grid, limit, area=True) for area in parts[dimensions == 2]]
    cells = np.unique(np.concatenate(found), axis=0)
    if len(cells) > limit.cells:
        raise _too_many(len(cells), limit)
    order = np.lexsort((cells[:, 0], -cells[:, 1]))
    return cells[order, 0], cells[order, 1]


def _check(geometry: shapely.Geometry, grid: LonLatGrid) -> None:
    vertices = shapely.get_num_coordinates(geometry)
    if vertices > MAX_VERTICES:
        raise BadGeometryError(
            "The geometry has too many vertices for its cells to be found.",
            value=f"{vertices:,} vertices",
            limit=f"{MAX_VERTICES:,} vertices",
            remedy="Simplify it to half of a cell's width, or send it in parts.",
        )
    if geometry.is_empty or not shapely.is_valid(geometry):
        reason = "it is empty" if geometry.is_empty else shapely.is_valid_reason(geometry)
        raise BadGeometryError(
            f"No cells can be found for this geometry: {reason}.",
            value=geometry.geom_type,
            limit="a valid geometry that is not empty",
            remedy="Repair it first, for example with shapely.make_valid.",
        )
    west, south, east, north = geometry.bounds
    if not (west >= -180 and east <= 180 and south >= grid.south_deg and north <= grid.north_deg):
        raise OutsideCodeSystemError(
            f"{grid.name} does not cover the whole of this geometry.",
            value=f"longitude {west} to {east}, latitude {south} to {north}",
            limit=f"longitude -180 to 180, latitude {grid.south_deg} to {grid.north_deg}",
            remedy="Give longitude first, in degrees; cut off what lies beyond the limit.",
        )


def _simple_parts(geometry: shapely.Geometry) -> shapely.Geometry:
    """Points, lines and areas of a geometry, however deep they are nested, object (n,)."""
    parts = np.array([geometry], dtype=object)
    while np.isin(shapely.get_type_id(parts), _COLLECTIONS).any():
        parts = shapely.get_parts(parts)
    parts = parts[~shapely.is_empty(parts)]
    areas = int((shapely.get_dimensions(parts) == 2).sum())
    if areas > MAX_AREAS:
        raise BadGeometryError(
            "The collection has too many areas for its cells to be found.",
            value=f"{areas:,} areas",
            limit=f"{MAX_AREAS} areas",
            remedy="Send one MultiPolygon, or the areas in parts.",
        )
    return parts


def _of_points(points: shapely.Geometry, grid: LonLatGrid) -> Whole:
    lonlat = shapely.get_coordinates(points)
    return np.column_stack(grid.cells_of(lonlat[:, 0], lonlat[:, 1]))


def _of_shape(shape: shapely.Geometry, grid: LonLatGrid, limit: Limit, *, area: bool) -> Whole:
    """Cells (n, 2) of a line or an area: blocks (first column, last column, first row, last row) are tried and quartered."""
    shapely.prepare(shape)
    blocks = np.array([_blocks_of_box(shape.bounds, grid, area=area)], dtype=np.int64)
    found: list[Whole] = []
    count = 0
    while len(blocks):
        boxes = shapely.box(*_block_edges(blocks, grid).T)
        met = shapely.intersects(shape, boxes)
        if area:
            met &= ~shapely.touches(shape, boxes)
        blocks, boxes = blocks[met], boxes[met]
        whole = (blocks[:, 0] == blocks[:, 1]) & (blocks[:, 2] == blocks[:, 3])
        if area:
            whole |= shapely.covers(shape, boxes)
        done = blocks[whole]
        count += int(((done[:, 1] - done[:, 0] + 1) * (done[:, 3] - done[:, 2] + 1)).sum())
        blocks = blocks[~whole]
        # Each block that is left has at least one cell that is met.
        if count + len(blocks) > limit.cells:
            raise _too_many(count + len(blocks), limit)
        found += [_cells_of_block(*block) for block in done.tolist()]
        blocks = _quartered(blocks)
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)


def _blocks_of_box(
    box: tuple[float, float, float, float], grid: LonLatGrid, *, area: bool
) -> tuple[int, int, int, int]:
    """First and last column, first and last row of the cells that a box lies in, touching neighbours included for a line."""
    west, south, east, north = box
    first_column, last_column = _span(west, east, grid.width, closed=not area)
    first_row, last_row = _span(south, north, grid.height, closed=not area)
    left, right = grid.column_range
    low, high = grid.row_range
    return max(first_column, left), min(last_column, right - 1), max(first_row, low), min(last_row, high - 1)


def _span(low_deg: float, high_deg: float, size: int, *, closed: bool) -> tuple[int, int]:
    (low, low_exact), (high, high_exact) = edge_units(low_deg), edge_units(high_deg)
    on_low_edge, on_high_edge = low_exact and low % size == 0, high_exact and high % size == 0
    return low // size - (1 if closed and on_low_edge else 0), high // size - (1 if not closed and on_high_edge else 0)


def _block_edges(blocks: Whole, grid: LonLatGrid) -> Floats:
    return np.column_stack([
        degrees_of(blocks[:, 0] * grid.width),
        degrees_of(blocks[:, 2] * grid.height),
        degrees_of((blocks[:, 1] + 1) * grid.width),
        degrees_of((blocks[:, 3] + 1) * grid.height),
    ])  # fmt: skip


def _quartered(blocks: Whole) -> Whole:
    left, right, low, high = blocks.T
    middle_x, middle_y = (left + right) // 2, (low + high) // 2
    quarters = np.concatenate([
        np.column_stack([left, middle_x, low, middle_y]),
        np.column_stack([middle_x + 1, right, low, middle_y]),
        np.column_stack([left, middle_x, middle_y + 1, high]),
        np.column_stack([middle_x + 1, right, middle_y + 1, high]),
    ])  # fmt: skip
    return quarters[(quarters[:, 0] <= quarters[:, 1]) & (quarters[:, 2] <= quarters[:, 3])]


def _cells_of_block(left: int, right: int, low: int, high: int) -> Whole:
    columns, rows = np.meshgrid(np.arange(left, right + 1), np.arange(low, high + 1))
    return np.column_stack([columns.ravel(), rows.ravel()])


def _too_many(count: int, limit: Limit) -> TooManyCodesError:
    return TooManyCodesError(
        "The area has too many cells of this size.",
        value=f"at least {count}",
        limit=f"{limit.cells} cells",
        remedy=limit.remedy,
    )
