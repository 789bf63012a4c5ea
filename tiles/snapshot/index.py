"""Order and index of the boxes of a snapshot: a Hilbert curve over their middles, and a packed R-tree above it.

Source: I. Kamel, C. Faloutsos, "Hilbert R-tree: an improved R-tree using fractals", 1994 (packing along the curve).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

NODE = 16
_ORDER = 16  # the curve's cells are 2**16 to the side of the data's box


def hilbert_order(centres: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Positions of points along a Hilbert curve over their own box: int64 (n,), a permutation; equal cells keep their order.

    Args:
        centres: uint32 (n, 2).
    """
    if len(centres) == 0:
        return np.empty(0, dtype=np.int64)
    low = centres.min(axis=0).astype(np.float64)
    side = max(1.0, float((centres.max(axis=0) - low).max()))
    cells = ((centres - low) * ((2**_ORDER - 1) / side)).astype(np.int64)
    return np.argsort(_hilbert_distance(cells[:, 0], cells[:, 1]), kind="stable")


def _hilbert_distance(x: npt.NDArray[np.int64], y: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Length of the curve up to each cell. Source: "Hilbert curve", the loop over bits from the highest, for whole columns."""
    distance = np.zeros(len(x), dtype=np.int64)
    x, y = x.copy(), y.copy()
    side = 1 << (_ORDER - 1)
    while side:
        right, upper = (x & side) > 0, (y & side) > 0
        distance += side * side * ((3 * right) ^ upper)
        turned = ~upper
        mirrored = turned & right
        x[mirrored], y[mirrored] = side - 1 - x[mirrored], side - 1 - y[mirrored]
        x[turned], y[turned] = y[turned], x[turned]
        side >>= 1
    return distance


def pack_tree(boxes: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """The nodes of a packed R-tree over boxes that are already in order.

    Args:
        boxes: uint32 (n, 4) west, north, east, south.

    Returns:
        uint32 (t, 4) boxes of the nodes, lowest level first, the root last; int64 where each level begins, and their end.
    """
    levels: list[npt.NDArray[np.uint32]] = []
    below = boxes
    while len(below) and (not levels or len(below) > 1):
        starts = np.arange(0, len(below), NODE)
        low = np.minimum.reduceat(below[:, :2], starts, axis=0)
        high = np.maximum.reduceat(below[:, 2:], starts, axis=0)
        below = np.concatenate([low, high], axis=1).astype(np.uint32)
        levels.append(below)
    ends = np.cumsum([0, *(len(level) for level in levels)]).astype(np.int64)
    return np.concatenate(levels) if levels else np.empty((0, 4), dtype=np.uint32), ends
