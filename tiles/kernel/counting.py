"""Compiled counts of features by the cells of a density grid."""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

_HALF_WORLD = 1 << 31


@njit(nogil=True, cache=True)
def count_cells(chosen, hidden, boxes, feature_paths, path_vertices, row, frame, counts):  # pragma: no cover - compiled
    """Add features to the cells in which the middles of their boxes lie.

    Args:
        chosen: int64 (n,) numbers of features.
        hidden: uint8, 1 for features that do not count; empty where all do.
        boxes, feature_paths, path_vertices, row: As in `Columns`.
        frame: int64 (4,): a cell is 2**frame[0] world units wide and high; the first column; the first row, and the last one of the world,
            counted from the South Pole.
        counts: int64 (rows, columns), added to.
    """
    shift, first_column, first_row, last_row = frame[0], frame[1], frame[2], frame[3]
    masked = len(hidden) > 0
    for number in chosen:
        if masked and hidden[number]:
            continue
        column = ((np.int64(boxes[number, 0]) + np.int64(boxes[number, 2])) >> (shift + 1)) - first_column
        if column < 0 or column >= counts.shape[1]:
            continue
        first, end = path_vertices[feature_paths[number]], path_vertices[feature_paths[number + 1]]
        low = high = np.int64(row[first])
        for v in range(first + 1, end):
            low = min(low, np.int64(row[v]))
            high = max(high, np.int64(row[v]))
        at = min(((_HALF_WORLD << 1) - low - high) >> (shift + 1), last_row) - first_row
        if 0 <= at < counts.shape[0]:
            counts[at, column] += 1
