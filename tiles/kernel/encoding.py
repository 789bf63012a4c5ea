"""The compiled encoder: features of a snapshot in one window to bytes of vector tile features.

Source: Mapbox Vector Tile 2.1, 4.3 (commands, zigzag, orientation) and 4.4 (tags).

Everything is an integer in tile units once a vertex is read. A polygon that the kernel cannot vouch for (several rings, cut in several
places, edges that touch after rounding) is not written: its number is handed back, and `tiles.kernel.mending` sees to it.
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

from tiles.kernel.rings import area as area_of
from tiles.kernel.rings import clip, cut, is_simple, tidy
from tiles.snapshot.index import NODE
from tiles.snapshot.layout import LINES, POINTS, POLYGONS, SHELL

# Places in the counters that the kernel fills.
DRAWN, TOO_SMALL, NOT_YET = 0, 1, 2


@njit(nogil=True, cache=True)
def search(tree_boxes, tree_levels, boxes, box):  # pragma: no cover - compiled
    """Numbers of the features whose boxes meet a box, ascending: int64."""
    count = len(boxes)
    found = np.empty(64, dtype=np.int64)
    n = 0
    if count == 0:
        return found[:0]
    top_level = len(tree_levels) - 2
    # A node at level l is (l, number); its children are at level l - 1, below level 0 are features.
    stack = np.empty((NODE * (top_level + 2) + 1, 2), dtype=np.int64)
    stack[0, 0], stack[0, 1] = top_level, 0
    top = 0
    while top >= 0:
        level, node = stack[top, 0], stack[top, 1]
        top -= 1
        at = tree_levels[level] + node
        if not _meets(tree_boxes, at, box):
            continue
        if level == 0:
            for i in range(node * NODE, min(count, (node + 1) * NODE)):
                if _meets(boxes, i, box):
                    if n == len(found):
                        found = _wider(found, n, 2 * n)
                    found[n] = i
                    n += 1
        else:
            last = min(tree_levels[level] - tree_levels[level - 1], (node + 1) * NODE)
            for child in range(last - 1, node * NODE - 1, -1):
                top += 1
                stack[top, 0], stack[top, 1] = level - 1, child
    return found[:n]


@njit(nogil=True, cache=True, inline="always")
def _meets(boxes, i, box):  # pragma: no cover - compiled
    return boxes[i, 0] <= box[2] and boxes[i, 2] >= box[0] and boxes[i, 1] <= box[3] and boxes[i, 3] >= box[1]


@njit(nogil=True, cache=True)
def encode_features(  # pragma: no cover - compiled
    chosen,  # int64 numbers of features
    fids,
    kinds,
    first_zoom,
    boxes,
    feature_paths,
    path_vertices,
    path_roles,
    x,
    y,
    vertex_zoom,
    codes,
    remap,  # int32 (v,) all UNKNOWN; left so
    value_base,  # number of the first value of this part in the layer's table
    hidden,  # uint8 (n,) or empty
    inner,  # int64 (4,) box within which nothing needs a cut
    frame,  # int64 (8,): level, bits, extent, origin x, origin y, low, high, whether polygons are checked
    counters,  # int64 (3,), added to
):
    zoom, bits, extent, origin_x, origin_y = frame[0], frame[1], frame[2], frame[3], frame[4]
    low, high, checked = frame[5], frame[6], frame[7] != 0
    half = (np.int64(1) << bits) >> 1
    out = np.empty(1 << 16, dtype=np.uint8)
    at = 0
    used = np.empty(1024, dtype=np.int32)
    n_used = 0
    doubtful = np.empty(64, dtype=np.int64)
    n_doubtful = 0
    geometry = np.empty(4096, dtype=np.uint8)
    ring = np.empty((512, 2), dtype=np.int64)
    other = np.empty((512, 2), dtype=np.int64)
    tag_values = np.empty(codes.shape[1], dtype=np.int64)
    masked = len(hidden) > 0
    for number in chosen:
        if masked and hidden[number]:
            continue
        if first_zoom[number] > zoom:
            counters[NOT_YET] += 1
            continue
        kind = kinds[number]
        first_path, end_path = feature_paths[number], feature_paths[number + 1]
        vertices = path_vertices[end_path] - path_vertices[first_path]
        room = 2 * vertices + 16
        if room > len(ring):
            ring = np.empty((2 * room, 2), dtype=np.int64)
            other = np.empty((2 * room, 2), dtype=np.int64)
        if 24 * room + 64 > len(geometry):
            geometry = np.empty(2 * (24 * room + 64), dtype=np.uint8)
        whole = (
            boxes[number, 0] >= inner[0]
            and boxes[number, 2] <= inner[2]
            and boxes[number, 1] >= inner[1]
            and boxes[number, 3] <= inner[3]
        )
        size = 0
        pen_x = np.int64(0)
        pen_y = np.int64(0)
        met = whole
        sound = True
        if kind == POINTS:
            kept = 0
            for v in range(path_vertices[first_path], path_vertices[end_path]):
                px = ((np.int64(x[v]) - origin_x) * extent + half) >> bits
                py = ((np.int64(y[v]) - origin_y) * extent + half) >> bits
                if whole or (low <= px <= high and low <= py <= high):
                    ring[kept, 0], ring[kept, 1] = px, py
                    kept += 1
            if kept > 0:
                size = _varint(geometry, size, (kept << 3) | 1)
                for i in range(kept):
                    size = _step(geometry, size, ring[i, 0] - pen_x, ring[i, 1] - pen_y)
                    pen_x, pen_y = ring[i, 0], ring[i, 1]
        elif kind == LINES:
            for path in range(first_path, end_path):
                n = _place(x, y, vertex_zoom, path_vertices[path], path_vertices[path + 1], frame, ring)
                if whole:
                    if n >= 2:
                        size, pen_x, pen_y = _line(geometry, size, pen_x, pen_y, ring, 0, n)
                    continue
                begun = 0
                for i in range(n - 1):
                    inside, ax, ay, bx, by = cut(ring[i, 0], ring[i, 1], ring[i + 1, 0], ring[i + 1, 1], low, high)
                    if not inside:
                        if begun >= 2:
                            size, pen_x, pen_y = _line(geometry, size, pen_x, pen_y, other, 0, begun)
                        begun = 0
                        continue
                    met = True
                    if begun > 0 and (other[begun - 1, 0] != ax or other[begun - 1, 1] != ay):
                        if begun >= 2:
                            size, pen_x, pen_y = _line(geometry, size, pen_x, pen_y, other, 0, begun)
                        begun = 0
                    if begun == 0:
                        other[0, 0], other[0, 1] = ax, ay
                        begun = 1
                    if ax != bx or ay != by:
                        other[begun, 0], other[begun, 1] = bx, by
                        begun += 1
                    if 24 * begun + size + 64 > len(geometry):  # a line of many parts
                        geometry = _wider(geometry, size, 2 * (24 * begun + size + 64))
                if begun >= 2:
                    size, pen_x, pen_y = _line(geometry, size, pen_x, pen_y, other, 0, begun)
        elif kind == POLYGONS:
            sound = not checked or end_path - first_path == 1
            shell_drawn = False
            for path in range(first_path, end_path):
                is_shell = path_roles[path] == SHELL
                if not is_shell and not shell_drawn:
                    continue
                n = _place(x, y, vertex_zoom, path_vertices[path], path_vertices[path + 1], frame, ring)
                if not whole:
                    if 6 * n + 16 > len(other) or 6 * n + 16 > len(ring):
                        other = np.empty((12 * n + 32, 2), dtype=np.int64)
                        wider_ring = np.empty((12 * n + 32, 2), dtype=np.int64)
                        wider_ring[:n] = ring[:n]
                        ring = wider_ring
                    n, crossings = clip(ring, other, n, low, high)
                    met = met or n >= 3
                    if checked and crossings > 2:
                        sound = False
                n = tidy(ring, n)
                area = area_of(ring, n) if n >= 3 else np.int64(0)
                if area == 0:
                    if is_shell:
                        shell_drawn = False
                    continue
                if is_shell:
                    shell_drawn = True
                if not sound:
                    break
                if checked and not is_simple(ring, n):
                    sound = False
                    break
                if 24 * n + size + 64 > len(geometry):
                    geometry = _wider(geometry, size, 2 * (24 * n + size + 64))
                size, pen_x, pen_y = _ring(geometry, size, pen_x, pen_y, ring, n, (area > 0) != is_shell)
        if not sound:
            if n_doubtful == len(doubtful):
                doubtful = _wider(doubtful, n_doubtful, 2 * n_doubtful)
            doubtful[n_doubtful] = number
            n_doubtful += 1
            continue
        if size == 0:
            if met:
                counters[TOO_SMALL] += 1
            continue
        # Tags
        pairs = 0
        tag_size = 0
        for k in range(codes.shape[1]):
            code = codes[number, k]
            if code < 0:
                tag_values[k] = -1
                continue
            value = remap[code]
            if value < 0:
                if n_used == len(used):
                    used = _wider(used, n_used, 2 * n_used)
                value = np.int32(n_used)
                remap[code] = value
                used[n_used] = code
                n_used += 1
            tag_values[k] = value_base + value
            tag_size += _length(k) + _length(value_base + value)
            pairs += 1
        # The feature
        fid = fids[number]
        body = (1 + _length(fid) if fid >= 0 else 0) + 2 + 1 + _length(size) + size
        if pairs > 0:
            body += 1 + _length(tag_size) + tag_size
        if at + body + 16 > len(out):
            out = _wider(out, at, 2 * (at + body + 16))
        out[at] = 0x12
        at = _varint(out, at + 1, body)
        if fid >= 0:
            out[at] = 0x08
            at = _varint(out, at + 1, fid)
        if pairs > 0:
            out[at] = 0x12
            at = _varint(out, at + 1, tag_size)
            for k in range(codes.shape[1]):
                if tag_values[k] >= 0:
                    at = _varint(out, at, k)
                    at = _varint(out, at, tag_values[k])
        out[at] = 0x18
        out[at + 1] = kind
        out[at + 2] = 0x22
        at = _varint(out, at + 3, size)
        for i in range(size):
            out[at + i] = geometry[i]
        at += size
        counters[DRAWN] += 1
    for i in range(n_used):
        remap[used[i]] = -1
    return out[:at], used[:n_used], doubtful[:n_doubtful]


@njit(nogil=True, cache=True)
def gather_values(used, value_starts, value_bytes):  # pragma: no cover - compiled
    """The values of a layer's table as fields of the layer."""
    total = 0
    for code in used:
        length = value_starts[code + 1] - value_starts[code]
        total += 1 + _length(length) + length
    out = np.empty(total, dtype=np.uint8)
    at = 0
    for code in used:
        start, end = value_starts[code], value_starts[code + 1]
        out[at] = 0x22
        at = _varint(out, at + 1, end - start)
        for i in range(start, end):
            out[at] = value_bytes[i]
            at += 1
    return out


