"""Types of columns worked out from their values, and values brought to the type of their column."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from enum import IntFlag
from typing import Any

import orjson

from twin.feature import Value
from twin.schema import PropertyType

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)

_DATE = re.compile(r"(\d{4})([-/.年])(\d{1,2})(?:\2|月)(\d{1,2})日?")
_DATETIME = re.compile(
    r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)? ?(Z|z|[+-]\d{2}:?(?:\d{2})?)?"
)
_SHORTEST_DATE = 8
_LONGEST_DATETIME = 40


class Kind(IntFlag):
    """What was seen in a column so far."""

    NOTHING = 0
    BOOLEAN = 1
    INTEGER = 2
    NUMBER = 4
    DATE = 8
    DATETIME = 16
    TEXT = 32


_TYPES = {
    Kind.BOOLEAN: PropertyType.BOOLEAN,
    Kind.INTEGER: PropertyType.INTEGER,
    Kind.NUMBER: PropertyType.NUMBER,
    Kind.INTEGER | Kind.NUMBER: PropertyType.NUMBER,
    Kind.DATE: PropertyType.DATE,
    Kind.DATETIME: PropertyType.DATETIME,
}


def column_type(seen: Kind) -> PropertyType:
    """The narrowest type that takes everything that was seen; text when nothing was seen or kinds do not mix."""
    return _TYPES.get(seen, PropertyType.STRING)


def kind_of(value: object) -> Kind:
    """Kind of one value as JSON or a typed file gives it; empty text says nothing."""
    match value:
        case None | "":
            return Kind.NOTHING
        case bool():
            return Kind.BOOLEAN
        case int():
            return Kind.INTEGER if INT64_MIN <= value <= INT64_MAX else Kind.TEXT
        case float():
            return Kind.NUMBER
        case str():
            return _kind_of_text(value)
        case datetime():
            return Kind.DATETIME
        case date():
            return Kind.DATE
    return Kind.TEXT


def _kind_of_text(text: str) -> Kind:
    if not (_SHORTEST_DATE <= len(text) <= _LONGEST_DATETIME and text[4] in "-/.年"):
        return Kind.TEXT
    if parse_date(text) is not None:
        return Kind.DATE
    return Kind.DATETIME if parse_datetime(text) is not None else Kind.TEXT


def parse_date(text: str) -> date | None:
    """2024-05-01, 2024/5/1, 2024.5.1 or 2024年5月1日 as a day; None for anything else."""
    found = _DATE.fullmatch(text.strip())
    if not found or ("年" in text) != ("月" in text):
        return None
    try:
        return date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return None


def parse_datetime(text: str, zone: tzinfo = UTC) -> datetime | None:
    """A date with a time of day as an instant in UTC, read in `zone` where the text names none; None for anything else."""
    found = _DATETIME.fullmatch(text.strip())
    if not found:
        return None
    year, _, month, day, hour, minute, second, fraction, offset = found.groups()
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    try:
        value = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            microsecond,
            tzinfo=_zone(offset, zone),
        )
        return value.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def names_zone(text: str) -> bool:
    """Whether a date-time text says its zone itself."""
    found = _DATETIME.fullmatch(text.strip())
    return bool(found and found[9])


def _zone(offset: str | None, otherwise: tzinfo) -> tzinfo:
    if not offset:
        return otherwise
    if offset in "Zz":
        return UTC
    padded = offset if len(offset) > 3 else offset + "00"
    zone = datetime.strptime(padded, "%z").tzinfo
    assert zone is not None
    return zone


def as_text(value: object) -> str | None:
    """Any value as text: lists and objects as JSON, booleans as JSON writes them, integers in full."""
    match value:
        case None:
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else None
        case date():
            return value.isoformat()
        case list() | dict():
            return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    return str(value)


def _as_number(value: Any) -> float | None:
    if value is None or value == "":
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _as_date(value: Any) -> date | None:
    return parse_date(value) if isinstance(value, str) else value


def converter(kind: PropertyType, zone: tzinfo = UTC) -> Callable[[Any], Value]:
    """A function that brings one value of a column, as JSON gives it, to the column's type.

    Not-finite numbers become None; the caller counts them.
    """

    def as_instant(value: Any) -> datetime | None:
        return parse_datetime(value, zone) if isinstance(value, str) else value

    def unchanged(value: Any) -> Value:
        return None if value == "" else value

    return {
        PropertyType.STRING: as_text,
        PropertyType.NUMBER: _as_number,
        PropertyType.INTEGER: unchanged,
        PropertyType.BOOLEAN: unchanged,
        PropertyType.DATE: _as_date,
        PropertyType.DATETIME: as_instant,
    }[kind]
