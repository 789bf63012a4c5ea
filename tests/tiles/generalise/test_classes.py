"""Lines appear by their class: the same ones from a snapshot and from the store, at once after an edit, and counted while they wait."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from random_town import decoded
from tiles.features import StoreTileSource
from tiles.generalise.classes import STANDARD_ZOOMS, classes_of
from tiles.grids import GRIDS, Grid
from tiles.snapshot.keeping import SnapshotKeeper
from tiles.snapshot.source import SnapshotTileSource
from tiles.source import TileBytes
from twin.feature import Feature, FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec
from twin.store.sql import SqlStore

WEST, SOUTH = 119.95, 36.20
KINDS = ("motorway", "secondary", "residential", "path", "monorail", None)
SCHEMA = Schema(GeometryType.LINESTRING, (Property("kind", PropertyType.STRING),))
WISH = {"tiles": {"class_property": "kind", "class_zooms": {"path": 15}}}
# Seen at each level by somebody who reads the table: unknown and missing classes with the residential streets.
SEEN = {4: set(), 5: {1}, 9: {1, 2}, 11: {1, 2}, 12: {1, 2, 3, 5, 6}, 14: {1, 2, 3, 5, 6}, 15: {1, 2, 3, 4, 5, 6}}


def road(i: int) -> shapely.Geometry:
    return shapely.LineString([(WEST, SOUTH + i * 1e-3), (WEST + 0.05, SOUTH + 1e-3 * i + 5e-4)])


@pytest.fixture
def sources(store: SqlStore, folder: Path) -> tuple[SnapshotTileSource, StoreTileSource]:
    count = len(KINDS)
    wkb = [road(i).wkb for i in range(count)]
    batch = FeatureBatch(SCHEMA, np.arange(1, count + 1), [None] * count, wkb, {"kind": list(KINDS)})
    with store.write("roads", Author("test"), create=LayerSpec("roads", SCHEMA, WISH)) as writer:
        writer.upsert(batch)
    stored = StoreTileSource(store)
    return SnapshotTileSource(stored, SnapshotKeeper(store, folder)), stored


def tile(source: SnapshotTileSource | StoreTileSource, z: int, grid: Grid) -> TileBytes:
    return source.tile(source.describe("roads"), grid.tile_at(WEST + 0.001, SOUTH + 0.002, z), grid)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_each_level_shows_its_classes_and_counts_the_others(
    sources: tuple[SnapshotTileSource, StoreTileSource], grid: Grid
) -> None:
    for z, seen in SEEN.items():
        for source in sources:
            found = tile(source, z - grid.zoom_offset, grid)
            assert set(decoded(found.data, "roads")) == seen, (z, source)
            assert found.features == len(seen)
            assert found.left_out == len(KINDS) - len(seen)


def test_an_edit_moves_a_road_to_its_new_class_at_once(
    store: SqlStore, sources: tuple[SnapshotTileSource, StoreTileSource]
) -> None:
    grid = GRIDS["WebMercatorQuad"]
    snapshots, _ = sources
    assert set(decoded(tile(snapshots, 5, grid).data, "roads")) == {1}
    with store.write("roads", Author("test")) as writer:
        writer.replace(Feature("1", road(0), {"kind": "path"}))
        writer.insert(Feature(None, road(7), {"kind": "motorway"}))
    shown = decoded(tile(snapshots, 5, grid).data, "roads")
    assert [feature["properties"]["kind"] for feature in shown.values()] == ["motorway"]
    assert 1 not in shown


def test_only_lines_with_that_property_have_classes() -> None:
    assert classes_of(WISH, SCHEMA) is not None
    assert classes_of({}, SCHEMA) is None
    assert classes_of({"tiles": {"class_property": "lanes"}}, SCHEMA) is None
    assert classes_of(WISH, Schema(GeometryType.POLYGON, SCHEMA.properties)) is None
    ranks = [STANDARD_ZOOMS[kind] for kind in ("motorway", "trunk", "primary", "secondary", "tertiary", "residential")]
    assert ranks == sorted(set(ranks))