@njit(nogil=True, cache=True, inline="always")
def _place(x, y, vertex_zoom, first, end, frame, ring):  # pragma: no cover - compiled
    """Vertices of a path in tile units, without those that the level needs not and without repeats; their number."""
    zoom, bits, extent, origin_x, origin_y = frame[0], frame[1], frame[2], frame[3], frame[4]
    half = (np.int64(1) << bits) >> 1
    n = 0
    for v in range(first, end):
        if vertex_zoom[v] <= zoom:
            px = ((np.int64(x[v]) - origin_x) * extent + half) >> bits
            py = ((np.int64(y[v]) - origin_y) * extent + half) >> bits
            if n == 0 or ring[n - 1, 0] != px or ring[n - 1, 1] != py:
                ring[n, 0], ring[n, 1] = px, py
                n += 1
    return n


@njit(nogil=True, cache=True)
def _wider(buffer, filled, size):  # pragma: no cover - compiled
    wider = np.empty(size, dtype=buffer.dtype)
    wider[:filled] = buffer[:filled]
    return wider


@njit(nogil=True, cache=True, inline="always")
def _length(value):  # pragma: no cover - compiled
    n = 1
    while value >= 0x80:
        value >>= 7
        n += 1
    return n


@njit(nogil=True, cache=True, inline="always")
def _varint(out, at, value):  # pragma: no cover - compiled
    while value >= 0x80:
        out[at] = (value & 0x7F) | 0x80
        value >>= 7
        at += 1
    out[at] = value
    return at + 1


