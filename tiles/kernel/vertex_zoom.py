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

from tiles.kernel.borders import border_nodes

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

    A border that several rings share has the same levels in all of them (`tiles.kernel.borders`): neighbours keep touching.

    Args:
        x, y: uint32 (k,) vertices in world units.
        path_vertices: int64 (m + 1,) where the vertices of each path begin.
        closed: uint8 (m,) 1 for rings (without their closing vertex), 0 for lines.

    Returns:
        uint8 (k,): 0 for the ends of a line, for the nodes of a ring, and for three vertices of one that has none; 24 where a
        vertex is hardly ever needed.
    """
    levels = np.zeros(len(x), dtype=np.uint8)
    _all_paths(x, y, path_vertices, closed, border_nodes(x, y, path_vertices, closed), levels)
    return levels


@njit(nogil=True, cache=True)
def _all_paths(x, y, path_vertices, closed, nodes, levels):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    longest = 2
    for p in range(len(path_vertices) - 1):
        longest = max(longest, path_vertices[p + 1] - path_vertices[p] + 1)
    px, py = np.empty(longest, dtype=np.float64), np.empty(longest, dtype=np.float64)
    out = np.empty(longest, dtype=np.uint8)
    stack = np.empty((2 * min(longest, _LONGEST_PIECE) + 4, 2), dtype=np.int64)
    caps = np.empty(len(stack), dtype=np.uint8)
    for p in range(len(path_vertices) - 1):
        first, end = path_vertices[p], path_vertices[p + 1]
        if end - first < 3:
            continue
        if not closed[p]:
            for i in range(end - first):
                px[i], py[i] = float(x[first + i]), float(y[first + i])
            _between(px, py, 0, end - first - 1, out, stack, caps)
            levels[first:end] = out[: end - first]
            continue
        start = first
        while start < end and not nodes[start]:
            start += 1
        if start == end:
            _ring_alone(x, y, first, end, px, py, out, stack, caps, levels)
        else:
            _ring_of_borders(x, y, nodes, first, start, end, px, py, out, stack, caps, levels)


@njit(nogil=True, cache=True)
def _ring_of_borders(x, y, nodes, first, start, end, px, py, out, stack, caps, levels):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """A ring from node to node; `start` is its first one."""
    count = end - first
    done = 0
    while done < count:
        n = 1
        while not nodes[first + (start - first + done + n) % count]:
            n += 1
        step, origin = _direction(x, y, first, count, start + done, n)
        for i in range(n + 1):
            v = first + (origin - first + step * i) % count
            px[i], py[i] = float(x[v]), float(y[v])
        _between(px, py, 0, n, out, stack, caps)
        for i in range(n + 1):
            levels[first + (origin - first + step * i) % count] = out[i]
        done += n


@njit(nogil=True, cache=True)
def _ring_alone(x, y, first, end, px, py, out, stack, caps, levels):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """A ring without a node, from its westernmost vertex: an island and the hole that it fills begin at the same one."""
    count = end - first
    start = first
    for v in range(first + 1, end):
        if x[v] < x[start] or (x[v] == x[start] and y[v] < y[start]):
            start = v
    step, _ = _direction(x, y, first, count, start, count)
    for i in range(count + 1):  # the ring ends where it begins
        v = first + (start - first + step * i) % count
        px[i], py[i] = float(x[v]), float(y[v])
    far = _farthest_from(px, py, 0, count)
    third = _farthest_from_chord(px, py, far, count)
    a, b = min(far, third), max(far, third)
    _between(px, py, 0, a, out, stack, caps)
    _between(px, py, a, b, out, stack, caps)
    _between(px, py, b, count, out, stack, caps)
    for i in range(count):
        levels[first + (start - first + step * i) % count] = out[i]


@njit(nogil=True, cache=True, inline="always")
def _direction(x, y, first, count, start, n):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Which way a run of n segments from a vertex is worked through, 1 or -1, and from where: the same for every ring it is part of."""
    for i in range(n // 2 + 1):
        a = first + (start - first + i) % count
        b = first + (start - first + n - i) % count
        if x[a] != x[b] or y[a] != y[b]:
            forwards = x[a] < x[b] or (x[a] == x[b] and y[a] < y[b])
            return (1, start) if forwards else (-1, start + n)
    return 1, start


@njit(nogil=True, cache=True, inline="always")
def _between(px, py, first, last, out, stack, caps):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Levels of a run of vertices, 0 for its ends."""
    out[first : last + 1] = _DEEPEST
    out[first] = 0
    out[last] = 0
    _pieces(px, py, first, last, out, stack, caps)


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
