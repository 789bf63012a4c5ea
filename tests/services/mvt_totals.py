"""What a vector tile holds in sum, by another decoder; and the tile that PostGIS makes of a table."""

from __future__ import annotations

from dataclasses import dataclass

import mapbox_vector_tile
import psycopg
import shapely
from shapely.geometry import shape

from tiles.address import Tile


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the features of a tile, in tile units.

    Attributes:
        ids: Their ids.
        clear: Ids of points, and of those lines and polygons that show clearly: at least 16 units of line or outline.
        area, length: Of polygons, of lines and of the outlines of polygons, within the tile itself, without the buffer.
    """

    ids: frozenset[int]
    clear: frozenset[int]
    area: float
    length: float


_CLEAR_UNITS = 16
_TILE = shapely.box(0, 0, 4096, 4096)


def totals(data: bytes, layer: str) -> Totals:
    """The sums of one layer of a tile; a tile of no bytes holds nothing."""
    if not data:
        return Totals(frozenset(), frozenset(), 0.0, 0.0)
    features = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})[layer]["features"]
    shapes = shapely.intersection([shapely.make_valid(shape(feature["geometry"])) for feature in features], _TILE)
    lengths = shapely.length(shapes)
    showing = (lengths >= _CLEAR_UNITS) | ((lengths == 0) & ~shapely.is_empty(shapes))
    ids = [feature["id"] for feature in features]
    clear = frozenset(id_ for id_, shows in zip(ids, showing, strict=True) if shows)
    return Totals(frozenset(ids), clear, float(shapely.area(shapes).sum()), float(lengths.sum()))


def st_asmvt(connection: psycopg.Connection, table: str, layer: str, tile: Tile) -> bytes:
    """The tile of a table in EPSG:4326 with the columns `fid` and `geom`, by ST_AsMVT: extent 4096, buffer 64."""
    statement = f"""
        SELECT ST_AsMVT(t, '{layer}', 4096, 'shape', 'fid') FROM (
            SELECT ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64, true) AS shape, fid
            FROM {table}
            WHERE geom && ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096), 4326)
        ) AS t WHERE shape IS NOT NULL"""
    row = connection.execute(statement.encode(), {"z": tile.z, "x": tile.x, "y": tile.y}, prepare=True).fetchone()
    return bytes(row[0]) if row else b""
