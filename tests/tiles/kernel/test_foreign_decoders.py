"""Tiles of every kind, read by two decoders that nobody here wrote: mapbox-vector-tile and Mapbox's own in JavaScript."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime

import numpy as np
import pytest
from shapely import GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon, box

from javascript_decoder import JavaScriptDecoder, read_by_both
from memory_layers import MemoryStore, batch_of, schema_of
from random_town import SCHEMA, SOUTH, WEST, random_batch
from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.generalise.cluster_columns import encode_clusters
from tiles.generalise.wishes import Clusters
from tiles.grids import GRIDS, WEB_MERCATOR_QUAD, Grid
from tiles.kernel.layer import Part, encode_columns
from tiles.kernel.window import TileWindow
from tiles.mvt.encode import encode_layer
from tiles.mvt.window import Window
from tiles.snapshot.building import build_columns
from twin.feature import Feature

ZOOM = 12
GALLERY_SCHEMA = schema_of(
    "Geometry",
    text="string", whole="integer", number="number", flag="boolean", day="date", instant="datetime",
)  # fmt: skip
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
# What goes into a tile, and what anybody should read from it.
VALUES = [
    ({"text": "胶州湾 \U0001f5fa", "whole": 7, "number": 2.5, "flag": True, "day": date(2026, 5, 1), "instant": NOON},
     {"text": "胶州湾 \U0001f5fa", "whole": 7, "number": 2.5, "flag": True,
      "day": "2026-05-01", "instant": "2026-05-01T12:00:00Z"}),
    ({"text": "", "whole": -3, "number": -1e300, "flag": False}, {"text": "", "whole": -3, "number": -1e300, "flag": False}),
    ({"whole": 2**40, "number": 0.1}, {"whole": 2**40, "number": 0.1}),
    ({"whole": -(2**52), "number": float("nan")}, {"whole": -(2**52)}),
    ({"whole": 2**53 - 1, "number": float("inf")}, {"whole": 2**53 - 1}),
    ({"whole": 2**70}, {"whole": str(2**70)}),
    ({"number": 3.0, "flag": None}, {"number": 3.0}),
    ({}, {}),
]  # fmt: skip


def gallery(grid: Grid, tile: Tile) -> list[Feature]:
    """Every kind of geometry, most with an id of its own, two without a place."""
    bounds = grid.lonlat_bounds(tile)

    def at(across: float, up: float) -> tuple[float, float]:
        return (
            bounds.west + across * (bounds.east - bounds.west),
            bounds.south + up * (bounds.north - bounds.south),
        )

    def square(across: float, up: float, side: float) -> Polygon:
        return box(*at(across, up), *at(across + side, up + side))

    court = square(0.1, 0.1, 0.3).difference(square(0.15, 0.15, 0.05)).difference(square(0.25, 0.25, 0.1))
    shapes = [
        Point(at(0.3, 0.3)),
        MultiPoint([at(0.1, 0.2), at(0.9, 0.8), at(0.5, -0.01)]),
        LineString([at(-0.5, 0.2), at(0.4, 0.7), at(1.5, 0.5)]),
        MultiLineString([[at(0.1, 0.1), at(0.2, 0.3)], [at(0.2, -0.5), at(0.6, 0.5), at(0.2, 1.5)]]),
        court,
        MultiPolygon([court, square(0.6, 0.6, 0.2), square(0.9, 0.1, 0.5)]),
        None,
        Polygon(),
        GeometryCollection([Point(at(0.5, 0.5)), square(0.45, 0.05, 0.1)]),
        # A comb that the tile's edge cuts into teeth, and a bow tie: both go through GEOS.
        Polygon([at(-0.2, 0), *(at(0.1 if i % 2 else -0.1, 0.1 * i) for i in range(1, 10)), at(-0.2, 1)]),
        Polygon([at(0.7, 0.7), at(0.9, 0.9), at(0.9, 0.7), at(0.7, 0.9)]),
        square(-2, -2, 5),
    ]
    return [
        Feature(None if i % 3 == 0 else f"物{i}", shape, VALUES[i % len(VALUES)][0]) for i, shape in enumerate(shapes)
    ]


@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_every_kind_of_feature_is_read_alike_by_both(grid: Grid, javascript_decoder: JavaScriptDecoder) -> None:
    tile = grid.tile_at(WEST, SOUTH, ZOOM)
    batch = batch_of(GALLERY_SCHEMA, gallery(grid, tile))
    window = TileWindow(grid, tile)
    compiled = encode_columns("gallery", [Part(build_columns([batch], GALLERY_SCHEMA))], window)
    plain = encode_layer("gallery", batch, Window(grid, tile))
    # Both encoders in one tile, under two names.
    both = read_by_both(compiled.data + plain.data.replace(b"\x0a\x07gallery", b"\x0a\x07Gallery"), javascript_decoder)
    for name, features in both.items():
        found = {feature.id: feature for feature in features}
        assert len(features) == len(found) == 10, name
        assert found.keys() == set(range(1, 13)) - {7, 8}
        kinds = {fid: feature.geometry.geom_type for fid, feature in found.items()}
        assert [kinds[fid] for fid in (1, 2, 3, 4, 5, 6, 9)] == [
            "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "Polygon",
        ]  # fmt: skip
        assert len(found[5].geometry.interiors) == 2
        assert [len(part.interiors) for part in found[6].geometry.geoms] == [2, 0, 0]
        assert all(feature.geometry.is_valid for feature in features)
        for fid, feature in found.items():
            expected = dict(VALUES[(fid - 1) % len(VALUES)][1])
            if (fid - 1) % 3:
                expected["_id"] = f"物{fid - 1}"
            assert feature.properties == expected
            assert {key: type(value) for key, value in feature.properties.items()} == {
                key: type(value) for key, value in expected.items()
            }


@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_a_random_town_is_read_alike_by_both_at_every_level(grid: Grid, javascript_decoder: JavaScriptDecoder) -> None:
    rng = random.Random(3)
    columns = build_columns([random_batch(rng, 1200)], SCHEMA)
    read = 0
    for z in (0, 5, 9, 11, 13, 15, 17):
        tile = grid.tile_at(WEST + rng.random() * 0.1, SOUTH + rng.random() * 0.1, z)
        encoded = encode_columns("town", [Part(columns)], TileWindow(grid, tile))
        read += len(read_by_both(encoded.data, javascript_decoder).get("town", []))
    assert read > 1500


def test_density_and_clusters_are_read_alike_by_both(javascript_decoder: JavaScriptDecoder) -> None:
    rng = random.Random(8)
    tile = WEB_MERCATOR_QUAD.tile_at(WEST + 0.5, SOUTH + 0.5, 8)
    lamps = [
        Feature(None, Point(WEST + rng.random(), SOUTH + rng.random()), {"status": rng.choice(["报警", "正常", None])})
        for _ in range(400)
    ]
    inside = [f for f in lamps if WEB_MERCATOR_QUAD.tile_at(f.geometry.x, f.geometry.y, 8) == tile]
    schema = schema_of("Point", status="string")
    store = MemoryStore()
    store.put("lamps", schema, lamps, {"style": {"min_zoom": 14}})
    source = StoreTileSource(store)
    counted = read_by_both(source.tile(source.describe("lamps"), tile, WEB_MERCATOR_QUAD).data, javascript_decoder)
    assert {feature.geometry.geom_type for feature in counted["lamps"]} == {"Polygon"}
    total = sum(feature.properties["_count"] for feature in counted["lamps"])
    assert total == pytest.approx(len(inside), rel=0.1)  # cells may lie across the tile's edge
    wish = Clusters(14, "status", ("报警", "正常"), ("报警",))
    part = Part(build_columns([batch_of(schema, lamps)], schema))
    data = encode_clusters("lamps", [part], wish, TileWindow(WEB_MERCATOR_QUAD, tile)).data
    clusters, alone = [], []
    for feature in read_by_both(data, javascript_decoder)["lamps"]:
        (clusters if "_count" in feature.properties else alone).append(feature.properties)
    calm = sum(cluster["_count"] - cluster["_alarms"] for cluster in clusters)
    calm += sum(lamp.get("status") != "报警" for lamp in alone)
    assert calm == sum(lamp.properties["status"] != "报警" for lamp in inside)
    assert len(clusters) > 20


def test_layers_of_one_tile_and_features_of_two_parts_are_read_alike_by_both(
    javascript_decoder: JavaScriptDecoder,
) -> None:
    columns = [build_columns([random_batch(random.Random(seed), 300)], SCHEMA) for seed in (1, 2)]
    window = TileWindow(WEB_MERCATOR_QUAD, Tile(z=6, x=53, y=25))
    hidden = np.zeros(len(columns[0]), dtype=np.uint8)
    hidden[::2] = 1
    one = encode_columns("街", [Part(columns[0], hidden), Part(columns[1])], window)
    other = encode_columns("other", [Part(columns[1])], TileWindow(window.grid, window.tile, extent=512, buffer=8))
    found = read_by_both(one.data + other.data, javascript_decoder)
    assert {name: len(features) for name, features in found.items()} == {"街": one.features, "other": other.features}
    extents = [layer["extent"] for layer in javascript_decoder.layers(one.data + other.data).values()]
    assert extents == [4096, 512]
    assert all(layer["version"] == 2 for layer in javascript_decoder.layers(one.data + other.data).values())


def test_the_comparison_sees_a_vertex_that_moved(javascript_decoder: JavaScriptDecoder) -> None:
    window = TileWindow(WEB_MERCATOR_QUAD, Tile(z=0, x=0, y=0))
    schema = schema_of("Point")
    found = []
    for lon in (10, 20):
        columns = build_columns([batch_of(schema, [Feature(None, Point(lon, 0))])], schema)
        found.append(javascript_decoder.decode(encode_columns("p", [Part(columns)], window).data)["p"][0].geometry)
    assert [point.x for point in found] == [round(2048 + 4096 * lon / 360) for lon in (10, 20)]
