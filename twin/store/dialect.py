"""What the two databases say differently; everything else about SQL is written once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from twin.bounds import Bounds
from twin.schema import PropertyType
from twin.store.tables import ColumnTypes, LayerRows


class Dialect(Protocol):
    """One database's spelling of spatial and text operations."""

    types: ColumnTypes
    db_schema: str | None

    def wkb(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Expression whose value `decode_geometries` turns into WKB."""

    def decode_geometries(self, values: Sequence[Any]) -> list[bytes | None]:
        """WKB for what `wkb` selected."""

    def box_meets(self, rows: LayerRows, bounds: Bounds, min_extent_deg: float = 0.0) -> sa.ColumnElement[bool]:
        """Rows whose box, as the index keeps it, meets `bounds`.

        With `min_extent_deg` only those at least that wide or that high.
        """

    def geometry_meets(self, rows: LayerRows, bounds: Bounds, *, thin: bool) -> sa.ColumnElement[bool]:
        """Rows whose geometry itself meets `bounds`; it is asked only at the window's edge.

        `thin` says that the box may have no width or height; else its edges may be parameters of the statement.
        """

    def boxes(self, rows: LayerRows, bounds: Bounds, known: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
        """Edges `minx`, `maxx`, `miny`, `maxy` of the boxes that meet `bounds`, of the rows that `known` holds for."""

    def whole(self, number: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """A number that is not negative, without its fraction."""

    def arrival(self, rows: LayerRows, *, windowed: bool) -> sa.ColumnElement[Any]:
        """The row number as the thing to order and page by; `windowed` says that a box narrows the rows already."""

    def relation(self, name: str, rows: LayerRows, wkb: bytes, box: Bounds) -> sa.ColumnElement[bool]:
        """Spatial predicate (`intersects`, `within`, …) between the row's geometry and a literal with its box."""

    def like(self, text: sa.ColumnElement[Any], pattern: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Case-sensitive LIKE with % and _, and backslash as the escape."""

    def casei(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Text without regard to case."""

    def accenti(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Text without accents."""

    def power(self, base: sa.ColumnElement[Any], exponent: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]: ...

    def modulo(self, a: sa.ColumnElement[Any], b: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]: ...

    def midnight(self, day: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The first instant (UTC) of a day."""

    def bind(self, kind: PropertyType, value: Any) -> Any:
        """A property value as the driver takes it; None stays None."""

    def decode_column(self, kind: PropertyType, values: Sequence[Any]) -> Sequence[Any]:
        """A column of driver values as property values."""
