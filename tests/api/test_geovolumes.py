"""OGC API - 3D GeoVolumes by its abstract tests (OGC 22-029, annex A): containers, boxes, links that lead somewhere, and the policy."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
import pytest
import shapely

from api import cli
from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from box_town import SCHEMA, box_town
from layers.policy import Action, OpenPolicy
from scenes3d.tileset.checking import check_tileset
from twin.errors import PolicyError
from twin.feature import FeatureBatch
from twin.store import open_store
from twin.store.port import Author, LayerSpec

REL = "http://www.opengis.net/def/rel/ogc/1.0/3d-geovolumes"
TYPES = {"application/json+3dtiles", "application/3dtiles+json"}
ROOT = "/geovolumes/collections"


class Curtain(OpenPolicy):
    """A stranger may read everything but the old town."""

    def authorise(self, actor, action, layer_id):
        if actor.name == "stranger" and (action is not Action.READ or layer_id == "old-town"):
            raise PolicyError("no", value=actor.name, limit="", remedy="")


def east_of(batch: FeatureBatch) -> FeatureBatch:
    """The same buildings 0.2 degrees further east."""
    moved = shapely.transform(shapely.from_wkb(batch.wkb), lambda xy: xy + np.array([0.2, 0.0]))
    return replace(batch, wkb=list(shapely.to_wkb(moved)))


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Two published towns, one of them 18 km east of the other, and a draft."""
    folder = tmp_path_factory.mktemp("volumes")
    store = open_store(folder / "onemap.gpkg")
    for name in ("houses", "old-town", "draft"):
        document = {"id": name, "title": {"zh": "房屋", "en": name}, "department": "basemap"}
        with store.write(name, Author("clerk"), create=LayerSpec(name, SCHEMA, document)) as writer:
            for batch in box_town(60):
                writer.upsert(east_of(batch) if name == "old-town" else batch)
    store.close()
    for name in ("houses", "old-town", "draft"):
        assert cli.run(["scenes", "build", name, "--date", "2024-05-01", "--data", str(folder)]) == 0
        if name != "draft":
            assert cli.run(["scenes", "review", name, "--accept", "--reason", "checked", "--data", str(folder)]) == 0
    store = open_store(folder / "onemap.gpkg")
    yield AppClient(create_app(Settings(data_dir=folder), store, Curtain()))
    store.close()


def path_of(href: str) -> str:
    parts = urlsplit(href)
    assert parts.netloc == "onemap.test"
    return parts.path


def test_from_the_landing_page_a_client_finds_every_container_and_its_tiles(client):
    (way,) = [entry for entry in client.json("/")["links"] if "GeoVolumes" in entry.get("title", "")]
    landing = client.json(path_of(way["href"]))
    links = {entry["rel"]: path_of(entry["href"]) for entry in landing["links"]}
    assert {"self", "service-desc", "conformance", "data"} <= set(links)
    assert "/geovolumes/collections" in client.json(links["service-desc"])["paths"]
    found = client.json(links["data"])["collections"]
    assert [entry["id"] for entry in found] == ["reality_model", "houses", "old-town"]
    for entry in found:
        own = {link["rel"]: path_of(link["href"]) for link in entry["links"]}
        assert own["self"] == f"{ROOT}/{entry['id']}"
        assert client.json(own["self"] + "?f=json") == entry
        assert {link["type"] for link in entry["links"] if link["rel"] == REL} == TYPES
        assert {link["rel"] for link in entry["content"]} <= {"original", "alternate"}
        (box,) = entry["extent"]["spatial"]["bbox"]
        assert len(box) == 6
        assert entry["extent"]["spatial"]["crs"].endswith("/CRS84h")
        assert entry["collectionType"] == "3d-container"
        assert own[REL] == path_of(entry["content"][0]["href"])
        checked = check_tileset(f"http://onemap.test{own[REL]}", lambda address: client.get(address).content)
        assert checked.faults == ()
        assert checked.vertices > 0


def test_the_box_is_that_of_the_tiles_in_degrees_and_metres(client):
    (box,) = client.json(f"{ROOT}/houses")["extent"]["spatial"]["bbox"]
    edition = client.json("/scenes/houses/tileset.json")["root"]["boundingVolume"]["region"]
    ((west, south, east, north),) = client.json("/collections/houses")["extent"]["spatial"]["bbox"]
    assert [box[0], box[1], box[3], box[4]] == pytest.approx([west, south, east, north], abs=1e-6)
    assert box[2] == edition[4] == pytest.approx(-0.02)
    assert box[5] == edition[5] > 3
    (whole,) = client.json(f"{ROOT}/reality_model")["extent"]["spatial"]["bbox"]
    assert whole[:3] == box[:3]
    assert whole[3:] == pytest.approx([box[3] + 0.2, box[4], box[5]])


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("bbox=119.9,36.1,120.3,36.3", 3),
        ("bbox=119.9,36.1,0,120.1,36.3,10", 2),
        ("bbox=119.9,36.1,2000,120.1,36.3,3000", 0),
        ("bbox=110,30,111,31", 0),
        ("bbox=170,36.1,-170,36.3", 0),
        ("format=3dtiles", 3),
        ("format=application/3dtiles%2Bjson", 3),
        ("format=i3s", 0),
    ],
)
def test_a_box_in_space_and_a_format_choose_containers(client, query, count):
    assert len(client.json(f"{ROOT}?{query}")["collections"]) == count
    model = client.json(f"{ROOT}/reality_model?{query}")
    assert len(model["children"]) == max(0, count - 1)
    for name, least in (("houses", 1), ("old-town", 3)):
        assert bool(client.json(f"{ROOT}/{name}?{query}")["content"]) == (count >= least)
    assert bool(model["content"]) == bool(count)


def test_of_buildings_the_footprints_are_the_other_encoding(client):
    (alternate,) = [entry for entry in client.json(f"{ROOT}/houses")["content"] if entry["rel"] == "alternate"]
    assert len(client.json(path_of(alternate["href"]) + "?limit=100")["features"]) == 60
    assert client.json(f"{ROOT}/houses")["extent"]["temporal"]["interval"] == [["2024-05-01T00:00:00Z", None]]


def test_only_what_is_implemented_is_declared_and_the_features_api_stays_what_it_is(client):
    declared = client.json("/geovolumes/conformance")["conformsTo"]
    spec = "https://www.opengis.net/spec/ogcapi-geovolumes-1/1.0/conf/"
    assert {name for name in declared if "geovolumes" in name} == {spec + "core", spec + "3d-tiles"}
    assert not any("geovolumes" in name for name in client.json("/conformance")["conformsTo"])
    assert {entry["itemType"] for entry in client.json("/collections")["collections"]} == {"feature"}


def test_the_policy_of_the_layer_is_that_of_its_container(client):
    stranger = {"X-OneMap-Actor": "stranger"}
    found = client.json(ROOT, headers=stranger)["collections"]
    assert [entry["id"] for entry in found] == ["reality_model", "houses"]
    assert [entry["id"] for entry in found[0]["children"]] == ["houses"]
    for name in ("old-town", "draft", "nowhere", "..%2Fhouses"):
        client.problem("GET", f"{ROOT}/{name}", 404, headers=stranger)
    assert client.problem("GET", f"{ROOT}/draft", 404)["code"] == "unknown-scene", "drafts are seen at /scenes alone"


@pytest.mark.parametrize("query", ["bbox=1,2,3", "bbox=1,2,9,3,4,5", "format=dwg", "f=html", "colour=red"])
def test_a_bad_question_is_told_its_limit(client, query):
    assert client.problem("GET", f"{ROOT}?{query}", 400)["remedy"]
