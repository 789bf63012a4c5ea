"""Scenes over HTTP and on the command line: built, reviewed, authorised file by file, following their layer and its past."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import suppress
from urllib.parse import urljoin

import numpy as np
import pytest
import rasterio
import shapely
from rasterio import Affine

from api import cli
from api.app import create_app
from api.change_stream import ChangeStream
from api.scene_parts import scene_files
from api.settings import Settings
from app_client import AppClient
from box_town import SCHEMA, batch_of, box_town, metres
from layers.policy import Action, Actor, OpenPolicy
from scenes3d.glb.reading import read_model
from scenes3d.tileset.checking import check_tileset
from twin.errors import PolicyError
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

COUNT = 1_500
DOCUMENT = {
    "id": "houses",
    "title": {"zh": "房屋", "en": "Houses"},
    "owner": "胶州市自然资源局",
    "department": "basemap",
    "attribution": "自然资源局",
    "accuracy_m": 0.5,
}
ACTOR = {"X-OneMap-Actor": "%E7%8E%8B%E5%B7%A5"}
BAD = shapely.Polygon(metres((0, -100), (20, -90), (20, -100), (0, -90)))


def written(path, count: int = COUNT) -> Store:
    store = open_store(path)
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", SCHEMA, DOCUMENT)) as writer:
        for batch in box_town(count):
            writer.upsert(batch)
    return store


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A data folder with the town and its scene, built on the command line and published."""
    folder = tmp_path_factory.mktemp("town")
    written(folder / "onemap.gpkg").close()
    assert cli.run(["scenes", "build", "houses", "--date", "2024-05-01", "--data", str(folder)]) == 0
    assert cli.run(["scenes", "review", "houses", "--accept", "--reason", "checked", "--data", str(folder)]) == 0
    return folder


@pytest.fixture
def data(built, tmp_path):
    return shutil.copytree(built, tmp_path / "data")


@pytest.fixture
def client(data):
    store = open_store(data / "onemap.gpkg")
    yield AppClient(create_app(Settings(data_dir=data), store))
    store.close()


def contents(client: AppClient, address: str = "/scenes/houses/tileset.json") -> dict[str, str]:
    """Cell path → address of every tile of a scene."""
    found = {}

    def walk(tile, path):
        found[path] = urljoin(f"http://onemap.test{address}", tile["content"]["uri"])
        for number, child in enumerate(tile.get("children", ())):
            walk(child, f"{path}/{number}")

    walk(client.json(address)["root"], "")
    return found


def edit(client: AppClient, feature_id: str, **properties: object) -> None:
    address = f"/collections/houses/items/{feature_id}"
    answer = client.request(
        "PATCH",
        address,
        json={"properties": properties},
        headers=ACTOR | {"Content-Type": "application/merge-patch+json"},
    )
    assert answer.status_code in (200, 204), answer.text


def heights(client: AppClient, address: str = "/scenes/houses/tileset.json") -> dict[str, float]:
    found = {}
    for uri in contents(client, address).values():
        table = read_model(client.get(uri).content).table
        found |= dict(zip(table["id"], table["height"], strict=True))
    return found


def test_the_list_says_whose_it_is_and_of_what(client):
    (entry,) = client.json("/scenes")["scenes"]
    assert entry["owner"] == "胶州市自然资源局"
    assert (entry["state"], entry["level"], entry["lod"], entry["date"]) == ("published", "city", "LOD1", "2024-05-01")
    assert entry["accuracy_m"] == 0.5
    assert entry["vertical_datum_title"]["en"] == "Unknown vertical datum"
    assert entry["ground"] == "0 m everywhere: no terrain"
    assert entry["reviews"][0]["reason"] == "checked"
    scene = client.json("/scenes/houses")
    assert scene["buildings"] == COUNT == scene["report"]["built"]
    assert scene["tiles"] == len(contents(client))


