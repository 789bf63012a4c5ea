"""Cells of a CSV file: what type a column of texts has, and texts brought to that type."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import tzinfo
from functools import lru_cache
from typing import Any

from twin.feature import Value
from twin.formats.values import Kind, converter, kind_of
from twin.schema import PropertyType

# More digits than this are a code (an identity card, a device number), not a quantity: they are kept as text.
MOST_DIGITS = 15
_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d*)", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_LEADING_ZERO = re.compile(r"[+-]?0\d")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_NOT_FINITE = {"nan", "inf", "+inf", "-inf", "infinity", "-infinity"}
_BOOLEANS = {"true": True, "false": False}


@lru_cache(maxsize=65_536)
def kind_of_cell(text: str) -> Kind:
    """Kind of one cell; empty cells and not-a-number words say nothing.

    >>> [kind_of_cell(t).name for t in ("12", "1.50", "007", "2024-05-01", "true", "370281199001010011")]
    ['INTEGER', 'NUMBER', 'TEXT', 'DATE', 'BOOLEAN', 'TEXT']
    """
    text = text.strip()
    lowered = text.lower()
    if not text or lowered in _NOT_FINITE:
        return Kind.NOTHING
    if _LEADING_ZERO.match(text):
        return Kind.TEXT
    if _INTEGER.fullmatch(text):
        return Kind.INTEGER if len(text.lstrip("+-")) <= MOST_DIGITS else Kind.TEXT
    if _NUMBER.fullmatch(text):
        return Kind.NUMBER if math.isfinite(float(text)) else Kind.TEXT
    return Kind.BOOLEAN if lowered in _BOOLEANS else kind_of(text)


def parse_number(text: str) -> float | None:
    """A finite number, None for anything else. Thousands separators and decimal commas are not guessed at."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def cell_converter(kind: PropertyType, zone: tzinfo) -> Callable[[str], Value]:
    """A function from the text of a cell to a value of the column's type; empty cells become None."""
    dated: Callable[[Any], Value] = converter(kind, zone)
    return {
        PropertyType.STRING: lambda text: unguarded(text) or None,
        PropertyType.NUMBER: parse_number,
        PropertyType.INTEGER: lambda text: int(text) if text.strip() and not is_not_finite(text) else None,
        PropertyType.BOOLEAN: lambda text: _BOOLEANS.get(text.strip().lower()),
        PropertyType.DATE: lambda text: dated(text.strip()),
        PropertyType.DATETIME: lambda text: dated(text.strip()),
    }[kind]


def unguarded(text: str) -> str:
    """Text without the apostrophe that keeps a spreadsheet from running it as a formula.

    >>> [unguarded(t) for t in ("'=1+1", "'quoted'", "''@x")]
    ['=1+1', "'quoted'", "'@x"]
    """
    return text[1:] if _GUARDED.match(text) else text


def is_not_finite(text: str) -> bool:
    """Whether a cell says not-a-number or infinity."""
    return text.strip().lower() in _NOT_FINITE
