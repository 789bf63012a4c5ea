"""`onemap demo`: the town is brought once, an interrupted first run is finished, the page is opened when it can be."""

from __future__ import annotations

import json
from functools import partial

import httpx
import pytest

from api.commands import demo
from api.commands.sample_model import SCENE, TERRAIN, bring_sample_model
from api.commands.sample_town import bring_sample_town
from api.commands.terminal import CommandError
from layers.seeding import SAMPLE_RELATIONS, shipped_manifests
from twin.relations.opening import open_relations
from twin.relations.port import LinkQuery
from twin.store import open_store

SHAPES = {
    "Point": [120.0, 36.27],
    "LineString": [[120.0, 36.27], [120.01, 36.27]],
    "Polygon": [[[120.0, 36.27], [120.01, 36.27], [120.01, 36.28], [120.0, 36.27]]],
}


def value_of(entry) -> object:
    """Any good value for a property of a manifest."""
    if entry.codes:
        return entry.codes[0].value
    return {"string": "x", "integer": 1, "number": 1.5, "boolean": True, "date": "2026-01-01"}.get(
        entry.type.value, "2026-01-01T00:00:00Z"
    )


def hamlet(folder, *, progress, leave_out=()) -> None:
    """A town of one feature a layer."""
    progress("hamlet", 0, 1)
    for manifest in shipped_manifests():
        if manifest.id in leave_out:
            continue
        kind = manifest.geometry_type.value
        single = kind.removeprefix("Multi")
        shape = SHAPES[single] if kind == single else [SHAPES[single]]
        feature = {
            "type": "Feature",
            "id": "1",
            "properties": {entry.name: value_of(entry) for entry in manifest.properties},
            "geometry": {"type": kind, "coordinates": shape},
        }
        (folder / f"{manifest.id}.geojson").write_text(
            json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8"
        )


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "onemap.gpkg")
    yield opened
    opened.close()


def test_every_shipped_layer_is_brought_once(store):
    ids = {manifest.id for manifest in shipped_manifests()}
    assert set(bring_sample_town(store, hamlet)) == ids
    assert {record.id: record.feature_count for record in store.layers()} == dict.fromkeys(ids, 1)

    def never(folder, *, progress):
        raise AssertionError("a second run must not draw the town again")

    assert bring_sample_town(store, never) == []


def test_an_interrupted_first_run_is_finished_by_the_next(store):
    bring_sample_town(store, hamlet)
    store.drop_layer("buildings")
    store.drop_layer("cameras")
    assert set(bring_sample_town(store, hamlet)) == {"buildings", "cameras"}


def test_a_generator_that_leaves_a_layer_out_is_an_error_that_names_it(store):
    with pytest.raises(CommandError) as caught:
        bring_sample_town(store, partial(hamlet, leave_out=("poi",)))
    assert caught.value.value == "poi"
    assert store.layers() == []


def test_the_page_is_opened_once_the_server_answers(running_server, monkeypatch):
    opened = []
    monkeypatch.setattr(demo.webbrowser, "open", opened.append)
    server = running_server()
    demo._open_when_healthy(server.url)
    assert opened == [f"{server.url}/view"]


def test_the_page_is_not_opened_when_nobody_answers(monkeypatch):
    opened = []
    monkeypatch.setattr(demo.webbrowser, "open", opened.append)
    demo._open_when_healthy("http://127.0.0.1:9")
    assert opened == []


def test_without_a_screen_no_text_browser_takes_the_terminal(monkeypatch):
    monkeypatch.setattr(demo.sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not demo.has_screen()
    monkeypatch.setenv("DISPLAY", ":0")
    assert demo.has_screen()


def test_the_demo_serves_the_layers_that_are_in_the_data_folder(tmp_path, spawn):
    with_data = tmp_path / "data"
    with_data.mkdir()
    store = open_store(with_data / "onemap.gpkg")
    bring_sample_town(store, hamlet)
    store.close()
    code = "import sys; from api.cli import run; sys.exit(run(sys.argv[1:]))"
    program = spawn(code, "demo", "--no-browser", "--port", "0", "--data", str(with_data))
    address = program.read_line().split()[-1].removesuffix("/view")
    listed = httpx.get(f"{address}/layers", trust_env=False).json()["layers"]
    assert {entry["id"] for entry in listed} == {manifest.id for manifest in shipped_manifests()}
    scene = httpx.get(f"{address}/scenes/{SCENE}", trust_env=False).json()
    assert (scene["state"], scene["buildings"], scene["ground"]) == ("published", 1, f"terrain {TERRAIN}")
    assert httpx.get(f"{address}/terrain/{TERRAIN}/layer.json", trust_env=False).is_success


def test_terrain_and_scene_are_brought_once_and_those_of_somebody_else_stay(store, tmp_path):
    bring_sample_town(store, hamlet)
    bring_sample_model(store, tmp_path)
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.name in ("scene.json", "relief.tif")}
    assert len(made) == 2
    bring_sample_model(store, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in made} == made


def test_the_town_comes_with_its_links_and_only_once(store):
    bring_sample_town(store, hamlet)
    relations = open_relations(store)
    links = relations.links(LinkQuery())
    assert {(link.type, link.source.layer, link.target.layer) for link in links} == set(SAMPLE_RELATIONS)
    assert {link.known_by.value for link in links} == {"derived"}
    version = relations.version()
    bring_sample_town(store, hamlet)
    assert relations.version() == version
