"""Rays by our own compiled kernels, for machines without Embree.

Source: T. Möller and B. Trumbore, JGT 1997 (ray and triangle).
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

from scenes3d.rays.batches import Engine, Floats32
from scenes3d.rays.port import NOTHING, START_M, Bools, Indices, Triangles
from scenes3d.rays.tree import DEEPEST, LEAF, boxes_over, median_order

# Rays along a shared edge must not slip through between two triangles.
_EDGE = np.float32(1e-6)


class KernelEngine:
    """The tree of boxes; it is only read after it is made."""

    name = "numba"

    def __init__(self, triangles: Triangles) -> None:
        corners = (triangles.vertices - triangles.middle).astype(np.float32)[triangles.faces]
        order = median_order(corners.mean(axis=1)) if len(corners) else np.zeros(0, dtype=np.int64)
        self._order = order.astype(np.int32)
        self._corners = np.ascontiguousarray(corners[order].reshape(-1, 9))
        self._boxes = boxes_over(corners[order])

    def any_hit(self, origins: Floats32, directions: Floats32, reach: Floats32) -> Bools:
        distance = np.empty(len(origins), dtype=np.float32)
        triangle = np.empty(len(origins), dtype=np.int32)
        _walk(origins, directions, reach, self._boxes, self._corners, self._order, True, distance, triangle)
        return np.asarray(triangle != NOTHING)

    def first(self, origins: Floats32, directions: Floats32, reach: Floats32) -> tuple[Floats32, Indices]:
        distance = np.empty(len(origins), dtype=np.float32)
        triangle = np.empty(len(origins), dtype=np.int32)
        _walk(origins, directions, reach, self._boxes, self._corners, self._order, False, distance, triangle)
        return distance, triangle


def make(triangles: Triangles) -> Engine:
    return KernelEngine(triangles)


@njit(cache=True, nogil=True)
def _enters(boxes, node, ox, oy, oz, ix, iy, iz, end):  # pragma: no cover - compiled
    """Where a ray enters the box of a node; infinite where it does not before `end`."""
    near, far = np.float32(0.0), end
    a, b = (boxes[node, 0] - ox) * ix, (boxes[node, 3] - ox) * ix
    near, far = max(near, min(a, b)), min(far, max(a, b))
    a, b = (boxes[node, 1] - oy) * iy, (boxes[node, 4] - oy) * iy
    near, far = max(near, min(a, b)), min(far, max(a, b))
    a, b = (boxes[node, 2] - oz) * iz, (boxes[node, 5] - oz) * iz
    near, far = max(near, min(a, b)), min(far, max(a, b))
    return near if near <= far else np.float32(np.inf)


@njit(cache=True, nogil=True)
def _meets(t, i, ox, oy, oz, dx, dy, dz):  # pragma: no cover - compiled
    """Distance along a ray to triangle i; infinite where it does not meet it."""
    ax, ay, az = t[i, 3] - t[i, 0], t[i, 4] - t[i, 1], t[i, 5] - t[i, 2]
    bx, by, bz = t[i, 6] - t[i, 0], t[i, 7] - t[i, 1], t[i, 8] - t[i, 2]
    px, py, pz = dy * bz - dz * by, dz * bx - dx * bz, dx * by - dy * bx
    det = ax * px + ay * py + az * pz
    if det == 0.0:
        return np.float32(np.inf)
    sx, sy, sz = ox - t[i, 0], oy - t[i, 1], oz - t[i, 2]
    u = (sx * px + sy * py + sz * pz) / det
    if u < -_EDGE or u > 1 + _EDGE:
        return np.float32(np.inf)
    qx, qy, qz = sy * az - sz * ay, sz * ax - sx * az, sx * ay - sy * ax
    v = (dx * qx + dy * qy + dz * qz) / det
    if v < -_EDGE or u + v > 1 + _EDGE:
        return np.float32(np.inf)
    return np.float32((bx * qx + by * qy + bz * qz) / det)


@njit(cache=True, nogil=True)
def _walk(
    origins, directions, reach, boxes, corners, order, any_hit, distance, triangle
):  # pragma: no cover - compiled
    first_leaf = boxes.shape[0] // 2
    stack = np.empty(DEEPEST, dtype=np.int64)
    tiny = np.float32(1e-20)
    for ray in range(origins.shape[0]):
        ox, oy, oz = origins[ray, 0], origins[ray, 1], origins[ray, 2]
        dx, dy, dz = directions[ray, 0], directions[ray, 1], directions[ray, 2]
        ix = np.float32(1.0) / (dx if abs(dx) > tiny else tiny)
        iy = np.float32(1.0) / (dy if abs(dy) > tiny else tiny)
        iz = np.float32(1.0) / (dz if abs(dz) > tiny else tiny)
        best, found = reach[ray], -1
        waiting = 1
        stack[0] = 0
        while waiting > 0:
            waiting -= 1
            node = stack[waiting]
            if node < first_leaf:
                left = _enters(boxes, 2 * node + 1, ox, oy, oz, ix, iy, iz, best)
                right = _enters(boxes, 2 * node + 2, ox, oy, oz, ix, iy, iz, best)
                nearer, farther = (2 * node + 1, 2 * node + 2) if left <= right else (2 * node + 2, 2 * node + 1)
                if max(left, right) < np.inf:
                    stack[waiting] = farther
                    waiting += 1
                if min(left, right) < np.inf:
                    stack[waiting] = nearer
                    waiting += 1
                continue
            start = (node - first_leaf) * LEAF
            for i in range(start, min(start + LEAF, corners.shape[0])):
                t = _meets(corners, i, ox, oy, oz, dx, dy, dz)
                if START_M <= t < best:
                    best, found = t, order[i]
            if any_hit and found >= 0:
                break
        triangle[ray] = found
        distance[ray] = best if found >= 0 else np.inf
