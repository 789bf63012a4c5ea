"""The versions of one feature, and the features of one write, from the layer's two tables and its changesets."""

from __future__ import annotations

import itertools
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
from twin.store.port import Changeset, FeatureVersion, Touched
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
    LayerRows,
    LayerTables,
    column_name,
)
from twin.validity import Validity

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_KEYS_AT_ONCE = 900


@dataclass(frozen=True, slots=True)
class _Stand:
    """A row of a feature without its content: where it lies, and that it stood from `version` up to, not including, `until`."""

    past: bool
    key: int
    version: int
    until: int
    is_slice: bool
    validity: Validity

    @property
    def start(self) -> datetime:
        return self.validity.start or _LONG_AGO


@dataclass(frozen=True, slots=True)
class _Known:
    """What was known of a feature at a version that touched it."""

    version: int
    head: _Stand
    recorded: tuple[_Stand, ...]
    timeline: tuple[Validity, ...]


def read_history(
    connection: sa.Connection,
    tables: LayerTables,
    dialect: Dialect,
    catalogue: Catalogue,
    feature_id: str,
    *,
    limit: int | None = None,
    before: int | None = None,
) -> list[FeatureVersion]:
    """Versions, newest first; content is read for those alone that are asked for. The statements need one snapshot."""
    written = _written(connection, tables, feature_id, limit, before)
    if not written:
        return []
    after = None if before is None else _next_written(connection, tables, feature_id, before)
    stands = _stands(connection, tables, dialect, feature_id, written[-1], after)
    known = _sweep(stands, written[::-1])
    heads = [stand for stand in stands if not stand.is_slice]
    ends = {stand.until for stand in heads if stand.until != STANDING and (after is None or stand.until <= after)}
    deleted = ends - {stand.version for stand in heads}
    events = sorted({*written, *deleted, *(() if after is None else (after,))})
    following = dict(itertools.pairwise(events))
    changes = catalogue.changesets_of(connection, str(tables.current.name), events)
    content = _content(connection, tables, dialect, feature_id, [s for k in known for s in (k.head, *k.recorded)])
    return [
        FeatureVersion(
            feature=content[k.head],
            change=changes[k.version],
            ended=changes[following[k.version]] if k.version in following else None,
            deleted=following.get(k.version) in deleted,
            timeline=k.timeline,
            recorded=tuple(content[stand] for stand in k.recorded),
        )
        for k in reversed(known)
    ]


def ever_stood(connection: sa.Connection, tables: LayerTables, feature_id: str) -> bool:
    """Whether the layer has, or ever had, a feature of that id."""
    ids = (tables.current.c[ID], tables.history.c[ID])
    found = [sa.exists(sa.select(sa.literal_column("1")).where(column == feature_id)) for column in ids]
    return bool(connection.execute(sa.select(sa.or_(*found))).scalar_one())


def _rows_of(
    tables: LayerTables, feature_id: str
) -> list[tuple[LayerRows, sa.ColumnElement[Any], sa.ColumnElement[bool]]]:
    """The feature's rows in either table with the version that ended them; what a write made and undid itself is none."""
    t, h = tables.current, tables.history
    until = h.c[SUPERSEDED]
    return [
        (tables.present, sa.literal(STANDING, sa.BigInteger), t.c[ID] == feature_id),
        (tables.past, until, sa.and_(h.c[ID] == feature_id, until > h.c[VERSION])),
    ]


def _written(
    connection: sa.Connection, tables: LayerTables, feature_id: str, limit: int | None, before: int | None
) -> list[int]:
    """Versions that wrote the feature, newest first."""
    parts = []
    for rows, _, condition in _rows_of(tables, feature_id):
        version = rows.table.c[VERSION]
        parts.append(sa.select(version).where(condition, *(() if before is None else (version < before,))))
    versions = sa.union(*parts).subquery()
    newest = sa.select(versions.c[VERSION]).order_by(versions.c[VERSION].desc()).limit(limit)
    return [int(version) for version in connection.execute(newest).scalars()]


def _next_written(connection: sa.Connection, tables: LayerTables, feature_id: str, least: int) -> int | None:
    """The first version from `least` on that wrote the feature."""
    found = []
    for rows, _, condition in _rows_of(tables, feature_id):
        version = rows.table.c[VERSION]
        found.append(
            connection.execute(sa.select(sa.func.min(version)).where(condition, version >= least)).scalar_one()
        )
    return min((int(version) for version in found if version is not None), default=None)


