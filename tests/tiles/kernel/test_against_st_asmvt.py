"""Tiles of the kernel beside those of PostGIS: the same features, areas and lengths.

Tolerances, each for one tile: a feature that shows clearly on one side (16 units of line or outline) is on the other side too; area and
length may differ by 0.5 % and as much as rounding by half a unit may make.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import numpy as np
import psycopg
import pytest
import shapely

from mvt_totals import Totals, st_asmvt, totals
from random_town import SOUTH, WEST
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
FEATURES = 2_500
EXTENT_DEG = 0.12


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


def town(connection: psycopg.Connection, kind: str) -> Columns:
    """The same random features in a table and in columns."""
    rng = random.Random(kind)
    draw: Callable[..., shapely.Geometry] = KINDS[kind]
    shapes = [draw(rng, WEST + rng.random() * EXTENT_DEG, SOUTH + rng.random() * EXTENT_DEG) for _ in range(FEATURES)]
    wkb = [shapely.to_wkb(one) for one in shapes]
    connection.execute(f"CREATE TABLE {kind} (fid bigint PRIMARY KEY, geom geometry(Geometry, 4326))".encode())
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {kind} VALUES (%s, ST_SetSRID(%s::bytea::geometry, 4326))".encode(),
            list(enumerate(wkb, 1)),
        )
    connection.execute(f"CREATE INDEX ON {kind} USING gist (geom)".encode())
    schema = Schema(GeometryType.GEOMETRY, ())
    batch = FeatureBatch(
        schema=schema, fids=np.arange(1, FEATURES + 1, dtype=np.int64), ids=[None] * FEATURES, wkb=wkb, columns={}
    )
    return build_columns([batch], schema)


def tiles_of(columns: Columns, z: int, rng: random.Random) -> list[Tile]:
    """Up to so many different tiles with something in them, drawn at random."""
    chosen = columns.centres[rng.sample(range(len(columns)), len(columns))].astype(np.int64) >> (32 - z)
    return [Tile(z=z, x=int(x), y=int(y)) for x, y in dict.fromkeys(map(tuple, chosen.tolist()))][:TILES]


def assert_alike(ours: Totals, theirs: Totals, tile: Tile) -> None:
    assert ours.clear <= theirs.ids, tile
    assert theirs.clear <= ours.ids, tile
    count = max(len(ours.ids), len(theirs.ids))
    assert abs(ours.area - theirs.area) <= 0.005 * theirs.area + theirs.length + 20, tile
    assert abs(ours.length - theirs.length) <= 0.005 * theirs.length + 6 * count + 20, tile


@pytest.mark.parametrize("kind", KINDS)
def test_counts_areas_and_lengths_agree_with_st_asmvt(connection: psycopg.Connection, kind: str) -> None:
    columns = town(connection, kind)
    rng = random.Random(5)
    area = length = other_area = other_length = 0.0
    compared = 0
    for z in LEVELS:
        for tile in tiles_of(columns, z, rng):
            ours = totals(encode_columns(kind, [Part(columns)], TileWindow(WEB_MERCATOR_QUAD, tile)).data, kind)
            theirs = totals(st_asmvt(connection, kind, kind, tile), kind)
            assert_alike(ours, theirs, tile)
            area, other_area = area + ours.area, other_area + theirs.area
            length, other_length = length + ours.length, other_length + theirs.length
            compared += 1
    assert compared > 350
    # Over all tiles rounding evens out.
    assert area == pytest.approx(other_area, rel=0.01)
    assert length == pytest.approx(other_length, rel=0.01)
