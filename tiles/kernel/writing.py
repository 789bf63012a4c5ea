"""Compiled writing of vector tiles: numbers, commands, tags, features.

Source: Mapbox Vector Tile 2.1, 4.3 (commands, zigzag) and 4.4 (tags); Protocol Buffers, "Encoding" (varints).
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True, inline="always")
def varint_length(value):  # pragma: no cover - compiled
    n = 1
    while value >= 0x80:
        value >>= 7
        n += 1
    return n


@njit(nogil=True, cache=True, inline="always")
def varint(out, at, value):  # pragma: no cover - compiled
    while value >= 0x80:
        out[at] = (value & 0x7F) | 0x80
        value >>= 7
        at += 1
    out[at] = value
    return at + 1


@njit(nogil=True, cache=True, inline="always")
def delta(out, at, dx, dy):  # pragma: no cover - compiled
    at = varint(out, at, (dx << 1) ^ (dx >> 63))
    return varint(out, at, (dy << 1) ^ (dy >> 63))


@njit(nogil=True, cache=True)
def line_commands(out, at, pen_x, pen_y, line, n):  # pragma: no cover - compiled
    """Commands of one line; of less than two vertices none."""
    if n < 2:
        return at, pen_x, pen_y
    at = varint(out, at, (1 << 3) | 1)
    at = delta(out, at, line[0, 0] - pen_x, line[0, 1] - pen_y)
    at = varint(out, at, ((n - 1) << 3) | 2)
    for i in range(1, n):
        at = delta(out, at, line[i, 0] - line[i - 1, 0], line[i, 1] - line[i - 1, 1])
    return at, line[n - 1, 0], line[n - 1, 1]


@njit(nogil=True, cache=True)
def ring_commands(out, at, pen_x, pen_y, rings, first, end, backwards):  # pragma: no cover - compiled
    """Commands of the ring from `first` to `end`; where they end, and the pen."""
    i, stride = (end - 1, -1) if backwards else (first, 1)
    x, y = rings[i, 0], rings[i, 1]
    at = varint(out, at, (1 << 3) | 1)
    at = delta(out, at, x - pen_x, y - pen_y)
    at = varint(out, at, ((end - first - 1) << 3) | 2)
    for _ in range(end - first - 1):
        i += stride
        next_x, next_y = rings[i, 0], rings[i, 1]
        at = delta(out, at, next_x - x, next_y - y)
        x, y = next_x, next_y
    at = varint(out, at, (1 << 3) | 7)
    return at, x, y


@njit(nogil=True, cache=True)
def number_values(codes, number, remap, used, n_used, value_base, tag_values):  # pragma: no cover - compiled
    """The numbers in the tile's table of a feature's values, -1 for unknown ones; how many values are used, are known, the tags' length."""
    pairs = 0
    tag_size = 0
    for k in range(codes.shape[1]):
        code = codes[number, k]
        if code < 0:
            tag_values[k] = -1
            continue
        value = np.int64(remap[code])
        if value < 0:
            value = np.int64(n_used)
            remap[code] = value
            used[n_used] = code
            n_used += 1
        value += value_base
        tag_values[k] = value
        # Without a branch: values of one, two and three bytes come in turn. There are fewer than 2**31 of them.
        tag_size += 1 + (value >= 0x80) + (value >= 0x4000) + (value >= 0x200000) + (value >= 0x10000000)
        tag_size += varint_length(k)
        pairs += 1
    return n_used, pairs, tag_size


@njit(nogil=True, cache=True)
def write_feature(out, at, fid, kind, tag_values, pairs, tag_size, geometry, size):  # pragma: no cover - compiled
    """A feature as a field of the layer; where it ends."""
    body = (1 + varint_length(fid) if fid >= 0 else 0) + 2 + 1 + varint_length(size) + size
    if pairs > 0:
        body += 1 + varint_length(tag_size) + tag_size
    out[at] = 0x12
    at = varint(out, at + 1, body)
    if fid >= 0:
        out[at] = 0x08
        at = varint(out, at + 1, fid)
    if pairs > 0:
        out[at] = 0x12
        at = varint(out, at + 1, tag_size)
        for k in range(len(tag_values)):
            if tag_values[k] >= 0:
                at = varint(out, at, k)
                at = varint(out, at, tag_values[k])
    out[at] = 0x18
    out[at + 1] = kind
    out[at + 2] = 0x22
    at = varint(out, at + 3, size)
    for i in range(size):
        out[at + i] = geometry[i]
    return at + size


@njit(nogil=True, cache=True)
def gather_values(used, value_starts, value_bytes):  # pragma: no cover - compiled
    """The values of a layer's table. Neighbours in a tile are neighbours in the table: they are copied in runs."""
    total = 0
    for code in used:
        total += value_starts[code + 1] - value_starts[code]
    out = np.empty(total, dtype=np.uint8)
    at = 0
    i = 0
    while i < len(used):
        first = used[i]
        last = first
        while i + 1 < len(used) and used[i + 1] == last + 1:
            i += 1
            last += 1
        start, end = value_starts[first], value_starts[last + 1]
        out[at : at + end - start] = value_bytes[start:end]
        at += end - start
        i += 1
    return out


@njit(nogil=True, cache=True)
def wider(buffer, filled, size):  # pragma: no cover - compiled
    """A larger buffer with what the old one was filled with."""
    larger = np.empty(size, dtype=buffer.dtype)
    larger[:filled] = buffer[:filled]
    return larger
