"""An archive with edits over it: what was touched is cut anew, what was not is the archive's, and nothing is older than a write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely

from api.app import create_app
from api.settings import Settings
from asgi_caller import AsgiCaller
from memory_layers import decode
from tiles.address import Tile
from tiles.archive.building import BuildOptions, build_archive
from tiles.archive.overlay import ArchivedLayer, Overlay, archived_layers
from tiles.archive.pyramid import SnapshotPyramids
from tiles.archive.reader import Archive
from tiles.features import StoreTileSource
from tiles.grids import WEB_MERCATOR_QUAD
from tiles.kernel import readiness
from tiles.kernel.layer import Part
from tiles.snapshot.copying import copied
from tiles.snapshot.drawing import draw
from tiles.source import TileLayer
from twin.feature import Feature
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.standing import State, standing
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

AUTHOR = Author("test")
NAMED = (Property("name", PropertyType.STRING),)
LEVELS = (0, 8, 11, 14)
ON_ONE = pytest.mark.parametrize("store_target", ["geopackage"], indirect=True)
HERE, THERE, FAR = (120.0, 36.2), (120.3, 36.5), (120.6, 36.8)


@pytest.fixture(scope="module", autouse=True)
def _kernels() -> None:
    assert readiness.wait_for_kernels()


@pytest.fixture
def store(store_target: str) -> Iterator[Store]:
    """Lamps and yards at three places, on each store in turn."""
    with closing(open_store(store_target)) as store:
        lamps = LayerSpec("lamps", Schema(GeometryType.POINT, NAMED), {})
        yards = LayerSpec("yards", Schema(GeometryType.POLYGON, NAMED), {})
        with store.write("lamps", AUTHOR, create=lamps) as writer:
            for n, (x, y) in enumerate((HERE, THERE, FAR)):
                writer.insert(Feature(f"L{n}", shapely.Point(x, y), {"name": f"灯{n}"}))
        with store.write("yards", AUTHOR, create=yards) as writer:
            for n, (x, y) in enumerate((HERE, THERE, FAR)):
                writer.insert(Feature(f"Y{n}", shapely.box(x, y, x + 0.002, y + 0.002), {"name": f"院{n}"}))
        yield store


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    (tmp_path / "archives").mkdir()
    pyramids = SnapshotPyramids(store, tmp_path / "none")
    build_archive(pyramids, ["lamps", "yards"], tmp_path / "archives" / "city.pmtiles", BuildOptions(0, 14, 1))
    return tmp_path


@pytest.fixture
def client(store: Store, folder: Path) -> Iterator[AsgiCaller]:
    with AsgiCaller(create_app(Settings(data_dir=folder), store)) as client:
        yield client


def move(store: Store) -> None:
    with store.write("lamps", AUTHOR) as writer:
        writer.replace(Feature("L0", shapely.Point(*FAR).buffer(0.0005).centroid, {"name": "灯0"}))


def delete(store: Store) -> None:
    with store.write("yards", AUTHOR) as writer:
        writer.delete("Y0")


def insert_where_nothing_was(store: Store) -> None:
    with store.write("lamps", AUTHOR) as writer:
        writer.insert(Feature("new", shapely.Point(119.5, 35.9), {"name": "新"}))


def to_and_fro(store: Store) -> None:
    for x in (THERE[0], 119.9):
        with store.write("lamps", AUTHOR) as writer:
            writer.replace(Feature("L0", shapely.Point(x, 36.3), {"name": "灯0"}))


def rename(store: Store) -> None:
    with store.write("yards", AUTHOR) as writer:
        writer.replace(Feature("Y1", shapely.box(*THERE, THERE[0] + 0.002, THERE[1] + 0.002), {"name": "改"}))


EDITS = [move, delete, insert_where_nothing_was, to_and_fro, rename]


def tiles_of_interest() -> list[Tile]:
    """At some levels the tiles of every place that anything is or was at, and of one that nothing ever was at."""
    places = [HERE, THERE, FAR, (119.5, 35.9), (THERE[0], 36.3), (119.9, 36.3), (120.45, 36.65)]
    return list(dict.fromkeys(WEB_MERCATOR_QUAD.tile_at(*place, z) for z in LEVELS for place in places))


def test_every_tile_is_what_is_there_now_and_the_untouched_are_the_archives(client: AsgiCaller, store: Store) -> None:
    tiles = tiles_of_interest()
    before = {tile: client.get(address(tile)) for tile in tiles}
    kept = set(tiles)
    for edit in EDITS:
        edit(store)
        for tile in tiles:
            answer = client.get(address(tile))
            live = client.get(f"/tiles/lamps,yards/{tile.z}/{tile.x}/{tile.y}.mvt")
            assert in_words(answer.content) == in_words(live.content)
            if (answer.status_code, answer.headers.get("etag")) != (
                before[tile].status_code,
                before[tile].headers.get("etag"),
            ):
                kept.discard(tile)
        if edit is move:
            assert {WEB_MERCATOR_QUAD.tile_at(*place, 14) for place in (HERE, FAR)}.isdisjoint(kept)
            assert WEB_MERCATOR_QUAD.tile_at(*THERE, 14) in kept
    assert kept
    assert all(tile.z > LEVELS[0] for tile in kept)


def address(tile: Tile) -> str:
    return f"/archives/city/{tile.z}/{tile.x}/{tile.y}.mvt"


def in_words(data: bytes) -> dict[str, list[str]]:
    return {name: sorted(map(repr, features)) for name, features in decode(data).items()} if data else {}


def test_whoever_has_the_tile_of_a_write_is_told_so_until_the_next(client: AsgiCaller, store: Store) -> None:
    tile = WEB_MERCATOR_QUAD.tile_at(*HERE, 14)
    old = client.get(address(tile)).headers["etag"]
    for n in range(2):
        with store.write("lamps", AUTHOR) as writer:
            writer.replace(Feature("L0", shapely.Point(*HERE), {"name": f"第{n}"}))
        answer = client.get(address(tile), headers={"if-none-match": old})
        assert answer.status_code == 200
        assert f"第{n}" in str(decode(answer.content))
        old = answer.headers["etag"]
        assert client.get(address(tile), headers={"if-none-match": old}).status_code == 304
        plain = client.get(address(tile), headers={"accept-encoding": "identity"})
        assert plain.headers["etag"] != old
        assert plain.content == answer.content


@ON_ONE
def test_tilejson_reaches_as_far_as_what_was_added(client: AsgiCaller, store: Store) -> None:
    before = client.get("/archives/city").json()["bounds"]
    insert_where_nothing_was(store)
    after = client.get("/archives/city").json()["bounds"]
    assert before[0] > 119.9
    assert after[0] < 119.51
    assert after[2:] == pytest.approx(before[2:], abs=1e-4)


@ON_ONE
def test_another_look_or_another_layer_of_the_name_is_never_answered_from_the_archive(
    client: AsgiCaller, store: Store
) -> None:
    tile = WEB_MERCATOR_QUAD.tile_at(*HERE, 14)
    archived = client.get(address(tile)).content
    store.drop_layer("lamps")
    assert client.get(address(tile)).content == archived  # nothing is here that could be newer
    with store.write("lamps", AUTHOR, create=LayerSpec("lamps", Schema(GeometryType.POINT, NAMED), {})) as writer:
        writer.insert(Feature("other", shapely.Point(*HERE), {"name": "别的"}))
    assert "别的" in str(decode(client.get(address(tile)).content))


@ON_ONE
def test_a_held_layer_is_not_shown_out_of_an_archive_either(store: Store, folder: Path) -> None:
    app = create_app(Settings(data_dir=folder), store)
    with AsgiCaller(app) as client:
        urls = (address(WEB_MERCATOR_QUAD.tile_at(*HERE, 14)), "/archives/city", "/archives/city.pmtiles")
        assert [client.get(url).status_code for url in urls] == [200, 200, 200]
        store.describe_layer("lamps", {"standing": standing(State.HELD, datetime.now(UTC), None)})
        app.state.tiles.forget("lamps")
        assert [client.get(url).status_code for url in urls] == [404, 404, 404]
        assert client.get("/archives").json() == {"archives": []}


def test_too_many_edits_leave_no_tile_to_the_archive(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    source = StoreTileSource(store)
    overlay, layer = Overlay(store), source.describe("lamps")
    archived = ArchivedLayer("lamps", layer.version, layer.edition)
    monkeypatch.setattr("tiles.archive.overlay._MOST_CHANGED", 3)
    far = WEB_MERCATOR_QUAD.tile_at(0, 0, 14)
    for n in range(3):
        assert not overlay.is_touched(archived, source.describe("lamps"), far)
        with store.write("lamps", AUTHOR) as writer:
            writer.replace(Feature("L0", shapely.Point(120 + 0.01 * n, 36), {"name": "x"}))
    assert overlay.is_touched(archived, source.describe("lamps"), far)
    assert Overlay(store).is_touched(archived, source.describe("lamps"), far)


@ON_ONE
def test_an_edit_beyond_the_edge_counts_in_the_squares_that_lie_across_it(store: Store) -> None:
    """In Mercator a row of squares may lie across the edge of two tiles: both show its count."""
    source = StoreTileSource(store)
    layer = replace(source.describe("lamps"), density_below=20)
    overlay, changed, kept = Overlay(store), 0, 0
    north, middle, south = (Tile(z=9, x=427, y=199 + n) for n in range(3))
    edge = WEB_MERCATOR_QUAD.lonlat_bounds(middle).north
    before = squares(store, layer, north, middle, south)
    for beyond in (-0.011, -0.004, 0.004, 0.011):
        archived = ArchivedLayer("lamps", layer.version, layer.edition)
        with store.write("lamps", AUTHOR) as writer:
            writer.insert(Feature(f"N{beyond}", shapely.Point(120.5, edge + beyond), {}))
        layer = replace(source.describe("lamps"), density_below=20)
        after = squares(store, layer, north, middle, south)
        for tile in after:
            touched = overlay.is_touched(archived, layer, tile)
            assert touched or after[tile] == before[tile]
            changed += after[tile] != before[tile]
            kept += not touched
        before = after
    assert changed > 4  # at least one edit shows on both sides of the edge
    assert kept >= 4


def squares(store: Store, layer: TileLayer, *tiles: Tile) -> dict[Tile, bytes]:
    part = Part(copied(store, layer).columns)
    return {tile: draw(layer, [part], tile, WEB_MERCATOR_QUAD).data for tile in tiles}


@ON_ONE
def test_what_an_archive_says_of_its_layers_is_read_with_care(folder: Path) -> None:
    with Archive(folder / "archives" / "city.pmtiles") as archive:
        assert [layer.id for layer in archived_layers(archive.metadata)] == ["lamps", "yards"]
    assert archived_layers({"onemap:layers": ["lamps"]}) == ()
    odd = archived_layers({"onemap:layers": {"lamps": 3, "yards": {"version": "1", "edition": None}}})
    assert [(layer.id, layer.edition) for layer in odd] == [("lamps", ""), ("yards", "")]
