"""Attribute values to numbers in one table of encoded values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tiles.mvt.attributes import encode_value
from tiles.mvt.protobuf import field_bytes
from tiles.snapshot.layout import UNKNOWN
from tiles.snapshot.paths import starts_of

# Number of the field `values` of a layer.
_VALUES = 4


def value_field(value: Any) -> bytes | None:
    """A value as a field of a layer, as `Columns.value_bytes` holds it; None for what a tile cannot hold."""
    encoded = encode_value(value)
    return None if encoded is None else field_bytes(_VALUES, encoded)


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
            encoded = value_field(value)
            known[value] = UNKNOWN if encoded is None else self._numbers.setdefault(encoded, len(self._numbers))
        return np.fromiter(map(known.__getitem__, values), dtype=np.int32, count=len(values))

    def packed_along(self, codes: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Values in the order in which features meet them, so that a tile's lie near each other.

        Args:
            codes: int32 (n, p) numbers of values in the order of features; those of the new order are put in their place.

        Returns:
            Where each value begins, and all of them on end: `Columns.value_starts` and `value_bytes`.
        """
        flat = codes.reshape(-1)
        met, places = np.unique(flat, return_index=True)
        met = met[np.argsort(places, kind="stable")]
        met = met[met != UNKNOWN]
        numbers = np.full(len(self._numbers) + 1, UNKNOWN, dtype=np.int32)  # the last place is that of `UNKNOWN`
        numbers[met] = np.arange(len(met), dtype=np.int32)
        flat[:] = numbers[flat]
        values = list(self._numbers)
        ordered = [values[number] for number in met.tolist()]
        starts = starts_of(np.fromiter(map(len, ordered), dtype=np.int64, count=len(ordered)))
        # Writable, as every array of a snapshot: compiled code takes a read-only one for another type.
        return starts, np.frombuffer(bytearray().join(ordered), dtype=np.uint8)
