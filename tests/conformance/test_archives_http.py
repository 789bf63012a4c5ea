"""Archives over HTTP: by tiles, and by ranges of bytes for clients that read the file themselves."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pmtiles.reader import Reader
from pmtiles.tile import zxy_to_tileid

from api.app import create_app
from api.cli import run
from api.settings import Settings
from asgi_caller import AsgiCaller
from layers.policy import Action, Actor, OpenPolicy
from memory_layers import decode
from processes import Spawned, free_port, wait_until
from tiles.address import Tile
from tiles.archive.reader import Archive
from tiles.archive.tile_id import tile_number
from twin.errors import PolicyError
from twin.feature import Feature
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

TILE = "/archives/city/14/13653/6423.mvt"
FILE = "/archives/city.pmtiles"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a store of lamps, and an archive of them made by the command."""
    data = tmp_path_factory.mktemp("data")
    lamps = Schema(GeometryType.POINT, (Property("name", PropertyType.STRING),))
    with closing(open_store(str(data / "onemap.gpkg"))) as store:
        draw = np.random.default_rng(4)
        with store.write(
            "lamps", Author("test"), create=LayerSpec("lamps", lamps, {"title": {"zh": "路灯"}})
        ) as writer:
            for n, (x, y) in enumerate(draw.uniform(-0.02, 0.02, (200, 2))):
                writer.insert(Feature(f"L{n}", shapely.Point(120 + x, 36.2 + y), {"name": f"灯{n}"}))
    (data / "archives").mkdir()
    assert run(["tiles", "build", "-o", str(data / "archives" / "city.pmtiles"), "--data", str(data)]) == 0
    return data


@pytest.fixture
def folder(data: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(data, tmp_path / "data"))


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with closing(open_store(str(folder / "onemap.gpkg"))) as store:
        yield store


@pytest.fixture
def client(folder: Path, store: Store) -> Iterator[AsgiCaller]:
    with AsgiCaller(create_app(Settings(data_dir=folder), store)) as client:
        yield client


def test_the_list_and_the_tilejson_lead_to_the_tiles(client: AsgiCaller) -> None:
    (entry,) = client.get("/archives").json()["archives"]
    assert (entry["id"], entry["minzoom"], entry["maxzoom"]) == ("city", 0, 14)
    document = client.get("/archives/city").json()
    assert [layer["id"] for layer in document["vector_layers"]] == ["lamps"]
    west, south, east, north = document["bounds"]
    assert west < 120 < east
    assert south < 36.2 < north
    address = document["tiles"][0].replace("{z}", "14").replace("{x}", "13653").replace("{y}", "6423")
    assert address.endswith(TILE)
    answer = client.get(TILE)
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert decode(answer.content).keys() == {"lamps"}
    live = decode(client.get("/tiles/lamps/14/13653/6423.mvt").content)["lamps"]
    assert sorted(map(repr, decode(answer.content)["lamps"])) == sorted(map(repr, live))


def test_a_tile_is_unchanged_while_its_file_is(client: AsgiCaller) -> None:
    etag = client.get(TILE).headers["etag"]
    assert client.get(TILE, headers={"if-none-match": etag}).status_code == 304
    empty = client.get("/archives/city/14/0/0.mvt")
    assert (empty.status_code, empty.content) == (204, b"")
    plain, body = client.raw(TILE, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert decode(body).keys() == {"lamps"}


def test_each_form_of_a_tile_has_its_own_tag(client: AsgiCaller) -> None:
    gzipped = client.get(TILE, headers={"accept-encoding": "gzip"})
    plain = client.get(TILE, headers={"accept-encoding": "identity"})
    others = [client.get(url).headers["etag"] for url in ("/archives/city", FILE)]
    assert gzipped.content == plain.content
    assert len({gzipped.headers["etag"], plain.headers["etag"], *others}) == 4
    known = {"if-none-match": gzipped.headers["etag"]}
    assert client.get(TILE, headers=known | {"accept-encoding": "gzip"}).status_code == 304
    assert client.get(TILE, headers=known | {"accept-encoding": "identity"}).status_code == 200


@pytest.mark.parametrize("url", [TILE, FILE, "/archives/city"])
def test_whoever_has_it_gets_no_more_than_that(client: AsgiCaller, url: str) -> None:
    etag = client.get(url).headers["etag"]
    for known in (etag, f'"x", W/{etag}', "*"):
        answer = client.get(url, headers={"if-none-match": known, "range": "bytes=0-3"})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert client.get(url, headers={"if-none-match": etag[:-2] + '"'}).status_code == 200
    assert client.get("/archives/city/14/0/0.mvt", headers={"if-none-match": "*"}).status_code == 204


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [("bytes=0-6", 0, 7), ("BYTES=5-", 5, None), ("bytes=-20", -20, None), ("bytes=9-99999999999", 9, None)],
)
def test_a_range_is_those_bytes(client: AsgiCaller, folder: Path, asked: str, first: int, end: int | None) -> None:
    data = (folder / "archives" / "city.pmtiles").read_bytes()
    answer = client.get(FILE, headers={"range": asked})
    start = first % len(data)
    assert (answer.status_code, answer.content) == (206, data[first:end])
    assert answer.headers["content-range"] == f"bytes {start}-{start + len(answer.content) - 1}/{len(data)}"


