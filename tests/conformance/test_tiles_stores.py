"""Both stores give the same tiles: the same bytes of features, the same density."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from shapely import Point, box

from memory_layers import decode, schema_of
from tiles.features import StoreTileSource
from tiles.grids import GRIDS, WEB_MERCATOR_QUAD
from twin.feature import Feature, FeatureBatch
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

PLACE = (120.0335, 36.2645)
SCHEMA = schema_of(
    "Geometry", name="string", floors="integer", height_m="number", lit="boolean", since="date", seen="datetime"
)


def features() -> list[Feature]:
    lon, lat = PLACE
    found = [
        Feature(
            f"B{i}",
            box(lon + i * 4e-4, lat, lon + i * 4e-4 + 2e-4, lat + 3e-4),
            {
                "name": f"楼{i}",
                "floors": i - 2,
                "height_m": i * 3.1,
                "lit": i % 2 == 0,
                "since": date(2020, 1, 1 + i),
                "seen": datetime(2026, 1, 1, 8, i, tzinfo=UTC),
            },
        )
        for i in range(10)
    ]
    return [*found, Feature("P", Point(lon, lat), {"name": None}), Feature("none", None, {"name": "nowhere"})]


def fill(store: Store) -> StoreTileSource:
    for layer_id, wish in (("near", 0), ("far", 16)):
        spec = LayerSpec(layer_id, SCHEMA, {"style": {"min_zoom": wish}})
        with store.write(layer_id, Author("t"), create=spec) as writer:
            writer.upsert(FeatureBatch.of(SCHEMA, features()))
    return StoreTileSource(store)


def test_a_geopackage_and_postgis_give_the_same_bytes(tmp_path: Path, new_postgis_database: Callable[[], str]) -> None:
    with closing(open_store(str(tmp_path / "t.gpkg"))) as file, closing(open_store(new_postgis_database())) as server:
        one, two = fill(file), fill(server)
        for layer_id in ("near", "far"):
            for grid in GRIDS.values():
                for z in (6, 10, 14, 17):
                    tile = grid.tile_at(*PLACE, z)
                    expected = one.tile(one.describe(layer_id), tile, grid)
                    assert expected.features > 0
                    assert two.tile(two.describe(layer_id), tile, grid) == expected


def test_a_geopackage_gives_every_feature_with_its_values(tmp_path: Path) -> None:
    with closing(open_store(str(tmp_path / "t.gpkg"))) as store:
        source = fill(store)
        tile = WEB_MERCATOR_QUAD.tile_at(*PLACE, 13)
        found = {
            f.properties["_id"]: f
            for f in decode(source.tile(source.describe("near"), tile, WEB_MERCATOR_QUAD).data)["near"]
        }
        assert set(found) == {f"B{i}" for i in range(10)} | {"P"}
        assert found["B3"].properties == {
            "_id": "B3",
            "name": "楼3",
            "floors": 1,
            "height_m": 3 * 3.1,
            "lit": False,
            "since": "2020-01-04",
            "seen": "2026-01-01T08:03:00Z",
        }
        assert found["P"].properties == {"_id": "P"}
        far = decode(source.tile(source.describe("far"), tile, WEB_MERCATOR_QUAD).data)["far"]
        assert sum(cell.properties["_count"] for cell in far) == 11
