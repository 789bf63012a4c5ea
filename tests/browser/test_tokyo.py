"""1.28 million real buildings from one upload to the page: imported, listed, filtered, tiled and drawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import mapbox_vector_tile
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import shapely

from map_page import MapPage
from server_process import ServerProcess

pytestmark = pytest.mark.slow

ROWS = 1_277_744
WINDOW = (139.750, 35.670, 139.756, 35.675)
# Tile 16/58209/25808 of WebMercatorQuad and its edges: west, south, east, north.
COLUMN, ROW = 58209, 25808
EDGES = (139.7515869140625, 35.67068501330237, 139.757080078125, 35.67514743608467)
MANIFEST = {
    "id": "tokyo",
    "title": {"zh": "东京建筑", "en": "Tokyo buildings"},
    "department": "tests",
    "owner": "Project PLATEAU",
    "licence": "CC-BY-4.0",
}


@pytest.fixture(scope="module")
def buildings(shared_data: Path) -> Path:
    return shared_data / "vector" / "tokyo-buildings-east-south.parquet"


@pytest.fixture(scope="module")
def tokyo_server(tmp_path_factory: pytest.TempPathFactory, buildings: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("tokyo"))
    try:
        with buildings.open("rb") as file:
            answer = httpx.post(
                f"{server.url}/layers",
                data={"manifest": json.dumps(MANIFEST)},
                files={"file": (buildings.name, file)},
                timeout=300,
                trust_env=False,
            )
        assert answer.status_code == httpx.codes.CREATED, answer.text[:2000]
        yield server
    finally:
        server.stop()


def get(server: ServerProcess, path: str) -> httpx.Response:
    answer = httpx.get(server.url + path, timeout=60, trust_env=False)
    assert answer.status_code == httpx.codes.OK, answer.text[:2000]
    return answer


def test_the_layer_is_listed_whole(tokyo_server: ServerProcess) -> None:
    entry = get(tokyo_server, "/layers/tokyo").json()
    assert entry["feature_count"] == ROWS
    assert entry["style"]["extrude"] == {"property": "height_m", "scale": 1.0}


def test_a_window_with_a_filter_agrees_with_the_file(tokyo_server: ServerProcess, buildings: Path) -> None:
    table = pq.read_table(buildings, columns=["building_id", "height_m", "geometry"])
    tall = table.filter(pc.greater(table["height_m"], 60.0))
    shapes = shapely.from_wkb(tall["geometry"].to_numpy(zero_copy_only=False))
    expected = set(tall.filter(shapely.intersects(shapes, shapely.box(*WINDOW)))["building_id"].to_pylist())
    box = ",".join(map(str, WINDOW))
    page = get(tokyo_server, f"/collections/tokyo/items?bbox={box}&filter=height_m%3E60&limit=10000").json()
    found = {feature["properties"]["building_id"] for feature in page["features"]}
    assert found == expected
    assert len(found) > 10


def test_a_tile_holds_the_buildings_of_its_place(tokyo_server: ServerProcess) -> None:
    tile = mapbox_vector_tile.decode(get(tokyo_server, f"/tiles/tokyo/16/{COLUMN}/{ROW}.mvt").content)["tokyo"]
    west, south, east, north = EDGES
    margin = 1e-5  # a tile rounds to a few centimetres: what only touches its edge may be on either side
    box = ",".join(map(str, (west + margin, south + margin, east - margin, north - margin)))
    page = get(tokyo_server, f"/collections/tokyo/items?bbox={box}&limit=10000").json()
    ids = {int(feature["id"]) for feature in page["features"]}
    assert len(ids) > 50
    assert ids <= {feature["id"] for feature in tile["features"]}
    # The buffer of 64 units (1/64 of the tile) brings neighbours along, and nothing from farther away.
    buffer = (east - west) / 64 + margin
    around = ",".join(map(str, (west - buffer, south - buffer, east + buffer, north + buffer)))
    near = get(tokyo_server, f"/collections/tokyo/items?bbox={around}&limit=10000").json()
    assert {feature["id"] for feature in tile["features"]} <= {int(feature["id"]) for feature in near["features"]}


def test_the_page_draws_them_and_asks_nobody_else(
    open_map: Callable[..., MapPage], tokyo_server: ServerProcess
) -> None:
    shown = open_map("at=139.7555,35.6725,16&layers=tokyo&embed=1", server=tokyo_server, width=640, height=480)
    picture = shown.picture()
    shown.evaluate("() => { window.onemap.view.visible.clear(); window.onemap.map.refresh(); }")
    assert shown.different_pixels(picture, shown.picture()) > 20_000
    assert shown.outside_requests == []
    assert shown.complaints == []
