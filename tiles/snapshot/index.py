"""The index of the boxes of a snapshot: a packed R-tree over boxes in the order of a Hilbert curve.

Source: I. Kamel, C. Faloutsos, "Hilbert R-tree: an improved R-tree using fractals", 1994 (packing along the curve).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

NODE = 16


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
