"""A `FeatureQuery` as SQL, the same for both databases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from twin.bounds import Bounds
from twin.query import FeatureQuery, SortKey
from twin.schema import Schema
from twin.store.dialect import Dialect
from twin.store.filters import filter_clause
from twin.store.knowledge import KnownRows, holds_in, known_rows
from twin.store.tables import FID, GEOM, ID, VALID_FROM, VALID_TO, VERSION, LayerRows, LayerTables, column_name

# fid, id, version, valid_from, valid_to come before the geometry and the properties.
LEADING = 5
# Single precision at 180 degrees steps by 1.5e-5: four steps.
THIN_DEG = 6e-5


@dataclass(frozen=True, slots=True)
class Answer:
    """What rows look like, their order, and which page of them is wanted; position and length may be parameters.

    Attributes:
        windowed: Whether a box narrows the rows already.
        values: Sort values of the row behind which the page starts.
        after: Its row number; None for the first page.
    """

    properties: tuple[str, ...] | None
    geometry: bool
    windowed: bool
    sort: tuple[SortKey, ...] = ()
    values: tuple[Any, ...] = ()
    after: Any = None
    limit: Any = None


def selected_schema(schema: Schema, names: tuple[str, ...] | None) -> Schema:
    """The part of `schema` that a query asks for, in its order.

    Raises:
        UnknownPropertyError: if a name is not in the schema.
    """
    if names is None:
        return schema
    return Schema(schema.geometry_type, tuple(schema.property(name) for name in names))


def select_rows(
    tables: LayerTables, query: FeatureQuery, dialect: Dialect, extent: Bounds | None, *, sliced: bool
) -> sa.Select[Any]:
    """The statement for a query: leading columns, geometry when wanted, then the properties in order.

    Args:
        extent: Box of the whole layer as it stands: a window that holds it asks no index, only for a known place.
        sliced: Whether the layer has earlier slices of validity.
    """
    answer = Answer(
        properties=query.properties,
        geometry=query.geometry,
        windowed=query.bounds is not None,
        sort=query.sort,
        values=query.after.values if query.after else (),
        after=query.after.fid if query.after else None,
        limit=query.limit,
    )
    return answer_rows(_chosen_rows(tables, query, dialect, extent, sliced=sliced), answer, dialect)


def count_rows(
    tables: LayerTables, query: FeatureQuery, dialect: Dialect, extent: Bounds | None, *, sliced: bool
) -> sa.Select[Any]:
    """How many rows answer a query; its limit and position do not count."""
    counts = [
        sa.select(sa.func.count()).select_from(part.rows.table).where(*part.known).scalar_subquery()
        for part in _chosen_rows(tables, query, dialect, extent, sliced=sliced)
    ]
    return sa.select(sum(counts[1:], start=counts[0]))


def answer_rows(parts: Sequence[KnownRows], answer: Answer, dialect: Dialect) -> sa.Select[Any]:
    """One statement over all the parts. Each is cut to the page by itself first, so that its own index serves the order."""
    if len(parts) == 1:
        return _page_of(parts[0], answer, dialect, keys=())
    schema = parts[0].rows.schema
    shown = selected_schema(schema, answer.properties)
    keys = tuple(dict.fromkeys(key.property for key in answer.sort if key.property not in shown.names))
    pages = [sa.select(_page_of(part, answer, dialect, keys=keys).subquery()) for part in parts]
    together = sa.union_all(*pages).subquery()
    statement = sa.select(*list(together.c)[: LEADING + 1 + len(shown.properties)])
    statement = statement.order_by(
        *_order(answer.sort, lambda name: together.c[column_name(schema.property(name))], together.c[FID])
    )
    return statement if answer.limit is None else statement.limit(answer.limit)


def _page_of(part: KnownRows, answer: Answer, dialect: Dialect, *, keys: tuple[str, ...]) -> sa.Select[Any]:
    """A page of one table's rows; `keys` are sort keys to bring along behind what is asked for."""
    rows, arrival = part.rows, dialect.arrival(part.rows, windowed=answer.windowed)
    columns = leading_columns(rows, answer.properties, dialect, geometry=answer.geometry)
    statement = sa.select(*columns, *map(rows.column, keys)).where(*part.known)
    if answer.after is not None:
        statement = statement.where(_behind(rows, answer, arrival, dialect))
    statement = statement.order_by(*_order(answer.sort, rows.column, arrival))
    return statement if answer.limit is None else statement.limit(answer.limit)


