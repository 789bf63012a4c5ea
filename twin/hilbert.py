"""Boxes along a Hilbert curve: near on the curve is near on the map."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def hilbert_keys(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Place of each box's centre along a Hilbert curve of 2^16 cells a side over all boxes.

    Args:
        boxes: float64 (n, 4).

    Returns:
        uint64 (n,): near keys are near places.
    """
    if not len(boxes):
        return np.empty(0, dtype=np.uint64)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    low = centre.min(axis=0)
    span = np.maximum(centre.max(axis=0) - low, 1e-12)
    cell = np.minimum(((centre - low) / span * 65535).astype(np.uint32), 65535)
    x, y = cell[:, 0].copy(), cell[:, 1].copy()
    key = np.zeros(len(boxes), dtype=np.uint64)
    for level in range(15, -1, -1):
        side = np.uint32(1 << level)
        right = (x & side) > 0
        upper = (y & side) > 0
        key += np.uint64(1 << (2 * level)) * ((np.uint64(3) * right.astype(np.uint64)) ^ upper.astype(np.uint64))
        flip = ~upper & right
        x = np.where(flip, np.uint32(65535) - x, x)
        y = np.where(flip, np.uint32(65535) - y, y)
        x, y = np.where(upper, x, y), np.where(upper, y, x)
    return key
