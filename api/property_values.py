"""One property value as a client sent it, brought to its declared type or refused with the reason."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

from twin.feature import Value
from twin.formats.values import INT64_MAX, INT64_MIN, names_zone, parse_date, parse_datetime
from twin.schema import Property, PropertyType


class BadValueError(Exception):
    """A value that does not fit its property; becomes a finding, never an answer of its own."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def read_value(declared: Property, value: Any) -> Value:
    """The value for the store; None is unknown and always taken here.

    Raises:
        BadValueError: if the value is not of the declared type, or not among its codes.
    """
    if value is None:
        return None
    read = _READERS[declared.type](value)
    if read is None:
        raise BadValueError(f"The value is not of type {declared.type.value}.", _REMEDIES[declared.type])
    if declared.codes and read not in (codes := [code.value for code in declared.codes]):
        raise BadValueError("The value is not among the codes.", "One of: " + ", ".join(map(str, codes[:40])) + ".")
    return read


def _text(value: Any) -> str | None:
    if isinstance(value, str) and "\x00" in value:
        raise BadValueError("Text cannot hold the character U+0000.", "Remove it.")
    return value if isinstance(value, str) else None


def _integer(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    if not INT64_MIN <= value <= INT64_MAX:
        raise BadValueError("The number needs more than 64 bits.", f"Between {INT64_MIN} and {INT64_MAX}.")
    return value


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _date(value: Any) -> date | None:
    return parse_date(value) if isinstance(value, str) else None


def _datetime(value: Any) -> datetime | None:
    return parse_datetime(value) if isinstance(value, str) and names_zone(value) else None


_READERS = {
    PropertyType.STRING: _text,
    PropertyType.INTEGER: _integer,
    PropertyType.NUMBER: _number,
    PropertyType.BOOLEAN: _boolean,
    PropertyType.DATE: _date,
    PropertyType.DATETIME: _datetime,
}
_REMEDIES = {
    PropertyType.STRING: "Send text in quotes.",
    PropertyType.INTEGER: "Send a whole number without quotes.",
    PropertyType.NUMBER: "Send a finite number without quotes.",
    PropertyType.BOOLEAN: "Send true or false.",
    PropertyType.DATE: "Send a day such as 2024-05-01.",
    PropertyType.DATETIME: "Send an instant with its zone, such as 2024-05-01T08:00:00+08:00.",
}
