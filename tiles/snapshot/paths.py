"""Geometries as paths of vertices, and the arithmetic of ragged arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from tiles.snapshot.layout import HOLE, SHELL

Ints = npt.NDArray[np.int64]
Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Paths:
    """Paths of n geometries of one dimension.

    Attributes:
        feature_paths: int64 (n + 1,) where the paths of each geometry begin.
        path_vertices: int64 (m + 1,) where the vertices of each path begin.
        roles: uint8 (m,) `SHELL` or `HOLE`.
        coordinates: float64 (k, 2); rings without their closing vertex.
    """

    feature_paths: Ints
    path_vertices: Ints
    roles: npt.NDArray[np.uint8]
    coordinates: npt.NDArray[np.float64]


def paths_of(geometries: Geometries) -> Paths:
    """The paths of geometries that are all points, all lines or all polygons (or their multi forms)."""
    if len(geometries) == 0:
        empty = np.zeros(1, dtype=np.int64)
        return Paths(empty, empty, np.empty(0, dtype=np.uint8), np.empty((0, 2)))
    dimension = int(shapely.get_dimensions(geometries[0]))
    if dimension == 0:
        coordinates, feature = shapely.get_coordinates(geometries, return_index=True)
        count = len(geometries)
        return Paths(
            np.arange(count + 1, dtype=np.int64),
            starts_of(np.bincount(feature, minlength=count)),
            np.full(count, SHELL, dtype=np.uint8),
            coordinates,
        )
    parts, feature = shapely.get_parts(geometries, return_index=True)
    roles = np.full(len(parts), SHELL, dtype=np.uint8)
    if dimension == 2:
        parts, part = shapely.get_rings(parts, return_index=True)
        feature = feature[part]
        roles = np.where(np.append(True, part[1:] != part[:-1]), SHELL, HOLE).astype(np.uint8)
    coordinates, path = shapely.get_coordinates(parts, return_index=True)
    if dimension == 2:
        closing = np.append(path[1:] != path[:-1], True)
        coordinates, path = coordinates[~closing], path[~closing]
    return Paths(
        starts_of(np.bincount(feature, minlength=len(geometries))),
        starts_of(np.bincount(path, minlength=len(parts))),
        roles,
        coordinates,
    )


def starts_of(sizes: npt.NDArray[np.integer]) -> Ints:
    """Where each run begins, and the end of the last: int64 (n + 1,)."""
    starts = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts


def ranges(starts: Ints, chosen: Ints) -> tuple[Ints, Ints]:
    """Numbers of all members of the chosen runs, one run after the other, and the size of each of them."""
    sizes = starts[chosen + 1] - starts[chosen]
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    members = np.arange(total, dtype=np.int64) + np.repeat(starts[chosen] - (ends - sizes), sizes)
    return members, sizes
