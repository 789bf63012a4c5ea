"""A `FeatureQuery` as SQL, the same for both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from twin.bounds import Bounds
from twin.query import FeatureQuery
from twin.schema import PropertyType, Schema
from twin.store.dialect import Dialect
from twin.store.filters import filter_clause
from twin.store.tables import FID, GEOM, ID, VALID_FROM, VALID_TO, VERSION, LayerTables, column_name

# fid, id, version, valid_from, valid_to come before the geometry and the properties.
LEADING = 5
# Single precision at 180 degrees steps by 1.5e-5: four steps.
THIN_DEG = 6e-5


def selected_schema(schema: Schema, names: tuple[str, ...] | None) -> Schema:
    """The part of `schema` that a query asks for, in its order.

    Raises:
        UnknownPropertyError: if a name is not in the schema.
    """
    if names is None:
        return schema
    return Schema(schema.geometry_type, tuple(schema.property(name) for name in names))


def select_rows(tables: LayerTables, query: FeatureQuery, dialect: Dialect, extent: Bounds | None) -> sa.Select[Any]:
    """The statement for a query: leading columns, geometry when wanted, then the properties in order."""
    columns = leading_columns(tables, query.properties, dialect, geometry=query.geometry)
    statement = sa.select(*columns).where(*where_clauses(tables, query, dialect, extent))
    if query.after is not None:
        statement = statement.where(_behind(tables, query, dialect))
    statement = statement.order_by(*_order(tables, query, dialect))
    if query.limit is not None:
        statement = statement.limit(query.limit)
    return statement


def leading_columns(
    tables: LayerTables, properties: tuple[str, ...] | None, dialect: Dialect, *, geometry: bool
) -> list[sa.ColumnElement[Any]]:
    """Columns of every read: row number, id, version, validity, geometry, then the properties asked for, in their order."""
    t = tables.current
    columns: list[sa.ColumnElement[Any]] = [t.c[FID], t.c[ID], t.c[VERSION], t.c[VALID_FROM], t.c[VALID_TO]]
    columns.append(dialect.wkb(t.c[GEOM]) if geometry else sa.null().label(GEOM))
    return columns + [t.c[column_name(p)] for p in selected_schema(tables.schema, properties)]


def is_thin(bounds: Bounds) -> bool:
    """Whether a box is so narrow or low that the single-precision boxes of an index cannot tell its inside."""
    return bounds.east - bounds.west <= THIN_DEG or bounds.north - bounds.south <= THIN_DEG


def count_rows(tables: LayerTables, query: FeatureQuery, dialect: Dialect, extent: Bounds | None) -> sa.Select[Any]:
    """How many rows answer a query; its limit and position do not count."""
    clauses = where_clauses(tables, query, dialect, extent)
    return sa.select(sa.func.count()).select_from(tables.current).where(*clauses)


def where_clauses(
    tables: LayerTables, query: FeatureQuery, dialect: Dialect, extent: Bounds | None
) -> list[sa.ColumnElement[bool]]:
    """Window, time, ids and filter as conditions that must all hold.

    Args:
        extent: Box of the whole layer: a window that holds it asks no index, only for a known place.
    """
    t = tables.current
    clauses: list[sa.ColumnElement[bool]] = []
    if query.bounds is not None:
        clauses.append(_window(tables, query, dialect, extent))
    if query.interval is not None:
        start, end = query.interval.start, query.interval.end
        if start is not None:
            since = dialect.bind(PropertyType.DATETIME, start)
            clauses.append(sa.or_(t.c[VALID_TO].is_(None), t.c[VALID_TO] >= since))
        if end is not None:
            until = dialect.bind(PropertyType.DATETIME, end)
            clauses.append(sa.or_(t.c[VALID_FROM].is_(None), t.c[VALID_FROM] <= until))
    if query.ids is not None:
        clauses.append(t.c[ID].in_(query.ids))
    if query.filter is not None:
        clauses.append(filter_clause(query.filter, tables, dialect))
    return clauses


def _window(
    tables: LayerTables, query: FeatureQuery, dialect: Dialect, extent: Bounds | None
) -> sa.ColumnElement[bool]:
    assert query.bounds is not None
    parts = query.bounds.parts()
    if extent is not None and query.min_extent_deg <= 0 and any(part.contains(extent) for part in parts):
        return tables.current.c[GEOM].is_not(None)
    if query.boxes_only or query.min_extent_deg > 0:
        return sa.or_(*(dialect.box_meets(tables, part, query.min_extent_deg) for part in parts))
    return sa.or_(*(dialect.geometry_meets(tables, part, thin=is_thin(part)) for part in parts))


def _order(tables: LayerTables, query: FeatureQuery, dialect: Dialect) -> list[sa.ColumnElement[Any]]:
    """Unknown values last whichever way the key runs; then order of arrival, so that the order is total."""
    order: list[sa.ColumnElement[Any]] = []
    for key in query.sort:
        column = tables.column(key.property)
        order += [column.is_(None), column.desc() if key.descending else column.asc()]
    return [*order, dialect.arrival(tables, windowed=query.bounds is not None).asc()]


def _behind(tables: LayerTables, query: FeatureQuery, dialect: Dialect) -> sa.ColumnElement[bool]:
    """Rows that come after the query's position in its order."""
    assert query.after is not None
    clause: sa.ColumnElement[bool] = dialect.arrival(tables, windowed=query.bounds is not None) > query.after.fid
    for key, value in reversed(list(zip(query.sort, query.after.values, strict=True))):
        column = tables.column(key.property)
        if value is None:
            clause = sa.and_(column.is_(None), clause)
            continue
        bound = dialect.bind(tables.schema.property(key.property).type, value)
        further = column < bound if key.descending else column > bound
        clause = sa.or_(column.is_(None), further, sa.and_(column == bound, clause))
    return clause
