"""Compiled arithmetic of heights from clouds: which point lies in, or close to, which footprint.

Source: M. Shimrat, "Algorithm 112: position of point relative to polygon", Communications of the ACM 5(8), 1962 (counting crossings).
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

ROOF, GROUND = 1, 2


@njit(nogil=True, cache=True)
def fill_cells(columns, spans, starts, members):  # pragma: no cover - compiled
    """Members of each cell of a grid; `starts` begins as the offsets of the cells and ends as their ends.

    `spans` (n, 4) are first column, first row, last column, last row of each footprint.
    """
    for i in range(len(spans)):
        for row in range(spans[i, 1], spans[i, 3] + 1):
            for column in range(spans[i, 0], spans[i, 2] + 1):
                cell = row * columns + column
                members[starts[cell]] = i
                starts[cell] += 1


@njit(nogil=True, cache=True)
def count_cells(columns, spans, counts):  # pragma: no cover - compiled
    """Number of footprints in each cell of a grid."""
    for i in range(len(spans)):
        for row in range(spans[i, 1], spans[i, 3] + 1):
            for column in range(spans[i, 0], spans[i, 2] + 1):
                counts[row * columns + column] += 1


@njit(nogil=True, cache=True)
def match(
    first, x, y, words, kinds, side, columns, rows, cells, members, boxes, features, rings, px, py, roof2, ground2, out
):  # pragma: no cover - compiled
    """Points in or near footprints as words: number of the footprint × 2 + (0 roof, 1 ground) above, the height below.

    Begins with point `first` and ends where `out` is full; gives how many words were written and where to go on.

    x, y and px, py are metres from the grid's corner; `words` the heights as 32 bits; `kinds` bits of ROOF and GROUND;
    `features` offsets of footprints into `rings`, those offsets into points; `roof2`, `ground2` squares of the reaches.
    """
    count = 0
    for i in range(first, len(x)):
        if kinds[i] == 0:
            continue
        column, row = int(np.floor(x[i] / side)), int(np.floor(y[i] / side))
        if column < 0 or row < 0 or column >= columns or row >= rows:
            continue
        cell = row * columns + column
        if count + 2 * (cells[cell + 1] - cells[cell]) > len(out):
            return count, i
        reach2 = max(roof2 if kinds[i] & ROOF else 0.0, ground2 if kinds[i] & GROUND else 0.0)
        for at in range(cells[cell], cells[cell + 1]):
            one = members[at]
            dx = max(boxes[one, 0] - x[i], x[i] - boxes[one, 2], 0.0)
            dy = max(boxes[one, 1] - y[i], y[i] - boxes[one, 3], 0.0)
            if dx * dx + dy * dy > reach2:
                continue
            off2 = _distance2(x[i], y[i], features[one], features[one + 1], rings, px, py)
            if kinds[i] & ROOF and off2 <= roof2:
                out[count] = (np.uint64(2 * one) << np.uint64(32)) | np.uint64(words[i])
                count += 1
            if kinds[i] & GROUND and off2 <= ground2:
                out[count] = (np.uint64(2 * one + 1) << np.uint64(32)) | np.uint64(words[i])
                count += 1
    return count, len(x)


@njit(nogil=True, cache=True)
def _distance2(x, y, ring, last_ring, rings, px, py):  # pragma: no cover - compiled
    """Square of the distance to an area of rings, outer ones and holes alike; 0 inside."""
    inside, least = False, np.inf
    while ring < last_ring:
        before = rings[ring + 1] - 1
        for k in range(rings[ring], rings[ring + 1]):
            ax, ay, bx, by = px[before], py[before], px[k], py[k]
            if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
                inside = not inside
            ex, ey = bx - ax, by - ay
            length2 = ex * ex + ey * ey
            share = min(max(((x - ax) * ex + (y - ay) * ey) / length2, 0.0), 1.0) if length2 > 0 else 0.0
            ox, oy = x - ax - share * ex, y - ay - share * ey
            least = min(least, ox * ox + oy * oy)
            before = k
        ring += 1
    return 0.0 if inside else least
