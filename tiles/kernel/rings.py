"""Compiled geometry in tile units: segments and rings cut to a square, tidied, measured and judged.

Source: I. E. Sutherland, G. W. Hodgman, "Reentrant polygon clipping", 1974; Y.-D. Liang, B. A. Barsky, "A new concept and method for
line clipping", 1984.
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def cut(ax, ay, bx, by, low, high):  # pragma: no cover - compiled
    """A segment within the square: whether any of it is, and its ends."""
    if low <= ax <= high and low <= ay <= high and low <= bx <= high and low <= by <= high:
        return True, ax, ay, bx, by
    t0, t1 = 0.0, 1.0
    dx, dy = float(bx - ax), float(by - ay)
    for side in range(4):
        if side == 0:
            p, q = -dx, float(ax - low)
        elif side == 1:
            p, q = dx, float(high - ax)
        elif side == 2:
            p, q = -dy, float(ay - low)
        else:
            p, q = dy, float(high - ay)
        if p == 0.0:
            if q < 0.0:
                return False, ax, ay, bx, by
        else:
            r = q / p
            if p < 0.0:
                t0 = max(t0, r)
            else:
                t1 = min(t1, r)
            if t0 > t1:
                return False, ax, ay, bx, by
    cx, cy, ex, ey = ax, ay, bx, by
    if t0 > 0.0:
        cx, cy = np.int64(np.rint(ax + t0 * dx)), np.int64(np.rint(ay + t0 * dy))
    if t1 < 1.0:
        ex, ey = np.int64(np.rint(ax + t1 * dx)), np.int64(np.rint(ay + t1 * dy))
    return True, cx, cy, ex, ey


@njit(nogil=True, cache=True)
def clip(ring, other, n, low, high):  # pragma: no cover - compiled
    """A ring cut to the square, in place; its number of vertices.

    A ring that crosses an edge more than twice may fall into pieces, which this method leaves joined along the edge.
    """
    for side in range(4):
        if n == 0:
            return 0
        axis = side % 2
        keep_above = side < 2
        limit = low if keep_above else high
        m = 0
        for i in range(n):
            j = i - 1 if i > 0 else n - 1
            here, there = ring[i, axis], ring[j, axis]
            in_here = here >= limit if keep_above else here <= limit
            in_there = there >= limit if keep_above else there <= limit
            if in_here != in_there:
                # From the lower end, so that a border is cut at the same place whichever way a ring runs along it.
                a, b = (i, j) if here < there else (j, i)
                t = float(limit - ring[a, axis]) / float(ring[b, axis] - ring[a, axis])
                crossing = np.int64(np.rint(ring[a, 1 - axis] + t * float(ring[b, 1 - axis] - ring[a, 1 - axis])))
                other[m, axis], other[m, 1 - axis] = limit, crossing
                m += 1
            if in_here:
                other[m, 0], other[m, 1] = ring[i, 0], ring[i, 1]
                m += 1
        for i in range(m):
            ring[i, 0], ring[i, 1] = other[i, 0], other[i, 1]
        n = m
    return n


@njit(nogil=True, cache=True)
def tidy(ring, n):  # pragma: no cover - compiled
    """A ring without repeated vertices and without spikes of no width, in place; its number of vertices."""
    m = 0
    ax, ay, bx, by = np.int64(0), np.int64(0), np.int64(0), np.int64(0)  # the last two that stand
    for i in range(n):
        cx, cy = ring[i, 0], ring[i, 1]
        while m > 0 and (
            (cx == bx and cy == by)
            or (
                m > 1
                and (bx - ax) * (cy - by) == (by - ay) * (cx - bx)
                and (bx - ax) * (cx - bx) + (by - ay) * (cy - by) < 0
            )
        ):
            m -= 1
            bx, by = ax, ay
            if m > 1:
                ax, ay = ring[m - 2, 0], ring[m - 2, 1]
        ring[m, 0], ring[m, 1] = cx, cy
        m += 1
        ax, ay, bx, by = bx, by, cx, cy
    first = 0
    while m - first >= 3:  # where the ring closes
        if (ring[m - 1, 0] == ring[first, 0] and ring[m - 1, 1] == ring[first, 1]) or _is_spike(
            ring, m - 2, m - 1, first
        ):
            m -= 1
        elif _is_spike(ring, m - 1, first, first + 1):
            first += 1
        else:
            break
    if first > 0:
        for i in range(m - first):
            ring[i, 0], ring[i, 1] = ring[first + i, 0], ring[first + i, 1]
    return m - first


@njit(nogil=True, cache=True, inline="always")
def _is_spike(ring, a, b, c):  # pragma: no cover - compiled
    ux, uy = ring[b, 0] - ring[a, 0], ring[b, 1] - ring[a, 1]
    vx, vy = ring[c, 0] - ring[b, 0], ring[c, 1] - ring[b, 1]
    return ux * vy == uy * vx and ux * vx + uy * vy < 0


@njit(nogil=True, cache=True)
def area(rings, first, end):  # pragma: no cover - compiled
    """Twice the area of the ring from `first` to `end` by the surveyor's formula, relative to its first vertex."""
    total = np.int64(0)
    px, py = rings[first, 0], rings[first, 1]
    for i in range(first + 1, end - 1):
        total += (rings[i, 0] - px) * (rings[i + 1, 1] - py) - (rings[i + 1, 0] - px) * (rings[i, 1] - py)
    return total
