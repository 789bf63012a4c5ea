"""Geometry types read from the first bytes of WKB, without parsing the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from twin.schema import GeometryType

_BY_CODE = {
    1: GeometryType.POINT,
    2: GeometryType.LINESTRING,
    3: GeometryType.POLYGON,
    4: GeometryType.MULTIPOINT,
    5: GeometryType.MULTILINESTRING,
    6: GeometryType.MULTIPOLYGON,
    7: GeometryType.GEOMETRYCOLLECTION,
}
_HEAD_BYTES = 5


def types_in(array: pa.Array) -> set[GeometryType]:
    """Types met in an Arrow array of WKB; GEOMETRY stands for anything else (curves, broken bytes)."""
    values = array.drop_null()
    if not len(values):
        return set()
    large = pa.types.is_large_binary(values.type)
    _, offsets_buffer, data_buffer = values.buffers()
    width: Any = np.int64 if large else np.int32
    offsets = np.frombuffer(offsets_buffer, dtype=width)[values.offset : values.offset + len(values) + 1].astype(
        np.int64
    )
    data = np.frombuffer(data_buffer, dtype=np.uint8) if data_buffer else np.empty(0, np.uint8)
    return _types_at(data, offsets)


def _types_at(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> set[GeometryType]:
    starts = offsets[:-1][np.diff(offsets) >= _HEAD_BYTES]
    found: set[GeometryType] = set()
    if len(starts) < len(offsets) - 1:
        found.add(GeometryType.GEOMETRY)
    if len(starts):
        parts = [data[starts + i].astype(np.uint32) for i in range(_HEAD_BYTES)]
        little = parts[1] | parts[2] << 8 | parts[3] << 16 | parts[4] << 24
        big = parts[4] | parts[3] << 8 | parts[2] << 16 | parts[1] << 24
        codes = np.unique(np.where(parts[0] == 1, little, big) & 0x0FFFFFFF)
        found |= {_BY_CODE.get(int(code) % 1000, GeometryType.GEOMETRY) for code in codes}
    return found


def common_type(types: Iterable[GeometryType]) -> GeometryType:
    """The narrowest type that takes all of these; GEOMETRY when there are none or they do not mix.

    >>> common_type({GeometryType.POLYGON, GeometryType.MULTIPOLYGON}).value
    'MultiPolygon'
    """
    found: Sequence[GeometryType] = sorted(set(types))
    if len(found) == 1:
        return found[0]
    for candidate in (GeometryType.MULTIPOINT, GeometryType.MULTILINESTRING, GeometryType.MULTIPOLYGON):
        if found and all(candidate.accepts(t.value) for t in found):
            return candidate
    return GeometryType.GEOMETRY
