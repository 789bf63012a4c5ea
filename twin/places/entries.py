"""Rows of a layer on their way into the index: named states of features, read from its table and its history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa

from twin.bounds import Bounds
from twin.places.kinds import Kind, kind_of
from twin.places.sources import SearchRule
from twin.schema import PropertyType
from twin.store.catalogue import KnownLayer
from twin.store.dialect import Dialect
from twin.store.tables import GEOM, ID, SLICE, STANDING, SUPERSEDED, VALID_FROM, VALID_TO, VERSION, column_name
from twin.store.values import instant_text

_ROWS_AT_ONCE = 2_000
_LEADING = 7


@dataclass(frozen=True, slots=True)
class Names:
    """The texts of a place."""

    zh: str
    en: str
    address: str
    aliases: tuple[str, ...]
    kind: Kind
    value: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One state of one feature under its names.

    Attributes:
        key: Of the place it belongs to: equal for all lines of one name where the layer merges them.
        superseded: Layer version that ended the state; None while it stands.
        slice: 1 for an earlier slice of the feature's validity.
    """

    key: str
    names: Names
    feature: str
    version: int
    superseded: int | None
    slice: int
    valid_from: str | None
    valid_to: str | None
    lon: float
    lat: float
    box: Bounds

    def continues(self, other: Entry) -> bool:
        """Whether this state says of the feature what `other`, which it replaced, had said."""
        same = replace(self, version=other.version, superseded=other.superseded)
        return self.version == other.superseded and same == other


def read_standing(
    connection: sa.Connection, known: KnownLayer, dialect: Dialect, rule: SearchRule, since: int
) -> Iterator[list[Entry]]:
    """Features with a name as they stand, written after version `since`, in parts."""
    table = known.tables.current
    columns = [table.c[ID], table.c[VERSION], sa.null(), sa.literal_column("0")]
    statement = _select(table, columns, known, dialect, rule).where(table.c[VERSION] > since)
    yield from _parts(connection, statement, dialect, rule)


def read_past(
    connection: sa.Connection, known: KnownLayer, dialect: Dialect, rule: SearchRule, since: int
) -> Iterator[list[Entry]]:
    """Former states with a name that came or ended after version `since`, oldest first for each feature, in parts."""
    table = known.tables.history
    columns = [table.c[ID], table.c[VERSION], table.c[SUPERSEDED], table.c[SLICE]]
    ended = sa.and_(table.c[SUPERSEDED] > since, table.c[SUPERSEDED] < STANDING)
    statement = _select(table, columns, known, dialect, rule).where(sa.or_(table.c[VERSION] > since, ended))
    yield from _parts(connection, statement.order_by(table.c[ID], table.c[VERSION]), dialect, rule)


def coalesced(entries: Iterable[Entry]) -> list[Entry]:
    """States of features, those of one feature in order: what says the same as the state before it lengthens that one."""
    made: list[Entry] = []
    last: dict[tuple[str, int], int] = {}
    for entry in entries:
        before = last.get((entry.feature, entry.slice))
        if before is not None and not entry.slice and entry.continues(made[before]):
            made[before] = replace(made[before], superseded=entry.superseded)
            continue
        last[entry.feature, entry.slice] = len(made)
        made.append(entry)
    return made


def _select(
    table: sa.Table, columns: Sequence[Any], known: KnownLayer, dialect: Dialect, rule: SearchRule
) -> sa.Select[Any]:
    schema = known.record.schema
    texts = [table.c[column_name(schema.property(name))] for name in rule.properties]
    named = sa.or_(
        *(text.is_not(None) for name, text in zip(rule.properties, texts, strict=True) if name in rule.texts)
    )
    geometry = dialect.wkb(table.c[GEOM])
    return sa.select(*columns, table.c[VALID_FROM], table.c[VALID_TO], geometry, *texts).where(
        named, table.c[GEOM].is_not(None)
    )


def _parts(
    connection: sa.Connection, statement: sa.Select[Any], dialect: Dialect, rule: SearchRule
) -> Iterator[list[Entry]]:
    result = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(statement)
    for rows in result.partitions(_ROWS_AT_ONCE):
        yield _entries(rows, dialect, rule)


def _entries(rows: Sequence[Any], dialect: Dialect, rule: SearchRule) -> list[Entry]:
    columns = list(zip(*rows, strict=True))
    geometries = shapely.from_wkb(np.array(dialect.decode_geometries(columns[_LEADING - 1]), dtype=object))
    boxes, points = shapely.bounds(geometries), _points_on(geometries)
    since, until = (_instants(dialect, columns[i]) for i in (4, 5))
    entries = []
    for i, row in enumerate(rows):
        names = _names(dict(zip(rule.properties, row[_LEADING:], strict=True)), rule)
        if names is None or np.isnan(points[i]).any():
            continue
        entries.append(
            Entry(
                key=_key(names, row[0], rule),
                names=names,
                feature=row[0],
                version=row[1],
                superseded=None if row[2] is None or row[2] >= STANDING else row[2],
                slice=row[3],
                valid_from=since[i],
                valid_to=until[i],
                lon=float(points[i, 0]),
                lat=float(points[i, 1]),
                box=Bounds(*(float(edge) for edge in boxes[i])),
            )
        )
    return entries


def _names(values: dict[str, Any], rule: SearchRule) -> Names | None:
    def text(name: str) -> str:
        value = values.get(name) if name else None
        return "" if value is None else " ".join(str(value).split())

    zh, en, address = text(rule.name), text(rule.name_en), text(rule.address)
    if not (zh or en or address):
        return None
    value = text(rule.kind)
    kind = kind_of(value, rule.kind_is) if zh or en else kind_of("address")
    aliases = tuple(dict.fromkeys(alias for name in rule.aliases if (alias := text(name)) and alias not in (zh, en)))
    return Names(zh, en, address, aliases, kind, value)


def _key(names: Names, feature: str, rule: SearchRule) -> str:
    if rule.merge:
        return f"{names.zh or names.en or names.address}\x1f{names.kind.id}"
    return "\x1f".join((feature, names.zh, names.en, names.address, *names.aliases, names.kind.id, names.value))


def _points_on(geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """A point (lon, lat) on each geometry, float64 (n, 2); NaN where there is none."""
    lines = np.isin(shapely.get_type_id(geometries), (1, 2))
    points = np.empty(len(geometries), dtype=object)
    points[lines] = shapely.line_interpolate_point(geometries[lines], 0.5, normalized=True)
    points[~lines] = shapely.point_on_surface(geometries[~lines])
    return np.column_stack([shapely.get_x(points), shapely.get_y(points)])


def _instants(dialect: Dialect, values: Sequence[Any]) -> list[str | None]:
    decoded = dialect.decode_column(PropertyType.DATETIME, values)
    return [None if value is None else instant_text(value) for value in decoded]
