"""Columns of values to the key and value tables of a layer, with the tags of each feature.

Source: Mapbox Vector Tile 2.1, 4.4 (feature attributes).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import numpy as np

from tiles.mvt.protobuf import field_double, field_varint, pack_varints, varint, zigzag

_UNKNOWN = -1
_DOUBLE, _UINT, _SINT, _BOOL = 3, 5, 6, 7
_STRING_TAG = varint(1 << 3 | 2)


@dataclass(frozen=True, slots=True)
class Tags:
    """Attributes of the features of one layer.

    Attributes:
        keys: Names that at least one feature has, in column order.
        values: Encoded `Value` messages, each once.
        tags: One byte string of packed key and value indices for each feature.
    """

    keys: tuple[str, ...]
    values: tuple[bytes, ...]
    tags: list[bytes]


def encode_attributes(columns: Mapping[str, Sequence[Any]], rows: Sequence[int]) -> Tags:
    """Key and value tables over the chosen rows; a value that is None (or NaN) is left out of its feature."""
    table: dict[bytes, int] = {}
    keys: list[str] = []
    codes: list[list[int]] = []
    for name, column in columns.items():
        column_codes = _codes([column[i] for i in rows], table)
        if any(code != _UNKNOWN for code in column_codes):
            keys.append(name)
            codes.append(column_codes)
    return Tags(tuple(keys), tuple(table), _pack(codes, len(rows)))


def encode_value(value: Any) -> bytes | None:
    """One attribute value as a `Value` message; None for one that a tile cannot hold (None, NaN, infinity).

    Integers are unsigned or zigzag by their sign; one that needs more than 64 bits travels as text, with every digit.
    Days and instants are ISO 8601 text, instants in UTC.

    >>> encode_value(-3).hex()
    '3005'
    """
    if type(value) is str:
        return _encode_text(value)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return None
    if isinstance(value, bool):
        return field_varint(_BOOL, int(value))
    if isinstance(value, int):
        return _encode_integer(value)
    if isinstance(value, float):
        return field_double(_DOUBLE, value) if math.isfinite(value) else None
    return _encode_text(_text(value))


def _encode_text(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return _text_head(len(data)) + data


@lru_cache(maxsize=1024)
def _text_head(length: int) -> bytes:
    return _STRING_TAG + varint(length)


def _encode_integer(value: int) -> bytes:
    if 0 <= value < 1 << 64:
        return field_varint(_UINT, value)
    if -(1 << 63) <= value < 0:
        return field_varint(_SINT, zigzag(value))
    return _encode_text(str(value))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        instant = value if value.tzinfo is None else value.astimezone(UTC)
        return instant.replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _codes(values: list[Any], table: dict[bytes, int]) -> list[int]:
    """Place of each value in the table; values not met yet are added to it."""
    if len(set(map(type, values)) - {type(None)}) > 1:
        # 1, 1.0 and True are equal to Python and different to a tile: mixed columns are looked up by type as well.
        distinct: dict[Any, int] = dict.fromkeys(((type(value), value) for value in values), _UNKNOWN)
        for key in distinct:
            encoded = encode_value(key[1])
            if encoded is not None:
                distinct[key] = table.setdefault(encoded, len(table))
        return [distinct[type(value), value] for value in values]
    distinct = dict.fromkeys(values, _UNKNOWN)
    for value in distinct:
        encoded = _encode_text(value) if type(value) is str else encode_value(value)
        if encoded is not None:
            distinct[value] = table.setdefault(encoded, len(table))
    return [distinct[value] for value in values]


def _pack(codes: list[list[int]], features: int) -> list[bytes]:
    if not codes:
        return [b""] * features
    value_index = np.array(codes, dtype=np.int64).T
    key_index = np.broadcast_to(np.arange(value_index.shape[1]), value_index.shape)
    known = value_index != _UNKNOWN
    pairs = np.stack([key_index[known], value_index[known]], axis=1)
    return pack_varints(pairs.ravel().astype(np.uint32), 2 * known.sum(axis=1))
