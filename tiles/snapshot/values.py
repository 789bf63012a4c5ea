"""Attribute values to numbers in one table of encoded values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tiles.mvt.attributes import encode_value
from tiles.snapshot.layout import UNKNOWN
from tiles.snapshot.paths import starts_of


class ValueTable:
    """Values met so far, each distinct one once.

    Args:
        columns: How many columns of values there are: what is equal in Python (1, 1.0 and True) is looked up in each for itself.
    """

    def __init__(self, columns: int) -> None:
        self._numbers: dict[bytes, int] = {}
        self._known: list[dict[Any, int]] = [{} for _ in range(columns)]

    def numbers(self, column: int, values: Sequence[Any]) -> npt.NDArray[np.int32]:
        """The number of each value of a column: int32, `UNKNOWN` for None and for what a tile cannot hold (NaN, infinity)."""
        known = self._known[column]
        for value in set(values).difference(known):
            encoded = encode_value(value)
            known[value] = UNKNOWN if encoded is None else self._numbers.setdefault(encoded, len(self._numbers))
        return np.fromiter(map(known.__getitem__, values), dtype=np.int32, count=len(values))

    def packed(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Where each value begins, and all of them on end: `Columns.value_starts` and `value_bytes`."""
        starts = starts_of(np.fromiter(map(len, self._numbers), dtype=np.int64, count=len(self._numbers)))
        # Writable, as every array of a snapshot: compiled code takes a read-only one for another type.
        return starts, np.frombuffer(bytearray().join(self._numbers), dtype=np.uint8)