def test_a_foreign_client_walks_the_tiles_and_finds_all_vertices_inside(client):
    def opened(address: str) -> bytes:
        return client.get(address).content

    checked = check_tileset("http://onemap.test/scenes/houses/tileset.json", opened)
    assert checked.faults == ()
    assert checked.contents > 4
    extras = client.json("/scenes/houses/tileset.json")["asset"]["extras"]
    assert extras["layerVersion"] == 1
    assert "EPSG:4490" in extras["horizontalDatum"]


def test_tiles_are_kept_for_good_and_tilesets_asked_again(client):
    address = contents(client)[""]
    tile = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert tile.headers["content-type"] == "model/gltf-binary"
    assert tile.headers["content-encoding"] == "gzip"
    assert "immutable" in tile.headers["cache-control"]
    assert "public" not in tile.headers["cache-control"]
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == tile.content
    assert client.get(address, headers={"If-None-Match": tile.headers["etag"]}).status_code == 304
    first = client.get("/scenes/houses/tileset.json")
    assert "no-cache" in first.headers["cache-control"]
    again = client.get("/scenes/houses/tileset.json", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_one_edit_moves_the_tiles_that_hold_it_and_no_other(client):
    before, tag = contents(client), client.get("/scenes/houses/tileset.json").headers["etag"]
    edit(client, "b700", height=4.25)
    after = contents(client)
    changed = [path for path in after if after[path] != before.get(path)]
    assert 1 <= len(changed) <= 4
    assert client.get("/scenes/houses/tileset.json").headers["etag"] != tag
    assert heights(client)["b700"] == 4.25
    latest, first = client.json("/scenes/houses/changes")["changes"]
    assert (latest["version"], latest["previous"], latest["by"]) == (2, 1, "王工")
    assert {urljoin("http://onemap.test/scenes/houses/", each["uri"]) for each in latest["rewritten"]} == {
        after[path] for path in changed
    }
    assert len(first["rewritten"]) == first["tiles"]
    assert client.json("/scenes/houses/changes?since=1")["changes"] == [latest]


def test_an_edit_ends_in_the_bytes_of_a_whole_build(client, data, tmp_path):
    edit(client, "b3", height=88.0)
    client.request("DELETE", "/collections/houses/items/b9", headers=ACTOR)
    patched = contents(client)
    shutil.rmtree(data / "scenes")
    assert cli.run(["scenes", "build", "houses", "--data", str(data)]) == 0
    assert contents(client) == patched


def test_the_past_is_there_even_where_nobody_looked_at_the_time(client):
    was = heights(client)
    for height in (11.0, 12.0, 13.0):
        edit(client, "b42", height=height)
    assert heights(client)["b42"] == 13.0
    assert heights(client, "/scenes/houses/tileset.json?as_of=v3")["b42"] == 12.0
    assert heights(client, "/scenes/houses/tileset.json?as_of=v1") == was
    answer = client.get("/scenes/houses/tileset.json?as_of=v2")
    assert answer.headers["onemap-scene-version"] == "2"
    assert "b42" not in heights_or_none(client, "/scenes/houses/tileset.json?as_of=2000-01-01")
    body = client.problem("GET", "/scenes/houses/tileset.json?as_of=v99", 400)
    assert body["value"] == "99"


def test_both_times_of_a_scene_over_http(client):
    was = heights(client)
    edit(client, "b42", height=99.0)
    address = "/scenes/houses/tileset.json?datetime=2024-01-01"
    feature = client.json("/collections/houses/items/b42")
    taller = {
        "properties": feature["properties"] | {"height": 50.0},
        "time": {"interval": ["2020-01-01T00:00:00Z", ".."]},
    }
    answer = client.request("PUT", "/collections/houses/items/b42", json=feature | taller, headers=ACTOR)
    assert answer.status_code == 200, answer.text
    assert heights(client)["b42"] == heights(client, address)["b42"] == 50.0
    assert heights(client, address.replace("2024", "2019")) == pytest.approx(was | {"b42": 99.0})
    assert heights(client, address.replace("2024", "2019") + "&as_of=v1") == was
    first = client.get(address)
    assert client.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert client.json(address)["asset"]["extras"]["datetime"] == "2024-01-01T00:00:00Z/2024-01-01T23:59:59.999999Z"
    tile = contents(client, address)[""]
    assert client.get(f"{tile}?datetime=2024-01-01").content == client.get(tile).content
    for words in ("yesterday", "2024-01-01/2023-01-01"):
        client.problem("GET", f"/scenes/houses/tileset.json?datetime={words}", 400)
    (child,) = client.json("/scenes/tileset.json?datetime=2019-01-01")["root"]["children"]
    assert child["content"]["uri"] == "houses/tileset.json?datetime=2019-01-01"
    assert client.json(f"/scenes/{child['content']['uri']}")["asset"]["extras"]["datetime"].startswith("2019-01-01")
    assert "children" not in client.json("/scenes/tileset.json?as_of=2000-01-01")["root"]
    assert client.problem("GET", "/scenes/tileset.json?as_of=v1", 400)["code"] == "bad-moment"


def heights_or_none(client: AppClient, address: str) -> dict[str, float]:
    return heights(client, address) if "content" in client.json(address)["root"] else {}


def test_a_building_that_moves_away_and_one_that_becomes_bad_leave_their_tiles(client):
    edit(client, "b5", height=None, floors=None)
    assert "b5" not in heights(client)
    edit(client, "b5", height=9.0)
    assert heights(client)["b5"] == 9.0


class Curtain(OpenPolicy):
    """王工 may do everything, a stranger may read nothing, everybody else may only read."""

    def authorise(self, actor, action, layer_id):
        if actor.name != "王工" and (actor.name == "stranger" or action is not Action.READ):
            raise PolicyError("no", value=actor.name, limit="", remedy="")


def test_every_file_is_authorised(data):
    store = open_store(data / "onemap.gpkg")
    client = AppClient(create_app(Settings(data_dir=data), store, Curtain()))
    stranger = {"X-OneMap-Actor": "stranger"}
    paths = ["/scenes/houses", "/scenes/houses/tileset.json", "/scenes/houses/changes", *contents(client).values()]
    for path in paths:
        assert client.get(path).status_code == 200
        assert client.problem("GET", path, 404, headers=stranger)["code"] == "unknown-scene"
    assert client.json("/scenes", headers=stranger)["scenes"] == []
    assert "children" not in client.json("/scenes/tileset.json", headers=stranger)["root"]
    body = {"decision": "reject", "reason": "x"}
    assert client.problem("POST", "/scenes/houses/review", 403, json=body)
    assert client.problem("POST", "/scenes/houses/review", 404, json=body, headers=stranger)
    assert client.request("POST", "/scenes/houses/review", json=body, headers=ACTOR).json()["state"] == "rejected"
    # What is not published is seen by reviewers alone, tiles too.
    for path in paths:
        assert client.problem("GET", path, 404)["code"] == "unknown-scene"
        assert client.get(path, headers=ACTOR).status_code == 200
    store.close()


def test_the_model_of_the_city_is_made_of_the_published_scenes(client):
    model = client.json("/scenes/tileset.json")
    (child,) = model["root"]["children"]
    assert child["content"]["uri"] == "houses/tileset.json"

    def opened(address: str) -> bytes:
        return client.get(address).content

    assert check_tileset("http://onemap.test/scenes/tileset.json", opened).faults == ()
    client.request("POST", "/scenes/houses/review", json={"decision": "reject", "reason": "x"})
    assert "children" not in client.json("/scenes/tileset.json")["root"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/scenes/nowhere", 404, "unknown-scene"),
        ("/scenes/..%2Fhouses/tileset.json", 404, None),
        ("/scenes/houses/tiles/00000000000000000000000000000000.glb", 404, "unknown-scene-tile"),
        ("/scenes/houses/tiles/..%2F..%2Fscene.glb", 404, None),
        ("/scenes/houses/tileset.json?color=red", 400, "unknown-parameter"),
        ("/scenes/houses/changes?since=-1", 400, "bad-parameter"),
    ],
)
def test_what_is_not_there_is_said_so(client, path, status, code):
    answer = client.get(path)
    assert answer.status_code == status
    assert code is None or answer.json()["code"] == code


