"""Releases and checks of the base map over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mapbox_vector_tile
import morecantile
import pytest

from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from base_map_town import base_map_manifests
from layers.base_map import reading
from layers.policy import Action, Actor, OpenPolicy
from layers.registry import Registry
from twin.errors import PolicyError
from twin.feature import Feature
from twin.store import open_store
from twin.store.port import Author, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "twin.gpkg")
    for manifest in base_map_manifests():
        Registry(store).register(manifest, Actor("survey"))
    yield store
    store.close()


@pytest.fixture
def client(store: Store) -> AppClient:
    return AppClient(create_app(Settings(), store))


def release(client, name="2026.11", **more):
    body = {"name": name, "max_errors": 1, **more}
    answer = client.request("POST", "/basemap/releases", json=body, headers={"X-OneMap-Actor": "%E7%8E%8B%E5%B7%A5"})
    assert answer.status_code == 201, answer.text
    return answer


def edit(store):
    with store.write("buildings", Author("李工", "demolished")) as writer:
        writer.delete("H2")
        first = store.get("buildings", "H1")
        writer.replace(Feature("H1", first.geometry, {"name": "<b>新楼</b>", "height_m": 30.0}))


def test_before_the_first_release_there_is_none(client):
    assert client.json("/basemap/releases") == {"releases": [], "current": None}
    assert client.json("/basemap/findings")["check"] is None
    for path in ("", "/report", "/verify"):
        assert client.problem("GET", f"/basemap/releases/2026.11{path}", 404)["code"] == "unknown-release"


def test_a_release_is_made_listed_and_shown(client):
    answer = release(client, notes="首次")
    assert answer.headers["location"] == "http://onemap.test/basemap/releases/2026.11"
    made = answer.json()
    assert made["report"]["summary"]["zh"] == "首次发布：新增 8，删除 0，变更 0 个要素。"
    listed = client.json("/basemap/releases")
    (entry,) = listed["releases"]
    assert (listed["current"], entry["author"], entry["notes"]) == ("2026.11", "王工", "首次")
    assert (entry["layers"], entry["feature_count"], entry["errors"]) == (["buildings", "districts", "roads"], 8, 1)
    shown = client.json("/basemap/releases/2026.11")
    assert shown["sha256"] == made["sha256"] == entry["sha256"]
    assert "earlier slices" in shown["covers"]["en"]
    roads = next(layer for layer in shown["layers"] if layer["id"] == "roads")
    assert (roads["accuracy_m"], roads["vertical_datum"], roads["crs"]) == (0.5, None, "EPSG:4490")
    links = {link["href"] for link in shown["links"] if link["rel"] == "items"}
    assert "http://onemap.test/collections/roads/items?as_of=release%3A2026.11" in links


def test_a_release_that_a_client_has_is_not_sent_again(client):
    release(client)
    first = client.get("/basemap/releases/2026.11")
    again = client.get("/basemap/releases/2026.11", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_errors_hold_a_release_back_until_it_is_forced_with_a_reason(client):
    post = ("POST", "/basemap/releases")
    blocked = client.problem(*post, 409, json={"name": "2026.11"})
    assert (blocked["code"], blocked["value"]) == ("release-blocked", "1 errors")
    assert client.problem(*post, 422, json={"name": "2026.11", "force": True})["code"] == "bad-release"
    forced = release(client, max_errors=0, force=True, reason="汛期急用").json()
    assert forced["forced_reason"] == "汛期急用"
    assert client.problem(*post, 409, json={"name": "2026.11"})["code"] == "duplicate-release"


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({}, 422, "/name"),
        ({"name": 5}, 422, "/name"),
        ({"name": "x", "layers": "roads"}, 422, "/layers"),
        ({"name": "x", "max_errors": -1}, 422, "/max_errors"),
        ({"name": "x", "max_errors": True}, 422, "/max_errors"),
        ({"name": "x", "force": "yes"}, 422, "/force"),
        ({"name": "x", "colour": "red"}, 422, "/colour"),
    ],
)
def test_a_request_that_cannot_be_read_names_the_member(client, body, status, where):
    problem = client.problem("POST", "/basemap/releases", status, json=body)
    assert where in [finding["where"] for finding in problem["findings"]]


def test_names_layers_and_bodies_that_do_not_fit_are_refused(client):
    post = ("POST", "/basemap/releases")
    assert client.problem(*post, 422, json={"name": "a/b"})["code"] == "bad-release"
    assert client.problem(*post, 404, json={"name": "a", "layers": ["rooads"]})["code"] == "unknown-layer"
    assert client.problem(*post, 422, json={"name": "a", "layers": []})["code"] == "bad-release"
    assert client.problem(*post, 415, content=b"name=a")["code"] == "unsupported-media-type"
    assert client.problem(*post, 400, content=b"[1]", headers={"Content-Type": "application/json"})["status"] == 400


def test_the_report_is_read_by_programs_and_by_people(client, store):
    release(client)
    edit(store)
    release(client, "2026.12", notes="拆除")
    report = client.json("/basemap/releases/2026.12/report")
    buildings = next(layer for layer in report["layers"] if layer["layer"] == "buildings")
    assert (buildings["removed_ids"], buildings["changed_ids"]) == (["H2"], ["H1"])
    assert buildings["attributes"]["height_m"] == {"count": 1, "examples": [{"id": "H1", "before": 9.0, "after": 30.0}]}
    page = client.get("/basemap/releases/2026.12/report", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "与 2026.11 相比：新增 0，删除 1，变更 1 个要素。" in page.text
    assert "H1: 9.0 → 30.0" in page.text
    assert "&lt;b&gt;新楼&lt;/b&gt;" in page.text
    assert "<b>新楼" not in page.text


def test_any_two_releases_can_be_compared(client, store):
    release(client)
    edit(store)
    release(client, "2026.12")
    release(client, "2027.01")
    report = client.json("/basemap/releases/2027.01/report?since=2026.11")
    assert (report["since"], report["summary"]["en"]) == (
        "2026.11",
        "Since 2026.11: 0 features added, 1 removed, 1 changed.",
    )
    assert client.json("/basemap/releases/2027.01/report")["since"] == "2026.12"
    assert client.problem("GET", "/basemap/releases/2027.01/report?since=2027.01", 422)["code"] == "bad-release"
    assert client.problem("GET", "/basemap/releases/2027.01/report?since=1999", 404)["code"] == "unknown-release"


def test_a_release_is_verified_after_edits(client, store):
    release(client)
    edit(store)
    outcome = client.json("/basemap/releases/2026.11/verify")
    assert outcome["holds"]
    assert {layer["layer"]: layer["holds"] for layer in outcome["layers"]} == dict.fromkeys(
        ("buildings", "districts", "roads"), True
    )


def test_a_pinned_layer_cannot_be_deleted_others_can(client):
    release(client)
    problem = client.problem("DELETE", "/layers/roads", 409)
    assert (problem["code"], problem["value"]) == ("pinned-layer", "2026.11")
    assert client.request("DELETE", "/layers/lamps").status_code == 204


def test_a_check_leaves_a_summary_and_a_layer_to_look_at(client):
    made = client.request("POST", "/basemap/check", json={})
    assert made.status_code == 200, made.text
    found = client.json("/basemap/findings")
    assert found["check"]["errors"] == 1
    assert found["check"]["author"] == "anonymous"
    items = client.json("/collections/basemap-findings/items")
    assert [item["properties"]["kind"] for item in items["features"]] == ["line-conflict"]
    (west, south), *_ = items["features"][0]["geometry"]["coordinates"]
    place = morecantile.tms.get("WebMercatorQuad").tile(west, south, 16)
    tile = client.get(f"/tiles/basemap-findings/16/{place.x}/{place.y}.mvt")
    drawn = mapbox_vector_tile.decode(tile.content)["basemap-findings"]["features"]
    assert [feature["properties"]["severity"] for feature in drawn] == ["error"]
    assert client.get("/view?layers=basemap-findings").status_code == 200


def test_a_check_may_bring_its_own_rules(client):
    rules = {"buildings": [{"check": "geometry", "min_part_m2": 1000}]}
    check = client.request("POST", "/basemap/check", json={"layers": ["buildings"], "rules": rules}).json()["check"]
    assert [found["kind"] for found in check["layers"][0]["found"]] == ["tiny-part"]
    problem = client.problem("POST", "/basemap/check", 422, json={"rules": {"roads": [{"check": "magic"}]}})
    assert problem["findings"][0]["where"] == "/roads/0"
    assert client.problem("POST", "/basemap/check", 422, json={"rules": []})["code"] == "bad-release"


def test_layers_behind_the_newest_release_are_listed(client, store):
    assert client.json("/basemap/stale") == {"current": None, "layers": []}
    document = dict(store.layer("lamps").document)
    stamp = {"release": "2026.11", "at": "2026-11-01T00:00:00+00:00"}
    release(client)
    store.describe_layer("lamps", {**document, "checked_against": stamp})
    assert client.json("/basemap/stale") == {"current": "2026.11", "layers": []}
    before = client.get("/basemap/releases/2026.11").headers["etag"]
    release(client, "2026.12")
    release(client, "2027.01")
    behind = [{"layer": "lamps", **stamp, "behind": 2}]
    assert client.json("/basemap/stale") == {"current": "2027.01", "layers": behind}
    shown = client.get("/basemap/releases/2026.11", headers={"If-None-Match": before})
    assert (shown.status_code, shown.json()["stale_layers"]) == (200, behind)
    store.describe_layer("lamps", {**document, "checked_against": {"release": "unreleased", "at": None}})
    assert client.json("/basemap/stale")["layers"][0]["behind"] == 3


def test_what_one_may_not_see_shows_nowhere(client, store):
    release(client)
    edit(store)
    release(client, "2026.12")

    class NoBuildings(OpenPolicy):
        def authorise(self, actor, action, layer_id):
            if layer_id == "buildings" or action is Action.RELEASE_BASE_MAP:
                raise PolicyError("No.")

    other = AppClient(create_app(Settings(), store, NoBuildings()))
    for path in ("", "/2026.12", "/2026.12/report", "/2026.11/verify"):
        answer = other.get(f"/basemap/releases{path}")
        assert answer.status_code == 200
        assert "buildings" not in answer.text, path
    assert other.json("/basemap/releases/2026.12/report")["summary"]["zh"] == "部分图层不可见。"
    assert other.json("/basemap/releases/2026.12")["topology"]["errors"] is None
    assert "buildings" not in other.get("/basemap/findings").text
    assert other.problem("POST", "/basemap/releases", 403, json={"name": "2027"})["code"] == "refused-by-policy"


def test_what_reads_whole_layers_is_computed_once_until_something_it_depends_on_changes(client, store, monkeypatch):
    asked = []
    for name in ("release_report", "verify_release"):
        real = getattr(reading, name)
        monkeypatch.setattr(reading, name, lambda *how, name=name, real=real: asked.append(name) or real(*how))
    for name in ("2026.10", "2026.11", "2026.12"):
        release(client, name)
    compared, verified = "/basemap/releases/2026.12/report?since=2026.10", "/basemap/releases/2026.12/verify"
    assert client.json(compared) == client.json(compared)
    assert client.json(verified) == client.json(verified)
    assert asked == ["release_report", "verify_release"]
    edit(store)
    assert client.json(verified)["holds"]
    assert asked[2:] == ["verify_release"]
