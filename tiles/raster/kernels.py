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
def sample(pixels, mask, nodata, nodes, scale, offset, limit, box, smooth, out, alpha):  # pragma: no cover - compiled
    """Fill `out` (bands, rows, columns), float32, and `alpha` (rows, columns), uint8, inside `box`; elsewhere they stay.

    Args:
        pixels: (bands, rows, columns) of the window.
        mask: (rows, columns), uint8, of the window; (0, 0) where there is none.
        nodata: Value of unknown pixels; NaN where there is none, since what is not finite is unknown in any case.
        nodes: (n, n, 2), float64: columns and rows, in pixels of the file, of a lattice over `box`.
        scale: (2,), float64: pixels of the file to a column and to a row of the level.
        offset: (2,), int64: first column and row of the window.
        limit: (2,), int64: columns and rows of the level.
        box: (4,), int64: first column and row, end column and row of the tile's pixels.
        smooth: Bilinear; the nearest pixel where not.
    """
    bands, height, width = pixels.shape
    masked = mask.size > 0
    has_nodata = not math.isnan(nodata)
    cells = nodes.shape[0] - 1
    across = cells / (box[2] - box[0])
    down = cells / (box[3] - box[1])
    weights = np.empty(4)
    at_row = np.empty(4, dtype=np.int64)
    at_column = np.empty(4, dtype=np.int64)
    for j in range(box[1], box[3]):
        v = (j - box[1] + 0.5) * down
        cell = min(int(v), cells - 1)
        v -= cell
        for i in range(box[0], box[2]):
            u = (i - box[0] + 0.5) * across
            k = min(int(u), cells - 1)
            u -= k
            w00, w01, w10, w11 = (1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u
            column = (
                w00 * nodes[cell, k, 0]
                + w01 * nodes[cell, k + 1, 0]
                + w10 * nodes[cell + 1, k, 0]
                + w11 * nodes[cell + 1, k + 1, 0]
            )
            row = (
                w00 * nodes[cell, k, 1]
                + w01 * nodes[cell, k + 1, 1]
                + w10 * nodes[cell + 1, k, 1]
                + w11 * nodes[cell + 1, k + 1, 1]
            )
            column /= scale[0]
            row /= scale[1]
            # NaN is not inside either.
            if not (column >= 0.0 and row >= 0.0 and column < limit[0] and row < limit[1]):
                continue
            c = min(max(int(column) - offset[0], 0), width - 1)
            r = min(max(int(row) - offset[1], 0), height - 1)
            if not _is_known(pixels, mask, masked, has_nodata, nodata, r, c):
                continue
            if not smooth:
                for b in range(bands):
                    out[b, j, i] = pixels[b, r, c]
                alpha[j, i] = mask[r, c] if masked else 255
                continue
            x = column - offset[0] - 0.5
            y = row - offset[1] - 0.5
            c0 = math.floor(x)
            r0 = math.floor(y)
            fx = x - c0
            fy = y - r0
            total = 0.0
            for n in range(4):
                at_row[n] = min(max(r0 + n // 2, 0), height - 1)
                at_column[n] = min(max(c0 + n % 2, 0), width - 1)
                weight = (fy if n >= 2 else 1 - fy) * (fx if n % 2 else 1 - fx)
                if weight > 0.0 and not _is_known(pixels, mask, masked, has_nodata, nodata, at_row[n], at_column[n]):
                    weight = 0.0
                weights[n] = weight
                total += weight
            opaque = 0.0
            for n in range(4):
                weights[n] /= total
                if masked:
                    opaque += weights[n] * mask[at_row[n], at_column[n]]
            for b in range(bands):
                value = 0.0
                for n in range(4):
                    if weights[n] > 0.0:
                        value += weights[n] * pixels[b, at_row[n], at_column[n]]
                out[b, j, i] = value
            alpha[j, i] = int(opaque + 0.5) if masked else 255


@njit(nogil=True, cache=True, inline="always")
def _is_known(pixels, mask, masked, has_nodata, nodata, r, c):  # pragma: no cover - compiled
    if masked and mask[r, c] == 0:
        return False
    # As GDAL has it: a pixel is unknown where all its bands are.
    for b in range(pixels.shape[0]):
        value = float(pixels[b, r, c])
        if math.isfinite(value) and not (has_nodata and value == nodata):
            return True
    return False


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
