"""How far two shapes lie apart at most, also when each has a hundred thousand vertices."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

# Vertices of one times vertices of the other: above that, an index over the segments is faster than every pair.
_PAIRS = 1_000_000
_LINES = (1, 2)
_POINT, _POLYGON = 0, 3

Geometries = npt.NDArray[np.object_]


def farthest_apart(a: shapely.Geometry, b: shapely.Geometry) -> float:
    """The discrete Hausdorff distance: the farthest that any vertex of either shape lies from the other's vertices and segments.

    Args:
        a, b: Not empty, in one projected system.

    Returns:
        Unit of their system; the same number whichever way it is computed.
    """
    if int(shapely.get_num_coordinates(a)) * int(shapely.get_num_coordinates(b)) <= _PAIRS:
        return float(shapely.hausdorff_distance(a, b))
    return max(_farthest_from(a, b), _farthest_from(b, a))


def _farthest_from(shape: shapely.Geometry, other: shapely.Geometry) -> float:
    """The farthest that a vertex of `shape` lies from `other`."""
    vertices = shapely.points(np.unique(shapely.get_coordinates(shape), axis=0))
    _, distances = shapely.STRtree(_segments(other)).query_nearest(vertices, return_distance=True, all_matches=False)
    return float(distances.max())


def _segments(shape: shapely.Geometry) -> Geometries:
    """Every point, and every segment of a line or ring."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    kinds = shapely.get_type_id(parts)
    lines = np.concatenate([parts[np.isin(kinds, _LINES)], shapely.get_rings(parts[kinds == _POLYGON])])
    corners, line = shapely.get_coordinates(lines, return_index=True)
    pairs = (
        np.stack([corners[:-1], corners[1:]], axis=1)[line[:-1] == line[1:]] if len(corners) else np.empty((0, 2, 2))
    )
    return np.concatenate([parts[kinds == _POINT], shapely.linestrings(pairs)])
