"""Values of a file's column brought to the type that the layer's schema gives the property."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from twin.feature import Value
from twin.formats.values import INT64_MAX, INT64_MIN, as_text, parse_date, parse_datetime
from twin.schema import PropertyType

_TRUE = {"true", "t", "yes", "y", "1", "是", "有"}
_FALSE = {"false", "f", "no", "n", "0", "否", "无"}


def conversion(found: PropertyType, wanted: PropertyType) -> Callable[[Any], Value] | None:
    """A function that turns one value of type `found` into type `wanted`; None where values pass as they are.

    The function raises ValueError for a value that has no such form ("n/a" as a number, 2.5 as a whole number).
    Empty text becomes unknown (None), which is not zero.
    """
    if found is wanted:
        return None
    return {
        PropertyType.STRING: as_text,
        PropertyType.INTEGER: _as_integer,
        PropertyType.NUMBER: _as_number,
        PropertyType.BOOLEAN: _as_boolean,
        PropertyType.DATE: _as_date,
        PropertyType.DATETIME: _as_datetime,
    }[wanted]


def _blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _as_integer(value: Any) -> int | None:
    if _blank(value):
        return None
    number = _parse_integer(value) if isinstance(value, str) else int(value)
    if isinstance(value, float) and number != value:
        raise ValueError(value)
    if not INT64_MIN <= number <= INT64_MAX:
        raise ValueError(value)
    return number


def _parse_integer(text: str) -> int:
    try:
        return int(text.strip())
    except ValueError:
        number = float(text)  # "3.0" is how spreadsheets write 3
        if not number.is_integer():
            raise
        return int(number)


def _as_number(value: Any) -> float | None:
    if _blank(value):
        return None
    if isinstance(value, date):
        raise ValueError(value)  # noqa: TRY004 (one family of failure for the caller)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _as_boolean(value: Any) -> bool | None:
    if _blank(value):
        return None
    text = str(value).strip().casefold()
    if text in _TRUE or value == 1:
        return True
    if text in _FALSE or value == 0:
        return False
    raise ValueError(value)


def _as_date(value: Any) -> date | None:
    if _blank(value):
        return None
    if isinstance(value, datetime):
        return value.date()
    day = parse_date(value) or _day_of_instant(value) if isinstance(value, str) else None
    if day is None:
        raise ValueError(value)
    return day


def _day_of_instant(text: str) -> date | None:
    instant = parse_datetime(text)
    return None if instant is None else instant.date()


def _as_datetime(value: Any) -> datetime | None:
    if _blank(value):
        return None
    if isinstance(value, str):
        instant, day = parse_datetime(value), parse_date(value)
    else:
        instant, day = None, value if isinstance(value, date) else None
    if instant is None and day is not None:
        instant = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if instant is None:
        raise ValueError(value)
    return instant
