"""Compiled arithmetic of the octree: places into quanta, cells, Morton order, and the level at which each point is first shown.

Source: G. M. Morton, "A computer oriented geodetic data base", 1966; M. Schütz, S. Ohrhallinger, M. Wimmer, "Fast out-of-core octree
generation for massive point clouds", Computer Graphics Forum 39(7), 2020 (counting grid, points spread over files, each file alone).
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

GRID_BITS = 7  # a node shows one point for each cell of a grid of 128 by 128 by 128


@njit(nogil=True, cache=True)
def pack(
    lon, lat, height, colour, intensity, classes, axis, flattening, origin, axes, quanta, out
):  # pragma: no cover - compiled
    """Points as records: how many were kept, how many had no number, how many lay out of reach, and the first of those.

    `origin` is the frame's place in ECEF metres, `axes` its east, north and up as rows; `quanta` are those in a metre.
    """
    square = flattening * (2.0 - flattening)
    kept, empty, far, first = 0, 0, 0, -1
    coloured = len(colour) > 0
    reach = 2147483000.0
    for i in range(len(lon)):
        phi, lam, h = np.radians(lat[i]), np.radians(lon[i]), height[i]
        if not (np.isfinite(phi) and np.isfinite(lam) and np.isfinite(h)):
            empty += 1
            continue
        sine, cosine = np.sin(phi), np.cos(phi)
        normal = axis / np.sqrt(1.0 - square * sine * sine)
        dx = (normal + h) * cosine * np.cos(lam) - origin[0]
        dy = (normal + h) * cosine * np.sin(lam) - origin[1]
        dz = (normal * (1.0 - square) + h) * sine - origin[2]
        inside = True
        for k in range(3):
            q = np.rint((axes[k, 0] * dx + axes[k, 1] * dy + axes[k, 2] * dz) * quanta)
            if abs(q) > reach:
                inside = False
                break
            out[kept, k] = np.int32(q)
        if not inside:
            far += 1
            if first < 0:
                first = i
            continue
        low, high = np.uint32(0), np.uint32(intensity[i]) << np.uint32(16)
        if coloured:
            low = np.uint32(colour[i, 0]) | (np.uint32(colour[i, 1]) << np.uint32(16))
            high |= np.uint32(colour[i, 2])
        out[kept, 3] = np.int32(low)
        out[kept, 4] = np.int32(high)
        out[kept, 5] = np.int32(classes[i])
        kept += 1
    return kept, empty, far, first


@njit(nogil=True, cache=True)
def count_cells(records, low, shift, counts):  # pragma: no cover - compiled
    """Add every point to its cell, `counts` being (128, 128, 128)."""
    for i in range(len(records)):
        x = (np.int64(records[i, 0]) - low[0]) >> shift
        y = (np.int64(records[i, 1]) - low[1]) >> shift
        z = (np.int64(records[i, 2]) - low[2]) >> shift
        counts[x, y, z] += 1


@njit(nogil=True, cache=True)
def group_by_bin(records, low, shift, bins, number, out):  # pragma: no cover - compiled
    """Records of each bin one behind the other in `out`, in the order they came; where each bin starts, (number + 1,)."""
    starts = np.zeros(number + 1, dtype=np.int64)
    which = np.empty(len(records), dtype=np.int32)
    for i in range(len(records)):
        x = (np.int64(records[i, 0]) - low[0]) >> shift
        y = (np.int64(records[i, 1]) - low[1]) >> shift
        z = (np.int64(records[i, 2]) - low[2]) >> shift
        which[i] = bins[x, y, z]
        starts[which[i] + 1] += 1
    for b in range(number):
        starts[b + 1] += starts[b]
    at = starts[:-1].copy()
    for i in range(len(records)):
        place = at[which[i]]
        at[which[i]] += 1
        for k in range(records.shape[1]):
            out[place, k] = records[i, k]
    return starts


@njit(nogil=True, cache=True)
def _spread(v):  # pragma: no cover - compiled
    """The 21 low bits of a number, two empty bits between each and the next."""
    v = np.uint64(v) & np.uint64(0x1FFFFF)
    v = (v | (v << np.uint64(32))) & np.uint64(0x1F00000000FFFF)
    v = (v | (v << np.uint64(16))) & np.uint64(0x1F0000FF0000FF)
    v = (v | (v << np.uint64(8))) & np.uint64(0x100F00F00F00F00F)
    v = (v | (v << np.uint64(4))) & np.uint64(0x10C30C30C30C30C3)
    return (v | (v << np.uint64(2))) & np.uint64(0x1249249249249249)


@njit(nogil=True, cache=True)
def morton_keys(records, low, shift, keys):  # pragma: no cover - compiled
    """The place of each point along the Morton curve of a cube whose low corner is `low`; x is the lowest bit of each three."""
    for i in range(len(records)):
        x = _spread((np.int64(records[i, 0]) - low[0]) >> shift)
        y = _spread((np.int64(records[i, 1]) - low[1]) >> shift)
        z = _spread((np.int64(records[i, 2]) - low[2]) >> shift)
        keys[i] = x | (y << np.uint64(1)) | (z << np.uint64(2))


@njit(nogil=True, cache=True)
def sort_keys(keys, bits):  # pragma: no cover - compiled
    """Order of the keys, (n,) int32, equal keys as they came: a radix sort, the same on every machine. `keys` comes back sorted."""
    n = len(keys)
    order, other = np.arange(n).astype(np.int32), np.empty(n, dtype=np.int32)
    source, target = keys, np.empty_like(keys)
    counts = np.empty(2048, dtype=np.int64)
    done = 0
    while done < bits:
        counts[:] = 0
        for i in range(n):
            counts[(source[i] >> np.uint64(done)) & np.uint64(2047)] += 1
        total = 0
        for b in range(2048):
            counts[b], total = total, total + counts[b]
        for i in range(n):
            b = (source[i] >> np.uint64(done)) & np.uint64(2047)
            target[counts[b]] = source[i]
            other[counts[b]] = order[i]
            counts[b] += 1
        source, target = target, source
        order, other = other, order
        done += 11
    keys[:] = source
    return order


@njit(nogil=True, cache=True)
def assign_levels(keys, bits, depth, take_all, levels):  # pragma: no cover - compiled
    """The level of the octree at which each point of a cube is shown, into `levels`.

    Args:
        keys: Sorted Morton keys of the cube.
        bits: Bits of an axis in a key.
        depth: Level of the cube itself; the levels above it take one point for each of their cells here too.
        take_all: A node with no more than this many points left takes them all.
        levels: (n,) uint8.
    """
    left = np.arange(len(keys))
    deepest = max(bits - GRID_BITS, 0)
    level = 0
    while len(left) > 0:
        below = level - depth
        cell = np.uint64(3 * min(max(bits - below - GRID_BITS, 0), bits))
        node = np.uint64(3 * (bits - max(below, 0)))
        kept = 0
        start = 0
        while start < len(left):
            prefix = keys[left[start]] >> node
            end = start + 1
            while end < len(left) and keys[left[end]] >> node == prefix:
                end += 1
            if below >= 0 and (end - start <= take_all or below >= deepest):
                for i in range(start, end):
                    levels[left[i]] = level
            else:
                i = start
                while i < end:
                    here = keys[left[i]] >> cell
                    j = i + 1
                    while j < end and keys[left[j]] >> cell == here:
                        j += 1
                    middle = (i + j) // 2
                    for k in range(i, j):
                        if k == middle:
                            levels[left[k]] = level
                        else:
                            # What is left moves to the front, behind what is still to be read.
                            left[kept] = left[k]
                            kept += 1
                    i = j
            start = end
        left = left[:kept]
        level += 1
