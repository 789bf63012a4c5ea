"""A binary tree of boxes over triangles, halved at medians.

The tree is complete, so that it needs no pointers: node i has the children 2i + 1 and 2i + 2, and the leaves hold `LEAF` triangles each.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scenes3d.rays.batches import Floats32

LEAF = 4
DEEPEST = 64


def median_order(centres: Floats32) -> npt.NDArray[np.int64]:
    """Order of points, (n, 3), in which every node of the tree is halved at the median of its longest side."""
    count = len(centres)
    size = LEAF * _leaves(count)
    # What fills the last leaves lies beyond everything and so stays at the end.
    places = np.full((size, 3), np.inf, dtype=np.float32)
    places[:count] = centres
    order = np.arange(size)
    while size > LEAF:
        nodes = places[order].reshape(-1, size, 3)
        sides = np.where(np.isfinite(nodes), nodes, -np.inf).max(axis=1) - nodes.min(axis=1)
        axis = sides.argmax(axis=1)
        along = np.take_along_axis(nodes, axis[:, None, None], axis=2)[:, :, 0]
        halves = np.argpartition(along, size // 2, axis=1)
        order = np.take_along_axis(order.reshape(-1, size), halves, axis=1).ravel()
        size //= 2
    return order[order < count]


def boxes_over(corners: Floats32) -> Floats32:
    """Boxes, (2m - 1, 6), of a complete tree with m leaves, a power of two; empty leaves have empty boxes.

    Args:
        corners: (t, 3, 3), triangles in `median_order`.
    """
    leaves = _leaves(len(corners))
    low = np.full((leaves * LEAF, 3), np.inf, dtype=np.float32)
    high = np.full((leaves * LEAF, 3), -np.inf, dtype=np.float32)
    if len(corners):
        low[: len(corners)], high[: len(corners)] = corners.min(axis=1), corners.max(axis=1)
    boxes = np.empty((2 * leaves - 1, 6), dtype=np.float32)
    low, high = low.reshape(leaves, LEAF, 3).min(axis=1), high.reshape(leaves, LEAF, 3).max(axis=1)
    first = leaves - 1
    while True:
        boxes[first : first + len(low), :3], boxes[first : first + len(low), 3:] = low, high
        if first == 0:
            return boxes
        low, high = low.reshape(-1, 2, 3).min(axis=1), high.reshape(-1, 2, 3).max(axis=1)
        first = (first - 1) // 2


def _leaves(count: int) -> int:
    """Leaves of the smallest complete tree that holds so many triangles."""
    leaves = 1
    while leaves * LEAF < count:
        leaves *= 2
    return leaves
