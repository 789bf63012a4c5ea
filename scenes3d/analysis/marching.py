"""Compiled: does the ground stand in the way of a ray? The ray's height is compared wherever it crosses a line of the lattice.

Between two nodes of a line the ground is linear, so every comparison is exact for the bilinear ground; within a cell the
ground bulges by at most a quarter of its twist. Source: W. R. Franklin, "Which are my neighbours in view?" (R3), SDH 1994.
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import math

import numpy as np
from numba import njit

CLEAR, BLOCKED, UNKNOWN = np.uint8(0), np.uint8(1), np.uint8(2)
# Lines of sight may touch the ground: it has to stand higher than this above them.
_TOUCH_M = 1e-3


@njit(nogil=True, cache=True)
def march(
    heights, west, south, cell, ceiling, origins, directions, reach, verdict, distance
):  # pragma: no cover - compiled
    """Fill `verdict` (CLEAR, BLOCKED, UNKNOWN) and `distance` (metres to the first block, else infinite) for each ray.

    Rays are CLEAR once they are above `ceiling` for good or have left the lattice; the lattice's outside says nothing.
    """
    rows, columns = heights.shape
    for i in range(origins.shape[0]):
        verdict[i] = CLEAR
        distance[i] = np.inf
        x, y, z = (origins[i, 0] - west) / cell, (origins[i, 1] - south) / cell, origins[i, 2]
        dx, dy, dz = directions[i, 0] / cell, directions[i, 1] / cell, directions[i, 2]
        # The stretch of the ray that lies over the lattice and below its highest node.
        t, end = 0.0, reach[i]
        for p, d, last in ((x, dx, columns - 1.0), (y, dy, rows - 1.0)):
            if d == 0.0:
                if p < 0.0 or p > last:
                    end = -1.0
            else:
                a, b = -p / d, (last - p) / d
                t, end = max(t, min(a, b)), min(end, max(a, b))
        if dz > 0.0:
            end = min(end, (ceiling - z) / dz)
        elif dz < 0.0:
            t = max(t, (ceiling - z) / dz)
        elif z > ceiling:
            end = -1.0
        if end <= t:
            continue
        step_x, step_y = (1.0 if dx > 0 else -1.0), (1.0 if dy > 0 else -1.0)
        line_x = math.floor((x + t * dx) * step_x + 1e-9) * step_x + step_x
        line_y = math.floor((y + t * dy) * step_y + 1e-9) * step_y + step_y
        next_x = (line_x - x) / dx if dx != 0.0 else np.inf
        next_y = (line_y - y) / dy if dy != 0.0 else np.inf
        while True:
            t = min(next_x, next_y)
            if t >= end:
                break
            if next_x <= next_y:
                column, along = int(line_x), y + t * dy
                row = min(max(math.floor(along), 0), rows - 2)
                share = along - row
                first, second = heights[row, column], heights[row + 1, column]
                line_x += step_x
                next_x = (line_x - x) / dx
            else:
                row, along = int(line_y), x + t * dx
                column = min(max(math.floor(along), 0), columns - 2)
                share = along - column
                first, second = heights[row, column], heights[row, column + 1]
                line_y += step_y
                next_y = (line_y - y) / dy
            ground = first if share <= 1e-9 else (second if share >= 1 - 1e-9 else first * (1 - share) + second * share)
            if math.isnan(ground):
                verdict[i] = UNKNOWN
            elif ground > z + t * dz + _TOUCH_M:
                verdict[i] = BLOCKED
                distance[i] = t
                break
