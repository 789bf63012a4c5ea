"""Compiled mending of polygons whose rings touch, themselves or one another, in tile units: the same area, in rings that may be written.

Rounding lets edges of a narrow place touch or run along each other, and the cut leaves pieces joined along the edge of the tile. Where no
two edges cross, nothing has to be computed anew: edges are parted at the vertices that lie on them, those that run to and fro cancel
out, and what is left is walked along the inside. Each walk bounds one connected piece, and falls into a shell and the holes that
touch it. Whatever else there is to mend is left to GEOS (`tiles.kernel.mending`).

Source: OGC 06-103r4, 6.1.11 (a polygon is connected, its rings touch in points); the walk is that of the faces of a planar map:
M. de Berg et al., "Computational Geometry", 3rd edition, 2.2.
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

from tiles.kernel.judging import are_nested_well, holds
from tiles.kernel.rings import area

# All pairs of edges are looked at; with more of them GEOS is the quicker one.
_MOST_EDGES = 512
# Makes keys of two coordinates, which lie near the tile.
_BEYOND = np.int64(1) << 30


@njit(nogil=True, cache=True)
def settled(rings, starts, shells, count):  # pragma: no cover - compiled
    """Rings of the same area, each simple, that touch in points at most.

    Args:
        rings, starts, shells, count: As those of `tiles.kernel.judging.are_sound`.

    Returns:
        The same four; a count of -1 where edges cross, or an area is covered twice, or there are too many edges.
    """
    if starts[count] > _MOST_EDGES:
        return _left_to_geos()
    ends = _directed(rings, starts, shells, count)
    cuts, crossed = _cuts(ends)
    if len(ends) == 0 or crossed:
        return _left_to_geos()
    corners, edges, twice = _cancelled(_parted(ends, cuts))
    if twice:
        return _left_to_geos()
    first = np.searchsorted(edges[:, 0], np.arange(len(corners) + 1))
    following = _followed(corners, edges, first)
    if len(following) < len(edges):
        return _left_to_geos()
    loops, begins, walks = _loops(corners, edges, first, following)
    return _grouped(loops, begins, walks)


@njit(nogil=True, cache=True)
def _left_to_geos():  # pragma: no cover - compiled
    return np.empty((0, 2), dtype=np.int64), np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.uint8), -1


@njit(nogil=True, cache=True)
def _directed(rings, starts, shells, count):  # pragma: no cover - compiled
    """Edges int64 (n, 4) from x, y to x, y with the inside on their left; none if a ring has no area to tell its direction by."""
    ends = np.empty((starts[count], 4), dtype=np.int64)
    for r in range(count):
        turn = area(rings, starts[r], starts[r + 1])
        if turn == 0:
            return ends[:0]
        backwards = (turn > 0) != (shells[r] != 0)
        for i in range(starts[r], starts[r + 1]):
            j = i + 1 if i + 1 < starts[r + 1] else starts[r]
            a, b = (j, i) if backwards else (i, j)
            ends[i, 0], ends[i, 1], ends[i, 2], ends[i, 3] = rings[a, 0], rings[a, 1], rings[b, 0], rings[b, 1]
    return ends


@njit(nogil=True, cache=True)
def _cuts(ends):  # pragma: no cover - compiled
    """Vertices that lie within an edge, int64 (k, 3): the edge, x, y; and whether any two edges cross."""
    n = len(ends)
    found = np.empty((64, 3), dtype=np.int64)
    k = 0
    for i in range(n):
        ax, ay, bx, by = ends[i, 0], ends[i, 1], ends[i, 2], ends[i, 3]
        west, east, north, south = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
        for j in range(i + 1, n):
            cx, cy, dx, dy = ends[j, 0], ends[j, 1], ends[j, 2], ends[j, 3]
            if min(cx, dx) > east or max(cx, dx) < west or min(cy, dy) > south or max(cy, dy) < north:
                continue
            c, d = _side(ax, ay, bx, by, cx, cy), _side(ax, ay, bx, by, dx, dy)
            a, b = _side(cx, cy, dx, dy, ax, ay), _side(cx, cy, dx, dy, bx, by)
            if c * d < 0 and a * b < 0:
                return found[:0], True
            if k + 4 > len(found):
                wider = np.empty((2 * len(found), 3), dtype=np.int64)
                wider[:k] = found[:k]
                found = wider
            if c == 0 and _is_between(ax, ay, bx, by, cx, cy):
                found[k, 0], found[k, 1], found[k, 2] = i, cx, cy
                k += 1
            if d == 0 and _is_between(ax, ay, bx, by, dx, dy):
                found[k, 0], found[k, 1], found[k, 2] = i, dx, dy
                k += 1
            if a == 0 and _is_between(cx, cy, dx, dy, ax, ay):
                found[k, 0], found[k, 1], found[k, 2] = j, ax, ay
                k += 1
            if b == 0 and _is_between(cx, cy, dx, dy, bx, by):
                found[k, 0], found[k, 1], found[k, 2] = j, bx, by
                k += 1
    return found[:k], False


@njit(nogil=True, cache=True, inline="always")
def _side(ax, ay, bx, by, px, py):  # pragma: no cover - compiled
    """1, 0 or -1: left of the line from a to b, on it, right of it."""
    turn = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
    return (turn > 0) - (turn < 0)


@njit(nogil=True, cache=True, inline="always")
def _is_between(ax, ay, bx, by, px, py):  # pragma: no cover - compiled
    """Whether a point of the line through a and b lies between the two."""
    return (px - ax) * (px - bx) + (py - ay) * (py - by) < 0


@njit(nogil=True, cache=True)
def _parted(ends, cuts):  # pragma: no cover - compiled
    """The edges, parted at the vertices within them: keys of their ends, int64 (m, 2)."""
    order = np.argsort(cuts[:, 0])
    keys = np.empty((len(ends) + len(cuts), 2), dtype=np.int64)
    steps = np.empty(len(cuts) + 2, dtype=np.int64)  # keys from one end of an edge to the other
    m = at = 0
    for i in range(len(ends)):
        ax, ay = ends[i, 0], ends[i, 1]
        steps[0] = _key(ax, ay)
        n = 1
        while at < len(order) and cuts[order[at], 0] == i:
            px, py = cuts[order[at], 1], cuts[order[at], 2]
            far, k = abs(px - ax) + abs(py - ay), n
            while k > 1 and abs(_x(steps[k - 1]) - ax) + abs(_y(steps[k - 1]) - ay) > far:
                steps[k] = steps[k - 1]
                k -= 1
            steps[k] = _key(px, py)
            n += 1
            at += 1
        steps[n] = _key(ends[i, 2], ends[i, 3])
        for k in range(n):
            if steps[k] != steps[k + 1]:
                keys[m, 0], keys[m, 1] = steps[k], steps[k + 1]
                m += 1
    return keys[:m]


@njit(nogil=True, cache=True, inline="always")
def _key(x, y):  # pragma: no cover - compiled
    return ((x + _BEYOND) << 31) | (y + _BEYOND)


@njit(nogil=True, cache=True, inline="always")
def _x(key):  # pragma: no cover - compiled
    return (key >> 31) - _BEYOND


@njit(nogil=True, cache=True, inline="always")
def _y(key):  # pragma: no cover - compiled
    return (key & ((np.int64(1) << 31) - 1)) - _BEYOND


@njit(nogil=True, cache=True)
def _cancelled(keys):  # pragma: no cover - compiled
    """What is left where edges that run to and fro cancel out.

    Returns:
        Corners int64 (c, 2); edges int64 (e, 2) from corner to corner, by the first; whether any edge is there twice.
    """
    corners = np.unique(keys.copy().reshape(2 * len(keys)))
    froms, tos = np.searchsorted(corners, keys[:, 0].copy()), np.searchsorted(corners, keys[:, 1].copy())
    names = np.minimum(froms, tos) * len(corners) + np.maximum(froms, tos)
    order = np.argsort(names)
    left = np.empty(len(keys), dtype=np.int64)
    e = i = 0
    while i < len(order):
        j, net = i, 0
        while j < len(order) and names[order[j]] == names[order[i]]:
            net += 1 if froms[order[j]] < tos[order[j]] else -1
            j += 1
        if abs(net) > 1:
            return np.empty((0, 2), dtype=np.int64), np.empty((0, 2), dtype=np.int64), True
        if net != 0:
            small, large = names[order[i]] // len(corners), names[order[i]] % len(corners)
            left[e] = small * len(corners) + large if net > 0 else large * len(corners) + small
            e += 1
        i = j
    left = np.sort(left[:e])
    edges = np.empty((e, 2), dtype=np.int64)
    for k in range(e):
        edges[k, 0], edges[k, 1] = left[k] // len(corners), left[k] % len(corners)
    places = np.empty((len(corners), 2), dtype=np.int64)
    for k in range(len(corners)):
        places[k, 0], places[k, 1] = _x(corners[k]), _y(corners[k])
    return places, edges, False


@njit(nogil=True, cache=True)
def _followed(corners, edges, first):  # pragma: no cover - compiled
    """The edge that follows each along the inside; fewer than there are edges where that is no one's or two edges' successor."""
    following = np.empty(len(edges), dtype=np.int64)
    taken = np.zeros(len(edges), dtype=np.uint8)
    for e in range(len(edges)):
        here = edges[e, 1]
        best = first[here]
        if first[here + 1] - best > 1:
            rx, ry = corners[edges[e, 0], 0] - corners[here, 0], corners[edges[e, 0], 1] - corners[here, 1]
            for candidate in range(best + 1, first[here + 1]):
                if _is_sooner(corners, here, rx, ry, edges[candidate, 1], edges[best, 1]):
                    best = candidate
        if best == first[here + 1] or taken[best]:
            return following[:0]
        taken[best] = 1
        following[e] = best
    return following


@njit(nogil=True, cache=True)
def _is_sooner(corners, here, rx, ry, one, other):  # pragma: no cover - compiled
    """Whether a hand that turns clockwise about a corner, from the direction (rx, ry) on, meets one neighbour before the other."""
    ux, uy = corners[one, 0] - corners[here, 0], corners[one, 1] - corners[here, 1]
    vx, vy = corners[other, 0] - corners[here, 0], corners[other, 1] - corners[here, 1]
    u, v = rx * uy - ry * ux, rx * vy - ry * vx
    half_u, half_v = (u > 0) - (u < 0), (v > 0) - (v < 0)  # right of the direction comes first, then behind, then left
    return half_u < half_v if half_u != half_v else ux * vy - uy * vx < 0


@njit(nogil=True, cache=True)
def _loops(corners, edges, first, following):  # pragma: no cover - compiled
    """Walks along the inside, parted where they come by a corner again.

    Returns:
        Vertices int64 (v, 2) of all loops, each from a corner that no other has; where each begins; the walk that each comes from, -1 for
        one without such a corner.
    """
    loops = np.empty((len(edges), 2), dtype=np.int64)
    begins = np.zeros(len(edges) // 3 + 2, dtype=np.int64)
    walks = np.empty(len(edges) // 3 + 1, dtype=np.int64)
    stack = np.empty(len(edges) + 1, dtype=np.int64)
    at = np.full(len(corners), -1, dtype=np.int64)
    walked = np.zeros(len(edges), dtype=np.uint8)
    count = 0
    for begin in range(len(edges)):
        if walked[begin]:
            continue
        depth, e = 0, begin
        while True:
            here = edges[e, 0]
            if at[here] >= 0 or walked[e]:
                count = _put_loop(loops, begins, walks, count, corners, first, stack[at[here] : depth], begin)
                for k in range(at[here] + 1, depth):
                    at[stack[k]] = -1
                depth = at[here]
                if walked[e]:
                    at[here] = -1
                    break
            at[here] = depth
            stack[depth] = here
            depth += 1
            walked[e] = 1
            e = following[e]
    return loops[: begins[count]], begins[: count + 1], walks[:count]


@njit(nogil=True, cache=True)
def _put_loop(loops, begins, walks, count, corners, first, loop, walk):  # pragma: no cover - compiled
    """One loop more, from a corner on that it shares with no other; their number."""
    own = -1
    for k in range(len(loop)):
        if first[loop[k] + 1] - first[loop[k]] == 1:
            own = k
            break
    for k in range(len(loop)):
        corner = loop[(max(own, 0) + k) % len(loop)]
        loops[begins[count] + k, 0], loops[begins[count] + k, 1] = corners[corner, 0], corners[corner, 1]
    begins[count + 1] = begins[count] + len(loop)
    walks[count] = walk if own >= 0 else -1
    return count + 1


@njit(nogil=True, cache=True)
def _grouped(loops, begins, walks):  # pragma: no cover - compiled
    """Loops as rings, each shell followed by its holes; see `settled`."""
    count = len(walks)
    rings = np.empty_like(loops)
    starts = np.zeros(count + 1, dtype=np.int64)
    shells = np.zeros(count, dtype=np.uint8)
    owners = np.empty(count, dtype=np.int64)
    for r in range(count):
        owners[r] = _owner(loops, begins, walks, r)
        if owners[r] < 0:
            return rings, starts, shells, -1
    done = 0
    for shell in range(count):
        if owners[shell] != shell:
            continue
        done = _copy_ring(rings, starts, loops, begins, shell, done)
        shells[done - 1] = 1
        for r in range(count):
            if owners[r] == shell and r != shell:
                done = _copy_ring(rings, starts, loops, begins, r, done)
    if done > 1 and not are_nested_well(rings, starts, shells, done):
        return rings, starts, shells, -1
    return rings, starts, shells, done


@njit(nogil=True, cache=True)
def _owner(loops, begins, walks, r):  # pragma: no cover - compiled
    """The shell that a loop belongs to, itself if it is one; -1 for none. A hole that touches its shell was walked with it."""
    turn = area(loops, begins[r], begins[r + 1])
    if walks[r] < 0 or turn >= 0:
        return r if walks[r] >= 0 and turn > 0 else -1
    around = -1
    for s in range(len(walks)):
        if area(loops, begins[s], begins[s + 1]) > 0:
            if walks[s] == walks[r]:
                return s
            if holds(loops, begins, s, r):
                around = s
    return around


@njit(nogil=True, cache=True)
def _copy_ring(rings, starts, loops, begins, r, done):  # pragma: no cover - compiled
    starts[done + 1] = starts[done] + begins[r + 1] - begins[r]
    rings[starts[done] : starts[done + 1]] = loops[begins[r] : begins[r + 1]]
    return done + 1
