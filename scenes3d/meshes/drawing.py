"""Compiled drawing: which triangle a pixel of a picture shows, colours between corners and between pixels, edges that go on outwards."""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

FREE = -1
_STEPS = 256.0  # places are rounded to so many parts of a pixel: then the sides of triangles are exact


@njit(cache=True, nogil=True)
def _side(ax, ay, bx, by, x, y):  # pragma: no cover - compiled
    """Twice the area on the left of a side, and whether a pixel on the side itself belongs to the triangle: top or left ones do."""
    area = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    own = by < ay or (by == ay and bx > ax)
    return area > 0 or (area == 0 and own)


@njit(cache=True, nogil=True)
def draw(uv, owner, clashes):  # pragma: no cover - compiled
    """Write the number of its triangle into each pixel whose middle it covers; no two triangles that only touch cover the same.

    `uv` (t, 3, 2) counts in pixels; `owner` (height, width) is `FREE` before; `clashes` (t,) becomes true where another one was there.
    """
    height, width = owner.shape
    p = np.empty((3, 2))
    for t in range(len(uv)):
        for k in range(3):
            p[k, 0], p[k, 1] = np.rint(uv[t, k, 0] * _STEPS), np.rint(uv[t, k, 1] * _STEPS)
        area = (p[1, 0] - p[0, 0]) * (p[2, 1] - p[0, 1]) - (p[1, 1] - p[0, 1]) * (p[2, 0] - p[0, 0])
        if area == 0:
            continue
        if area < 0:
            p[1, 0], p[2, 0] = p[2, 0], p[1, 0]
            p[1, 1], p[2, 1] = p[2, 1], p[1, 1]
        first = max(0, int(np.floor(min(p[0, 0], p[1, 0], p[2, 0]) / _STEPS)))
        last = min(width - 1, int(np.floor(max(p[0, 0], p[1, 0], p[2, 0]) / _STEPS)))
        top = max(0, int(np.floor(min(p[0, 1], p[1, 1], p[2, 1]) / _STEPS)))
        bottom = min(height - 1, int(np.floor(max(p[0, 1], p[1, 1], p[2, 1]) / _STEPS)))
        for row in range(top, bottom + 1):
            y = (row + 0.5) * _STEPS
            for column in range(first, last + 1):
                x = (column + 0.5) * _STEPS
                if (
                    _side(p[0, 0], p[0, 1], p[1, 0], p[1, 1], x, y)
                    and _side(p[1, 0], p[1, 1], p[2, 0], p[2, 1], x, y)
                    and _side(p[2, 0], p[2, 1], p[0, 0], p[0, 1], x, y)
                ):
                    if owner[row, column] == FREE:
                        owner[row, column] = t
                    else:
                        clashes[t] = True


@njit(cache=True, nogil=True)
def fringe(uv, owner):  # pragma: no cover - compiled
    """Give free pixels within about one of a triangle to it: slivers that cover the middle of none have their colour then too."""
    height, width = owner.shape
    for t in range(len(uv)):
        area = (uv[t, 1, 0] - uv[t, 0, 0]) * (uv[t, 2, 1] - uv[t, 0, 1]) - (uv[t, 1, 1] - uv[t, 0, 1]) * (
            uv[t, 2, 0] - uv[t, 0, 0]
        )
        turn = 1.0 if area > 0 else -1.0
        first = max(0, int(np.floor(min(uv[t, 0, 0], uv[t, 1, 0], uv[t, 2, 0]) - 1.0)))
        last = min(width - 1, int(np.floor(max(uv[t, 0, 0], uv[t, 1, 0], uv[t, 2, 0]) + 1.0)))
        top = max(0, int(np.floor(min(uv[t, 0, 1], uv[t, 1, 1], uv[t, 2, 1]) - 1.0)))
        bottom = min(height - 1, int(np.floor(max(uv[t, 0, 1], uv[t, 1, 1], uv[t, 2, 1]) + 1.0)))
        for row in range(top, bottom + 1):
            for column in range(first, last + 1):
                if owner[row, column] != FREE:
                    continue
                near = True
                for k in range(3):
                    m = (k + 1) % 3
                    dx, dy = uv[t, m, 0] - uv[t, k, 0], uv[t, m, 1] - uv[t, k, 1]
                    length = np.sqrt(dx * dx + dy * dy)
                    off = turn * (dx * (row + 0.5 - uv[t, k, 1]) - dy * (column + 0.5 - uv[t, k, 0]))
                    if off < -length:
                        near = False
                if near:
                    owner[row, column] = t


