"""Compiled search in the packed R-tree of a snapshot."""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

import numpy as np
from numba import njit

from tiles.kernel.writing import wider
from tiles.snapshot.index import NODE


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
                        found = wider(found, n, 2 * n)
                    found[n] = i
                    n += 1
        else:
            last = min(tree_levels[level] - tree_levels[level - 1], (node + 1) * NODE)
            for child in range(last - 1, node * NODE - 1, -1):
                top += 1
                stack[top, 0], stack[top, 1] = level - 1, child
    return found[:n]


@njit(nogil=True, cache=True)
def meets_any(tree_boxes, tree_levels, boxes, box):  # pragma: no cover - compiled
    """Whether the box of any feature meets a box."""
    count = len(boxes)
    if count == 0:
        return False
    top_level = len(tree_levels) - 2
    stack = np.empty((NODE * (top_level + 2) + 1, 2), dtype=np.int64)
    stack[0, 0], stack[0, 1] = top_level, 0
    top = 0
    while top >= 0:
        level, node = stack[top, 0], stack[top, 1]
        top -= 1
        if not _meets(tree_boxes, tree_levels[level] + node, box):
            continue
        if level == 0:
            for i in range(node * NODE, min(count, (node + 1) * NODE)):
                if _meets(boxes, i, box):
                    return True
        else:
            last = min(tree_levels[level] - tree_levels[level - 1], (node + 1) * NODE)
            for child in range(node * NODE, last):
                top += 1
                stack[top, 0], stack[top, 1] = level - 1, child
    return False


@njit(nogil=True, cache=True, inline="always")
def _meets(boxes, i, box):  # pragma: no cover - compiled
    return boxes[i, 0] <= box[2] and boxes[i, 2] >= box[0] and boxes[i, 1] <= box[3] and boxes[i, 3] >= box[1]
