"""Compiled sampling of a raster: the pixels of a tile from those of a window of an overview.

Bilinear between pixel centres, among those that are known: an unknown neighbour has no weight, and a place is unknown where
the pixel it lies in is. A pixel is known where it is finite, is not the nodata value, and its mask is not 0.
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def known_pixels(pixels, mask, nodata):  # pragma: no cover - compiled
    """Opacity (rows, columns), uint8, of the pixels (bands, rows, columns) of a window; 0 where they are unknown.

    As GDAL has it, a pixel is unknown where all its bands are.

    Args:
        mask: (rows, columns), uint8; (0, 0) where there is none.
        nodata: Value of unknown pixels; NaN where there is none, since what is not finite is unknown in any case.
    """
    bands, height, width = pixels.shape
    known = np.zeros((height, width), dtype=np.uint8)
    for b in range(bands):
        for r in range(height):
            for c in range(width):
                value = float(pixels[b, r, c])
                if math.isfinite(value) and value != nodata:
                    known[r, c] = 255
    if mask.size > 0:
        for r in range(height):
            for c in range(width):
                known[r, c] = min(known[r, c], mask[r, c])
    return known


@njit(nogil=True, cache=True)
def sample(pixels, known, nodes, scale, offset, limit, box, smooth, out, alpha):  # pragma: no cover - compiled
    """Fill `out` (bands, rows, columns), float32, and `alpha` (rows, columns), uint8, inside `box`; elsewhere they stay.

    Args:
        pixels: (bands, rows, columns) of the window.
        known: (rows, columns), uint8, of the window, as `known_pixels` gives it; (0, 0) where all are known.
        nodes: (n, n, 2), float64: columns and rows, in pixels of the file, of a lattice over `box`.
        scale: (2,), float64: pixels of the file to a column and to a row of the level.
        offset: (2,), int64: first column and row of the window.
        limit: (2,), int64: columns and rows of the level.
        box: (4,), int64: first column and row, end column and row of the tile's pixels.
        smooth: Bilinear; the nearest pixel where not.
    """
    bands, height, width = pixels.shape
    all_known = known.size == 0
    cells = nodes.shape[0] - 1
    across = cells / (box[2] - box[0])
    down = cells / (box[3] - box[1])
    line = np.empty((cells + 1, 2))
    for j in range(box[1], box[3]):
        v = (j - box[1] + 0.5) * down
        cell = min(int(v), cells - 1)
        v -= cell
        for k in range(cells + 1):
            for n in range(2):
                line[k, n] = (nodes[cell, k, n] * (1.0 - v) + nodes[cell + 1, k, n] * v) / scale[n]
        for i in range(box[0], box[2]):
            u = (i - box[0] + 0.5) * across
            k = min(int(u), cells - 1)
            u -= k
            column = line[k, 0] + (line[k + 1, 0] - line[k, 0]) * u
            row = line[k, 1] + (line[k + 1, 1] - line[k, 1]) * u
            # NaN is not inside either.
            if not (column >= 0.0 and row >= 0.0 and column < limit[0] and row < limit[1]):
                continue
            c = min(max(int(column) - offset[0], 0), width - 1)
            r = min(max(int(row) - offset[1], 0), height - 1)
            if not all_known and known[r, c] == 0:
                continue
            if not smooth:
                for b in range(bands):
                    out[b, j, i] = pixels[b, r, c]
                alpha[j, i] = 255 if all_known else known[r, c]
                continue
            x = column - offset[0] - 0.5
            y = row - offset[1] - 0.5
            left = math.floor(x)
            top = math.floor(y)
            fx = x - left
            fy = y - top
            # Unsigned: the compiler then knows that no index counts from the end.
            c0 = np.uint64(min(max(int(left), 0), width - 1))
            c1 = np.uint64(min(max(int(left) + 1, 0), width - 1))
            r0 = np.uint64(min(max(int(top), 0), height - 1))
            r1 = np.uint64(min(max(int(top) + 1, 0), height - 1))
            w00, w01, w10, w11 = (1.0 - fy) * (1.0 - fx), (1.0 - fy) * fx, fy * (1.0 - fx), fy * fx
            plain = all_known
            opaque = 255
            if not all_known:
                k00, k01, k10, k11 = known[r0, c0], known[r0, c1], known[r1, c0], known[r1, c1]
                plain = k00 == 255 and k01 == 255 and k10 == 255 and k11 == 255
                if not plain:
                    w00 = w00 if k00 != 0 else 0.0
                    w01 = w01 if k01 != 0 else 0.0
                    w10 = w10 if k10 != 0 else 0.0
                    w11 = w11 if k11 != 0 else 0.0
                    total = w00 + w01 + w10 + w11
                    w00, w01, w10, w11 = w00 / total, w01 / total, w10 / total, w11 / total
                    opaque = int(w00 * k00 + w01 * k01 + w10 * k10 + w11 * k11 + 0.5)
            for b in range(bands):
                if plain:
                    out[b, j, i] = (
                        w00 * pixels[b, r0, c0]
                        + w01 * pixels[b, r0, c1]
                        + w10 * pixels[b, r1, c0]
                        + w11 * pixels[b, r1, c1]
                    )
                else:
                    # An unknown neighbour may be NaN, which no weight of 0 would quench.
                    out[b, j, i] = (
                        (w00 * pixels[b, r0, c0] if w00 > 0.0 else 0.0)
                        + (w01 * pixels[b, r0, c1] if w01 > 0.0 else 0.0)
                        + (w10 * pixels[b, r1, c0] if w10 > 0.0 else 0.0)
                        + (w11 * pixels[b, r1, c1] if w11 > 0.0 else 0.0)
                    )
            alpha[j, i] = opaque


@njit(nogil=True, cache=True)
def lay_under(out, alpha, under, under_alpha):  # pragma: no cover - compiled
    """Put an older image below a newer one, into `out` and `alpha` (as `sample` fills them). Gives how many pixels are not opaque yet."""
    bands, rows, columns = out.shape
    left = 0
    for j in range(rows):
        for i in range(columns):
            top = alpha[j, i]
            if top == 255:
                continue
            low = under_alpha[j, i]
            if low != 0:
                if top == 0:
                    for b in range(bands):
                        out[b, j, i] = under[b, j, i]
                    alpha[j, i] = low
                else:
                    share = top / 255.0
                    rest = (1.0 - share) * low / 255.0
                    for b in range(bands):
                        out[b, j, i] = (out[b, j, i] * share + under[b, j, i] * rest) / (share + rest)
                    alpha[j, i] = int((share + rest) * 255.0 + 0.5)
            if alpha[j, i] != 255:
                left += 1
    return left


@njit(nogil=True, cache=True)
def to_colours(values, alpha, low, high, table, out):  # pragma: no cover - compiled
    """Values (1 or 3 or more, rows, columns), float32, as colours `out` (rows, columns, 4), uint8; unknown ones stay as they are.

    Args:
        low, high: (bands,), float64: what becomes 0 and 255. Beyond them it is cut.
        table: (256, 4), uint8, the colours of a single band; (0, 4) for greys.
    """
    bands = 3 if values.shape[0] >= 3 else 1
    factor = np.empty(bands)
    for b in range(bands):
        spread = high[b] - low[b]
        factor[b] = 255.0 / spread if spread > 0.0 else 0.0
    rows, columns = alpha.shape
    for j in range(rows):
        for i in range(columns):
            if alpha[j, i] == 0:
                continue
            opaque = alpha[j, i]
            known = True
            for b in range(bands):
                value = float(values[b, j, i])
                if not math.isfinite(value):
                    known = False
                    break
                level = int(min(max((value - low[b]) * factor[b], 0.0), 255.0) + 0.5)
                if bands == 3:
                    out[j, i, b] = level
                elif table.shape[0] > 0:
                    for n in range(3):
                        out[j, i, n] = table[level, n]
                    opaque = opaque * table[level, 3] // 255
                else:
                    for n in range(3):
                        out[j, i, n] = level
            if known:
                out[j, i, 3] = opaque
            else:
                for n in range(4):
                    out[j, i, n] = 0


@njit(nogil=True, cache=True)
def png_rows(image):  # pragma: no cover - compiled
    """Rows (rows, columns, channels), uint8, each filtered by what leaves the least and led by the filter's number: (rows, 1 + bytes).

    Source: PNG (W3C, third edition), 9 Filtering: 1 Sub, 2 Up, 4 Paeth; 12.7 the sum of absolute differences as the choice.
    """
    rows, columns, channels = image.shape
    width = columns * channels
    flat = image.reshape(rows, width)
    out = np.empty((rows, 1 + width), dtype=np.uint8)
    tried = np.empty((3, width), dtype=np.uint8)
    cost = np.empty(3, dtype=np.int64)
    for j in range(rows):
        cost[:] = 0
        for i in range(width):
            here = int(flat[j, i])
            left = int(flat[j, i - channels]) if i >= channels else 0
            up = int(flat[j - 1, i]) if j > 0 else 0
            corner = int(flat[j - 1, i - channels]) if j > 0 and i >= channels else 0
            guess = left + up - corner
            to_left, to_up, to_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
            if to_left <= to_up and to_left <= to_corner:
                paeth = left
            elif to_up <= to_corner:
                paeth = up
            else:
                paeth = corner
            for n, before in enumerate((left, up, paeth)):
                rest = (here - before) & 255
                tried[n, i] = rest
                cost[n] += rest if rest < 128 else 256 - rest
        best = 0
        for n in range(1, 3):
            if cost[n] < cost[best]:
                best = n
        out[j, 0] = 1 if best == 0 else 2 if best == 1 else 4
        out[j, 1:] = tried[best]
    return out