@njit(cache=True, nogil=True)
def places_of(uv, corners, rows, columns, owner, places):  # pragma: no cover - compiled
    """Where the middles of pixels lie on their triangles: `places` (n, 3) from `corners` (t, 3, 3)."""
    for i in range(len(rows)):
        t = owner[rows[i], columns[i]]
        x, y = columns[i] + 0.5 - uv[t, 0, 0], rows[i] + 0.5 - uv[t, 0, 1]
        ax, ay = uv[t, 1, 0] - uv[t, 0, 0], uv[t, 1, 1] - uv[t, 0, 1]
        bx, by = uv[t, 2, 0] - uv[t, 0, 0], uv[t, 2, 1] - uv[t, 0, 1]
        area = ax * by - ay * bx
        v, w = 1 / 3, 1 / 3
        if area != 0:
            v, w = (x * by - y * bx) / area, (ax * y - ay * x) / area
        v, w = min(max(v, 0.0), 1.0), min(max(w, 0.0), 1.0)
        if v + w > 1:
            v, w = v / (v + w), w / (v + w)
        for k in range(3):
            places[i, k] = (1 - v - w) * corners[t, 0, k] + v * corners[t, 1, k] + w * corners[t, 2, k]


@njit(cache=True, nogil=True)
def look_up(pixels, uv, triangle, shares, out):  # pragma: no cover - compiled
    """Colours (n, 3) of places on triangles, between the pixels of a picture (height, width, 3); `uv` counts from 0 to 1."""
    height, width, _ = pixels.shape
    for i in range(len(triangle)):
        t, v, w = triangle[i], shares[i, 0], shares[i, 1]
        x = ((1 - v - w) * uv[t, 0, 0] + v * uv[t, 1, 0] + w * uv[t, 2, 0]) * width - 0.5
        y = ((1 - v - w) * uv[t, 0, 1] + v * uv[t, 1, 1] + w * uv[t, 2, 1]) * height - 0.5
        x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
        left, top = int(x), int(y)
        right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
        fx, fy = x - left, y - top
        for k in range(3):
            upper = pixels[top, left, k] * (1 - fx) + pixels[top, right, k] * fx
            lower = pixels[bottom, left, k] * (1 - fx) + pixels[bottom, right, k] * fx
            out[i, k] = np.uint8(upper * (1 - fy) + lower * fy + 0.5)


@njit(cache=True, nogil=True)
def blend(colours, triangle, shares, out):  # pragma: no cover - compiled
    """Colours (n, 3) of places on triangles, between those of their corners (t, 3, 3)."""
    for i in range(len(triangle)):
        t, v, w = triangle[i], shares[i, 0], shares[i, 1]
        for k in range(3):
            value = (1 - v - w) * colours[t, 0, k] + v * colours[t, 1, k] + w * colours[t, 2, k]
            out[i, k] = np.uint8(min(max(value + 0.5, 0.0), 255.0))


@njit(cache=True, nogil=True)
def spill(pixels, owner):  # pragma: no cover - compiled
    """Give every free pixel the colour of about the nearest one that is not, in two passes over the picture.

    Source: P.-E. Danielsson, "Euclidean distance mapping", Computer Graphics and Image Processing 14, 1980 (four neighbours a pass).
    """
    height, width = owner.shape
    near = np.empty((height, width, 2), dtype=np.int32)
    for row in range(height):
        for column in range(width):
            free = owner[row, column] == FREE
            near[row, column, 0], near[row, column, 1] = (-1, -1) if free else (row, column)
    for turn in range(2):
        step = 1 if turn == 0 else -1
        for i in range(height):
            row = i if turn == 0 else height - 1 - i
            for direction in (step, -step):
                for j in range(width):
                    column = j if direction > 0 else width - 1 - j
                    for dr, dc in ((-step, 0), (0, -direction), (-step, -direction)):
                        r, c = row + dr, column + dc
                        if r < 0 or c < 0 or r >= height or c >= width or near[r, c, 0] < 0:
                            continue
                        a, b = near[r, c, 0] - row, near[r, c, 1] - column
                        e, f = near[row, column, 0] - row, near[row, column, 1] - column
                        if near[row, column, 0] < 0 or a * a + b * b < e * e + f * f:
                            near[row, column, 0], near[row, column, 1] = near[r, c, 0], near[r, c, 1]
    for row in range(height):
        for column in range(width):
            if owner[row, column] == FREE and near[row, column, 0] >= 0:
                for k in range(3):
                    pixels[row, column, k] = pixels[near[row, column, 0], near[row, column, 1], k]
