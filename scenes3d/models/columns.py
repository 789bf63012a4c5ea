"""Attributes of all features as columns of a property table: one kind each, the narrowest that holds every value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from scenes3d.glb.property_table import Column, ColumnKind
from scenes3d.models.surfaces import Value

MOST_COLUMNS = 200
# A number is one that comes back as it was written: 0503 is a code and stays text.
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,17})?([eE][-+]?\d{1,2})?")
_TYPES = {
    ColumnKind.STRING: pa.string(),
    ColumnKind.INTEGER: pa.int64(),
    ColumnKind.NUMBER: pa.float64(),
    ColumnKind.BOOLEAN: pa.bool_(),
}


def columns_of(ids: Sequence[str], kinds: Sequence[str], rows: Sequence[Mapping[str, Value]]) -> tuple[Column, ...]:
    """The id first, the kind of feature, then every attribute that any feature has, in the order of their first appearance."""
    names = list(dict.fromkeys(name for row in rows for name in row))[:MOST_COLUMNS]
    columns = [
        Column("id", ColumnKind.STRING, pa.array(ids, pa.string()), semantic="ID"),
        Column("kind", ColumnKind.STRING, pa.array(kinds, pa.string())),
    ]
    taken = {column.name for column in columns}
    for name in names:
        column = _column(name if name not in taken else f"{name}_", [row.get(name) for row in rows])
        if column is not None:
            columns.append(column)
    return tuple(columns)


def _column(name: str, values: Sequence[Value]) -> Column | None:
    """None where no feature has a value: that is no column."""
    known = [None if value == "" else value for value in values]
    if all(value is None for value in known):
        return None
    kind = _kind([value for value in known if value is not None])
    if kind is ColumnKind.STRING:
        made: list[Value] = [None if value is None else _text(value) for value in known]
    elif kind is ColumnKind.BOOLEAN:
        made = known
    else:
        number = int if kind is ColumnKind.INTEGER else float
        made = [None if value is None else number(value) for value in known]
    return Column(name, kind, pa.array(made, _TYPES[kind]))


def _kind(values: Sequence[Value]) -> ColumnKind:
    if all(isinstance(value, bool) for value in values):
        return ColumnKind.BOOLEAN
    if any(isinstance(value, bool) for value in values):
        return ColumnKind.STRING
    if all(isinstance(value, int) or (isinstance(value, str) and _INTEGER.fullmatch(value)) for value in values):
        return (
            ColumnKind.INTEGER
            if all(abs(int(value)) < 2**62 for value in values if value is not None)
            else ColumnKind.STRING
        )
    if all(isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)) for value in values):
        return ColumnKind.NUMBER
    return ColumnKind.STRING


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
