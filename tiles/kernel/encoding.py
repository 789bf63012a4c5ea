"""The compiled encoder: features of a snapshot in one window to bytes of vector tile features.

Source: Mapbox Vector Tile 2.1, 4.3 (commands, orientation).

Everything is an integer in tile units once a vertex is read. A polygon that the kernel cannot vouch for, even when its rings are parted
where they touch (edges that cross after rounding), is not written: its number and its rings, placed and cut, are handed back, and
`tiles.kernel.mending` sees to it.
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

from tiles.kernel.aside import empty_pile, put_aside
from tiles.kernel.judging import are_sound
from tiles.kernel.rings import area as area_of
from tiles.kernel.rings import clip, cut, tidy
from tiles.kernel.settling import settled
from tiles.kernel.writing import delta, line_commands, number_values, ring_commands, varint, wider, write_feature
from tiles.snapshot.layout import LINES, POINTS, POLYGONS, SHELL, WORLD_BITS

# Places in the counters that the kernel fills.
DRAWN, TOO_SMALL, NOT_YET = 0, 1, 2
# Features of more vertices are looked through for those that the level needs before room is made for them.
_MANY_VERTICES = 4_096
# A polygon that is to be mended is drawn as levels above draw it until it has no more vertices in the tile: GEOS takes longer than in proportion.
_MOST_MENDED = 8_192
_LAST = (1 << WORLD_BITS) - 1


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
    frame,  # int64 (9,): level, bits, extent, origin x, origin y, low, high, whether polygons are checked, whether the world ends at its edge
    counters,  # int64 (3,), added to
):
    out = np.empty(max(1 << 16, 96 * len(chosen)), dtype=np.uint8)
    at = 0
    used = np.empty(1024, dtype=np.int32)
    n_used = 0
    aside = empty_pile()
    geometry = np.empty(4096, dtype=np.uint8)
    ring = np.empty((512, 2), dtype=np.int64)
    other = np.empty((512, 2), dtype=np.int64)
    rings = np.empty((512, 2), dtype=np.int64)
    starts = np.empty(16, dtype=np.int64)
    shells = np.empty(16, dtype=np.uint8)
    tag_values = np.empty(codes.shape[1], dtype=np.int64)
    masked = len(hidden) > 0
    for number in chosen:
        if masked and hidden[number]:
            continue
        if first_zoom[number] > frame[0]:
            counters[NOT_YET] += 1
            continue
        kind = kinds[number]
        first, end = feature_paths[number], feature_paths[number + 1]
        if frame[8] and (boxes[number, 3] == 0 or boxes[number, 1] == _LAST):
            continue  # beyond 85.0511°, where this world ends
        vertices = path_vertices[end] - path_vertices[first]
        if vertices > _MANY_VERTICES and kind != POINTS:
            vertices = _needed(vertex_zoom, path_vertices[first], path_vertices[end], frame[0])
        # A ring that goes to and fro grows by half at each of the four edges it is cut at.
        if 6 * vertices + 16 > len(ring):
            ring = np.empty((12 * vertices + 32, 2), dtype=np.int64)
            other = np.empty((12 * vertices + 32, 2), dtype=np.int64)
            rings = np.empty((12 * vertices + 32, 2), dtype=np.int64)
        # A line may fall into as many parts as it has segments.
        if 48 * vertices + 64 > len(geometry):
            geometry = np.empty(96 * vertices + 128, dtype=np.uint8)
        whole = _lies_within(boxes, number, inner)
        size = 0
        met = whole
        if kind == POINTS:
            size = _draw_points(geometry, ring, x, y, path_vertices[first], path_vertices[end], frame, whole)
        elif kind == LINES:
            size, met = _draw_lines(geometry, ring, other, x, y, vertex_zoom, path_vertices, first, end, frame, whole)
        elif kind == POLYGONS:
            if end - first + 1 > len(starts):
                starts = np.empty(2 * (end - first + 1), dtype=np.int64)
                shells = np.empty(2 * (end - first + 1), dtype=np.uint8)
            count, met = _gather_rings(
                rings, starts, shells, ring, other, x, y, vertex_zoom, path_vertices, path_roles,
                first, end, frame, frame[0], whole,
            )  # fmt: skip
            if count == 0 or frame[7] == 0 or are_sound(rings, starts, shells, count):
                geometry = _room_for(geometry, starts, count)
                size = _draw_rings(geometry, rings, starts, shells, count)
            else:
                parted, parted_starts, parted_shells, parts = settled(rings, starts, shells, count)
                if parts < 0:
                    level = frame[0]
                    while starts[count] > _MOST_MENDED and level > 0:
                        level -= 1
                        count, _ = _gather_rings(
                            rings, starts, shells, ring, other, x, y, vertex_zoom, path_vertices, path_roles,
                            first, end, frame, level, whole,
                        )  # fmt: skip
                    aside = put_aside(aside, number, rings, starts, shells, count)
                    continue
                geometry = _room_for(geometry, parted_starts, parts)
                size = _draw_rings(geometry, parted, parted_starts, parted_shells, parts)
        if size == 0:
            if met:
                counters[TOO_SMALL] += 1
            continue
        if n_used + codes.shape[1] > len(used):
            used = wider(used, n_used, 2 * (n_used + codes.shape[1]))
        n_used, pairs, tag_size = number_values(codes, number, remap, used, n_used, value_base, tag_values)
        if at + tag_size + size + 64 > len(out):
            out = wider(out, at, 2 * (at + tag_size + size + 64))
        at = write_feature(out, at, fids[number], kind, tag_values, pairs, tag_size, geometry, size)
        counters[DRAWN] += 1
    for i in range(n_used):
        remap[used[i]] = -1
    return out[:at], used[:n_used], aside


@njit(nogil=True, cache=True, inline="always")
def _lies_within(boxes, number, inner):  # pragma: no cover - compiled
    return (
        boxes[number, 0] >= inner[0]
        and boxes[number, 2] <= inner[2]
        and boxes[number, 1] >= inner[1]
        and boxes[number, 3] <= inner[3]
    )


@njit(nogil=True, cache=True, inline="always")
def _room_for(geometry, starts, count):  # pragma: no cover - compiled
    """Room for the commands of so many rings."""
    size = 24 * (starts[count] + 2 * count) + 64
    return geometry if size <= len(geometry) else np.empty(2 * size, dtype=np.uint8)


@njit(nogil=True, cache=True)
def _needed(vertex_zoom, first, end, level):  # pragma: no cover - compiled
    """How many vertices a level needs."""
    n = 0
    for v in range(first, end):
        n += vertex_zoom[v] <= level
    return n


@njit(nogil=True, cache=True)
def _draw_points(geometry, kept, x, y, first, end, frame, whole):  # pragma: no cover - compiled
    """Commands of the points in the window, without repeats in a row; their length."""
    bits, extent, origin_x, origin_y, low, high = frame[1], frame[2], frame[3], frame[4], frame[5], frame[6]
    half = (np.int64(1) << bits) >> 1
    n = 0
    for v in range(first, end):
        px = ((np.int64(x[v]) - origin_x) * extent + half) >> bits
        py = ((np.int64(y[v]) - origin_y) * extent + half) >> bits
        if n > 0 and kept[n - 1, 0] == px and kept[n - 1, 1] == py:
            continue
        if frame[8] and (y[v] == 0 or y[v] == _LAST):
            continue
        if whole or (low <= px <= high and low <= py <= high):
            kept[n, 0], kept[n, 1] = px, py
            n += 1
    if n == 0:
        return 0
    size = varint(geometry, 0, (n << 3) | 1)
    pen_x, pen_y = np.int64(0), np.int64(0)
    for i in range(n):
        size = delta(geometry, size, kept[i, 0] - pen_x, kept[i, 1] - pen_y)
        pen_x, pen_y = kept[i, 0], kept[i, 1]
    return size


@njit(nogil=True, cache=True)
def _draw_lines(  # pragma: no cover - compiled
    geometry, line, piece, x, y, vertex_zoom, path_vertices, first, end, frame, whole
):
    """Commands of the lines in the window; their length, and whether any lies in it."""
    low, high = frame[5], frame[6]
    pen_x, pen_y = np.int64(0), np.int64(0)
    size = 0
    met = whole
    for path in range(first, end):
        n = _place(x, y, vertex_zoom, path_vertices[path], path_vertices[path + 1], frame, frame[0], line)
        if whole:
            size, pen_x, pen_y = line_commands(geometry, size, pen_x, pen_y, line, n)
            continue
        begun = 0
        for i in range(n - 1):
            inside, ax, ay, bx, by = cut(line[i, 0], line[i, 1], line[i + 1, 0], line[i + 1, 1], low, high)
            if not inside:
                size, pen_x, pen_y = line_commands(geometry, size, pen_x, pen_y, piece, begun)
                begun = 0
                continue
            met = True
            if begun > 0 and (piece[begun - 1, 0] != ax or piece[begun - 1, 1] != ay):
                size, pen_x, pen_y = line_commands(geometry, size, pen_x, pen_y, piece, begun)
                begun = 0
            if begun == 0:
                piece[0, 0], piece[0, 1] = ax, ay
                begun = 1
            if ax != bx or ay != by:
                piece[begun, 0], piece[begun, 1] = bx, by
                begun += 1
        size, pen_x, pen_y = line_commands(geometry, size, pen_x, pen_y, piece, begun)
    return size, met


@njit(nogil=True, cache=True)
def _gather_rings(  # pragma: no cover - compiled
    rings, starts, shells, ring, other, x, y, vertex_zoom, path_vertices, path_roles, first, end, frame, level, whole
):
    """Rings in the window, tidied, without those that collapse and the holes of such shells.

    Returns:
        Their number, and whether the polygon lies in the window.
    """
    low, high = frame[5], frame[6]
    met = whole
    count = 0
    starts[0] = 0
    shell_drawn = False
    for path in range(first, end):
        is_shell = path_roles[path] == SHELL
        if not is_shell and not shell_drawn:
            continue
        n = _place(x, y, vertex_zoom, path_vertices[path], path_vertices[path + 1], frame, level, ring)
        if not whole:
            n = clip(ring, other, n, low, high)
            met = met or n >= 3
        n = tidy(ring, n)
        # A tidied ring of no area goes round as much one way as the other: a bow tie, which is judged like any that crosses itself.
        if n < 3:
            if is_shell:
                shell_drawn = False
            continue
        if is_shell:
            shell_drawn = True
        begin = starts[count]
        for i in range(n):
            rings[begin + i, 0], rings[begin + i, 1] = ring[i, 0], ring[i, 1]
        shells[count] = is_shell
        count += 1
        starts[count] = begin + n
    return count, met


@njit(nogil=True, cache=True)
def _draw_rings(geometry, rings, starts, shells, count):  # pragma: no cover - compiled
    """Commands of rings, shells clockwise and holes against it as a screen shows them; their length."""
    size = 0
    pen_x, pen_y = np.int64(0), np.int64(0)
    for r in range(count):
        backwards = (area_of(rings, starts[r], starts[r + 1]) > 0) != (shells[r] != 0)
        size, pen_x, pen_y = ring_commands(geometry, size, pen_x, pen_y, rings, starts[r], starts[r + 1], backwards)
    return size


@njit(nogil=True, cache=True, inline="always")
def _place(x, y, vertex_zoom, first, end, frame, level, ring):  # pragma: no cover - compiled
    """Vertices of a path in tile units, without those that the level needs not and without repeats; their number."""
    bits, extent, origin_x, origin_y = frame[1], frame[2], frame[3], frame[4]
    half = (np.int64(1) << bits) >> 1
    n = 0
    last_x, last_y = np.int64(0), np.int64(0)
    for v in range(first, end):
        if vertex_zoom[v] <= level:
            px = ((np.int64(x[v]) - origin_x) * extent + half) >> bits
            py = ((np.int64(y[v]) - origin_y) * extent + half) >> bits
            if n == 0 or last_x != px or last_y != py:
                ring[n, 0], ring[n, 1] = px, py
                last_x, last_y = px, py
                n += 1
    return n
