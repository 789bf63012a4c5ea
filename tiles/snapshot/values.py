"""Attribute values to numbers in one table of encoded values."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tiles.mvt.attributes import encode_value
from tiles.mvt.protobuf import field_bytes, varint
from tiles.snapshot.layout import UNKNOWN
from tiles.snapshot.paths import starts_of

# Number of the field `values` of a layer.
_VALUES = 4
_FLOAT_HEAD = b"\x22\x09\x19"  # a field of nine bytes that is one double; compared with `value_field` by a test
_STRING_TAG = b"\x0a"
# Codes looked at in one step.
_STEP = 1 << 20


def value_field(value: Any) -> bytes | None:
    """A value as a field of a layer, as `Columns.value_bytes` holds it; None for what a tile cannot hold."""
    encoded = encode_value(value)
    return None if encoded is None else field_bytes(_VALUES, encoded)


def value_fields(values: Sequence[Any]) -> list[bytes | None]:
    """The same for many; texts and numbers, of which a layer may have a million different ones, in a fifth of the time."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return [_text_field(text) for text in values]
    if kinds == {float}:
        packed = struct.pack(f"<{len(values)}d", *values)
        places = range(0, len(packed), 8)
        return [
            _FLOAT_HEAD + packed[at : at + 8] if math.isfinite(value) else None
            for at, value in zip(places, values, strict=True)
        ]
    return list(map(value_field, values))


def _text_field(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return _text_head(len(data)) + data


@lru_cache(maxsize=1024)
def _text_head(length: int) -> bytes:
    message = _STRING_TAG + varint(length)
    return varint(_VALUES << 3 | 2) + varint(len(message) + length) + message


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
        fresh = list(set(values).difference(known))
        for value, encoded in zip(fresh, value_fields(fresh), strict=True):
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
        met = self._met_along(flat)
        numbers = np.full(len(self._numbers) + 1, UNKNOWN, dtype=np.int32)  # the last place is that of `UNKNOWN`
        numbers[met] = np.arange(len(met), dtype=np.int32)
        flat[:] = numbers[flat]
        values = list(self._numbers)
        ordered = [values[number] for number in met.tolist()]
        starts = starts_of(np.fromiter(map(len, ordered), dtype=np.int64, count=len(ordered)))
        # Writable, as every array of a snapshot: compiled code takes a read-only one for another type.
        return starts, np.frombuffer(bytearray().join(ordered), dtype=np.uint8)

    def _met_along(self, flat: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """The known values among codes, in the order in which they are met first."""
        first = np.full(len(self._numbers) + 1, len(flat), dtype=np.int64)
        # From the end, the first place of a value is the last that is written down. Sorting all codes takes twenty times as long.
        for end in range(len(flat), 0, -_STEP):
            start = max(0, end - _STEP)
            first[flat[start:end][::-1]] = np.arange(end - 1, start - 1, -1)
        known = first[:-1]
        order = np.argsort(known, kind="stable")
        return order[: np.count_nonzero(known < len(flat))]
