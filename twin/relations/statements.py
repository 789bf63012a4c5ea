"""Questions about links as SQL, the same for both databases, and rows of answers as links."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from twin.relations.link import Link, LinkSource, NewLink, Ref, Window
from twin.relations.port import Direction, LinkQuery
from twin.relations.tables import RelationTables
from twin.store.values import instant_text, parse_instant

Row = tuple[Any, ...]


def select_links(tables: RelationTables, query: LinkQuery) -> sa.Select[Any]:
    """The statement for a query, its columns in the order that `row_to_link` reads."""
    links, changes = tables.links, tables.changes
    statement = (
        sa.select(*links.c, changes.c.at, changes.c.author, changes.c.reason)
        .join(changes, changes.c.version == links.c.version)
        .where(*conditions(tables, query))
        .order_by(links.c.fid)
    )
    if query.after is not None:
        statement = statement.where(links.c.fid > query.after)
    return statement if query.limit is None else statement.limit(query.limit)


class PlainShape(NamedTuple):
    """A question asked with nearly every page: the links at one feature now, of all types or of one.

    Statements of the same shape differ in their parameters only, so that each is compiled once.
    """

    direction: Direction
    typed: bool
    limited: bool


def plain_shape_of(query: LinkQuery) -> PlainShape | None:
    """The shape of a plain question; None where the query asks for more."""
    more = query.holds, query.version, query.known_by, query.after
    if query.end is None or len(query.types) > 1 or query.hidden or more != (None,) * 4:
        return None
    return PlainShape(query.direction, bool(query.types), query.limit is not None)


def select_plain(tables: RelationTables, shape: PlainShape) -> sa.Select[Any]:
    """The statement for every question of a shape; `plain_values` has its parameters."""
    c = tables.links.c
    link: sa.BindParameter[str] = sa.bindparam("end_id")
    layer: sa.BindParameter[str] = sa.bindparam("end_layer")
    sides = {
        "out": sa.and_(c.from_id == link, c.from_layer == layer),
        "in": sa.and_(c.to_id == link, c.to_layer == layer),
    }
    at = sa.or_(*sides.values()) if shape.direction == "both" else sides[shape.direction]
    statement = select_links(tables, LinkQuery()).where(at)
    if shape.typed:
        statement = statement.where(c.type == sa.bindparam("kind"))
    return statement.limit(sa.bindparam("most", type_=sa.Integer)) if shape.limited else statement


def plain_values(query: LinkQuery) -> dict[str, Any]:
    """The parameters of a plain question."""
    assert query.end is not None
    values: dict[str, Any] = {"end_id": query.end.id, "end_layer": query.end.layer}
    if query.types:
        values["kind"] = query.types[0]
    return values if query.limit is None else {**values, "most": query.limit}


def conditions(tables: RelationTables, query: LinkQuery) -> list[sa.ColumnElement[bool]]:
    """What must hold of every link of the answer; limit and position apart."""
    c = tables.links.c
    found = [as_of(tables, query.version)]
    if query.end is not None or query.layer is not None:
        sides = {"out": at_end(tables, query, "out"), "in": at_end(tables, query, "in")}
        found.append(sa.or_(*sides.values()) if query.direction == "both" else sides[query.direction])
    if query.types:
        found.append(c.type.in_(query.types))
    if query.known_by is not None:
        found.append(c.known_by == query.known_by.value)
    if query.holds is not None:
        found += holding(tables, query)
    if query.hidden:
        found += [c.from_layer.not_in(sorted(query.hidden)), c.to_layer.not_in(sorted(query.hidden))]
    return found


def at_end(tables: RelationTables, query: LinkQuery, direction: Direction) -> sa.ColumnElement[bool]:
    """Links whose `from` end ("out") or `to` end is the query's feature or layer."""
    c = tables.links.c
    layer, id_ = (c.from_layer, c.from_id) if direction == "out" else (c.to_layer, c.to_id)
    if query.end is None:
        return layer == query.layer
    return sa.and_(id_ == query.end.id, layer == query.end.layer)


def as_of(tables: RelationTables, version: int | None) -> sa.ColumnElement[bool]:
    """The states that stood at a version of the link table; None for now."""
    c = tables.links.c
    if version is None:
        return c.superseded.is_(None)
    return sa.and_(c.version <= version, sa.or_(c.superseded.is_(None), c.superseded > version))


def holding(tables: RelationTables, query: LinkQuery) -> list[sa.ColumnElement[bool]]:
    """Links whose window (half open) meets the query's interval (closed)."""
    c, found = tables.links.c, []
    assert query.holds is not None
    if query.holds.end is not None:
        found.append(sa.or_(c.valid_from.is_(None), c.valid_from <= instant_text(query.holds.end)))
    if query.holds.start is not None:
        found.append(sa.or_(c.valid_to.is_(None), c.valid_to > instant_text(query.holds.start)))
    return found


def link_row(link: NewLink, number: int, link_id: int, version: int) -> Row:
    """A new link as a row of `om_relations`, in the order of its columns."""
    properties = json.dumps(dict(link.properties), ensure_ascii=False) if link.properties else None
    start, end = (None if instant is None else instant_text(instant) for instant in link.window)
    return (
        *(number, link_id, link.type, *link.source, *link.target, start, end),
        *(link.known_by.value, link.confidence, properties, version, None),
    )


def row_to_link(row: Sequence[Any]) -> Link:
    """A row of `select_links` as a link."""
    number, id_, type_, from_layer, from_id, to_layer, to_id, start, end, known_by, confidence, properties = row[:12]
    version, superseded, at, author, reason = row[12:]
    return Link(
        id=id_,
        row=number,
        type=type_,
        source=Ref(from_layer, from_id),
        target=Ref(to_layer, to_id),
        window=row_window(start, end),
        known_by=LinkSource(known_by),
        confidence=confidence,
        properties=_properties(properties),
        version=version,
        superseded=superseded,
        recorded_at=parse_instant(at),
        author=author,
        reason=reason,
    )


def row_window(start: str | None, end: str | None) -> Window:
    """A window from its two columns."""
    return Window(None if start is None else parse_instant(start), None if end is None else parse_instant(end))


def _properties(text: str | None) -> Mapping[str, Any]:
    return {} if text is None else dict(json.loads(text))
