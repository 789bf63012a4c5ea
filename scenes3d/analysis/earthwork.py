"""Volumes between two surfaces: cut and fill against a design, and what lies on a stockpile's base."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from scenes3d.analysis.ground import Ground, lattice
from scenes3d.rays.port import Bools, Floats
from twin.errors import BadAnalysisError


@dataclass(frozen=True, slots=True)
class Volumes:
    """What lies between two surfaces over an area.

    Attributes:
        above_m3: Of the first surface above the second: cut, or the stockpile itself.
        below_m3: Of the first surface below the second: fill.
        area_m2: Over which both are known; unknown_m2: over which one is not, and about which nothing is said.
        cells: How many cells were counted.
    """

    above_m3: float
    below_m3: float
    area_m2: float
    unknown_m2: float
    cells: int

    @property
    def net_m3(self) -> float:
        return self.above_m3 - self.below_m3

    def error_m3(self, height_error_m: float) -> float:
        """Standard error of the net volume if each cell's height is off by chance, and all of them by a tenth of that together."""
        cell = self.area_m2 / max(self.cells, 1)
        return float(np.hypot(height_error_m * cell * np.sqrt(self.cells), 0.1 * height_error_m * self.area_m2))


def volumes_between(first: Floats, second: npt.ArrayLike, within: Bools, cell_m: float) -> Volumes:
    """Volumes between two surfaces given at the middle of the cells of one raster.

    Args:
        first, second: (rows, columns) metres, NaN where unknown; `second` may be one number.
        within: Cells of the area.
    """
    difference = (first - np.asarray(second))[within]
    known = difference[np.isfinite(difference)]
    cell = cell_m**2
    return Volumes(
        above_m3=float(known[known > 0].sum() * cell),
        below_m3=float(-known[known < 0].sum() * cell),
        area_m2=float(len(known) * cell),
        unknown_m2=float((len(difference) - len(known)) * cell),
        cells=len(known),
    )


def cells_within(ground: Ground, area: shapely.Geometry) -> Bools:
    """Which nodes of a lattice lie in an area; each stands for the square cell round it."""
    shapely.prepare(area)
    return np.asarray(shapely.contains_xy(area, *ground.nodes()))


def plane_through(points: Floats) -> tuple[float, float, float]:
    """The plane z = a + b·x + c·y that fits points, (n, 3), best.

    Raises:
        BadAnalysisError: if fewer than three, or all on a line.
    """
    matrix = (
        np.column_stack([np.ones(len(points)), points[:, :2] - points[:, :2].mean(axis=0)]) if len(points) else points
    )
    if len(points) < 3 or np.linalg.matrix_rank(matrix) < 3:
        raise BadAnalysisError(
            "No plane fits the rim of the stockpile. 料堆边缘无法拟合平面。",
            value=f"{len(points)} points",
            limit="three points or more, not on one line",
            remedy="Draw the area wider, or give the height of the base.",
        )
    (a, b, c), *_ = np.linalg.lstsq(matrix, points[:, 2], rcond=None)
    middle = points[:, :2].mean(axis=0)
    return float(a - b * middle[0] - c * middle[1]), float(b), float(c)


@dataclass(frozen=True, slots=True)
class Heap:
    """A cloud as a raster of its heights.

    Attributes:
        ground: The mean height of the points in each cell, NaN in cells without points.
        points: How many there were in the area; used: after those that are no numbers were left out.
    """

    ground: Ground
    points: int
    used: int


def rastered(points: Floats, area: shapely.Geometry, cell_m: float) -> Heap:
    """The mean height of the points, (n, 3), in each cell over an area."""
    left, bottom, right, top = area.bounds
    west, south, rows, columns = lattice(left, bottom, right, top, cell_m)
    good = points[np.isfinite(points).all(axis=1)]
    column = np.rint((good[:, 0] - west) / cell_m).astype(np.int64)
    row = np.rint((good[:, 1] - south) / cell_m).astype(np.int64)
    inside = (column >= 0) & (row >= 0) & (column < columns) & (row < rows)
    cells = row[inside] * columns + column[inside]
    count = np.bincount(cells, minlength=rows * columns)
    total = np.bincount(cells, weights=good[inside, 2], minlength=rows * columns)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / count, np.nan).reshape(rows, columns)
    return Heap(Ground(mean, west, south, cell_m), len(points), int(inside.sum()))


def stockpile(
    points: Floats, area: shapely.Geometry, cell_m: float, base_m: float | None = None
) -> tuple[Volumes, Heap]:
    """The volume of what lies in an area on its base.

    Args:
        points: (n, 3) metres of a local frame.
        base_m: Height of a level base; None for the plane through the points along the rim of the area, a cell wide on both sides.

    Raises:
        BadAnalysisError: if there are no points to make a base of.
    """
    heap = rastered(points, area, cell_m)
    east, north = heap.ground.nodes()
    if base_m is None:
        good = points[np.isfinite(points).all(axis=1)]
        a, b, c = plane_through(good[shapely.dwithin(area.boundary, shapely.points(good[:, :2]), cell_m)])
        base: npt.ArrayLike = a + b * east + c * north
    else:
        base = base_m
    return volumes_between(heap.ground.heights, base, cells_within(heap.ground, area), cell_m), heap
