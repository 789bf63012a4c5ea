"""Rows that come one by one as mappings (GeoJSON, TopoJSON), gathered into typed batches."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from twin.errors import shorten
from twin.formats.arrow_columns import NOT_FINITE
from twin.formats.names import clean_names, list_renames
from twin.formats.port import Alteration, Rejection, Rename, RowBatch
from twin.formats.values import Kind, column_type, converter, kind_of, names_zone
from twin.schema import GeometryType, Property, PropertyType

NO_ZONE = "time without a zone, read in the zone given for the file"
_BATCH_BYTES = 32 << 20
# Values of these types add nothing to a column that is known to be of that kind.
_PLAIN: dict[type, Kind] = {bool: Kind.BOOLEAN, float: Kind.NUMBER}


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the file has it: number, id, WKB, properties under their names in the file."""

    number: int
    id: str | None
    wkb: bytes | None
    properties: Mapping[str, Any]


@dataclass
class Survey:
    """What a first walk through the rows shows: columns with the kinds of their values, geometry types, count, ids."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    types: set[GeometryType] = field(default_factory=set)
    count: int = 0
    has_ids: bool = False

    def see(self, properties: Mapping[str, Any], geometry: GeometryType | None, *, has_id: bool) -> None:
        """Take note of one row."""
        kinds = self.kinds
        for name, value in properties.items():
            seen = kinds.get(name)
            if seen is None:
                kinds[name] = kind_of(value)
            elif seen is not Kind.TEXT and value is not None and _PLAIN.get(type(value)) is not seen:
                kinds[name] = seen | kind_of(value)
        if geometry is not None:
            self.types.add(geometry)
        self.has_ids = self.has_ids or has_id

    def columns(self) -> list[JsonColumn]:
        names = clean_names(self.kinds)
        return [JsonColumn(s, n, column_type(k)) for (s, k), n in zip(self.kinds.items(), names, strict=True)]


@dataclass(frozen=True, slots=True)
class JsonColumn:
    """A column: its name in the file, name and type of its property."""

    source: str
    name: str
    type: PropertyType


def properties_of(columns: Iterable[JsonColumn]) -> tuple[Property, ...]:
    """The columns as properties of a schema."""
    return tuple(Property(c.name, c.type) for c in columns)


def renames_of(columns: list[JsonColumn]) -> tuple[Rename, ...]:
    """The columns whose names had to change."""
    return list_renames([c.source for c in columns], [c.name for c in columns])


def build_batches(
    rows: Iterable[Row | Rejection], columns: list[JsonColumn], zone: tzinfo, size: int
) -> Iterator[RowBatch]:
    """Batches of at most `size` rows, and fewer when their geometries are fat."""
    good: list[Row] = []
    bad: list[Rejection] = []
    weight = 0
    for row in rows:
        if isinstance(row, Rejection):
            bad.append(row)
        else:
            good.append(row)
            weight += len(row.wkb or b"")
        if len(good) >= size or len(bad) >= size or weight > _BATCH_BYTES:
            yield _batch(good, bad, columns, zone)
            good, bad, weight = [], [], 0
    if good or bad:
        yield _batch(good, bad, columns, zone)


def _batch(good: list[Row], bad: list[Rejection], columns: list[JsonColumn], zone: tzinfo) -> RowBatch:
    altered: list[Alteration] = []
    values: dict[str, Sequence[Any]] = {
        c.name: _values(c, [row.properties.get(c.source) for row in good], zone, altered) for c in columns
    }
    ids = [row.id for row in good]
    return RowBatch(
        rows=[row.number for row in good],
        ids=ids if any(id_ is not None for id_ in ids) else None,
        wkb=[row.wkb for row in good],
        columns=values,
        rejected=tuple(bad),
        alterations=tuple(altered),
    )


def _values(column: JsonColumn, raw: list[Any], zone: tzinfo, altered: list[Alteration]) -> list[Any]:
    convert = converter(column.type, zone)
    counts: Counter[str] = Counter()
    if column.type is PropertyType.NUMBER or column.type is PropertyType.STRING:
        counts[NOT_FINITE] = sum(1 for v in raw if isinstance(v, float) and not math.isfinite(v))
    elif column.type is PropertyType.DATETIME:
        counts[NO_ZONE] = sum(1 for v in raw if isinstance(v, str) and v and not names_zone(v))
    altered += [Alteration(column.name, reason, count) for reason, count in counts.items() if count]
    return [convert(value) for value in raw]


def rejection(number: int, reason: str, value: object = "") -> Rejection:
    """A rejected row, its value cut to a readable length."""
    return Rejection(number, reason, shorten(value, 100) if value != "" else "")
