"""Plain windows: a box, a place in the order of arrival, a limit. Nearly every read is one, so their statements are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from twin.bounds import Bounds
from twin.query import FeatureQuery
from twin.schema import PropertyType
from twin.store.dialect import Dialect
from twin.store.knowledge import Holds, KnownRows, known_rows
from twin.store.prepared import PreparedStatement
from twin.store.statements import Answer, answer_rows, is_thin
from twin.store.tables import GEOM, LayerRows, LayerTables

EDGES = ("west", "south", "east", "north")


class _NamedBounds:
    """A box whose edges are parameters of the statement."""

    def __init__(self) -> None:
        self.west: Any = sa.bindparam("west", type_=sa.Double())
        self.south: Any = sa.bindparam("south", type_=sa.Double())
        self.east: Any = sa.bindparam("east", type_=sa.Double())
        self.north: Any = sa.bindparam("north", type_=sa.Double())

    def as_tuple(self) -> tuple[Any, ...]:
        return (self.west, self.south, self.east, self.north)


@dataclass(frozen=True, slots=True)
class WindowShape:
    """What of a query changes its statement; everything else is a parameter.

    Attributes:
        window: "none", "placed" (the box holds the whole layer), "boxes" or "geometries".
        as_of: Whether a version is asked for, and so the history too.
        since, until: Whether a valid time is asked for that has this end; instant: whether both are the same.
        sliced: Whether earlier slices have to be looked at for it.
    """

    properties: tuple[str, ...] | None
    geometry: bool
    window: str
    paged: bool
    limited: bool
    as_of: bool
    since: bool
    until: bool
    instant: bool
    sliced: bool


def window_shape_of(query: FeatureQuery, extent: Bounds | None, *, sliced: bool) -> WindowShape | None:
    """The shape of a plain window, None for every other query."""
    odd = query.filter is not None or query.ids is not None or query.sort
    if odd or query.min_extent_deg > 0 or query.every > 1:
        return None
    box, as_of = query.bounds, query.as_of is not None
    if box is None:
        window = "none"
    elif box.crosses_antimeridian or is_thin(box):
        return None
    elif extent is not None and not as_of and not sliced and box.contains(extent):
        window = "placed"
    else:
        window = "boxes" if query.boxes_only else "geometries"
    asked = query.interval
    return WindowShape(
        properties=query.properties,
        geometry=query.geometry,
        window=window,
        paged=query.after is not None,
        limited=query.limit is not None,
        as_of=as_of,
        since=asked is not None and asked.start is not None,
        until=asked is not None and asked.end is not None,
        instant=asked is not None and asked.start is not None and asked.start == asked.end,
        sliced=sliced,
    )


def prepare_window(tables: LayerTables, shape: WindowShape, dialect: Dialect) -> PreparedStatement:
    """The statement of a shape, with the parameters that `window_values` gives."""
    version = sa.bindparam("as_of", type_=sa.BigInteger()) if shape.as_of else None
    parts = [
        KnownRows(part.rows, (*part.known, *_window_clauses(part.rows, shape, dialect)))
        for part in known_rows(tables, as_of=version, holds=_holds(shape, dialect), sliced=shape.sliced)
    ]
    answer = Answer(
        properties=shape.properties,
        geometry=shape.geometry,
        windowed=shape.window != "none",
        after=sa.bindparam("after", type_=sa.BigInteger()) if shape.paged else None,
        limit=sa.bindparam("most", type_=sa.Integer()) if shape.limited else None,
    )
    return PreparedStatement(answer_rows(parts, answer, dialect))


def _holds(shape: WindowShape, dialect: Dialect) -> Holds | None:
    if not (shape.since or shape.until):
        return None
    since, until = (sa.bindparam(name, type_=dialect.types.instant) for name in ("since", "until"))
    return Holds(since if shape.since else None, until if shape.until else None, shape.instant)


def _window_clauses(rows: LayerRows, shape: WindowShape, dialect: Dialect) -> list[sa.ColumnElement[bool]]:
    box: Any = _NamedBounds()
    match shape.window:
        case "placed":
            return [rows.table.c[GEOM].is_not(None)]
        case "boxes":
            return [dialect.box_meets(rows, box)]
        case "geometries":
            return [dialect.geometry_meets(rows, box, thin=False)]
    return []


def window_values(query: FeatureQuery, shape: WindowShape, dialect: Dialect) -> dict[str, Any]:
    """The parameters of one query of that shape."""
    values: dict[str, Any] = {}
    if shape.window in ("boxes", "geometries"):
        assert query.bounds is not None
        values.update(zip(EDGES, map(float, query.bounds.as_tuple()), strict=True))
    if query.after is not None:
        values["after"] = query.after.fid
    if query.limit is not None:
        values["most"] = query.limit
    if query.as_of is not None:
        values["as_of"] = query.as_of
    if query.interval is not None:
        ends = {"since": query.interval.start, "until": query.interval.end}
        values |= {name: dialect.bind(PropertyType.DATETIME, end) for name, end in ends.items() if end is not None}
    return values
