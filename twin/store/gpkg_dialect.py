"""How SQLite with a GeoPackage inside spells things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from twin.bounds import Bounds
from twin.schema import PropertyType
from twin.store.gpkg_blob import decode_blobs
from twin.store.tables import FID, GEOM, ColumnType, ColumnTypes, LayerRows
from twin.store.values import instant_text, parse_day, parse_instant

_TYPES = ColumnTypes(
    geometry=ColumnType("BLOB"),
    text=ColumnType("TEXT"),
    instant=ColumnType("DATETIME"),
    properties={
        PropertyType.STRING: ColumnType("TEXT"),
        PropertyType.INTEGER: ColumnType("INTEGER"),
        PropertyType.NUMBER: ColumnType("REAL"),
        PropertyType.BOOLEAN: ColumnType("BOOLEAN"),
        PropertyType.DATE: ColumnType("DATE"),
        PropertyType.DATETIME: ColumnType("DATETIME"),
    },
)


def rtree_name(table: str) -> str:
    """Name that the GeoPackage standard gives a table's R-tree."""
    return f"rtree_{table}_{GEOM}"


class GeoPackageDialect:
    """See `twin.store.dialect.Dialect`."""

    types = _TYPES
    db_schema: str | None = None

    def wkb(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return column

    def decode_geometries(self, values: Sequence[Any]) -> list[bytes | None]:
        return decode_blobs(values)

    def box_meets(self, rows: LayerRows, bounds: Bounds, min_extent_deg: float = 0.0) -> sa.ColumnElement[bool]:
        r = _rtree(rows)
        found = _meeting(r, bounds)
        if min_extent_deg > 0:
            found = found.where(sa.or_(r.maxx - r.minx >= min_extent_deg, r.maxy - r.miny >= min_extent_deg))
        return rows.table.c[rows.key].in_(found)

    def geometry_meets(self, rows: LayerRows, bounds: Bounds, *, thin: bool) -> sa.ColumnElement[bool]:
        r, same = _rtree(rows), rows.table.alias("same")
        west, south, east, north = bounds.as_tuple()
        within = sa.and_(r.minx >= west, r.maxx <= east, r.miny >= south, r.maxy <= north)
        touches = sa.func.om_meets_box(same.c[GEOM], west, south, east, north, type_=sa.Integer)
        asked = sa.select(touches).where(same.c[rows.key] == r.id).scalar_subquery()
        return rows.table.c[rows.key].in_(_meeting(r, bounds).where(sa.or_(within, asked == 1)))

    def boxes(self, rows: LayerRows, bounds: Bounds, known: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
        r = _rtree(rows)
        found = _meeting(r, bounds).with_only_columns(r.minx, r.maxx, r.miny, r.maxy)
        return found.join(rows.table, rows.table.c[rows.key] == r.id).where(*known) if known else found

    def whole(self, number: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.cast(number, sa.Integer)

    def arrival(self, rows: LayerRows, *, windowed: bool) -> sa.ColumnElement[Any]:
        return rows.table.c[FID]

    def relation(self, name: str, rows: LayerRows, wkb: bytes, box: Bounds) -> sa.ColumnElement[bool]:
        exact = getattr(sa.func, f"om_{name}")(rows.table.c[GEOM], wkb, type_=sa.Integer) == 1
        return exact if name == "disjoint" else sa.and_(self.box_meets(rows, box), exact)

    def like(self, text: sa.ColumnElement[Any], pattern: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        return sa.func.om_like(text, pattern, type_=sa.Integer) == 1

    def casei(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.om_casei(text, type_=self.types.text)

    def accenti(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.om_accenti(text, type_=self.types.text)

    def power(self, base: sa.ColumnElement[Any], exponent: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.om_power(base, exponent, type_=self.types.properties[PropertyType.NUMBER])

    def modulo(self, a: sa.ColumnElement[Any], b: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.om_modulo(a, b, type_=self.types.properties[PropertyType.NUMBER])

    def midnight(self, day: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.substr(day, 1, 10, type_=sa.Text).concat("T00:00:00.000Z")

    def bind(self, kind: PropertyType, value: Any) -> Any:
        if value is None:
            return None
        if kind is PropertyType.BOOLEAN:
            return int(value)
        if kind is PropertyType.DATE:
            return value.isoformat()
        if kind is PropertyType.DATETIME:
            return instant_text(value)
        return value

    def decode_column(self, kind: PropertyType, values: Sequence[Any]) -> Sequence[Any]:
        if kind is PropertyType.BOOLEAN:
            return [None if v is None else bool(v) for v in values]
        if kind is PropertyType.DATE:
            return [None if v is None else parse_day(v) for v in values]
        if kind is PropertyType.DATETIME:
            return [None if v is None else parse_instant(v) for v in values]
        return values


def _rtree(rows: LayerRows) -> sa.ColumnCollection[str, sa.ColumnClause[Any]]:
    names = ("id", "minx", "maxx", "miny", "maxy")
    return sa.table(rtree_name(rows.table.name), *(sa.column(name, sa.Double) for name in names)).c


def _meeting(r: sa.ColumnCollection[str, sa.ColumnClause[Any]], bounds: Bounds) -> sa.Select[Any]:
    """Row numbers of the boxes that meet `bounds`."""
    return sa.select(r.id).where(
        r.minx <= bounds.east, r.maxx >= bounds.west, r.miny <= bounds.north, r.maxy >= bounds.south
    )