def _stands(
    connection: sa.Connection, tables: LayerTables, dialect: Dialect, feature_id: str, low: int, high: int | None
) -> list[_Stand]:
    """The feature's rows that stood at some version from `low` to `high`."""
    stands: list[_Stand] = []
    for rows, until, condition in _rows_of(tables, feature_id):
        t, past = rows.table, rows is tables.past
        columns = (t.c[rows.key], t.c[VERSION], until, t.c[SLICE] if past else IS_HEAD, t.c[VALID_FROM], t.c[VALID_TO])
        framed = sa.select(*columns).where(condition, until > low, *(() if high is None else (t.c[VERSION] <= high,)))
        for key, version, ended, is_slice, *ends in connection.execute(framed):
            start, end = dialect.decode_column(PropertyType.DATETIME, ends)
            stands.append(_Stand(past, key, version, ended, bool(is_slice), Validity(start, end)))
    return stands


def _sweep(stands: Sequence[_Stand], versions: Sequence[int]) -> list[_Known]:
    """What was known at each of the versions (ascending), in one pass over the rows by where they begin and end."""
    coming = sorted(stands, key=lambda stand: stand.version, reverse=True)
    going = sorted(stands, key=lambda stand: stand.until, reverse=True)
    standing: dict[_Stand, None] = {}
    found: list[_Known] = []
    for version in versions:
        while coming and coming[-1].version <= version:
            standing[coming.pop()] = None
        while going and going[-1].until <= version:
            standing.pop(going.pop(), None)
        slices = sorted(standing, key=lambda stand: stand.start)
        head = next(stand for stand in reversed(slices) if not stand.is_slice)
        # A write that moved the head has ended slices along with it; what it recorded apart is told where the head stayed.
        recorded = [s for s in slices if s.is_slice and s.version == version] if head.version < version else []
        found.append(_Known(version, head, tuple(recorded), tuple(stand.validity for stand in slices)))
    return found


def _content(
    connection: sa.Connection, tables: LayerTables, dialect: Dialect, feature_id: str, wanted: Sequence[_Stand]
) -> dict[_Stand, Feature]:
    """Geometry and properties of rows."""
    found: dict[_Stand, Feature] = {}
    for rows in (tables.present, tables.past):
        t = rows.table
        stands = {stand.key: stand for stand in wanted if stand.past == (rows is tables.past)}
        keys = list(stands)
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            chosen = t.c[rows.key].in_(keys[start : start + _KEYS_AT_ONCE])
            columns = (t.c[rows.key], dialect.wkb(t.c[GEOM]).label(GEOM), *(t.c[column_name(p)] for p in tables.schema))
            for key, *row in connection.execute(sa.select(*columns).where(chosen)):
                found[stands[key]] = _feature(feature_id, stands[key], row, tables, dialect)
    return found


def _feature(feature_id: str, stand: _Stand, row: Sequence[Any], tables: LayerTables, dialect: Dialect) -> Feature:
    geometry, *values = row
    (wkb,) = dialect.decode_geometries([geometry])
    return Feature(
        id=feature_id,
        geometry=None if wkb is None else shapely.from_wkb(wkb),
        properties={
            p.name: dialect.decode_column(p.type, [value])[0] for p, value in zip(tables.schema, values, strict=True)
        },
        version=stand.version,
        valid_from=stand.validity.start,
        valid_to=stand.validity.end,
    )


def read_touched(
    connection: sa.Connection, tables: LayerTables, change: Changeset, limit: int, after: int
) -> list[Touched]:
    """What one write did to which features, by row number.

    What it changed or ended is found by the history's indexes. What it inserted is not: only for that all rows are looked at.
    """
    t, h, version = tables.current, tables.history, change.version

    def of(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> dict[int, str]:
        chosen = sa.select(table.c[FID], table.c[ID]).where(*conditions, table.c[FID] > after)
        return {row[0]: row[1] for row in connection.execute(chosen.order_by(table.c[FID]).limit(limit))}

    is_head = h.c[SLICE] == IS_HEAD
    slices = of(h, h.c[VERSION] == version, h.c[SUPERSEDED] > version, ~is_head)
    before = of(h, h.c[SUPERSEDED] == version, is_head)
    heads = of(h, h.c[VERSION] == version, is_head)
    told = after == 0 == change.inserted and len(before | slices | heads) == change.updated + change.deleted
    if told and len(before) <= _KEYS_AT_ONCE:
        heads |= of(t, t.c[VERSION] == version, t.c[FID].in_(list(before)))
    else:
        heads |= of(t, t.c[VERSION] == version)
    ids = before | slices | heads
    return [Touched(ids[fid], _what(fid, heads, before), fid) for fid in sorted(ids)[:limit]]


def _what(fid: int, heads: Container[int], before: Container[int]) -> str:
    if fid in before:
        return "updated" if fid in heads else "deleted"
    return "inserted" if fid in heads else "updated"
