"""Rectangles on one picture: shelves from the tallest to the lowest, as long as the picture is wide."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
_MULTIPLE = 16  # JPEG's blocks with half the colour


@dataclass(frozen=True, slots=True)
class Packed:
    """Where rectangles lie.

    Attributes:
        places: int64 (n, 2), column and row of the upper left corner of each.
        width, height: Of the picture, multiples of 16.
    """

    places: Ints
    width: int
    height: int


def pack(sizes: Ints) -> Packed:
    """Places for rectangles (n, 2), width and height, at least one; about as wide as high."""
    order = np.lexsort((np.arange(len(sizes)), -sizes[:, 0], -sizes[:, 1]))
    area = float((sizes[:, 0] * sizes[:, 1]).sum())
    width = _round_up(max(int(sizes[:, 0].max()), math.ceil(math.sqrt(area) * 1.05)))
    places = np.empty((len(sizes), 2), dtype=np.int64)
    column = row = shelf = 0
    for number, (across, down) in zip(order.tolist(), sizes[order].tolist(), strict=True):
        if column + across > width:
            column, row = 0, row + shelf
            shelf = 0
        shelf = max(shelf, down)
        places[number] = column, row
        column += across
    return Packed(places, width, _round_up(row + shelf))


def _round_up(value: int) -> int:
    return -(-value // _MULTIPLE) * _MULTIPLE
