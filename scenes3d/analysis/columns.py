"""A point cloud as something that hides what is behind it: upright columns over the cells of a raster, as high as the cloud is there.

A cell stands as high as its second highest point, so that one stray point is no wall. Trees are as solid as houses.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from scenes3d.analysis.blocks import HeightAt
from scenes3d.analysis.ground import lattice
from scenes3d.analysis.surfaces import GROUND_M, Box, Owner, Surfaces
from scenes3d.rays.port import Floats, Triangles
from twin.ellipsoid import geodetic
from twin.errors import TooLargeError
from twin.local_frame import LocalFrame

# Neighbours that differ by less are one roof.
_LEVEL_M = 1e-3
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1))


def columns_of(
    scene: str, clouds: Iterable[Floats], frame: LocalFrame, box: Box, height_at: HeightAt, cell_m: float, most: int
) -> Surfaces:
    """The columns of a cloud that stand above the ground in a box.

    Args:
        clouds: Points, Earth-centred (n, 3), heights in the scene's datum as if they were ellipsoidal.
        cell_m: Side of a column.
        most: Points above the ground, and triangles, that are taken at most.

    Raises:
        TooLargeError: if there are more.
    """
    west, south, rows, columns = lattice(*box, cell_m)
    cells, tops, taken = [np.zeros(0, dtype=np.int64)], [np.zeros(0)], 0
    for cloud in clouds:
        lon, lat, height = geodetic(cloud)
        east, north = frame.to_local(lon, lat)
        column = np.rint((east - west) / cell_m).astype(np.int64)
        row = np.rint((north - south) / cell_m).astype(np.int64)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        # Unknown ground hides nothing that could be measured against it.
        inside[inside] &= ~(height[inside] - height_at(east[inside], north[inside]) < GROUND_M)
        cells.append(row[inside] * columns + column[inside])
        tops.append(height[inside])
        taken += int(inside.sum())
        if taken > most:
            raise _too_many("points above the ground", most)
    top = _second_highest(np.concatenate(cells), np.concatenate(tops), rows * columns).reshape(rows, columns)
    quads = _quads(top, west, south, cell_m, height_at)
    if 2 * len(quads) > most:
        raise _too_many("triangles", most)
    first = 4 * np.arange(len(quads), dtype=np.int32)[:, None]
    faces = np.concatenate([first + np.array([[0, 1, 2]]), first + np.array([[0, 2, 3]])]).astype(np.int32)
    return Surfaces(Triangles(quads.reshape(-1, 3), faces), np.zeros(len(faces), dtype=np.int32), [Owner(scene)])


def _second_highest(cells: npt.NDArray[np.int64], tops: Floats, count: int) -> Floats:
    """The second highest value of each cell, NaN for cells with fewer than two."""
    order = np.lexsort((tops, cells))
    cells, tops = cells[order], tops[order]
    found = np.full(count, np.nan)
    if len(cells) > 1:
        last = np.flatnonzero(np.append(cells[1:] != cells[:-1], True))
        last = last[last > 0]
        pair = last[cells[last - 1] == cells[last]]
        found[cells[pair]] = tops[pair - 1]
    return found


def _quads(top: Floats, west: float, south: float, cell_m: float, height_at: HeightAt) -> Floats:
    """Roofs of the columns, and their walls where the neighbour is lower, (n, 4, 3)."""
    rows, columns = np.nonzero(np.isfinite(top))
    east = np.asarray(west + columns * cell_m, dtype=np.float64)
    north = np.asarray(south + rows * cell_m, dtype=np.float64)
    height, half = top[rows, columns], cell_m / 2
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    roofs = np.empty((len(rows), 4, 3))
    roofs[:, :, 0], roofs[:, :, 1] = east[:, None] + corners[:, 0], north[:, None] + corners[:, 1]
    roofs[:, :, 2] = height[:, None]
    ground = height_at(east, north)
    padded = np.pad(top, 1, constant_values=np.nan)
    parts = [roofs]
    for right, up in _SIDES:
        beside = padded[rows + 1 + up, columns + 1 + right]
        # Where nothing stands beside, and nobody knows the ground, a wall of a column's height is the least that can be said.
        foot = np.where(np.isfinite(beside), beside, np.where(np.isfinite(ground), ground, height - GROUND_M))
        lower = foot < height - _LEVEL_M
        middle_x, middle_y = east[lower] + right * half, north[lower] + up * half
        wall = np.empty((int(lower.sum()), 4, 3))
        for corner, (side, level) in enumerate(((-1, 0), (1, 0), (1, 1), (-1, 1))):
            wall[:, corner, 0], wall[:, corner, 1] = (
                middle_x + side * half * abs(up),
                middle_y + side * half * abs(right),
            )
            wall[:, corner, 2] = height[lower] if level else foot[lower]
        parts.append(wall)
    return np.concatenate(parts)


def _too_many(what: str, most: int) -> TooLargeError:
    return TooLargeError(
        f"The cloud has too many {what} here. 点云过大。",
        value=f"more than {most:,}",
        limit=f"{most:,}",
        remedy="Ask for a smaller area, leave the cloud out, or have ONEMAP_ANALYSIS_TRIANGLES_MAX raised.",
    )
