"""Compiled: water poured on a raster of heights runs downhill, fills hollows, spills, and runs on, cell to neighbouring cell."""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import math

import numpy as np
from numba import njit

USED_UP, LEFT_THE_AREA, MET_UNKNOWN, TOO_LONG = 0, 1, 2, 3


@njit(nogil=True, cache=True)
def _push(keys, cells, size, key, cell):  # pragma: no cover - compiled
    i = size
    while i > 0:
        parent = (i - 1) >> 1
        if keys[parent] <= key:
            break
        keys[i], cells[i] = keys[parent], cells[parent]
        i = parent
    keys[i], cells[i] = key, cell


@njit(nogil=True, cache=True)
def _pop(keys, cells, size):  # pragma: no cover - compiled
    """Take the lowest from the top; the last one, of `size`, goes down from there."""
    key, cell = keys[size - 1], cells[size - 1]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size - 1:
            break
        if child + 1 < size - 1 and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[i], cells[i] = keys[child], cells[child]
        i = child
    keys[i], cells[i] = key, cell


@njit(nogil=True, cache=True)
def pour(surface, start, depth_cells, visits_max):  # pragma: no cover - compiled
    """Pour water, as metres of depth over one cell, at a cell; it fills hollows, spills over and runs on. `surface` is raised in place.

    Source: L. Wang and H. Liu 2006 (the order in which hollows fill); what spills is followed as in R. Barnes et al., fill-spill-merge, 2021.

    Returns:
        How it ended (`USED_UP`, …), the depth that is left over, the cell where that happened.
    """
    rows, columns = surface.shape
    stamp = np.zeros(rows * columns, dtype=np.int32)
    keys, cells = np.empty(1024, dtype=np.float64), np.empty(1024, dtype=np.int64)
    pool = np.empty(1024, dtype=np.int64)
    left = depth_cells
    turn, visits = 0, 0
    while visits < visits_max:
        turn += 1
        size, pooled = 1, 0
        keys[0], cells[0] = surface[start // columns, start % columns], start
        stamp[start] = turn
        level = keys[0]
        spilled = -1
        while size > 0:
            key, cell = keys[0], cells[0]
            if key < level:
                spilled = cell
                break
            if pooled > 0 and (key - level) * pooled >= left:
                break
            left -= (key - level) * pooled
            level = key
            _pop(keys, cells, size)
            size -= 1
            if pooled == pool.shape[0]:
                pool = np.concatenate((pool, np.empty(pooled, dtype=np.int64)))
            pool[pooled] = cell
            pooled += 1
            visits += 1
            row, column = cell // columns, cell % columns
            ended = -1
            if row == 0 or column == 0 or row == rows - 1 or column == columns - 1:
                ended = LEFT_THE_AREA
            for r in range(max(row - 1, 0), min(row + 2, rows)):
                for c in range(max(column - 1, 0), min(column + 2, columns)):
                    other = r * columns + c
                    if stamp[other] == turn:
                        continue
                    if math.isnan(surface[r, c]):
                        ended = MET_UNKNOWN
                        continue
                    stamp[other] = turn
                    if size == keys.shape[0]:
                        keys = np.concatenate((keys, np.empty(size, dtype=np.float64)))
                        cells = np.concatenate((cells, np.empty(size, dtype=np.int64)))
                    _push(keys, cells, size, surface[r, c], other)
                    size += 1
            if ended >= 0:
                _raise_to(surface, columns, pool, pooled, level)
                return ended, left, cell
        if spilled < 0:
            # Nothing lower anywhere round it: the rest stands here.
            level += left / pooled
            left = 0.0
        _raise_to(surface, columns, pool, pooled, level)
        if left <= 0.0:
            return USED_UP, 0.0, start
        start = spilled
    return TOO_LONG, left, start


@njit(nogil=True, cache=True)
def _raise_to(surface, columns, pool, pooled, level):  # pragma: no cover - compiled
    for i in range(pooled):
        row, column = pool[i] // columns, pool[i] % columns
        surface[row, column] = max(surface[row, column], level)
