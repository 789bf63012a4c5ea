"""Which tile draws which building: a quadtree over the globe whose cells keep their largest buildings and hand the rest down.

The tree is a function of the set of buildings alone, not of the order they came in nor of what was built before: an edit that
ends in the same set ends in the same tiles.
Cells halve a square of 360 degrees; the one cell of level 0 holds the world, one of level 15 is some 1.2 km high.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from twin.ellipsoid import Floats

DEEPEST = 31
CLOSE_LEVEL = 15
"""From here on cells are small enough for 16-bit positions; wider cells hand most of their buildings down."""

_LEAF_CLOSE, _KEPT_CLOSE = 1200, 600
_LEAF_WIDE, _KEPT_WIDE = 200, 120
_SIDE_DEG = 360.0

Codes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Cells:
    """Where each building is drawn.

    Attributes:
        levels: int8 (n,).
        codes: uint64 (n,), the cell's number along the Z curve of its level.
    """

    levels: npt.NDArray[np.int8]
    codes: Codes


def place_codes(boxes: Floats) -> Codes:
    """Number of the middle of each box (n, 4) in degrees along the Z curve of the deepest level, uint64 (n,)."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    cell = ((middle + _SIDE_DEG / 2) / _SIDE_DEG * 2.0**DEEPEST).astype(np.uint64)
    return _spread(cell[:, 0]) | (_spread(cell[:, 1]) << np.uint64(1))


def assign(codes: Codes, sizes_mm: npt.NDArray[np.int64]) -> Cells:
    """The cell of each building.

    Args:
        codes: uint64 (n,), ascending.
        sizes_mm: int64 (n,); whole millimetres, so that no rounding of a last bit decides.
    """
    count = len(codes)
    levels = np.zeros(count, dtype=np.int8)
    if count:
        rank, free = _ranks(codes, sizes_mm), np.ones(count, dtype=bool)
        waiting = [(0, count, _common_level(codes))]
        while waiting:
            start, stop, level = waiting.pop()
            waiting += _settle(codes, rank, free, levels, start, stop, level)
    shift = (2 * (DEEPEST - levels.astype(np.int64))).astype(np.uint64)
    return Cells(levels, codes >> shift)


def reassign(
    codes: Codes, sizes_mm: npt.NDArray[np.int64], before: npt.NDArray[np.int8], root: int, places: Codes
) -> npt.NDArray[np.int8]:
    """The levels that `assign` gives, by the levels before an edit: what lies apart from it is not looked at again.

    A cell keeps what it kept where no building came or went and its parents left it the same ones.

    Args:
        codes, sizes_mm: As for `assign`, after the edit.
        before: int8 (n,), levels before it; negative for what came.
        root: Least of all levels before it.
        places: uint64 (k,), ascending: where buildings came or went.
    """
    count = len(codes)
    levels = np.zeros(count, dtype=np.int8)
    if not count:
        return levels
    rank, free = _ranks(codes, sizes_mm), np.ones(count, dtype=bool)
    waiting = [(0, count, _common_level(codes))]
    while waiting:
        start, stop, level = waiting.pop()
        shift = np.uint64(2 * (DEEPEST - level))
        cell = codes[start] >> shift
        came = np.searchsorted(places >> shift, [cell, cell + np.uint64(1)])
        left = free[start:stop]
        # Levels above the old root were not cells then.
        if level >= root and came[0] == came[1] and np.array_equal(left, before[start:stop] >= level):
            levels[start:stop][left] = before[start:stop][left]
            free[start:stop] = False
            continue
        waiting += _settle(codes, rank, free, levels, start, stop, level)
    return levels


def _ranks(codes: Codes, sizes_mm: npt.NDArray[np.int64]) -> Codes:
    """Largest last, equal ones by place."""
    return (np.minimum(sizes_mm, 2**31).astype(np.uint64) << np.uint64(32)) | (codes & np.uint64(0xFFFFFFFF))


def _settle(
    codes: Codes,
    rank: Codes,
    free: npt.NDArray[np.bool_],
    levels: npt.NDArray[np.int8],
    start: int,
    stop: int,
    level: int,
) -> list[tuple[int, int, int]]:
    """Keep in one cell what belongs there; gives the cells below that are left with something."""
    members = start + np.flatnonzero(free[start:stop])
    leaf, kept = (_LEAF_CLOSE, _KEPT_CLOSE) if level >= CLOSE_LEVEL else (_LEAF_WIDE, _KEPT_WIDE)
    if len(members) > leaf and level < DEEPEST:
        largest = np.argpartition(rank[members], len(members) - kept)[len(members) - kept :]
        chosen = members[largest]
    else:
        chosen = members
    levels[chosen] = level
    free[chosen] = False
    if len(chosen) == len(members):
        return []
    shift = 2 * (DEEPEST - level - 1)
    first = (int(codes[start]) >> (shift + 2)) << 2
    edges = np.array([(first + quarter) << shift for quarter in range(1, 4)], dtype=np.uint64)
    cuts = [start, *(start + np.searchsorted(codes[start:stop], edges)).tolist(), stop]
    return [(low, high, level + 1) for low, high in pairwise(cuts) if free[low:high].any()]


def _common_level(codes: Codes) -> int:
    """The deepest level at which one cell holds all."""
    return DEEPEST - (int(codes[0] ^ codes[-1]).bit_length() + 1) // 2


def _spread(numbers: Codes) -> Codes:
    """Bits of 32-bit numbers with a gap after each."""
    spread = numbers
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return spread
