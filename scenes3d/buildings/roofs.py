"""Flat roofs: polygons with holes cut into triangles."""

from __future__ import annotations

import mapbox_earcut
import numpy as np

from scenes3d.buildings.cleaning import successors
from scenes3d.buildings.footprints import Footprints, Ints, offsets_of, runs
from twin.ellipsoid import metres_per_degree


def roof_triangles(buildings: Footprints) -> tuple[Ints, Ints]:
    """Triangles of all roofs as rows of `xy`, int64 (t, 3), counter-clockwise, and offsets of features into them, (n + 1,).

    Convex outlines without holes, most of any city, are cut as fans all at once; the others go one by one through earcut.
    """
    starts = buildings.rings[buildings.polygons[:-1]]
    lengths = buildings.rings[buildings.polygons[1:]] - starts
    origin = np.repeat(buildings.xy[starts], lengths, axis=0)
    scale = np.column_stack(metres_per_degree(buildings.xy[starts, 1]))
    local = np.ascontiguousarray((buildings.xy - origin) * np.repeat(scale, lengths, axis=0))
    fans = (np.diff(buildings.polygons) == 1) & _convex(local, buildings)
    odd = np.flatnonzero(~fans)
    counts = lengths - 2
    cut = []
    for polygon in odd.tolist():
        start = starts[polygon]
        first, last = buildings.polygons[polygon], buildings.polygons[polygon + 1]
        ends = (buildings.rings[first + 1 : last + 1] - start).astype(np.uint32)
        found = mapbox_earcut.triangulate_float64(local[start : start + lengths[polygon]], ends)
        counts[polygon] = len(found) // 3
        cut.append(found.astype(np.int64) + start)
    offsets = offsets_of(counts)
    triangles = np.empty((int(offsets[-1]), 3), dtype=np.int64)
    even = np.flatnonzero(fans)
    places = runs(offsets[even], counts[even])
    step = places - np.repeat(offsets[even], counts[even])
    corner = np.repeat(starts[even], counts[even])
    triangles[places] = np.column_stack([corner, corner + step + 1, corner + step + 2])
    if cut:
        triangles[runs(offsets[odd], counts[odd])] = np.concatenate(cut).reshape(-1, 3)
    return triangles, offsets[buildings.features]


def _convex(
    local: np.ndarray[tuple[int, ...], np.dtype[np.float64]], buildings: Footprints
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Whether the outer ring of each polygon turns left all the way, and only once round."""
    after = successors(buildings.rings)
    edge = local[after] - local
    turn = edge[:, 0] * edge[after, 1] - edge[:, 1] * edge[after, 0]
    outer = buildings.polygons[:-1]
    left = np.minimum.reduceat(turn, buildings.rings[:-1])[outer] >= 0
    # A pentagram turns left as well; of a valid ring the signs of its edges change twice along each axis.
    rightward = edge[:, 0] > 0
    changes = np.add.reduceat((rightward != rightward[after]).astype(np.int64), buildings.rings[:-1])[outer]
    return np.asarray(left & (changes <= 2))
