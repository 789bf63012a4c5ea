"""How much one layer may put into one tile, and which features stay where there is more: alarms first, then the largest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tiles.density import MOST_FEATURES

Encoded = TypeVar("Encoded")
Mask = npt.NDArray[np.bool_]

# 2**32 over the golden ratio. Source: D. Knuth, The Art of Computer Programming, volume 3, 6.4 (Fibonacci hashing).
_GOLDEN = 2_654_435_769


@dataclass(frozen=True, slots=True)
class Budget:
    """Room for one layer in one tile.

    Attributes:
        features: Most features.
        data_bytes: Most bytes before compression; only a feature that is larger by itself may exceed it, alone.
    """

    features: int = MOST_FEATURES
    data_bytes: int = 4 * 1024 * 1024

    def header(self) -> str:
        """The budget as a dictionary of a header. Source: RFC 9651, 3.2."""
        return f"features={self.features}, bytes={self.data_bytes}"


BUDGET = Budget()


def importance(sizes: npt.NDArray[np.float64], fids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places of features, the most important first: by size, and of one size by a number that scatters over the map.

    What stays of one size is the same in every tile and at every level, and spread like all of them.

    Args:
        sizes: float64 (n,) in any unit; infinity for what must stay.
        fids: int64 (n,) row numbers.
    """
    scattered = (fids.astype(np.uint64) * np.uint64(_GOLDEN)) & np.uint64(0xFFFFFFFF)
    return np.lexsort((scattered, -sizes))


def encode_within(
    order: npt.NDArray[np.int64],
    encode: Callable[[Mask], Encoded],
    measure: Callable[[Encoded], int],
    budget: Budget = BUDGET,
) -> tuple[Encoded, int]:
    """The most important features that the budget has room for, and how many others there are.

    Args:
        order: int64 (n,) places of all features, the most important first.
        encode: Makes the tile from (n,) whether each feature stays.
        measure: Bytes of what was made.
    """
    most = min(len(order), budget.features)
    while True:
        stays = np.zeros(len(order), dtype=bool)
        stays[order[:most]] = True
        made = encode(stays)
        size = measure(made)
        if size <= budget.data_bytes or most <= 1:
            return made, len(order) - most
        # What was left out is smaller than what stays: an estimate by the mean leaves too much, never by far.
        most = max(1, min(most - 1, int(0.97 * most * budget.data_bytes / size)))
