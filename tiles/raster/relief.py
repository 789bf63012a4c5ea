"""Compiled relief: shade of a slope under a light, and contour lines, from the heights of a tile and one pixel around it."""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import math

import numpy as np
from numba import njit

# Width of contour lines in pixels; every fifth is an index contour and wider.
_LINE = 1.0
_INDEX_LINE = 1.8


@njit(nogil=True, cache=True)
def hillshade(heights, alpha, dx, dy, azimuth, altitude, factor):  # pragma: no cover - compiled
    """Light (rows - 2, columns - 2), float32, 0 to 1, and its opacity, uint8: the margin of one pixel goes.

    An unknown neighbour counts as high as the pixel itself, so that the edge of what is known is no cliff.

    Args:
        heights: (rows, columns), float32.
        alpha: (rows, columns), uint8; 0 where no height is known.
        dx, dy: (rows,), float64: metres between pixels of a row, and between rows there.
        azimuth, altitude: Degrees, of the light: clockwise from north, above the horizon.
        factor: On heights.

    Source: B. K. P. Horn, Hill shading and the reflectance map, Proc. IEEE 69(1), 1981.
    """
    rows, columns = heights.shape
    light = np.zeros((rows - 2, columns - 2), dtype=np.float32)
    opaque = np.zeros((rows - 2, columns - 2), dtype=np.uint8)
    zenith = math.radians(90.0 - altitude)
    towards = math.radians(azimuth)
    east, north, up = math.sin(towards) * math.sin(zenith), math.cos(towards) * math.sin(zenith), math.cos(zenith)
    around = np.empty((3, 3))
    for j in range(1, rows - 1):
        for i in range(1, columns - 1):
            if alpha[j, i] == 0:
                continue
            for n in range(3):
                for k in range(3):
                    known = alpha[j + n - 1, i + k - 1] != 0
                    around[n, k] = heights[j + n - 1, i + k - 1] if known else heights[j, i]
            rise_east = (
                (around[0, 2] + 2 * around[1, 2] + around[2, 2]) - (around[0, 0] + 2 * around[1, 0] + around[2, 0])
            ) / (8.0 * dx[j])
            rise_north = (
                (around[0, 0] + 2 * around[0, 1] + around[0, 2]) - (around[2, 0] + 2 * around[2, 1] + around[2, 2])
            ) / (8.0 * dy[j])
            p, q = factor * rise_east, factor * rise_north
            shade = (up - p * east - q * north) / math.sqrt(1.0 + p * p + q * q)
            light[j - 1, i - 1] = max(shade, 0.0)
            opaque[j - 1, i - 1] = alpha[j, i]
    return light, opaque


@njit(nogil=True, cache=True)
def contours(heights, alpha, interval):  # pragma: no cover - compiled
    """Cover (rows - 2, columns - 2), float32, 0 to 1, of contour lines: the margin of one pixel goes.

    A pixel is covered by how near it is to the line, its height's distance from the next multiple of `interval` over its slope; so
    lines are smooth, as wide on a slope as in a plain, and go on in the neighbouring tile. Where a line would be
    wider than half its distance to the next, there is none: the ground is steeper than lines can show.

    Args:
        heights: (rows, columns), float32.
        alpha: (rows, columns), uint8; 0 where no height is known.
        interval: Between lines, in the unit of heights.
    """
    rows, columns = heights.shape
    cover = np.zeros((rows - 2, columns - 2), dtype=np.float32)
    for j in range(1, rows - 1):
        for i in range(1, columns - 1):
            if alpha[j, i] == 0 or alpha[j, i - 1] == 0 or alpha[j, i + 1] == 0:
                continue
            if alpha[j - 1, i] == 0 or alpha[j + 1, i] == 0:
                continue
            p = (float(heights[j, i + 1]) - float(heights[j, i - 1])) / 2.0
            q = (float(heights[j + 1, i]) - float(heights[j - 1, i])) / 2.0
            slope = math.sqrt(p * p + q * q)
            if not slope > 1e-9 * interval:
                continue
            height = float(heights[j, i])
            nearest = math.floor(height / interval + 0.5)
            width = _INDEX_LINE if nearest % 5 == 0 else _LINE
            if slope * width > interval:
                continue
            distance = abs(height - nearest * interval) / slope
            cover[j - 1, i - 1] = min(max(width / 2.0 + 0.5 - distance, 0.0), 1.0)
    return cover
