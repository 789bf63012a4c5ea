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
def ring_commands(out, at, pen_x, pen_y, ring, n, backwards):  # pragma: no cover - compiled
    """Commands of one ring; where they end, and the pen."""
    first = n - 1 if backwards else 0
    stride = -1 if backwards else 1
    at = varint(out, at, (1 << 3) | 1)
    at = delta(out, at, ring[first, 0] - pen_x, ring[first, 1] - pen_y)
    at = varint(out, at, ((n - 1) << 3) | 2)
    i = first
    for _ in range(n - 1):
        at = delta(out, at, ring[i + stride, 0] - ring[i, 0], ring[i + stride, 1] - ring[i, 1])
        i += stride
    at = varint(out, at, (1 << 3) | 7)
    return at, ring[i, 0], ring[i, 1]


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
        value = remap[code]
        if value < 0:
            value = np.int32(n_used)
            remap[code] = value
            used[n_used] = code
            n_used += 1
        tag_values[k] = value_base + value
        tag_size += varint_length(k) + varint_length(value_base + value)
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
    out[at : at + size] = geometry[:size]
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