@pytest.mark.parametrize("asked", ["lines=0-6", "bytes=0-1,5-6"])
def test_what_need_not_be_understood_is_answered_whole(client: AsgiCaller, folder: Path, asked: str) -> None:
    answer = client.get(FILE, headers={"range": asked})
    assert (answer.status_code, answer.content) == (200, (folder / "archives" / "city.pmtiles").read_bytes())


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("bytes=6-0", 400),
        ("bytes=", 400),
        ("bytes=-", 400),
        ("bytes=a-b", 400),
        ("bytes=-0", 416),
        ("bytes=999999999-", 416),
    ],
)
def test_a_bad_range_is_a_problem(client: AsgiCaller, folder: Path, asked: str, status: int) -> None:
    answer = client.get(FILE, headers={"range": asked})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["value"] == asked
    size = (folder / "archives" / "city.pmtiles").stat().st_size
    assert answer.headers.get("content-range") == (f"bytes */{size}" if status == 416 else None)


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_a_damaged_tile_is_refused_by_name(client: AsgiCaller, folder: Path, coding: str) -> None:
    path = folder / "archives" / "city.pmtiles"
    with Archive(path) as archive:
        packed = archive.tile(Tile(z=14, x=13653, y=6423))
    assert packed is not None
    data = path.read_bytes()
    path.write_bytes(data.replace(packed, packed[:-20] + bytes(12) + packed[-8:]))
    for _ in range(2):
        answer = client.get(TILE, headers={"accept-encoding": coding})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        assert "city.pmtiles" in answer.json()["detail"]
    assert client.get("/archives/city/0/0/0.mvt", headers={"accept-encoding": coding}).status_code == 200


def test_a_file_that_is_replaced_is_noticed_and_a_broken_one_is_named(client: AsgiCaller, folder: Path) -> None:
    before = client.get(TILE).headers["etag"]
    path = folder / "archives" / "city.pmtiles"
    other = folder / "other.pmtiles"
    assert run(["tiles", "build", "-o", str(other), "--max-zoom", "10", "--data", str(folder)]) == 0
    other.replace(path)
    assert client.get("/archives/city").json()["maxzoom"] == 10
    assert client.get("/archives/city").headers["etag"] != before
    broken = folder / "broken.pmtiles"
    broken.write_bytes(path.read_bytes()[:300])
    broken.replace(path)
    answer = client.get("/archives/city/0/0/0.mvt")
    assert answer.status_code == 422
    assert "city.pmtiles" in answer.json()["detail"]
    assert "city.pmtiles" in client.get("/archives").json()["archives"][0]["problem"]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/archives/village", 404),
        ("/archives/village.pmtiles", 404),
        ("/archives/..%2fonemap/0/0/0.mvt", 404),
        ("/archives/city/1/2/0.mvt", 404),
        ("/archives/city/x/0/0.mvt", 404),
        ("/archives/city?colour=red", 400),
        ("/archives/city/14/13653/6423.png", 404),
        ("/archives/city/14/13653/6423.mvt.gz", 404),
    ],
)
def test_bad_addresses_are_problems(client: AsgiCaller, url: str, status: int) -> None:
    answer = client.get(url)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_archive_is_for_those_who_may_read_all_its_layers(folder: Path, store: Store) -> None:
    class NoLamps(OpenPolicy):
        def authorise(self, actor: Actor, action: Action, layer_id: str | None = None) -> None:
            if layer_id == "lamps":
                raise PolicyError("not for you")

    with AsgiCaller(create_app(Settings(data_dir=folder), store, NoLamps())) as client:
        assert client.get("/archives").json() == {"archives": []}
        for url in ("/archives/city", "/archives/city.pmtiles", TILE):
            assert client.get(url).status_code == 404


@given(st.data())
def test_tile_numbers_are_those_of_the_pmtiles_package(data: st.DataObject) -> None:
    z = data.draw(st.integers(0, 26))
    x, y = (data.draw(st.integers(0, (1 << z) - 1)) for _ in range(2))
    assert tile_number(z, x, y) == zxy_to_tileid(z, x, y)


def test_the_command_serves_a_file_to_the_pmtiles_package_by_ranges(data: Path) -> None:
    path, port = data / "archives" / "city.pmtiles", free_port()
    command = [sys.executable, "-m", "api.cli", "tiles", "serve", str(path), "--port", str(port)]
    server = Spawned(command, dict(os.environ))
    address = f"http://127.0.0.1:{port}/archives/city.pmtiles"
    try:
        assert wait_until(lambda: _answers(address), 60)
        with httpx.Client(trust_env=False) as client:

            def get_bytes(offset: int, length: int) -> bytes:
                answer = client.get(address, headers={"range": f"bytes={offset}-{offset + length - 1}"})
                assert answer.status_code == 206
                return answer.content

            reader = Reader(get_bytes)
            with Archive(path) as archive:
                tile = Tile(z=14, x=13653, y=6423)
                assert reader.get(tile.z, tile.x, tile.y) == archive.tile(tile)
                assert archive.tile(tile)
            whole = client.get(address)
            assert whole.content == path.read_bytes()
            assert whole.headers["accept-ranges"] == "bytes"
            far = client.get(address, headers={"range": f"bytes={10**9}-"})
            assert far.status_code == 416
            head = client.head(address)
            assert (head.content, head.headers["content-length"]) == (b"", str(path.stat().st_size))
            etag = whole.headers["etag"]
            some = {"range": "bytes=0-6"}
            assert client.get(address, headers=some | {"if-range": etag}).content == b"PMTiles"
            assert client.get(address, headers=some | {"if-range": '"other"'}).status_code == 200
    finally:
        server.stop()


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False, timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
