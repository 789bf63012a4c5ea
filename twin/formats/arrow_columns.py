"""Arrow columns as the Python values that row batches carry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from twin.formats.port import Alteration
from twin.formats.values import as_text
from twin.schema import PropertyType

NOT_FINITE = "not a finite number, read as unknown"
_FLOAT32_DIGITS = 9


@dataclass(frozen=True, slots=True)
class ArrowColumn:
    """One column of a file.

    Attributes:
        source: Name in the file.
        name: Name of the property.
        type: Type of the property.
        zone: Zone of times that have none.
    """

    source: str
    name: str
    type: PropertyType
    zone: tzinfo = UTC


def property_type(kind: pa.DataType) -> PropertyType | None:
    """The property type that takes an Arrow type; None for bytes, which no property takes.

    Unsigned 64-bit integers and wide decimals become text: they may not fit 64 signed bits.
    """
    if pa.types.is_dictionary(kind):
        return property_type(kind.value_type)
    tests: tuple[tuple[PropertyType | None, Callable[[pa.DataType], bool]], ...] = (
        (PropertyType.BOOLEAN, pa.types.is_boolean),
        (PropertyType.STRING, pa.types.is_uint64),
        (PropertyType.INTEGER, pa.types.is_integer),
        (PropertyType.NUMBER, pa.types.is_floating),
        (PropertyType.NUMBER, pa.types.is_decimal),
        (PropertyType.DATE, pa.types.is_date),
        (PropertyType.DATETIME, pa.types.is_timestamp),
        (None, pa.types.is_binary),
        (None, pa.types.is_large_binary),
        (None, pa.types.is_fixed_size_binary),
        (None, pa.types.is_binary_view),
    )
    return next((result for result, test in tests if test(kind)), PropertyType.STRING)


def column_values(array: pa.Array, column: ArrowColumn, altered: list[Alteration]) -> Sequence[Any]:
    """Values of one column of a batch; what had to change is added to `altered`."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.cast(kind.value_type)
        kind = array.type
    if pa.types.is_floating(kind):
        return _floats(array, column.name, altered)
    if pa.types.is_decimal(kind):
        return _floats(array.cast(pa.float64()), column.name, altered)
    if pa.types.is_timestamp(kind):
        return _instants(array, column.zone)
    if pa.types.is_date64(kind):
        return array.cast(pa.date32()).to_pylist()  # type: ignore[no-any-return]
    if column.type is PropertyType.STRING and not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return [as_text(value) for value in array.to_pylist()]
    return array.to_pylist()  # type: ignore[no-any-return]


def _floats(array: pa.Array, name: str, altered: list[Alteration]) -> Sequence[Any]:
    narrow = pa.types.is_float32(array.type) or pa.types.is_float16(array.type)
    finite = pc.is_finite(array)
    bad = len(array) - array.null_count - (pc.sum(finite).as_py() or 0)
    if bad:
        array = pc.if_else(finite, array, pa.scalar(None, array.type))
        altered.append(Alteration(name, NOT_FINITE, bad))
    if narrow:
        missing = array.null_count
        mask = array.is_null().to_numpy(zero_copy_only=False) if missing else None
        values = shortest_doubles(array.fill_null(0).cast(pa.float32()).to_numpy(zero_copy_only=False))
        array = pa.array(values, mask=mask)
    return array.to_pylist()  # type: ignore[no-any-return]


def shortest_doubles(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Single-precision numbers as the doubles that are written with the fewest digits: 3.4 and not 3.4000000953674316.

    Args:
        values: float32 (n,), finite.

    Returns:
        float64 (n,); each rounds back to the single it came from.
    """
    wide = values.astype(np.float64)
    size = np.abs(wide)
    exponent = np.floor(np.log10(np.where(size > 0, size, 1.0)))
    result = wide.copy()
    pending = (size > 1e-30) & (size < 1e30)
    for digits in range(6, _FLOAT32_DIGITS + 1):
        scale = 10.0 ** (digits - 1 - exponent)
        rounded = np.where(scale >= 1, np.round(wide * scale) / scale, wide)
        fits = pending & (rounded.astype(np.float32) == values)
        result[fits] = rounded[fits]
        pending &= ~fits
        if not pending.any():
            break
    return result


def _instants(array: pa.Array, zone: tzinfo) -> Sequence[Any]:
    micro = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    if micro.type.tz is None:
        if zone is UTC:
            micro = micro.cast(pa.timestamp("us", "UTC"))
        else:
            return [None if v is None else v.replace(tzinfo=zone).astimezone(UTC) for v in micro.to_pylist()]
    return [None if v is None else v.astimezone(UTC) for v in micro.to_pylist()]
