"""Tiles of the kernel beside those of PostGIS: 200 random tiles of each layer and level hold the same features, areas and lengths.

What may differ in one tile is said by `mvt_totals.differences`. Over the tiles of a level rounding evens out: there the features that
show clearly are as many within 1 %, areas and lengths the same within 2 %.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
import shapely

from mvt_totals import Totals, differences, name_of, st_asmvt, totals
from tiles.address import Tile
from tiles.grids import WEB_MERCATOR_QUAD
from tiles.kernel.layer import Part, encode_columns
from tiles.kernel.window import TileWindow
from tiles.snapshot.building import build_columns
from tiles.snapshot.layout import Columns
from twin.feature import FeatureBatch
from twin.schema import GeometryType, Schema

LEVELS = range(10, 17)
TILES = 200
# Hamlets over the whole world, so that every level has as many different tiles.
HAMLETS = 230
FEATURES_OF_A_HAMLET = 10
EXTENT_DEG = 0.01


def building(rng: random.Random, lon: float, lat: float) -> shapely.Geometry:
    """A house, every third one with a court, some of two parts."""
    size = 10 ** rng.uniform(-4.2, -3.0)
    house = shapely.affinity.rotate(
        shapely.box(lon, lat, lon + size, lat + size * rng.uniform(0.5, 1.5)), rng.random() * 90
    )
    if rng.random() < 0.3:
        house = house.difference(house.centroid.buffer(size * 0.2))
    if rng.random() < 0.1:
        house = (
            shapely.MultiPolygon([house, shapely.affinity.translate(house, size * 2.5, 0)])
            if house.geom_type == "Polygon"
            else house
        )
    return house


def road(rng: random.Random, lon: float, lat: float) -> shapely.Geometry:
    size = 10 ** rng.uniform(-3.5, -2)
    steps = np.cumsum([[rng.gauss(0, size), rng.gauss(0, size)] for _ in range(rng.randrange(2, 30))], axis=0)
    return shapely.LineString(steps + np.array([lon, lat]))


def lamp(_: random.Random, lon: float, lat: float) -> shapely.Geometry:
    return shapely.Point(lon, lat)


KINDS = {"buildings": building, "roads": road, "lamps": lamp}


@pytest.fixture(scope="module")
def connection(postgis_cluster: object) -> Iterator[psycopg.Connection]:
    url = postgis_cluster.new_database()  # type: ignore[attr-defined]
    with psycopg.connect(url, autocommit=True) as opened:
        yield opened
    postgis_cluster.drop_database(url)  # type: ignore[attr-defined]


def hamlets(kind: str) -> list[shapely.Geometry]:
    rng = random.Random(kind)
    places = [(rng.uniform(-179, 179), rng.uniform(-75, 75)) for _ in range(HAMLETS)]
    return [
        KINDS[kind](rng, lon + rng.random() * EXTENT_DEG, lat + rng.random() * EXTENT_DEG)
        for lon, lat in places
        for _ in range(FEATURES_OF_A_HAMLET)
    ]


def settled(connection: psycopg.Connection, kind: str) -> Columns:
    """The same random features in a table and in columns."""
    wkb = [shapely.to_wkb(one) for one in hamlets(kind)]
    fids = np.arange(1, len(wkb) + 1, dtype=np.int64)
    connection.execute(f"CREATE TABLE {kind} (fid bigint PRIMARY KEY, geom geometry(Geometry, 4326))".encode())
    connection.execute(
        f"INSERT INTO {kind} SELECT fid, ST_SetSRID(wkb::geometry, 4326) FROM unnest(%s::int[], %s::bytea[]) AS row (fid, wkb)".encode(),
        (fids.tolist(), wkb),
    )
    connection.execute(f"CREATE INDEX ON {kind} USING gist (geom)".encode())
    schema = Schema(GeometryType.GEOMETRY, ())
    batch = FeatureBatch(schema=schema, fids=fids, ids=[str(fid) for fid in fids], wkb=wkb, columns={})
    return build_columns([batch], schema)


def tiles_of(columns: Columns, z: int, rng: random.Random) -> list[Tile]:
    """So many different tiles with something in them, drawn at random."""
    chosen = columns.centres[rng.sample(range(len(columns)), len(columns))].astype(np.int64) >> (32 - z)
    return [Tile(z=z, x=int(x), y=int(y)) for x, y in dict.fromkeys(map(tuple, chosen.tolist()))][:TILES]


@pytest.mark.parametrize("kind", KINDS)
def test_counts_areas_and_lengths_agree_with_st_asmvt(connection: psycopg.Connection, kind: str) -> None:
    columns = settled(connection, kind)
    rng = random.Random(5)
    for z in LEVELS:
        tiles = tiles_of(columns, z, rng)
        assert len(tiles) == TILES
        windows = [TileWindow(WEB_MERCATOR_QUAD, tile) for tile in tiles]
        data = b"".join(encode_columns(name_of(window.tile), [Part(columns)], window).data for window in windows)
        ours, theirs = totals(data), totals(st_asmvt(connection, kind, tiles))
        apart = {
            name: found
            for name in map(name_of, tiles)
            if (found := differences(ours.get(name, Totals()), theirs.get(name, Totals())))
        }
        assert apart == {}
        for measure, tolerance in (("drawn", 0.01), ("area", 0.02), ("length", 0.02)):
            mine, other = (sum(getattr(tile, measure) for tile in side.values()) for side in (ours, theirs))
            assert mine == pytest.approx(other, rel=tolerance), (z, measure)