def test_a_correction_belongs_to_the_layer(client):
    body = {"decision": "correct", "correction": "GCJ-02", "reason": "x"}
    assert "layer" in client.problem("POST", "/scenes/houses/review", 400, json=body)["remedy"].lower()


def test_a_build_that_fails_leaves_the_scene_in_service(client, data, capsys):
    tag = client.get("/scenes/houses/tileset.json").headers["etag"]
    record = (data / "scenes/houses/scene.json").read_bytes()
    assert cli.run(["scenes", "build", "houses", "--height", "name", "--floors", "", "--data", str(data)]) == 2
    said = capsys.readouterr().err
    assert "1500" in said
    assert "height-unreadable" in said or "高度无法识别" in said
    assert (data / "scenes/houses/scene.json").read_bytes() == record
    assert client.get("/scenes/houses/tileset.json").headers["etag"] == tag


def test_a_layer_of_that_name_born_anew_has_no_scene(client, data):
    client.request("DELETE", "/layers/houses")
    assert client.problem("GET", "/scenes/houses/tileset.json", 404)["code"] == "unknown-scene"


def test_the_command_line_tells_what_was_wrong_and_checks_and_exports(tmp_path, capsys, gltf_problems):
    data = tmp_path / "data"
    data.mkdir()
    store = written(data / "onemap.gpkg", 300)
    bad = batch_of([BAD, shapely.Point(120, 36.2)], height=[5.0, 5.0])
    with store.write("houses", Author("clerk")) as writer:
        writer.upsert(type(bad)(**{**vars(bad), "ids": ["bow", "point"], "fids": np.zeros(2, dtype=np.int64)}))
    store.close()
    end = ["--data", str(data)]
    assert cli.run(["scenes", "build", "houses", *end]) == 0
    said = capsys.readouterr().out
    assert "301 of 302" in said
    assert "self-crossing" in said
    assert "not-a-polygon" in said
    assert "自相交" in said
    assert cli.run(["scenes", "check", "houses", *end]) == 0
    assert cli.run(["scenes", "list", *end]) == 0
    said = capsys.readouterr().out
    assert "0 faults" in said
    assert "draft" in said
    assert cli.run(["scenes", "export", "houses", str(tmp_path / "out"), *end]) == 0
    files = {path.name: path.read_bytes() for path in (tmp_path / "out/tiles").glob("*.glb")}
    assert files
    assert gltf_problems(files) == []
    assert cli.run(["scenes", "export", "houses", str(tmp_path / "out"), *end]) == 2
    assert cli.run(["scenes", "remove", "houses", "--yes", *end]) == 0
    assert cli.run(["scenes", "check", "houses", *end]) == 2
    assert "no scene" in capsys.readouterr().err


