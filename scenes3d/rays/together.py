"""Several bags of triangles asked as one: what stays is opened once, what is tried out is opened beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scenes3d.rays.port import NOTHING, Bools, Floats, Hits, Rays


class Together:
    """`scenes3d.rays.port.Rays` over others. Triangles are counted on from bag to bag.

    Args:
        parts: The bags, and how many triangles each holds.
    """

    def __init__(self, parts: Sequence[tuple[Rays, int]]) -> None:
        self._parts = [(rays, count) for rays, count in parts if count] or list(parts[:1])

    @property
    def engine(self) -> str:
        return self._parts[0][0].engine

    def occluded(self, origins: Floats, directions: Floats, reach_m: Floats) -> Bools:
        found = np.zeros(len(origins), dtype=np.bool_)
        for rays, _ in self._parts:
            rest = np.flatnonzero(~found)
            found[rest] = rays.occluded(origins[rest], directions[rest], reach_m[rest])
        return found

    def first_hit(self, origins: Floats, directions: Floats, reach_m: Floats) -> Hits:
        distance = np.full(len(origins), np.inf)
        triangle = np.full(len(origins), NOTHING, dtype=np.int32)
        before = 0
        for rays, count in self._parts:
            hits = rays.first_hit(origins, directions, reach_m)
            nearer = hits.distance_m < distance
            distance[nearer] = hits.distance_m[nearer]
            triangle[nearer] = hits.triangle[nearer] + before
            before += count
        return Hits(distance, triangle)
