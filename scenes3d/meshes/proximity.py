"""The nearest place on a surface, and how far one surface is from another, over a tree of boxes.

Distances are those of single precision around the middle of a tile: 0.1 mm at a kilometre.
Source: C. Ericson, Real-Time Collision Detection, section 5.1.5 (nearest point of a triangle); M. Tang, M. Lee, Y. J. Kim, "Interactive
Hausdorff distance computation for general polygonal models", 2009 (triangles halved until none can hold a farther point).
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from scenes3d.rays.batches import Floats32
from scenes3d.rays.tree import DEEPEST, LEAF, boxes_over, median_order
from twin.ellipsoid import Floats

Ints32 = npt.NDArray[np.int32]
# What faces away counts as three times as far, squared: the other side of a wall is not where its picture comes from.
_AWAY = np.float32(9.0)
_SLACK = 0.05
LEAST_M = 2.0**-10
_PIECES = 512


@dataclass(frozen=True, slots=True)
class Nearest:
    """Where queries found the surface.

    Attributes:
        triangle: int32 (n,).
        shares: float32 (n, 2), weights of the triangle's second and third corner.
        distance_m: float32 (n,).
    """

    triangle: Ints32
    shares: Floats32
    distance_m: Floats32


class Surface:
    """Triangles that can be asked for their nearest places. Only read after it is made.

    Attributes:
        corners: float32 (t, 3, 3), metres around the middle of a tile; at least one.
    """

    def __init__(self, corners: Floats) -> None:
        self.corners = np.ascontiguousarray(corners, dtype=np.float32)
        self._order = median_order(self.corners.mean(axis=1)).astype(np.int32)
        sorted_corners = self.corners[self._order]
        self._boxes = boxes_over(sorted_corners)
        self._flat = np.ascontiguousarray(sorted_corners.reshape(-1, 9))

    def nearest(self, points: Floats32, normals: Floats32 | None = None) -> Nearest:
        """Nearest places to points (n, 3); with their normals (n, 3), what faces the same way is preferred."""
        count = len(points)
        triangle = np.empty(count, dtype=np.int32)
        shares, distance = np.empty((count, 2), dtype=np.float32), np.empty(count, dtype=np.float32)
        facing = np.zeros((0, 3), dtype=np.float32) if normals is None else normals.astype(np.float32)
        _nearest(points.astype(np.float32), facing, self._boxes, self._flat, triangle, shares, distance)
        return Nearest(self._order[triangle], shares, distance)

    def farthest(self, other: Surface, tolerance_m: float = LEAST_M) -> float:
        """A bound on how far any place of `other` is from this surface: never too low, 5 % and the tolerance too high at most."""
        return _bound(self.reached(other, 0.0, tolerance_m), tolerance_m)

    def reached(self, other: Surface, known_m: float, tolerance_m: float) -> float:
        """A distance that a place of `other` has from this surface, or `known_m`: `farthest` before it is made a bound."""
        flat = other.corners.reshape(-1, 9)
        return float(_farthest(flat, self._boxes, self._flat, known_m, _SLACK, max(tolerance_m, LEAST_M)))


def hausdorff(one: Surface, other: Surface, tolerance_m: float = LEAST_M) -> float:
    """A bound on the distance of two surfaces, metres: no place of either is farther from the other.

    Args:
        tolerance_m: How much too high the bound may be, beside 5 %; half of it takes about four times as long.
    """
    there = one.reached(other, 0.0, tolerance_m)
    return _bound(other.reached(one, there, tolerance_m), tolerance_m)


def _bound(reached_m: float, tolerance_m: float) -> float:
    return reached_m * (1 + _SLACK) + max(tolerance_m, LEAST_M)


@njit(cache=True, nogil=True)
def _to_box(boxes, node, x, y, z):  # pragma: no cover - compiled
    dx = max(boxes[node, 0] - x, x - boxes[node, 3], np.float32(0))
    dy = max(boxes[node, 1] - y, y - boxes[node, 4], np.float32(0))
    dz = max(boxes[node, 2] - z, z - boxes[node, 5], np.float32(0))
    return dx * dx + dy * dy + dz * dz


@njit(cache=True, nogil=True)
def _to_triangle(t, i, x, y, z):  # pragma: no cover - compiled
    """Square of the distance to triangle i, and the weights of its second and third corner at the nearest place."""
    ax, ay, az = t[i, 3] - t[i, 0], t[i, 4] - t[i, 1], t[i, 5] - t[i, 2]
    bx, by, bz = t[i, 6] - t[i, 0], t[i, 7] - t[i, 1], t[i, 8] - t[i, 2]
    px, py, pz = x - t[i, 0], y - t[i, 1], z - t[i, 2]
    d1, d2 = ax * px + ay * py + az * pz, bx * px + by * py + bz * pz
    aa, ab, bb = ax * ax + ay * ay + az * az, ax * bx + ay * by + az * bz, bx * bx + by * by + bz * bz
    d3, d4, d5, d6 = d1 - aa, d2 - ab, d1 - ab, d2 - bb
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    zero, one = np.float32(0), np.float32(1)
    v, w = zero, zero
    if d1 <= zero and d2 <= zero:
        pass
    elif d3 >= zero and d4 <= d3:
        v = one
    elif d6 >= zero and d5 <= d6:
        w = one
    elif vc <= zero and d1 >= zero and d3 <= zero:
        v = d1 / (d1 - d3)
    elif vb <= zero and d2 >= zero and d6 <= zero:
        w = d2 / (d2 - d6)
    elif va <= zero and d4 - d3 >= zero and d5 - d6 >= zero:
        w = (d4 - d3) / ((d4 - d3) + (d5 - d6))
        v = one - w
    else:
        total = va + vb + vc
        if total != zero:
            v, w = vb / total, vc / total
    rx, ry, rz = px - v * ax - w * bx, py - v * ay - w * by, pz - v * az - w * bz
    return rx * rx + ry * ry + rz * rz, v, w


@njit(cache=True, nogil=True)
def _away(t, i, nx, ny, nz):  # pragma: no cover - compiled
    ax, ay, az = t[i, 3] - t[i, 0], t[i, 4] - t[i, 1], t[i, 5] - t[i, 2]
    bx, by, bz = t[i, 6] - t[i, 0], t[i, 7] - t[i, 1], t[i, 8] - t[i, 2]
    return nx * (ay * bz - az * by) + ny * (az * bx - ax * bz) + nz * (ax * by - ay * bx) < 0


@njit(cache=True, nogil=True)
def _ask(boxes, flat, x, y, z, facing, nx, ny, nz, first, stack, ends):  # pragma: no cover - compiled
    """The nearest triangle to a place: its number, weights and squared distance; `first` is a guess."""
    first_leaf = boxes.shape[0] // 2
    found = first
    best, v, w = _to_triangle(flat, first, x, y, z)
    if facing and _away(flat, first, nx, ny, nz):
        best *= _AWAY
    waiting = 1
    stack[0], ends[0] = 0, _to_box(boxes, 0, x, y, z)
    while waiting > 0:
        waiting -= 1
        node = stack[waiting]
        if ends[waiting] >= best:
            continue
        if node < first_leaf:
            left, right = _to_box(boxes, 2 * node + 1, x, y, z), _to_box(boxes, 2 * node + 2, x, y, z)
            near, far = 2 * node + 1, 2 * node + 2
            if right < left:
                near, far, left, right = far, near, right, left
            if right < best:
                stack[waiting], ends[waiting] = far, right
                waiting += 1
            if left < best:
                stack[waiting], ends[waiting] = near, left
                waiting += 1
            continue
        start = (node - first_leaf) * LEAF
        for i in range(start, min(start + LEAF, flat.shape[0])):
            square, sv, sw = _to_triangle(flat, i, x, y, z)
            if square < best:
                if facing and _away(flat, i, nx, ny, nz):
                    square *= _AWAY
                if square < best:
                    best, v, w, found = square, sv, sw, i
    return found, v, w, best


@njit(cache=True, nogil=True)
def _nearest(points, normals, boxes, flat, triangle, shares, distance):  # pragma: no cover - compiled
    stack, ends = np.empty(DEEPEST, dtype=np.int64), np.empty(DEEPEST, dtype=np.float32)
    facing = len(normals) > 0
    nx = ny = nz = np.float32(0)
    last = 0
    for i in range(len(points)):
        if facing:
            nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        last, v, w, _ = _ask(boxes, flat, x, y, z, facing, nx, ny, nz, last, stack, ends)
        square, _, _ = _to_triangle(flat, last, x, y, z)
        triangle[i], shares[i, 0], shares[i, 1], distance[i] = last, v, w, np.sqrt(square)


@njit(cache=True, nogil=True)
def _farthest(corners, boxes, flat, known, slack, least):  # pragma: no cover - compiled
    """The greatest distance that was met; none goes beyond it by more than the slack and `least`.

    A place is no farther than the middle of its triangle plus the way there, and no farther from one triangle of the other surface
    than the farthest corner is: the distance to a triangle is convex.
    """
    stack, ends = np.empty(DEEPEST, dtype=np.int64), np.empty(DEEPEST, dtype=np.float32)
    pieces = np.empty((_PIECES, 9), dtype=np.float32)
    best, last, zero = np.float32(known), 0, np.float32(0)
    half, third = np.float32(0.5), np.float32(1 / 3)
    # The middles of all triangles first: the more is known to be reached, the less must be cut up.
    for number in range(len(corners)):
        p = corners[number]
        x, y, z = (p[0] + p[3] + p[6]) * third, (p[1] + p[4] + p[7]) * third, (p[2] + p[5] + p[8]) * third
        last, _, _, square = _ask(boxes, flat, x, y, z, False, zero, zero, zero, last, stack, ends)
        best = max(best, np.sqrt(square))
    for number in range(len(corners)):
        waiting = 1
        pieces[0] = corners[number]
        while waiting > 0:
            waiting -= 1
            p = pieces[waiting].copy()
            x, y, z = (p[0] + p[3] + p[6]) * third, (p[1] + p[4] + p[7]) * third, (p[2] + p[5] + p[8]) * third
            last, _, _, square = _ask(boxes, flat, x, y, z, False, zero, zero, zero, last, stack, ends)
            middle = np.sqrt(square)
            way, corner = zero, zero
            for k in range(3):
                dx, dy, dz = p[3 * k] - x, p[3 * k + 1] - y, p[3 * k + 2] - z
                way = max(way, dx * dx + dy * dy + dz * dz)
                far, _, _ = _to_triangle(flat, last, p[3 * k], p[3 * k + 1], p[3 * k + 2])
                corner = max(corner, far)
            best = max(best, middle)
            bound = min(middle + np.sqrt(way), np.sqrt(corner))
            if bound <= best * (1 + slack) + least or waiting + 4 > _PIECES:
                continue
            for k in range(3):
                n, m = (k + 1) % 3, (k + 2) % 3
                for axis in range(3):
                    pieces[waiting + k, axis] = p[3 * k + axis]
                    pieces[waiting + k, 3 + axis] = (p[3 * k + axis] + p[3 * n + axis]) * half
                    pieces[waiting + k, 6 + axis] = (p[3 * k + axis] + p[3 * m + axis]) * half
                    pieces[waiting + 3, 3 * k + axis] = (p[3 * k + axis] + p[3 * n + axis]) * half
            waiting += 4
    return best
