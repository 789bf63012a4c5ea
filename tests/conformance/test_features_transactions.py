"""OGC API Features part 4 in our own words: create, replace, update, delete, and two people at once. Source: OGC 20-002."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from lamp_layer import COUNT, with_lamps
from layers.policy import ReadOnlyPolicy

ITEMS = "/collections/lamps/items"
GEOJSON = {"content-type": "application/geo+json"}
MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def store(either_store):
    return either_store


def feature(name="new", x=120.5, y=36.5, **members):
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [x, y]},
        "properties": {"name": name},
        **members,
    }


def test_a_created_feature_is_found_at_its_location(client):
    properties = {"name": "新灯", "lamps": 2, "height_m": 7, "lit": True, "built": "2024-02-29"}
    body = feature() | {"properties": properties | {"checked_at": "2024-05-01T08:00:00+08:00", "lamp_type": None}}
    created = client.request("POST", ITEMS, json=body, headers=GEOJSON)
    assert created.status_code == 201
    read = client.get(created.headers["location"])
    assert read.headers["etag"] == created.headers["etag"]
    assert read.json()["properties"] == properties | {"checked_at": "2024-05-01T00:00:00Z", "lamp_type": None}
    assert client.json(ITEMS + "?limit=1")["numberMatched"] == COUNT + 1


def test_a_feature_may_bring_its_own_id_once(client):
    body = feature(id="编号/7 %?#")
    created = client.request("POST", ITEMS, json=body, headers=GEOJSON)
    assert created.status_code == 201
    assert client.json(created.headers["location"])["id"] == "编号/7 %?#"
    assert client.problem("POST", ITEMS, 409, json=body, headers=GEOJSON)["code"] == "duplicate-feature"


def test_replacing_puts_the_whole_feature_in_place(client):
    before = client.json(ITEMS + "/lamp-1")
    replaced = client.request("PUT", ITEMS + "/lamp-1", json=feature("other"), headers=GEOJSON)
    assert replaced.status_code == 200
    read = client.json(ITEMS + "/lamp-1")
    assert read["properties"]["name"] == "other"
    assert read["properties"]["height_m"] is None
    assert read["time"]["interval"] == before["time"]["interval"], (
        "an edit without a time corrects, and keeps the validity"
    )
    assert client.problem("PUT", ITEMS + "/none", 404, json=feature(), headers=GEOJSON)["code"] == "unknown-feature"


def test_updating_changes_what_it_names_and_nothing_else(client):
    before = client.json(ITEMS + "/lamp-1")
    patch = {"properties": {"name": "改名", "height_m": None}}
    assert client.request("PATCH", ITEMS + "/lamp-1", json=patch, headers=MERGE).status_code == 200
    after = client.json(ITEMS + "/lamp-1")
    assert after["properties"] == before["properties"] | {"name": "改名", "height_m": None}
    assert (after["geometry"], after["time"]) == (before["geometry"], before["time"])
    moved = {"geometry": {"coordinates": [121, 37]}}
    assert client.request("PATCH", ITEMS + "/lamp-1", json=moved, headers=MERGE).status_code == 200
    assert client.json(ITEMS + "/lamp-1")["geometry"] == {"type": "Point", "coordinates": [121, 37]}
    assert client.request("PATCH", ITEMS + "/lamp-1", json={"geometry": None}, headers=MERGE).status_code == 200
    assert client.json(ITEMS + "/lamp-1")["geometry"] is None


def test_an_update_keeps_every_digit_of_a_geometry_it_does_not_name(client, store):
    from dataclasses import replace

    import shapely

    from lamp_layer import lamp
    from twin.store.port import Author

    exact = shapely.Point(120.123456789012345, 36.987654321098765)
    with store.write("lamps", Author("x")) as writer:
        writer.replace(replace(lamp(1), geometry=exact))
    headers = MERGE | {"content-crs": "<http://www.opengis.net/def/crs/EPSG/0/4549>"}
    patch = {"properties": {"name": "x"}}
    assert client.request("PATCH", ITEMS + "/lamp-1", json=patch, headers=headers).status_code == 200
    assert store.get("lamps", "lamp-1").geometry.equals_exact(exact, 0)


def test_a_deleted_feature_is_gone(client):
    assert client.request("DELETE", ITEMS + "/lamp-1").status_code == 204
    assert client.problem("GET", ITEMS + "/lamp-1", 404)["code"] == "unknown-feature"
    assert client.problem("DELETE", ITEMS + "/lamp-1", 404)["code"] == "unknown-feature"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_the_slower_of_two_editors_is_told(client, method):
    etag = client.get(ITEMS + "/lamp-1").headers["etag"]
    first = client.request(
        "PATCH", ITEMS + "/lamp-1", json={"properties": {"lamps": 9}}, headers=MERGE | {"if-match": etag}
    )
    assert first.status_code == 200
    body = {"PUT": {"json": feature("late")}, "PATCH": {"json": {"properties": {"lamps": 1}}}, "DELETE": {}}[method]
    headers = {"PUT": GEOJSON, "PATCH": MERGE, "DELETE": {}}[method]
    problem = client.problem(method, ITEMS + "/lamp-1", 412, headers=headers | {"if-match": etag}, **body)
    assert problem["code"] == "version-conflict"
    assert client.json(ITEMS + "/lamp-1")["properties"]["lamps"] == 9
    fresh = client.get(ITEMS + "/lamp-1").headers["etag"]
    assert fresh == first.headers["etag"]
    again = client.request(method, ITEMS + "/lamp-1", headers=headers | {"if-match": fresh}, **body)
    assert again.status_code in (200, 204)


def test_a_tag_in_any_representation_may_be_named(client):
    url = ITEMS + "/lamp-1?crs=http://www.opengis.net/def/crs/EPSG/0/4549"
    tag = client.get(url).headers["etag"]
    assert tag != client.get(ITEMS + "/lamp-1").headers["etag"]
    headers = MERGE | {"if-match": f'"1-0", {tag}'}
    assert (
        client.request("PATCH", ITEMS + "/lamp-1", json={"properties": {"lamps": 1}}, headers=headers).status_code
        == 200
    )
    assert client.request("DELETE", ITEMS + "/lamp-1", headers={"if-match": "*"}).status_code == 204


def test_a_tag_of_a_layer_that_was_made_again_does_not_match(client, store):
    etag = client.get(ITEMS + "/lamp-1").headers["etag"]
    store.drop_layer("lamps")
    with_lamps(store)
    assert client.problem("DELETE", ITEMS + "/lamp-1", 412, headers={"if-match": etag})["code"] == "version-conflict"


def test_of_many_editors_with_the_same_tag_exactly_one_wins(client):
    etag = client.get(ITEMS + "/lamp-1").headers["etag"]

    def edit(number):
        patch = {"properties": {"lamps": number}}
        return client.request("PATCH", ITEMS + "/lamp-1", json=patch, headers=MERGE | {"if-match": etag}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(edit, range(6))) == [200, 412, 412, 412, 412, 412]


def test_updates_without_a_tag_all_arrive(client):
    def edit(name):
        patch = {"properties": {name: {"lamps": 77, "lit": False, "name": "z"}[name]}}
        return client.request("PATCH", ITEMS + "/lamp-2", json=patch, headers=MERGE).status_code

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(edit, ["lamps", "lit", "name"])) == [200, 200, 200]
    properties = client.json(ITEMS + "/lamp-2")["properties"]
    assert (properties["lamps"], properties["lit"], properties["name"]) == (77, False, "z")


def test_everything_wrong_with_a_feature_is_told_at_once(client):
    body = {
        "type": "Thing",
        "id": True,
        "geometry": {"type": "LineString", "coordinates": [[120, 36], [121, 37]]},
        "properties": {"lamps": "two", "height_m": True, "lit": 1, "built": "soon", "checked_at": "2024-05-01T08:00:00"}
        | {"lamp_type": "gas", "colour": "red", "name": "a\x00b"},
        "time": {"interval": ["x", "y"]},
    }
    problem = client.problem("POST", ITEMS, 422, json=body, headers=GEOJSON)
    assert problem["code"] == "bad-feature"
    names = ("lamps", "height_m", "lit", "built", "checked_at", "lamp_type", "colour", "name")
    assert {finding["where"] for finding in problem["findings"]} == {
        "/type", "/id", "/geometry", "/time", *(f"/properties/{name}" for name in names)
    }  # fmt: skip
    assert all(finding["problem"] and finding["remedy"] for finding in problem["findings"])
    assert client.json(ITEMS + "?limit=1")["numberMatched"] == COUNT


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [500, 36]},
        {"type": "Point", "coordinates": [36.2, 120.1]},
        {"type": "Point", "coordinates": [120]},
        {"type": "Point", "coordinates": ["120", "36"]},
        {"type": "Point", "coordinates": None},
        {"type": "Point"},
        {"type": "Circle", "coordinates": [1, 2]},
        {"type": "MultiPoint", "coordinates": [[120, 36], [121, 36]]},
        "POINT(120 36)",
        [],
    ],
)
def test_a_geometry_that_cannot_be_taken_is_refused(client, geometry):
    problem = client.problem("POST", ITEMS, 422, json=feature() | {"geometry": geometry}, headers=GEOJSON)
    assert [finding["where"] for finding in problem["findings"]] == ["/geometry"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed-body"),
        (b'{"type": "Feature", "geometry": {"type": "Point", "coordinates": [NaN, 1]}}', "malformed-body"),
        (b'{"type": "Feature", "x": 1e999}', "malformed-body"),
        (b"[1, 2]", "malformed-body"),
        (b'{"a": "\xff"}', "malformed-body"),
        (b"[" * 5000, "malformed-body"),
    ],
)
def test_a_body_that_is_not_a_json_object_is_refused_with_its_place(client, body, code):
    problem = client.problem("POST", ITEMS, 400, content=body, headers=GEOJSON)
    assert problem["code"] == code
    assert "line" in problem["detail"] or "not an object" in problem["detail"]


def test_a_body_in_another_media_type_is_refused(client):
    for method, path in (("POST", ITEMS), ("PUT", ITEMS + "/lamp-1"), ("PATCH", ITEMS + "/lamp-1")):
        problem = client.problem(method, path, 415, content=b"<a/>", headers={"content-type": "application/xml"})
        assert problem["code"] == "unsupported-media-type"
    client.problem("PATCH", ITEMS + "/lamp-1", 415, json={}, headers=GEOJSON)


def test_an_id_never_changes(client):
    problem = client.problem("PUT", ITEMS + "/lamp-1", 422, json=feature(id="lamp-2"), headers=GEOJSON)
    assert problem["findings"][0]["where"] == "/id"
    client.problem("PATCH", ITEMS + "/lamp-1", 422, json={"id": "lamp-2"}, headers=MERGE)


def test_nothing_is_written_that_the_policy_refuses(store):
    client = AppClient(create_app(Settings(), store, ReadOnlyPolicy()))
    calls = [("POST", ITEMS, GEOJSON, feature()), ("PUT", ITEMS + "/lamp-1", GEOJSON, feature())]
    calls.append(("PATCH", ITEMS + "/lamp-1", MERGE, {"properties": {"lamps": 5}}))
    for method, path, headers, body in calls:
        assert client.problem(method, path, 403, json=body, headers=headers)["code"] == "refused-by-policy"
    assert client.problem("DELETE", ITEMS + "/lamp-1", 403)["code"] == "refused-by-policy"
    assert store.version("lamps") == 1


def test_a_change_is_on_the_next_page_and_in_its_tag(client):
    before = client.get(ITEMS + "?limit=2").headers["etag"]
    client.request("DELETE", ITEMS + "/lamp-0")
    answer = client.get(ITEMS + "?limit=2", headers={"if-none-match": before})
    assert [entry["id"] for entry in answer.json()["features"]] == ["lamp-1", "lamp-2"]


def test_the_author_of_a_change_is_in_the_changesets(client, store):
    headers = GEOJSON | {"x-onemap-actor": "water-bureau"}
    assert client.request("POST", ITEMS, json=feature(), headers=headers).status_code == 201
    assert store.changesets("lamps")[0].author.name == "water-bureau"
