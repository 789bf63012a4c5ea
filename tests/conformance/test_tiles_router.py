"""The router ahead of the framework: what it takes, what it leaves alone, and that it never blocks or breaks."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point

from api.codings import accepts_gzip, coding_for
from api.tile_desk import TileDesk
from api.tile_path import match_tile_path
from api.tile_router import TileRouter
from asgi_caller import AsgiCaller
from memory_layers import MemoryStore, schema_of
from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.grids import Grid
from tiles.service import TileService
from tiles.source import TileBytes, TileLayer
from twin.errors import StoreBusyError
from twin.feature import Feature

XYZ = "/tiles/lamps/14/13654/6418.mvt"


async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
    """The application behind the router."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"next"})


class Source(StoreTileSource):
    """A source over one lamp whose tiles can be held up or made to fail."""

    def __init__(self) -> None:
        store = MemoryStore()
        store.put("lamps", schema_of("Point"), [Feature(None, Point(120.0335, 36.2645))])
        super().__init__(store)  # type: ignore[arg-type]
        self.gate: threading.Event | None = None
        self.failure: Exception | None = None

    def tile(self, layer: TileLayer, tile: Tile, grid: Grid) -> TileBytes:
        if self.gate is not None:
            assert self.gate.wait(20)
        if self.failure is not None:
            raise self.failure
        return super().tile(layer, tile, grid)


@pytest.fixture
def source() -> Source:
    return Source()


def test_the_loop_stays_free_while_a_tile_is_encoded(source: Source) -> None:
    source.gate = threading.Event()
    app = TileRouter(elsewhere, TileDesk(TileService(source)))

    async def both() -> tuple[httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://t") as client:
            slow = asyncio.create_task(client.get(XYZ))
            quick = await client.get("/health")  # answered although the tile cannot be
            assert source.gate is not None
            source.gate.set()
            return await slow, quick

    slow, quick = asyncio.run(both())
    assert (slow.status_code, quick.status_code) == (200, 299)


def test_a_busy_store_is_503_and_asks_to_come_back(source: Source) -> None:
    source.failure = StoreBusyError("The store is busy: secret path /x.")
    with AsgiCaller(TileRouter(elsewhere, TileDesk(TileService(source)))) as client:
        answer = client.get(XYZ)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "secret" not in answer.text


def test_a_fault_of_ours_is_a_500_that_tells_nothing_and_the_next_request_works(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source.failure = ZeroDivisionError("secret")
    with AsgiCaller(TileRouter(elsewhere, TileDesk(TileService(source)))) as client:
        broken = client.get(XYZ)
        source.failure = None
        mended = client.get(XYZ)
    assert (broken.status_code, broken.json()["code"]) == (500, "internal-error")
    assert "secret" not in broken.text
    assert "ZeroDivisionError" in caplog.text
    assert mended.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/tiles",
        "/tiles/",
        "/tiles/lamps",
        "/tiles/WebMercatorQuad",
        "/tiles/lamps/tilejson.json",
        "/tiles/lamps/1/2/3",
        "/tilesets/lamps/1/2/3.mvt",
        "/collections/lamps/tiles",
        "/collections/lamps/tiles/WebMercatorQuad",
        "/collections/lamps/items/a/b/c/d",
        "/view",
    ],
)
def test_other_paths_are_left_to_the_next_application(source: Source, path: str) -> None:
    with AsgiCaller(TileRouter(elsewhere, TileDesk(TileService(source)))) as client:
        assert client.get(path).status_code == 299


def test_the_prefix_of_a_proxy_is_not_part_of_the_path(source: Source) -> None:
    app = TileRouter(elsewhere, TileDesk(TileService(source)))
    transport = httpx.ASGITransport(app=app, root_path="/city")

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            return await client.get("/city" + XYZ)

    assert asyncio.run(ask()).status_code == 200


def test_only_listed_origins_may_read_where_they_are_listed(source: Source) -> None:
    app = TileRouter(elsewhere, TileDesk(TileService(source)), cors_origins=["https://map.city"])
    with AsgiCaller(app) as client:
        listed = client.get(XYZ, headers={"origin": "https://map.city"})
        other = client.get(XYZ, headers={"origin": "https://elsewhere"})
    assert listed.headers["access-control-allow-origin"] == "https://map.city"
    assert "Origin" in listed.headers["vary"]
    assert "access-control-allow-origin" not in other.headers


@given(st.lists(st.text(max_size=12).filter(lambda t: "/" not in t), min_size=1, max_size=7), st.booleans())
def test_no_path_and_no_words_in_it_break_the_router(parts: list[str], dressed: bool) -> None:
    path = "/tiles/" + "/".join(parts) + (".mvt" if dressed else "")
    statuses: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [],
        "root_path": "",
        "scheme": "http",
        "server": ("t", 80),
    }
    asyncio.run(TileRouter(elsewhere, TileDesk(TileService(Source())), workers=1)(scope, receive, send))
    assert statuses[0] in {200, 204, 299, 400, 404}


@given(st.text(max_size=40))
def test_any_accept_encoding_is_read(text: str) -> None:
    assert accepts_gzip(text) in {True, False}


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("br, gzip;q=0.1", True),
        ("GZIP", True),
        ("*", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=x", False),
    ],
)
def test_gzip_is_taken_by_those_who_say_so(header: str, taken: bool) -> None:
    assert accepts_gzip(header) is taken


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip, deflate, br, zstd", "gzip"),
        ("gzip;q=0.9, zstd", "zstd"),
        ("zstd", "zstd"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("zstd;q=0, gzip;q=0", "identity"),
        ("*", "gzip"),
        ("gzip;q=0.3, zstd;q=0.3", "gzip"),
        ("identity", "identity"),
    ],
)
def test_zstd_is_sent_to_those_who_like_it_better_than_gzip(header: str, coding: str) -> None:
    assert coding_for(header) == coding


def test_the_row_comes_before_the_column_in_ogc_paths_only() -> None:
    ogc = match_tile_path("/collections/a/tiles/CGCS2000Quad/9/152/853")
    xyz = match_tile_path("/tiles/a/CGCS2000Quad/9/853/152.mvt")
    assert ogc is not None
    assert xyz is not None
    assert (ogc.x, ogc.y) == (xyz.x, xyz.y) == ("853", "152")
