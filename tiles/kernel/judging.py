"""Compiled judgement of the rings of one polygon or multipolygon in tile units: may they be written as they are?

Stricter than the standard, where that is cheap: rings that touch, and shells inside the hole of another, are turned down too. GEOS decides
about what is turned down (`tiles.kernel.mending`).

Source: OGC 06-103r4, 6.1.11 and 6.1.14 (assertions for polygons and multipolygons); the search for edges that meet sweeps along one
axis, in bands along the other, after M. I. Shamos, D. Hoey, "Geometric intersection problems", 1976.
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

# Up to so many edges all pairs are looked at; sorting them first would take longer.
_FEW = 32
# Pairs looked at before a polygon is turned down unjudged: a hundredth of a second.
_MOST_PAIRS = 4_000_000


@njit(nogil=True, cache=True)
def are_sound(rings, starts, shells, count):  # pragma: no cover - compiled
    """Whether rings are simple, apart from each other, each hole in its shell and no ring in another that must not hold it.

    Args:
        rings: int64 (k, 2) vertices of all rings, tidied (`tiles.kernel.rings.tidy`).
        starts: int64 (count + 1,) where each begins.
        shells: uint8 (count,) 1 for a shell; holes follow theirs.
        count: Number of rings.
    """
    if count == 1 and starts[1] == 3:
        return True
    if _edges_meet(rings, starts, count):
        return False
    return count == 1 or are_nested_well(rings, starts, shells, count)


@njit(nogil=True, cache=True)
def _edges_meet(rings, starts, count):  # pragma: no cover - compiled
    """Whether any two edges meet but neighbours at their common end, or there are too many to tell."""
    n = starts[count]
    if count == 1 and n <= _FEW:
        return _meets_itself(rings, n)
    following = np.empty(n, dtype=np.int64)
    for r in range(count):
        for i in range(starts[r], starts[r + 1]):
            following[i] = i + 1
        following[starts[r + 1] - 1] = starts[r]
    if n <= _FEW:
        for i in range(n - 1):
            for j in range(i + 1, n):
                if _meet(rings, following, i, j):
                    return True
        return False
    edges, begins = _in_bands(rings, following, n)
    pairs = 0
    for band in range(len(begins) - 1):
        mine = edges[begins[band] : begins[band + 1]]
        west = np.empty(len(mine), dtype=np.int64)
        for k in range(len(mine)):
            west[k] = min(rings[mine[k], 0], rings[following[mine[k]], 0])
        order = np.argsort(west)
        for a in range(len(mine) - 1):
            i = mine[order[a]]
            east = max(rings[i, 0], rings[following[i], 0])
            for b in range(a + 1, len(mine)):
                if west[order[b]] > east:
                    break
                pairs += 1
                if _meet(rings, following, i, mine[order[b]]):
                    return True
            if pairs > _MOST_PAIRS:
                return True
    return False


@njit(nogil=True, cache=True)
def _meets_itself(ring, n):  # pragma: no cover - compiled
    """The same of a single short ring: the most frequent case, without any array."""
    for i in range(n - 2):
        ax, ay, bx, by = ring[i, 0], ring[i, 1], ring[i + 1, 0], ring[i + 1, 1]
        west, east, north, south = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
        cx, cy = ring[i + 2, 0], ring[i + 2, 1]
        for j in range(i + 2, n - 1 if i == 0 else n):
            k = j + 1 if j + 1 < n else 0
            dx, dy = ring[k, 0], ring[k, 1]
            apart = min(cx, dx) > east or max(cx, dx) < west or min(cy, dy) > south or max(cy, dy) < north
            if not apart and _cross(ax, ay, bx, by, cx, cy, dx, dy):
                return True
            cx, cy = dx, dy
    return False


@njit(nogil=True, cache=True)
def _in_bands(rings, following, n):  # pragma: no cover - compiled
    """Edges by bands from north to south, each in all that it crosses; where each band begins."""
    north, south = rings[0, 1], rings[0, 1]
    for i in range(n):
        north, south = min(north, rings[i, 1]), max(south, rings[i, 1])
    bands = max(1, int(np.sqrt(n / 16.0)))
    height = (south - north) // bands + 1
    begins = np.zeros(bands + 2, dtype=np.int64)
    edges = begins[:0]
    for filling in range(2):
        if filling:
            for band in range(bands + 1):
                begins[band + 1] += begins[band]
            edges = np.empty(begins[bands + 1], dtype=np.int64)
        for i in range(n):
            top, bottom = rings[i, 1], rings[following[i], 1]
            if top > bottom:
                top, bottom = bottom, top
            for band in range((top - north) // height, (bottom - north) // height + 1):
                if filling:
                    edges[begins[band + 1]] = i
                    begins[band + 1] += 1
                else:
                    begins[band + 2] += 1
    return edges, begins[: bands + 1]


@njit(nogil=True, cache=True, inline="always")
def _meet(rings, following, i, j):  # pragma: no cover - compiled
    """Whether two edges have a point in common, neighbours apart from their common end never."""
    ni, nj = following[i], following[j]
    ax, ay, bx, by = rings[i, 0], rings[i, 1], rings[ni, 0], rings[ni, 1]
    cx, cy, dx, dy = rings[j, 0], rings[j, 1], rings[nj, 0], rings[nj, 1]
    if min(cx, dx) > max(ax, bx) or max(cx, dx) < min(ax, bx) or min(cy, dy) > max(ay, by) or max(cy, dy) < min(ay, by):
        return False
    return ni != j and nj != i and _cross(ax, ay, bx, by, cx, cy, dx, dy)


@njit(nogil=True, cache=True, inline="always")
def _cross(ax, ay, bx, by, cx, cy, dx, dy):  # pragma: no cover - compiled
    """Whether two segments whose boxes meet have a point in common."""
    d1 = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    d2 = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    d3 = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    d4 = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    return not ((d1 > 0 and d2 > 0) or (d1 < 0 and d2 < 0) or (d3 > 0 and d4 > 0) or (d3 < 0 and d4 < 0))


@njit(nogil=True, cache=True)
def are_nested_well(rings, starts, shells, count):  # pragma: no cover - compiled
    """Of rings whose edges do not meet: each hole lies in its shell and in no other hole of it, no shell in another."""
    boxes = np.empty((count, 4), dtype=np.int64)
    part = np.empty(count, dtype=np.int64)
    held = np.zeros(count, dtype=np.uint8)
    for r in range(count):
        part[r] = r if shells[r] or r == 0 else part[r - 1]
        held[r] = shells[r]
        first = starts[r]
        boxes[r, 0] = boxes[r, 2] = rings[first, 0]
        boxes[r, 1] = boxes[r, 3] = rings[first, 1]
        for i in range(first + 1, starts[r + 1]):
            boxes[r, 0], boxes[r, 2] = min(boxes[r, 0], rings[i, 0]), max(boxes[r, 2], rings[i, 0])
            boxes[r, 1], boxes[r, 3] = min(boxes[r, 1], rings[i, 1]), max(boxes[r, 3], rings[i, 1])
    order = np.argsort(boxes[:, 0])
    for a in range(count - 1):
        p = order[a]
        for b in range(a + 1, count):
            q = order[b]
            if boxes[q, 0] > boxes[p, 2]:
                break
            if boxes[q, 1] > boxes[p, 3] or boxes[q, 3] < boxes[p, 1]:
                continue
            if part[p] != part[q]:
                if shells[p] and shells[q] and (holds(rings, starts, p, q) or holds(rings, starts, q, p)):
                    return False
            elif shells[p] or shells[q]:
                shell, hole = (p, q) if shells[p] else (q, p)
                if holds(rings, starts, shell, hole):
                    held[hole] = 1
            elif holds(rings, starts, p, q) or holds(rings, starts, q, p):
                return False
    return held.all()


@njit(nogil=True, cache=True)
def holds(rings, starts, outer, inner):  # pragma: no cover - compiled
    """Whether a ring lies within another, their edges not meeting: its first vertex tells."""
    px, py = rings[starts[inner], 0], rings[starts[inner], 1]
    within = False
    j = starts[outer + 1] - 1
    for i in range(starts[outer], starts[outer + 1]):
        xi, yi, xj, yj = rings[i, 0], rings[i, 1], rings[j, 0], rings[j, 1]
        if (yi > py) != (yj > py) and (((xj - xi) * (py - yi) - (px - xi) * (yj - yi)) > 0) == (yj > yi):
            within = not within
        j = i
    return within
