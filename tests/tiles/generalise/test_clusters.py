"""Clusters count every point once, by status, whoever makes the tile; an alarm is always to be seen."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mapbox_vector_tile
import numpy as np
import pytest
from shapely import MultiPoint, Point

from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.generalise.clusters import CELLS_PER_SIDE, MOST_ALARMS, cluster_points
from tiles.generalise.wishes import Clusters, clusters_of
from tiles.grids import GRIDS, WEB_MERCATOR_QUAD, Grid
from tiles.snapshot.keeping import SnapshotKeeper
from tiles.snapshot.source import SnapshotTileSource
from tiles.source import TileSource
from twin.feature import Feature, FeatureBatch
from twin.moment import Moment
from twin.schema import CodeValue, GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec
from twin.store.sql import SqlStore
from twin.text import LocalText

CODES = tuple(CodeValue(value, LocalText(value)) for value in ("normal", "报警", "offline"))
SCHEMA = Schema(
    GeometryType.POINT,
    (Property("name", PropertyType.STRING), Property("status", PropertyType.STRING, codes=CODES)),
)
WISH = {"tiles": {"clusters_below": 14, "status": "status", "alarms": ["报警"]}}
AUTHOR = Author("test")
WEST, SOUTH = 119.95, 36.20


def sensors(count: int, seed: int = 1) -> list[Feature]:
    """Points in heaps and on their own, most of them normal, some without a status or with one the schema lacks."""
    rng = random.Random(seed)
    states = ["normal"] * 12 + ["offline", "报警", None, "dismantled"]
    middles = [(WEST + rng.random() * 0.2, SOUTH + rng.random() * 0.2) for _ in range(9)]
    found = []
    for i in range(count):
        lon, lat = rng.choice(middles)
        place = Point(rng.gauss(lon, 0.01), rng.gauss(lat, 0.01))
        found.append(Feature(f"S{i}", place, {"name": f"站{i}", "status": rng.choice(states)}))
    return found


def fill(store: SqlStore, features: list[Feature]) -> None:
    with store.write("sensors", AUTHOR, create=LayerSpec("sensors", SCHEMA, WISH)) as writer:
        writer.upsert(FeatureBatch.of(SCHEMA, features))


def sources(store: SqlStore, folder: Path) -> tuple[TileSource, TileSource]:
    """From a snapshot, and from the store."""
    stored = StoreTileSource(store)
    return SnapshotTileSource(stored, SnapshotKeeper(store, folder)), stored


def decoded(data: bytes) -> list[dict]:
    if not data:
        return []
    return mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})["sensors"]["features"]


def tiles_of(grid: Grid) -> Iterator[Tile]:
    for z in (0, 5, 8, 10, 11, 12):
        here = grid.tile_at(WEST + 0.1, SOUTH + 0.1, z)
        yield here
        if z > 9:
            yield Tile(z=z, x=here.x, y=here.y + 1)


def recount(features: list[Feature], tile: Tile, grid: Grid) -> dict[tuple[int, int], list[Feature]]:
    """Cells of a tile with their points, from degrees in floating point."""
    cells: dict[tuple[int, int], list[Feature]] = defaultdict(list)
    for feature in features:
        column, row = grid.forward(np.array([feature.geometry.x]), np.array([feature.geometry.y]))
        scale = CELLS_PER_SIDE << tile.z
        at = int(column[0] * scale), int(row[0] * scale)
        if (at[0] // CELLS_PER_SIDE, at[1] // CELLS_PER_SIDE) == (tile.x, tile.y):
            cells[at].append(feature)
    return cells


def check(drawn: list[dict], features: list[Feature], tile: Tile, grid: Grid) -> None:
    """Against the recount: counts by status of every cell, which points stand alone, and where clusters lie."""
    expected = Counter()
    alone = set()
    where = defaultdict(list)
    for cell, members in recount(features, tile, grid).items():
        states = Counter(member.properties["status"] for member in members)
        alone |= {member.id for member in members if len(members) == 1 or member.properties["status"] == "报警"}
        if len(members) > 1:
            counts = (
                len(members),
                states["报警"],
                states["normal"],
                states["offline"],
                states["dismantled"],
                states[None],
            )
            expected[counts] += 1
            where[counts].append(cell)
    names = ("_count", "_alarms", "_status_normal", "_status_offline", "_others", "_unknown")
    clusters = [feature for feature in drawn if "_count" in feature["properties"]]
    assert Counter(tuple(f["properties"].get(name, 0) for name in names) for f in clusters) == expected
    assert {f["properties"]["_id"] for f in drawn if "_count" not in f["properties"]} == alone
    assert all(f["properties"].get("_status_报警", 0) == f["properties"]["_alarms"] for f in clusters)
    for feature in clusters:
        x, y = feature["geometry"]["coordinates"]
        counts = tuple(feature["properties"].get(name, 0) for name in names)
        at = tile.x * CELLS_PER_SIDE + x * CELLS_PER_SIDE / 4096, tile.y * CELLS_PER_SIDE + y * CELLS_PER_SIDE / 4096
        assert any(c <= at[0] <= c + 1 and r <= at[1] <= r + 1 for c, r in where[counts]), (at, where[counts])


@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_snapshots_and_stores_cluster_as_a_recount_does(store: SqlStore, folder: Path, grid: Grid) -> None:
    features = sensors(800)
    fill(store, features)
    seen = 0
    for source in sources(store, folder):
        layer = source.describe("sensors")
        for tile in tiles_of(grid):
            drawn = source.tile(layer, tile, grid)
            check(decoded(drawn.data), features, tile, grid)
            assert drawn.features == len(decoded(drawn.data))
            seen += drawn.features
    assert seen > 500


def test_an_edit_is_counted_at_once(store: SqlStore, folder: Path) -> None:
    features = sensors(300, seed=2)
    fill(store, features)
    source, _ = sources(store, folder)
    tile = WEB_MERCATOR_QUAD.tile_at(WEST + 0.1, SOUTH + 0.1, 10)
    rng = random.Random(3)
    for _ in range(6):
        drawn = source.tile(source.describe("sensors"), tile, WEB_MERCATOR_QUAD)
        check(decoded(drawn.data), features, tile, WEB_MERCATOR_QUAD)
        i = rng.randrange(1, len(features))
        status = "报警" if features[i].properties["status"] != "报警" else "normal"
        features[i] = replace(features[i], properties=features[i].properties | {"status": status})
        gone = features.pop(0) if i > 1 else None
        with store.write("sensors", AUTHOR) as writer:
            writer.upsert(FeatureBatch.of(SCHEMA, [features[i - (gone is not None)]]))
            if gone:
                writer.delete(gone.id)


def test_the_past_is_clustered_too(store: SqlStore, folder: Path) -> None:
    features = sensors(60, seed=4)
    fill(store, features)
    with store.write("sensors", AUTHOR) as writer:
        for feature in features[:40]:
            writer.delete(feature.id)
    source, _ = sources(store, folder)
    tile = WEB_MERCATOR_QUAD.tile_at(WEST + 0.1, SOUTH + 0.1, 9)
    for version, then in ((1, features), (2, features[40:])):
        layer = source.describe("sensors", Moment(as_of=version))
        check(decoded(source.tile(layer, tile, WEB_MERCATOR_QUAD).data), then, tile, WEB_MERCATOR_QUAD)


def test_from_its_level_on_a_layer_shows_every_point(store: SqlStore, folder: Path) -> None:
    features = sensors(50, seed=5)
    fill(store, features)
    for source in sources(store, folder):
        tile = WEB_MERCATOR_QUAD.tile_at(features[0].geometry.x, features[0].geometry.y, 14)
        assert not any(
            "_count" in f["properties"]
            for f in decoded(source.tile(source.describe("sensors"), tile, WEB_MERCATOR_QUAD).data)
        )


def test_a_feature_of_several_points_is_one_of_its_cluster(store: SqlStore, folder: Path) -> None:
    schema = replace(SCHEMA, geometry_type=GeometryType.MULTIPOINT)
    places = [MultiPoint([(WEST, SOUTH), (WEST + 0.3, SOUTH)]), MultiPoint([(WEST, SOUTH)])]
    with store.write("sensors", AUTHOR, create=LayerSpec("sensors", schema, WISH)) as writer:
        writer.upsert(FeatureBatch.of(schema, [Feature(None, place, {"status": "normal"}) for place in places]))
    for source in sources(store, folder):
        tile = WEB_MERCATOR_QUAD.tile_at(WEST, SOUTH, 12)
        drawn = decoded(source.tile(source.describe("sensors"), tile, WEB_MERCATOR_QUAD).data)
        assert [f["properties"] for f in drawn] == [{"_count": 2, "_alarms": 0, "_status_normal": 2}]
        elsewhere = WEB_MERCATOR_QUAD.tile_at(WEST + 0.3, SOUTH, 12)
        assert source.tile(source.describe("sensors"), elsewhere, WEB_MERCATOR_QUAD).features == 0


def test_very_many_alarms_are_bounded_and_none_of_their_cells_is_forgotten() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.integers(0, 1 << 20, (2, 50_000))
    status = np.ones(50_000, dtype=np.int64)
    found = cluster_points(x, y, status, np.array([False, True, False]), 20)
    cells = (y >> 16) * CELLS_PER_SIDE + (x >> 16)
    assert len(found.alone) <= MOST_ALARMS
    assert set(cells[found.alone].tolist()) == set(cells.tolist())
    assert found.statuses[:, 1].sum() == found.counts.sum() == 50_000


def test_the_mean_of_places_is_exact_to_a_unit_at_the_far_end_of_the_world() -> None:
    x = np.full(1000, 2**32 - 1, dtype=np.int64) - np.arange(1000)
    found = cluster_points(x, x, np.zeros(1000, dtype=np.int64), np.array([False]), 32)
    assert found.x.tolist() == [round(sum(x.tolist()) / 1000)]


def test_what_is_no_layer_of_points_has_no_clusters() -> None:
    assert clusters_of(WISH, replace(SCHEMA, geometry_type=GeometryType.POLYGON), 9) is None
    assert clusters_of({}, SCHEMA, 9) is None
    assert clusters_of({"tiles": {"clusters_below": 4}}, SCHEMA, 9) == Clusters(9)
    assert clusters_of(WISH, SCHEMA, 9) == Clusters(14, "status", ("normal", "报警", "offline"), ("报警",))
