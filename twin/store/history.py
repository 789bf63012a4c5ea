"""The versions of one feature, and the features of one write, from the layer's two tables and its changesets."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import shapely
import sqlalchemy as sa

from twin.feature import Feature
from twin.schema import PropertyType
from twin.store.catalogue import Catalogue
from twin.store.dialect import Dialect
from twin.store.knowledge import IS_HEAD
from twin.store.port import FeatureVersion, Touched
from twin.store.tables import (
    FID,
    GEOM,
    ID,
    SLICE,
    STANDING,
    SUPERSEDED,
    VALID_FROM,
    VALID_TO,
    VERSION,
    LayerTables,
    column_name,
)
from twin.validity import Validity

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _State:
    """A row of a feature, present or past, from `version` up to, not including, `until`."""

    feature: Feature
    until: int
    is_slice: bool

    @property
    def version(self) -> int:
        return self.feature.version

    @property
    def validity(self) -> Validity:
        return Validity(self.feature.valid_from, self.feature.valid_to)


def read_history(
    connection: sa.Connection, tables: LayerTables, dialect: Dialect, catalogue: Catalogue, feature_id: str
) -> list[FeatureVersion]:
    """Every version, newest first; empty if the feature never was."""
    states = _states(connection, tables, dialect, feature_id)
    written = sorted({state.version for state in states})
    deleted = _deletions(states)
    events = sorted({*written, *deleted})
    changes = catalogue.changesets_of(connection, tables.current.name, events)
    versions: list[FeatureVersion] = []
    for version in reversed(written):
        ended = next((event for event in events if event > version), None)
        versions.append(
            FeatureVersion(
                feature=max((s for s in states if s.version == version), key=_newness).feature,
                change=changes[version],
                ended=None if ended is None else changes[ended],
                deleted=ended in deleted,
                timeline=_timeline(states, version),
            )
        )
    return versions


def _states(connection: sa.Connection, tables: LayerTables, dialect: Dialect, feature_id: str) -> list[_State]:
    states: list[_State] = []
    for rows in (tables.present, tables.past):
        t = rows.table
        kind = (t.c[SUPERSEDED], t.c[SLICE]) if rows is tables.past else (sa.literal(STANDING), IS_HEAD)
        columns = (t.c[VERSION], t.c[VALID_FROM], t.c[VALID_TO], *kind, dialect.wkb(t.c[GEOM]).label(GEOM))
        statement = sa.select(*columns, *(t.c[column_name(p)] for p in tables.schema)).where(t.c[ID] == feature_id)
        states += [_state(row, feature_id, tables, dialect) for row in connection.execute(statement)]
    return [state for state in states if state.version < state.until]


def _state(row: Any, feature_id: str, tables: LayerTables, dialect: Dialect) -> _State:
    version, valid_from, valid_to, until, is_slice, geometry, *values = row
    (wkb,) = dialect.decode_geometries([geometry])
    valid_from, valid_to = dialect.decode_column(PropertyType.DATETIME, [valid_from, valid_to])
    feature = Feature(
        id=feature_id,
        geometry=None if wkb is None else shapely.from_wkb(wkb),
        properties={
            p.name: dialect.decode_column(p.type, [value])[0] for p, value in zip(tables.schema, values, strict=True)
        },
        version=version,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    return _State(feature, until, bool(is_slice))


def _deletions(states: Sequence[_State]) -> set[int]:
    """Versions at which the head went and none took its place."""
    heads = [state for state in states if not state.is_slice]
    return {state.until for state in heads if state.until != STANDING} - {state.version for state in heads}


def _timeline(states: Sequence[_State], version: int) -> tuple[Validity, ...]:
    """The slices known at a version, earliest first."""
    known = [state.validity for state in states if state.version <= version < state.until]
    return tuple(sorted(known, key=lambda validity: validity.start or _LONG_AGO))


def _newness(state: _State) -> tuple[bool, datetime]:
    """Heads before slices, later slices before earlier ones."""
    return not state.is_slice, state.feature.valid_from or _LONG_AGO


def read_touched(connection: sa.Connection, tables: LayerTables, version: int, limit: int, after: int) -> list[Touched]:
    """What one write did to which features, by row number."""
    t, h = tables.current, tables.history

    def of(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> dict[int, str]:
        chosen = sa.select(table.c[FID], table.c[ID]).where(*conditions, table.c[FID] > after)
        return {row[0]: row[1] for row in connection.execute(chosen.order_by(table.c[FID]).limit(limit))}

    is_head = h.c[SLICE] == IS_HEAD
    heads = of(t, t.c[VERSION] == version) | of(h, h.c[VERSION] == version, is_head)
    slices = of(h, h.c[VERSION] == version, ~is_head)
    before = of(h, h.c[SUPERSEDED] == version, is_head)
    ids = before | slices | heads
    return [Touched(ids[fid], _what(fid, heads, before), fid) for fid in sorted(ids)[:limit]]


def _what(fid: int, heads: Container[int], before: Container[int]) -> str:
    if fid in before:
        return "updated" if fid in heads else "deleted"
    return "inserted" if fid in heads else "updated"
