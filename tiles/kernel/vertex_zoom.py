"""From which level on each vertex is needed: the Douglas-Peucker hierarchy of every path, worked out once.

Source: D. H. Douglas, T. K. Peucker, "Algorithms for the reduction of the number of points required to represent a digitized
line or its caricature", 1973. The distance at which the algorithm would split at a vertex, never more than that of the split
above it, settles the level; thinning a path for any level then is one comparison for each vertex.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

# Half a unit of a tile of 4096 units at level 0, in world units of 2**32 to the world's width.
_HALF_UNIT_BITS = 19.0
_DEEPEST = 24
# Longer paths are worked out piece by piece, so that no shape of a path makes the time grow with its square. The ends of a
# piece are kept at every level.
_LONGEST_PIECE = 2_048


def vertex_zooms(
    x: npt.NDArray[np.uint32],
    y: npt.NDArray[np.uint32],
    path_vertices: npt.NDArray[np.int64],
    closed: npt.NDArray[np.uint8],
) -> npt.NDArray[np.uint8]:
    """The Web Mercator level from which each vertex is needed to draw its path within half a tile unit.

    Args:
        x, y: uint32 (k,) vertices in world units.
        path_vertices: int64 (m + 1,) where the vertices of each path begin.
        closed: uint8 (m,) 1 for rings (without their closing vertex), 0 for lines.

    Returns:
        uint8 (k,): 0 for the ends of a line and for three vertices of a ring; 24 where a vertex is hardly ever needed.
    """
    levels = np.zeros(len(x), dtype=np.uint8)
    _all_paths(x, y, path_vertices, closed, levels)
    return levels


@njit(nogil=True, cache=True)
def _all_paths(x, y, path_vertices, closed, levels):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    longest = 2
    for p in range(len(path_vertices) - 1):
        longest = max(longest, path_vertices[p + 1] - path_vertices[p] + 1)
    px, py = np.empty(longest, dtype=np.float64), np.empty(longest, dtype=np.float64)
    out = np.empty(longest, dtype=np.uint8)
    stack = np.empty((2 * min(longest, _LONGEST_PIECE) + 4, 2), dtype=np.int64)
    caps = np.empty(len(stack), dtype=np.uint8)
    for p in range(len(path_vertices) - 1):
        first, end = path_vertices[p], path_vertices[p + 1]
        count = end - first
        if count < 3:
            continue
        for i in range(count):
            px[i], py[i] = float(x[first + i]), float(y[first + i])
        out[:count] = _DEEPEST
        out[0] = 0
        if closed[p]:
            px[count], py[count] = px[0], py[0]  # the ring ends where it begins
            far = _farthest_from(px, py, 0, count)
            third = _farthest_from_chord(px, py, far, count)
            out[far] = 0
            out[third] = 0
            a, b = min(far, third), max(far, third)
            _pieces(px, py, 0, a, out, stack, caps)
            _pieces(px, py, a, b, out, stack, caps)
            _pieces(px, py, b, count, out, stack, caps)
        else:
            out[count - 1] = 0
            _pieces(px, py, 0, count - 1, out, stack, caps)
        levels[first:end] = out[:count]


@njit(nogil=True, cache=True)
def _farthest_from(px, py, origin, count):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    far, most = 1, -1.0
    for i in range(1, count):
        distance = (px[i] - px[origin]) ** 2 + (py[i] - py[origin]) ** 2
        if distance > most:
            far, most = i, distance
    return far


@njit(nogil=True, cache=True)
def _farthest_from_chord(px, py, far, count):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    third, most = -1, -1.0
    for i in range(1, count):
        if i != far:
            distance = abs((px[far] - px[0]) * (py[i] - py[0]) - (py[far] - py[0]) * (px[i] - px[0]))
            if distance > most:
                third, most = i, distance
    return third


@njit(nogil=True, cache=True)
def _pieces(px, py, first, last, out, stack, caps):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    while last - first > _LONGEST_PIECE:
        middle = first + _LONGEST_PIECE
        out[middle] = 0
        _peucker(px, py, first, middle, out, stack, caps)
        first = middle
    _peucker(px, py, first, last, out, stack, caps)


@njit(nogil=True, cache=True)
def _peucker(px, py, first, last, out, stack, caps):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    top = 0
    stack[0, 0], stack[0, 1], caps[0] = first, last, 0
    while top >= 0:
        a, b, cap = stack[top, 0], stack[top, 1], caps[top]
        top -= 1
        if b - a < 2:
            continue
        dx, dy = px[b] - px[a], py[b] - py[a]
        length2 = dx * dx + dy * dy
        split, most = a + 1, -1.0
        for i in range(a + 1, b):
            ex, ey = px[i] - px[a], py[i] - py[a]
            if length2 > 0.0:
                t = min(1.0, max(0.0, (ex * dx + ey * dy) / length2))
                ex -= t * dx
                ey -= t * dy
            distance2 = ex * ex + ey * ey
            if distance2 > most:
                split, most = i, distance2
        level = _DEEPEST
        if most > 0.0:
            needed = math.ceil(_HALF_UNIT_BITS - 0.5 * math.log2(most))
            level = max(cap, min(_DEEPEST, max(0, needed)))
        out[split] = level
        stack[top + 1, 0], stack[top + 1, 1], caps[top + 1] = a, split, level
        stack[top + 2, 0], stack[top + 2, 1], caps[top + 2] = split, b, level
        top += 2
