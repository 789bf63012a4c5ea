"""A small town on a real server, and a page that tells everything it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

import scene_deliveries as deliveries
from api import cli
from box_town import SCHEMA, box_town
from map_page import MapPage
from server_process import ServerProcess
from small_town import small_town_manifests
from tiles.terrain.shelf import TerrainShelf
from twin.store import open_store
from twin.store.port import Author, LayerSpec
from twin.text import LocalText

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext


@pytest.fixture(scope="session")
def town_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a handful of made-up layers in Jiaozhou; no test writes to it."""
    server = ServerProcess(tmp_path_factory.mktemp("town"))
    try:
        for manifest in small_town_manifests():
            answer = httpx.post(f"{server.url}/layers", json=manifest, timeout=60, trust_env=False)
            assert answer.status_code == httpx.codes.CREATED, answer.text
        yield server
    finally:
        server.stop()


HOUSES = {
    "id": "houses",
    "title": {"zh": "房屋", "en": "Houses"},
    "department": "housing",
    "style": {
        "kind": "fill",
        "color": "#b8a58a",
        "color_by": {"property": "floors", "stops": [[1, "#2060c0"], [12, "#c03020"]]},
        "extrude": {"property": "height"},
    },
}
HOUSE_COUNT = 900


@pytest.fixture(scope="session")
def scene_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with houses raised from their layer, with what `scene_deliveries` delivers, and with the terrain below the latter."""
    data, papers = tmp_path_factory.mktemp("scene"), tmp_path_factory.mktemp("deliveries")
    store = open_store(data / "onemap.gpkg")
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", SCHEMA, HOUSES)) as writer:
        for batch in box_town(HOUSE_COUNT):
            writer.upsert(batch)
    store.close()
    lon, lat = deliveries.place(deliveries.MESH_M)
    told = ["--vertical-datum", deliveries.DATUM]
    imports = {
        "cloud": [
            deliveries.write_cloud(papers / "cloud.las"),
            "--crs",
            "EPSG:4549",
            *told,
            "--date",
            "2024-05-01",
            "--accuracy",
            "0.1",
        ],
        "old-cloud": [
            deliveries.write_cloud(papers / "old.las", deliveries.OLD_CLOUD_M),
            "--crs",
            "EPSG:4549",
            *told,
            "--pnts",
        ],
        "hall": [deliveries.write_model(papers / "hall.city.json"), *told],
        "mesh": [
            deliveries.write_photographed(papers / "mesh.glb"),
            "--vertical-datum",
            "unknown",
            "--anchor",
            f"{lon},{lat},0",
        ],
        "towers": [deliveries.write_tileset(papers / "towers.zip"), "--vertical-datum", "ellipsoidal"],
    }
    commands = [
        ["build", "houses"],
        *(["import", str(file), "--id", name, *said] for name, (file, *said) in imports.items()),
    ]
    for command in commands:
        assert cli.run(["scenes", *command, "--data", str(data)]) == 0, command
    for name in ("houses", *imports):
        assert cli.run(["scenes", "review", name, "--accept", "--reason", "test", "--data", str(data)]) == 0
    shelf = TerrainShelf(data / "terrain")
    shelf.add(
        deliveries.write_terrain(papers / "dem.tif"),
        "dem",
        LocalText("街道地形", "Ground of the street"),
        deliveries.DATUM,
        "",
    )
    shelf.close()
    server = ServerProcess(data)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser_context(chromium: Browser) -> Iterator[BrowserContext]:
    """One profile for the tests of a module: the bundle is read and compiled once. Tests say theme and language themselves."""
    context = chromium.new_context(locale="zh-CN")
    yield context
    context.close()


@pytest.fixture
def open_map(browser_context: BrowserContext, town_server: ServerProcess) -> Iterator[Callable[..., MapPage]]:
    """A function that opens the page and waits until it is ready: `open_map("at=…", width=…, height=…)`."""
    pages: list[MapPage] = []

    def start(query: str = "", server: ServerProcess | None = None, width: int = 960, height: int = 600) -> MapPage:
        pages.append(MapPage(browser_context, (server or town_server).url, width, height))
        pages[-1].open(query)
        return pages[-1]

    yield start
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def real_file(shared_data: Path) -> Callable[[str], Path]:
    """A function that gives the path of a file below the shared data folder."""
    return lambda name: shared_data / name