def leading_columns(
    rows: LayerRows, properties: tuple[str, ...] | None, dialect: Dialect, *, geometry: bool
) -> list[sa.ColumnElement[Any]]:
    """Columns of every read: row number, id, version, validity, geometry, then the properties asked for, in their order."""
    t = rows.table
    columns: list[sa.ColumnElement[Any]] = [t.c[FID], t.c[ID], t.c[VERSION], t.c[VALID_FROM], t.c[VALID_TO]]
    columns.append(dialect.wkb(t.c[GEOM]) if geometry else sa.null().label(GEOM))
    return columns + [t.c[column_name(p)] for p in selected_schema(rows.schema, properties)]


def is_thin(bounds: Bounds) -> bool:
    """Whether a box is so narrow or low that the single-precision boxes of an index cannot tell its inside."""
    return bounds.east - bounds.west <= THIN_DEG or bounds.north - bounds.south <= THIN_DEG


def _chosen_rows(
    tables: LayerTables, query: FeatureQuery, dialect: Dialect, extent: Bounds | None, *, sliced: bool
) -> list[KnownRows]:
    """The rows that answer a query: known and holding then, in the window, of those ids, passing the filter."""
    parts = known_rows(tables, as_of=query.as_of, holds=holds_in(query.interval, dialect), sliced=sliced)
    whole = extent if len(parts) == 1 else None
    return [KnownRows(p.rows, (*p.known, *_where_clauses(p.rows, query, dialect, whole))) for p in parts]


def _where_clauses(
    rows: LayerRows, query: FeatureQuery, dialect: Dialect, extent: Bounds | None
) -> list[sa.ColumnElement[bool]]:
    """Window, ids and filter as conditions that must all hold."""
    clauses: list[sa.ColumnElement[bool]] = []
    if query.bounds is not None:
        clauses.append(_window(rows, query, dialect, extent))
    if query.ids is not None:
        clauses.append(rows.table.c[ID].in_(query.ids))
    if query.every > 1:
        clauses.append(rows.table.c[FID] % query.every == 0)
    if query.filter is not None:
        clauses.append(filter_clause(query.filter, rows, dialect))
    return clauses


def _window(rows: LayerRows, query: FeatureQuery, dialect: Dialect, extent: Bounds | None) -> sa.ColumnElement[bool]:
    assert query.bounds is not None
    parts = query.bounds.parts()
    if extent is not None and query.min_extent_deg <= 0 and any(part.contains(extent) for part in parts):
        return rows.table.c[GEOM].is_not(None)
    if query.boxes_only or query.min_extent_deg > 0:
        return sa.or_(*(dialect.box_meets(rows, part, query.min_extent_deg) for part in parts))
    return sa.or_(*(dialect.geometry_meets(rows, part, thin=is_thin(part)) for part in parts))


def _order(
    sort: Sequence[SortKey], column: Callable[[str], sa.ColumnElement[Any]], arrival: sa.ColumnElement[Any]
) -> list[sa.ColumnElement[Any]]:
    """Unknown values last whichever way the key runs; then order of arrival, so that the order is total."""
    order: list[sa.ColumnElement[Any]] = []
    for key in sort:
        by = column(key.property)
        order += [by.is_(None), by.desc() if key.descending else by.asc()]
    return [*order, arrival.asc()]


def _behind(
    rows: LayerRows, answer: Answer, arrival: sa.ColumnElement[Any], dialect: Dialect
) -> sa.ColumnElement[bool]:
    """Rows that come after the answer's position in its order."""
    clause: sa.ColumnElement[bool] = arrival > answer.after
    for key, value in reversed(list(zip(answer.sort, answer.values, strict=True))):
        column = rows.column(key.property)
        if value is None:
            clause = sa.and_(column.is_(None), clause)
            continue
        bound = dialect.bind(rows.schema.property(key.property).type, value)
        further = column < bound if key.descending else column > bound
        clause = sa.or_(column.is_(None), further, sa.and_(column == bound, clause))
    return clause