@njit(nogil=True, cache=True, inline="always")
def _step(out, at, dx, dy):  # pragma: no cover - compiled
    at = _varint(out, at, (dx << 1) ^ (dx >> 63))
    return _varint(out, at, (dy << 1) ^ (dy >> 63))


@njit(nogil=True, cache=True)
def _line(out, at, pen_x, pen_y, line, first, end):  # pragma: no cover - compiled
    at = _varint(out, at, (1 << 3) | 1)
    at = _step(out, at, line[first, 0] - pen_x, line[first, 1] - pen_y)
    at = _varint(out, at, ((end - first - 1) << 3) | 2)
    for i in range(first + 1, end):
        at = _step(out, at, line[i, 0] - line[i - 1, 0], line[i, 1] - line[i - 1, 1])
    return at, line[end - 1, 0], line[end - 1, 1]


@njit(nogil=True, cache=True)
def _ring(out, at, pen_x, pen_y, ring, n, backwards):  # pragma: no cover - compiled
    first = n - 1 if backwards else 0
    step = -1 if backwards else 1
    at = _varint(out, at, (1 << 3) | 1)
    at = _step(out, at, ring[first, 0] - pen_x, ring[first, 1] - pen_y)
    at = _varint(out, at, ((n - 1) << 3) | 2)
    i = first
    for _ in range(n - 1):
        at = _step(out, at, ring[i + step, 0] - ring[i, 0], ring[i + step, 1] - ring[i, 1])
        i += step
    at = _varint(out, at, (1 << 3) | 7)
    return at, ring[i, 0], ring[i, 1]
