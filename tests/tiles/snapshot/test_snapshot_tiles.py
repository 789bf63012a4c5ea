"""Tiles cut from a snapshot hold what the store's own tiles hold, at once after every edit, on both stores."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from random_town import SCHEMA, SOUTH, WEST, decoded, random_batch, random_shape
from snapshot_town import AUTHOR, source_over
from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.grids import GRIDS, WEB_MERCATOR_QUAD, Grid
from tiles.kernel import readiness
from tiles.kernel.layer import Part, encode_columns
from tiles.kernel.window import TileWindow
from tiles.mvt.encode import encode_layer
from tiles.mvt.window import Window
from tiles.service import TileService
from tiles.snapshot import keeping
from tiles.snapshot.building import build_columns
from tiles.source import NOW
from twin.feature import Feature, FeatureBatch
from twin.moment import Moment
from twin.schema import GeometryType, Schema
from twin.store.port import LayerSpec
from twin.store.sql import SqlStore


def tiles_over_town(grid: Grid) -> list[Tile]:
    rng = random.Random(5)
    tiles = []
    for z in (0, 6, 9, 11, 12, 13, 14, 15, 16, 17, 18):
        tiles += [grid.tile_at(WEST + rng.random() * 0.1, SOUTH + rng.random() * 0.1, z) for _ in range(3)]
    return tiles


def assert_same_tile(ours: dict[int, dict], theirs: dict[int, dict]) -> None:
    """The same features with the same attributes, and shapes that differ by rounding alone."""
    differing = ours.keys() ^ theirs.keys()
    for fid in differing:  # at the edge of the buffer, or on the verge of vanishing
        shape = shapely.geometry.shape((ours.get(fid) or theirs[fid])["geometry"])
        at_edge = any(edge <= -62 or edge >= 4096 + 62 for edge in shape.bounds)
        assert at_edge or shape.area <= shape.length <= 40, shape.wkt  # a sliver no wider than two units
    for fid in ours.keys() & theirs.keys():
        assert ours[fid]["properties"] == theirs[fid]["properties"]
        one, other = (shapely.geometry.shape(tile[fid]["geometry"]) for tile in (ours, theirs))
        assert one.is_valid, one.wkt
        assert shapely.hausdorff_distance(one, other) <= 70 or abs(one.area - other.area) <= 3 * (one.length + 4)
        assert abs(one.area - other.area) <= 2 * (one.length + other.length + 4)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_random_features_agree_with_the_encoder_over_shapely(grid: Grid) -> None:
    batch = random_batch(random.Random(11), 3000)
    columns = build_columns([batch], SCHEMA)
    drawn = 0
    for tile in tiles_over_town(grid):
        ours = encode_columns("town", [Part(columns)], TileWindow(grid, tile))
        theirs = encode_layer("town", batch, Window(grid, tile))
        assert_same_tile(decoded(ours.data), decoded(theirs.data))
        assert abs(ours.features - theirs.features) <= max(3, theirs.features // 50)
        drawn += ours.features
    assert drawn > 5000


@settings(max_examples=60)
@given(st.integers(min_value=0, max_value=2**32 - 1), st.integers(min_value=4, max_value=20))
def test_polygons_are_valid_after_rounding_whatever_their_shape(seed: int, z: int) -> None:
    rng = random.Random(seed)
    lon, lat = rng.uniform(-179.9, 179.9), rng.uniform(-84, 84)
    size = 360.0 / 2**z * 10 ** rng.uniform(-3, 0.3)
    # A ring of random vertices crosses itself more often than not.
    ring = [
        (max(-180, min(180, lon + rng.gauss(0, size))), max(-85, min(85, lat + rng.gauss(0, size))))
        for _ in range(rng.randrange(3, 30))
    ]
    batch = FeatureBatch(
        schema=Schema(GeometryType.POLYGON, ()),
        fids=np.array([7], dtype=np.int64),
        ids=["7"],
        wkb=[shapely.to_wkb(shapely.Polygon(ring))],
        columns={},
    )
    columns = build_columns([batch], batch.schema)
    for grid in GRIDS.values():
        if z > grid.max_zoom:
            continue
        tile = grid.tile_at(lon, lat, z)
        data = encode_columns("town", [Part(columns)], TileWindow(grid, tile)).data
        for feature in decoded(data).values():
            shape = shapely.geometry.shape(feature["geometry"])
            assert shape.is_valid, shape.wkt
            assert shape.area > 0


def test_what_cannot_be_drawn_is_left_out() -> None:
    schema = Schema(GeometryType.GEOMETRY, ())
    shapes = [
        None,
        "POINT EMPTY",
        "LINESTRING (120 36, 120.1 36.1)",
        "POINT (180 -90)",
        "POLYGON ((-180 -90, 180 -90, 180 90, -180 90, -180 -90))",
    ]
    wkb = [None if text is None else shapely.to_wkb(shapely.from_wkt(text)) for text in shapes]
    batch = FeatureBatch(schema=schema, fids=np.arange(1, 6, dtype=np.int64), ids=list("12345"), wkb=wkb, columns={})
    columns = build_columns([batch], schema)
    assert sorted(columns.fids.tolist()) == [3, 4, 5]
    whole = decoded(encode_columns("town", [Part(columns)], TileWindow(WEB_MERCATOR_QUAD, Tile(z=0, x=0, y=0))).data)
    assert shapely.geometry.shape(whole[5]["geometry"]).area == pytest.approx(4096**2, rel=0.01)
    nothing = build_columns([], schema)
    assert encode_columns("town", [Part(nothing)], TileWindow(WEB_MERCATOR_QUAD, Tile(z=0, x=0, y=0))).data == b""


def test_every_edit_is_in_the_next_tile(store: SqlStore, folder: Path) -> None:
    rng = random.Random(3)
    batch = random_batch(rng, 400)
    source = source_over(store, folder, batch)
    stored = StoreTileSource(store)
    tile = WEB_MERCATOR_QUAD.tile_at(WEST + 0.05, SOUTH + 0.05, 11)
    ids = [str(id_) for id_ in batch.ids]
    gone: list[tuple[str, int]] = []
    for step in range(25):
        with store.write("town", AUTHOR) as writer:
            what = rng.randrange(4)
            if what == 0:
                victim = ids.pop(rng.randrange(len(ids)))
                gone.append((victim, writer.version - 1))
                writer.delete(victim)
            elif what == 1 and gone:
                back, version = gone.pop()
                writer.restore(back, version)
                ids.append(back)
            elif what == 2:
                ids.append(writer.insert(Feature(None, random_shape(rng), {"name": f"新{step}", "floors": step})))
            else:
                writer.replace(Feature(rng.choice(ids), random_shape(rng), {"name": f"改{step}"}))
        layer = source.describe("town")
        assert_same_tile(
            decoded(source.tile(layer, tile, WEB_MERCATOR_QUAD).data),
            decoded(stored.tile(layer, tile, WEB_MERCATOR_QUAD).data),
        )
    assert source._keeper._states["town"].base_version == 2  # no copy was made anew
    source.close()


def test_the_first_id_of_its_own_reaches_a_layer_that_had_none(store: SqlStore, folder: Path) -> None:
    plain = replace(random_batch(random.Random(1), 20), ids=[None] * 20)
    source = source_over(store, folder, plain)
    tile = Tile(z=0, x=0, y=0)
    before = decoded(source.tile(source.describe("town"), tile, WEB_MERCATOR_QUAD).data)
    assert before
    assert not any("_id" in feature["properties"] for feature in before.values())
    with store.write("town", AUTHOR) as writer:
        writer.insert(Feature("钟楼", shapely.Point(WEST, SOUTH), {"name": "钟"}))
    after = decoded(source.tile(source.describe("town"), tile, WEB_MERCATOR_QUAD).data)
    assert [f["properties"] for fid, f in after.items() if fid not in before] == [{"name": "钟", "_id": "钟楼"}]
    source.close()


def test_kernels_that_cannot_be_compiled_are_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("no locator available")

    monkeypatch.setattr("tiles.kernel.warming.load_kernels", fail)
    monkeypatch.setattr(readiness, "_loading", None)
    monkeypatch.setattr(readiness, "_loaded", threading.Event())
    assert not readiness.wait_for_kernels()
    assert not readiness.are_kernels_loading()


def test_a_delivery_that_replaces_much_makes_the_copy_anew(
    store: SqlStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_MANY_EDITED", 20)
    source = source_over(store, folder, random_batch(random.Random(1), 100))
    tile = Tile(z=0, x=0, y=0)
    source.tile(source.describe("town"), tile, WEB_MERCATOR_QUAD)
    first = source._keeper._states["town"]
    with store.write("town", AUTHOR) as writer:
        writer.upsert(random_batch(random.Random(2), 100))
    source.tile(source.describe("town"), tile, WEB_MERCATOR_QUAD)
    assert source._keeper._states["town"].base_version > first.base_version
    store.drop_layer("town")
    with store.write("town", AUTHOR, create=LayerSpec("town", SCHEMA)) as writer:
        writer.insert(Feature("only", shapely.Point(WEST, SOUTH), {"name": "一"}))
    found = decoded(source.tile(source.describe("town"), tile, WEB_MERCATOR_QUAD).data)
    assert [feature["properties"] for feature in found.values()] == [{"name": "一", "_id": "only"}]
    source.close()


def test_readers_never_see_less_than_what_was_acknowledged(store: SqlStore, folder: Path) -> None:
    source = source_over(store, folder, random_batch(random.Random(1), 300))
    with store.write("town", AUTHOR) as writer:
        writer.insert(Feature("clock", shapely.Point(WEST, SOUTH), {"floors": 0}))
    tile = WEB_MERCATOR_QUAD.tile_at(WEST, SOUTH, 16)
    acknowledged = [0]
    ended = threading.Event()
    faults: list[str] = []

    def read() -> None:
        while not ended.is_set():
            at_least = acknowledged[0]
            data = source.tile(source.describe("town"), tile, WEB_MERCATOR_QUAD).data
            shown = next(f for f in decoded(data).values() if f["properties"].get("_id") == "clock")["properties"][
                "floors"
            ]
            if shown < at_least:
                faults.append(f"{shown} after {at_least}")

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    for count in range(1, 40):
        with store.write("town", AUTHOR) as writer:
            writer.replace(Feature("clock", shapely.Point(WEST, SOUTH), {"floors": count}))
        acknowledged[0] = count
    ended.set()
    for reader in readers:
        reader.join()
    assert faults == []
    source.close()


def test_a_tile_that_is_drawn_in_no_time_is_told_from_one_that_takes_long(store: SqlStore, folder: Path) -> None:
    source = source_over(store, folder, random_batch(random.Random(3), 2000))
    service = TileService(source)
    layers = service.describe(["town"])
    wide, narrow, empty = (WEB_MERCATOR_QUAD.tile_at(WEST + 0.05, SOUTH + 0.05, z) for z in (10, 22, 22))
    empty = replace(empty, x=0)
    assert (
        source.weight(layers.layers[0], narrow, WEB_MERCATOR_QUAD) is None
    )  # nothing is copied yet: who asks would wait
    assert not service.is_light(layers, narrow, WEB_MERCATOR_QUAD)
    service.tile(layers, empty, WEB_MERCATOR_QUAD)
    heavy, light, nothing = (source.weight(layers.layers[0], t, WEB_MERCATOR_QUAD) for t in (wide, narrow, empty))
    assert nothing == 0
    assert heavy is not None
    assert light is not None
    assert heavy > 4000 > light
    assert [service.is_light(layers, t, WEB_MERCATOR_QUAD) for t in (wide, narrow, empty)] == [False, True, True]
    service.tile(layers, wide, WEB_MERCATOR_QUAD)
    assert service.is_light(layers, wide, WEB_MERCATOR_QUAD)  # it is kept
    source.close()


def test_a_tile_of_the_last_version_is_cut_from_the_snapshot_and_one_of_an_earlier_made_from_the_store(
    store: SqlStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = random_batch(random.Random(4), 300)
    source = source_over(store, folder, batch)
    asked: list[int | None] = []
    usual = StoreTileSource.tile
    monkeypatch.setattr(
        StoreTileSource, "tile", lambda self, layer, *at: (asked.append(layer.as_of), usual(self, layer, *at))[1]
    )
    tile = WEB_MERCATOR_QUAD.tile_at(WEST + 0.05, SOUTH + 0.05, 11)

    def drawn(moment: Moment = NOW) -> dict[int, dict]:
        return decoded(source.tile(source.describe("town", moment), tile, WEB_MERCATOR_QUAD).data)

    for _ in range(2):
        version = store.version("town")
        before = drawn()
        assert drawn(Moment(as_of=version)) == before
        assert asked == []
        with store.write("town", AUTHOR) as writer:
            writer.delete(str(batch.ids[version]))
        assert_same_tile(drawn(Moment(as_of=version)), before)
        assert asked == [version]
        assert len(drawn()) == len(before) - 1
        asked.clear()
    source.close()
