"""CPU of one uncached vector tile of 1,277,744 buildings with the present simple encoder: the mark for a faster engine.

Beside it, for the same tiles: the mapbox-vector-tile package, fed with the same rows out of the same store and clipped with
shapely, and PostGIS making the whole tile itself (ST_AsMVT). The tiles are drawn with a fixed seed round random buildings;
buffer 64 of 4096, all attributes, nothing compressed, nothing sent. CPU is this process's and PostgreSQL's together.

    python benchmarks/tiles_simple.py --work DIR [--postgis postgresql://…] [--tiles 6]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import mapbox_vector_tile
import numpy as np
import psycopg
import shapely
from features_items import prepare
from import_tokyo import LAYER
from machine import print_machine
from measure import cpu_seconds, print_table, spread
from services import Database, database

from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.grids import grid_called
from tiles.mvt.window import Window
from tiles.source import TileLayer
from twin.query import FeatureQuery
from twin.store import open_store
from twin.store.port import Store

SEED = 20261122
ZOOMS = (14, 15, 16)
_GRID = grid_called("WebMercatorQuad")
_ST_ASMVT = f"""
    WITH tile AS (SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS box,
                         ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096), 4326) AS window),
    rows AS (SELECT ST_AsMVTGeom(ST_Transform(t.geom, 3857), tile.box, 4096, 64, true) AS geom, t.fid, t.mvt_id,
                    t.building_id, t.ward_code, t.town_code, t.height_m, t.roof_area_m2, t.flood_depth_m
             FROM peer.tokyo AS t, tile WHERE t.geom && tile.window)
    SELECT ST_AsMVT(rows, '{LAYER}', 4096, 'geom', 'fid') FROM rows WHERE geom IS NOT NULL"""

Maker = Callable[[Tile], bytes]


@dataclass(slots=True)
class Figures:
    """A value per tile; `rounds` holds the CPU seconds of each whole round."""

    rounds: list[float] = field(default_factory=list)
    features: int = 0
    kilobytes: float = 0.0


def main() -> None:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the stores (2 GB)")
    parser.add_argument("--postgis", help="database to use; without it a private cluster is started")
    parser.add_argument("--tiles", type=int, default=6, help="tiles per zoom")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print_machine()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    with database(arguments.postgis, work) as server:
        prepare(server, work)
        with (
            closing(open_store(str(work / "features-data/onemap.gpkg"))) as geopackage,
            closing(open_store(server.url)) as postgis,
            closing(psycopg.connect(server.url)) as connection,
        ):
            makers: dict[str, Maker] = {
                "One Map on GeoPackage": own_maker(geopackage),
                "One Map on PostGIS": own_maker(postgis),
                "mapbox-vector-tile on GeoPackage": package_maker(geopackage),
                "PostGIS ST_AsMVT": lambda tile: st_asmvt(connection, tile),
            }
            tiles = draw_tiles(geopackage, arguments.tiles)
            for zoom in ZOOMS:
                report(zoom, len(tiles[zoom]), measure(makers, server, tiles[zoom], arguments.rounds))


def draw_tiles(store: Store, count: int) -> dict[int, list[Tile]]:
    """Different tiles of each zoom, each round a random building."""
    draw = random.Random(SEED)
    total = store.layer(LAYER).feature_count
    tiles: dict[int, list[Tile]] = {zoom: [] for zoom in ZOOMS}
    while any(len(drawn) < count for drawn in tiles.values()):
        feature = store.get(LAYER, str(draw.randint(1, total)))
        centre = shapely.centroid(feature.geometry)
        for zoom, drawn in tiles.items():
            tile = _GRID.tile_at(centre.x, centre.y, zoom)
            if len(drawn) < count and tile not in drawn:
                drawn.append(tile)
    return tiles


def own_maker(store: Store) -> Maker:
    """Our tiles as the server makes them, with features where it would show a density grid."""
    source = StoreTileSource(store)
    layer: TileLayer = replace(source.describe(LAYER), density_below=0)
    return lambda tile: source.tile(layer, tile, _GRID).data


def package_maker(store: Store) -> Maker:
    """The widely used package: rows of our store, placed and clipped by shapely, then encoded."""

    def make(tile: Tile) -> bytes:
        window = Window(_GRID, tile)
        batch = store.select(LAYER, FeatureQuery(bounds=_GRID.lonlat_bounds(tile, window.margin)))
        placed = window.place(shapely.force_2d(shapely.from_wkb(np.array(batch.wkb, dtype=object))))
        cut = shapely.clip_by_rect(placed, window.low, window.low, window.high, window.high)
        names = list(batch.columns)
        features = [
            {"geometry": geometry, "id": int(fid), "properties": dict(zip(names, values, strict=True))}
            for geometry, fid, *values in zip(cut, batch.fids, *batch.columns.values(), strict=True)
            if not geometry.is_empty
        ]
        encoded: bytes = mapbox_vector_tile.encode(
            [{"name": LAYER, "features": features}], default_options={"extents": 4096, "y_coord_down": True}
        )
        return encoded

    return make


def st_asmvt(connection: psycopg.Connection, tile: Tile) -> bytes:
    """PostGIS makes the tile from the copy in EPSG:4326 that other tile servers would read."""
    row = connection.execute(_ST_ASMVT.encode(), {"z": tile.z, "x": tile.x, "y": tile.y}, prepare=True).fetchone()
    assert row is not None
    return bytes(row[0])


def measure(makers: dict[str, Maker], server: Database, tiles: Sequence[Tile], rounds: int) -> dict[str, Figures]:
    """Every maker in turn, round after round; what the first round made is decoded and counted."""
    figures = {name: Figures() for name in makers}
    for number in range(rounds):
        for name, make in makers.items():
            before = time.process_time() + cpu_seconds(server.postmaster)
            made = [make(tile) for tile in tiles]
            own = figures[name]
            own.rounds.append(time.process_time() + cpu_seconds(server.postmaster) - before)
            if number == 0:
                own.kilobytes = sum(map(len, made)) / len(tiles) / 1000
                own.features = sum(len(mapbox_vector_tile.decode(data)[LAYER]["features"]) for data in made if data)
    return figures


def report(zoom: int, count: int, figures: dict[str, Figures]) -> None:
    """One zoom: mean CPU of a tile per round, and how it stands to our tile on GeoPackage."""
    first = next(iter(figures.values()))
    rows = []
    for name, f in figures.items():
        ratio = [theirs / ours for theirs, ours in zip(f.rounds, first.rounds, strict=True)]
        cpu = spread([seconds / count * 1000 for seconds in f.rounds], 1)
        rows.append([name, cpu, spread(ratio), f"{f.features / count:,.0f}", f"{f.kilobytes:,.0f}"])
    print_table(
        [f"zoom {zoom}, {count} tiles", "CPU ms a tile", "times ours on GeoPackage", "features a tile", "kB a tile"],
        rows,
    )


if __name__ == "__main__":
    main()
