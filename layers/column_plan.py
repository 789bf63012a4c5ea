"""Which column of a file fills which property of a layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from layers.value_conversion import conversion
from twin.errors import BadManifestError, Finding
from twin.feature import Value
from twin.formats.names import clean_names
from twin.formats.port import SourceInfo
from twin.schema import Property, Schema

_NOT_A_WORD = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class PlannedColumn:
    """One property of the layer and where its values come from.

    Attributes:
        source: Column of the file; None where the file has none (values stay unknown).
        convert: Brings one value to the property's type, raising ValueError; None where values pass as they are.
        allowed: The coded values; empty for free values.
    """

    property: Property
    source: str | None
    convert: Callable[[Any], Value] | None
    allowed: frozenset[str | int] = frozenset()


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """All properties of the layer with their sources.

    Attributes:
        id_column: Column of the file that holds the ids; None where they come from elsewhere.
        ignored: Columns of the file that the layer does not have; absent: properties that the file does not have.
        renamed: Pairs of the name in the file and the name in the layer that differ by more than capital letters.
        validity: Columns of the file with the beginning and the end of each row's validity; None where rows have none.
    """

    schema: Schema
    columns: tuple[PlannedColumn, ...]
    id_column: str | None
    ignored: tuple[str, ...]
    absent: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    validity: tuple[str | None, str | None] | None = None


def property_names(names: Sequence[str]) -> list[str]:
    """Names of a file's columns as names of properties: letters (Chinese too), digits and underscores, a letter first.

    >>> property_names(["Shape.STArea()", "2010", "名称", "_x"])
    ['Shape_STArea', 'p_2010', '名称', 'p_x']
    """
    return clean_names(_as_word(name) for name in names)


def _as_word(name: str) -> str:
    word = _NOT_A_WORD.sub("_", name).strip("_")
    return word if word[:1].isalpha() else f"p_{word}"


def derive_properties(info: SourceInfo) -> tuple[Property, ...]:
    """The properties of a layer that is made from the file alone; titles keep the names in the file."""
    names = property_names([p.name for p in info.properties])
    return tuple(
        Property(name, source.type, title=source.title, unit=source.unit)
        for name, source in zip(names, info.properties, strict=True)
    )


def plan_columns(
    schema: Schema, info: SourceInfo, id_property: str | None, validity: Mapping[str, str] | None = None
) -> ColumnPlan:
    """Match the file's columns with the layer's properties, by name without regard to case.

    Args:
        validity: Names of the columns `from` and `to` which rows hold, as the manifest has them.

    Raises:
        BadManifestError: if `id_property` is neither a property nor a column of the file, or one of `validity` is no column.
    """
    originals = {rename.name: rename.original for rename in info.renames}
    sources: dict[str, Property] = {}
    words = property_names([p.name for p in info.properties])
    for word, source in zip(words, info.properties, strict=True):
        for name in (source.name, word, originals.get(source.name, "")):
            sources.setdefault(name.strip().casefold(), source)
    columns = tuple(_planned(entry, sources.get(entry.name.casefold())) for entry in schema)
    id_column = None if id_property is None else _id_column(id_property, sources, info)
    ends = _validity_columns(validity, sources) if validity else None
    used = {column.source for column in columns} | {id_column, *(ends or ())}
    return ColumnPlan(
        schema=schema,
        columns=columns,
        id_column=id_column,
        ignored=tuple(p.name for p in info.properties if p.name not in used),
        absent=tuple(column.property.name for column in columns if column.source is None),
        renamed=tuple(_renamed(columns, originals)),
        validity=ends,
    )


def _planned(entry: Property, source: Property | None) -> PlannedColumn:
    allowed = frozenset(code.value for code in entry.codes)
    if source is None:
        return PlannedColumn(entry, None, None, allowed)
    return PlannedColumn(entry, source.name, conversion(source.type, entry.type), allowed)


def _id_column(id_property: str, sources: dict[str, Property], info: SourceInfo) -> str | None:
    source = sources.get(id_property.casefold())
    if source is not None:
        return source.name
    if info.id_column is not None and info.id_column.casefold() == id_property.casefold():
        return None  # the member "id" of GeoJSON: the batches carry it
    names = ", ".join(p.name for p in info.properties[:30]) or "none"
    remedy = f"Name one of the file's columns: {names}."
    raise BadManifestError(
        f"The file has no column '{id_property}' to take the ids from.",
        value=id_property,
        limit="a column of the file",
        remedy=remedy,
        findings=(Finding("/id_property", id_property, "The file has no column of this name.", remedy),),
    )


def _validity_columns(named: Mapping[str, str], sources: dict[str, Property]) -> tuple[str | None, str | None]:
    for end, name in named.items():
        if name.casefold() not in sources:
            remedy = "Name columns of the file, or leave validity out of the manifest."
            raise BadManifestError(
                f"The file has no column '{name}' to take the validity from.",
                value=name,
                limit="a column of the file",
                remedy=remedy,
                findings=(Finding(f"/validity/{end}", name, "The file has no column of this name.", remedy),),
            )
    start, end_ = (named.get(end) for end in ("from", "to"))
    return (
        None if start is None else sources[start.casefold()].name,
        None if end_ is None else sources[end_.casefold()].name,
    )


def _renamed(columns: Iterable[PlannedColumn], originals: dict[str, str]) -> Iterable[tuple[str, str]]:
    for column in columns:
        if column.source is None:
            continue
        original = originals.get(column.source, column.source)
        if original.casefold() != column.property.name.casefold():
            yield original, column.property.name