def test_old_editions_go_by_hand_and_by_themselves_and_are_made_again(client, data, capsys, monkeypatch):
    for height in (11.0, 12.0, 13.0):
        edit(client, "b42", height=height)
        client.get("/scenes/houses/tileset.json")
    folder = data / "scenes/houses"
    assert (folder / ".pruned").is_file(), "somebody asked for the tileset, and it was looked after"
    assert len(list((folder / "editions").iterdir())) == 4
    prune = ["scenes", "prune", "houses", "--keep", "newest=1,days=0,months=0", "--data", str(data)]
    assert cli.run([*prune, "--dry-run"]) == 0
    assert "1 editions kept, 3 given up (dry run)" in " ".join(capsys.readouterr().out.split())
    assert cli.run([*prune, "--grace", "0"]) == 0
    assert "3 given up" in " ".join(capsys.readouterr().out.split())
    assert [path.name for path in (folder / "editions").iterdir()] == ["4.json.gz"]
    assert heights(client, "/scenes/houses/tileset.json?as_of=v3")["b42"] == 12.0
    assert heights(client)["b42"] == 13.0
    assert cli.run(["scenes", "prune", "--keep", "weeks=2", "--data", str(data)]) == 2
    assert "weeks=2" in capsys.readouterr().err
    monkeypatch.setenv("ONEMAP_SCENE_KEEP", "newest=1,days=0,months=0")
    (folder / ".pruned").unlink()
    client.app.state.scenes = scene_files(
        client.app.state.parts.store, Settings(data_dir=data), client.app.state.terrain.shelf, OpenPolicy()
    )
    client.get("/scenes/houses/tileset.json")
    assert [path.name for path in (folder / "editions").iterdir()] == ["4.json.gz"]


