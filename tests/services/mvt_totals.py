"""What vector tiles hold in sum, by another decoder; the tiles that PostGIS makes of a table; and how far the two may differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mapbox_vector_tile
import numpy as np
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

    ids: frozenset[int] = frozenset()
    clear: frozenset[int] = frozenset()
    area: float = 0.0
    length: float = 0.0

    @property
    def drawn(self) -> int:
        """How many features show clearly."""
        return len(self.clear)


_CLEAR_UNITS = 16
_TILE = shapely.box(0, 0, 4096, 4096)


def name_of(tile: Tile) -> str:
    """How the layer of a tile is called where many tiles are read as one."""
    return f"{tile.z}/{tile.x}/{tile.y}"


def totals(data: bytes) -> dict[str, Totals]:
    """The sums of each layer of some tiles that were joined."""
    layers = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})
    features = [(name, feature) for name, layer in layers.items() for feature in layer["features"]]
    shapes = np.array([shape(feature["geometry"]) for _, feature in features], dtype=object)
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken])
    dimensions = shapely.get_dimensions(shapes)
    shapes = shapely.intersection(shapes, _TILE)
    within = ~shapely.is_empty(shapes) & (
        shapely.get_dimensions(shapes) == dimensions
    )  # not what only touches the edge
    lengths, areas = shapely.length(shapes) * within, shapely.area(shapes)
    showing = np.where(dimensions == 0, within, lengths >= _CLEAR_UNITS)
    found: dict[str, Totals] = {}
    first = 0
    for name, layer in layers.items():
        rows = slice(first, first + len(layer["features"]))
        first = rows.stop
        ids = [feature["id"] for feature in layer["features"]]
        clear = frozenset(id_ for id_, shows in zip(ids, showing[rows].tolist(), strict=True) if shows)
        found[name] = Totals(frozenset(ids), clear, float(areas[rows].sum()), float(lengths[rows].sum()))
    return found


def st_asmvt(connection: psycopg.Connection, table: str, tiles: Sequence[Tile]) -> bytes:
    """Tiles of a table in EPSG:4326 with the columns `fid` and `geom`, joined, by ST_AsMVT: extent 4096, buffer 64."""
    statement = f"""
        SELECT string_agg(mvt, ''::bytea) FROM unnest(%s::int[], %s::int[], %s::int[]) AS tile (z, x, y), LATERAL (
            SELECT ST_AsMVT(drawn, concat_ws('/', z, x, y), 4096, 'shape', 'fid') AS mvt FROM (
                SELECT ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(z, x, y), 4096, 64, true) AS shape, fid
                FROM {table}
                WHERE geom && ST_Transform(ST_TileEnvelope(z, x, y, margin => 64.0 / 4096), 4326)
            ) AS drawn WHERE shape IS NOT NULL
        ) AS made"""
    columns = [[getattr(tile, axis) for tile in tiles] for axis in ("z", "x", "y")]
    row = connection.execute(statement.encode(), columns).fetchone()
    return bytes(row[0] or b"") if row else b""


def differences(ours: Totals, theirs: Totals) -> list[str]:
    """What is further apart than rounding makes it; nothing where two tiles agree.

    A feature that shows clearly on one side is on the other side too. Area may differ by 0.5 % and by what half a unit along all
    outlines makes, length by 0.5 % and by six units a feature.
    """
    count = max(len(ours.ids), len(theirs.ids))
    found = []
    if missing := (theirs.clear - ours.ids) | (ours.clear - theirs.ids):
        found.append(f"only one side has {sorted(missing)[:5]}")
    if abs(ours.area - theirs.area) > 0.005 * theirs.area + 0.5 * theirs.length + 20:
        found.append(f"areas {ours.area:.0f} and {theirs.area:.0f}")
    if abs(ours.length - theirs.length) > 0.005 * theirs.length + 6 * count + 20:
        found.append(f"lengths {ours.length:.0f} and {theirs.length:.0f}")
    return found