def test_buildings_stand_on_the_terrain_of_the_server(data, tmp_path, capsys):
    west, south = metres((-200, -200))[0]
    dem = tmp_path / "dem.tif"
    profile = {"driver": "GTiff", "height": 60, "width": 60, "count": 1, "dtype": "float32", "crs": "EPSG:4490"}
    with rasterio.open(dem, "w", **profile, transform=Affine(0.001, 0, west, 0, -0.001, south + 0.06)) as raster:
        raster.write(np.full((60, 60), 37.5, dtype=np.float32), 1)
    end = ["--data", str(data)]
    assert cli.run(["terrain", "add", str(dem), "--vertical-datum", "5737", *end]) == 0
    assert cli.run(["scenes", "build", "houses", *end]) == 0
    assert "terrain dem" in capsys.readouterr().out
    store = open_store(data / "onemap.gpkg")
    client = AppClient(create_app(Settings(data_dir=data), store))
    entry = client.json("/scenes/houses")
    assert (entry["vertical_datum"], entry["ground"], entry["state"]) == ("EPSG:5737", "terrain dem", "published")
    root = client.json("/scenes/houses/tileset.json")["root"]
    assert root["boundingVolume"]["region"][4] == pytest.approx(37.48, abs=1e-3)
    assert "b42" in heights(client)
    edit(client, "b42", height=30.0)
    for uri in contents(client).values():
        assert set(read_model(client.get(uri).content).table["onemap_ground_m"]) == {37.5}
    store.close()


def test_who_listens_hears_of_layers_and_of_tiles_that_changed(data):
    store = open_store(data / "onemap.gpkg")
    app = create_app(Settings(data_dir=data), store, Curtain())

    async def heard(actor: Actor, patience_s: float) -> list[tuple[str, dict]]:
        events, stream = [], ChangeStream(app.state.scenes.desk).events(actor)
        assert (await anext(stream)).startswith(b"retry:")
        writer = AppClient(app)
        await asyncio.to_thread(edit, writer, "b7", height=51.0)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                async for text in stream:
                    name, told = text.decode().strip().split("\n")
                    events.append((name.removeprefix("event: "), json.loads(told.removeprefix("data: "))))
                    if len(events) == 2:
                        break
        await stream.aclose()
        return events

    layer, scene = asyncio.run(heard(Actor("reader"), 30))
    assert layer == ("layer", {"layer": "houses", "version": 2})
    assert (scene[0], scene[1]["scene"], scene[1]["version"], scene[1]["by"]) == ("scene", "houses", 2, "王工")
    client = AppClient(app)
    assert scene[1]["rewritten"]
    for tile in scene[1]["rewritten"]:
        assert client.get(f"/scenes/houses/{tile['uri']}").status_code == 200
    assert asyncio.run(heard(Actor("stranger"), 1.0)) == []
    store.close()
