"""A road edited three times, read at each date: items, tiles, versions, differences, changes, restoring. Both stores agree."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import mapbox_vector_tile
import pytest
import shapely

from twin.feature import Feature
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec
from twin.text import LocalText

SCHEMA = Schema(
    GeometryType.LINESTRING,
    (
        Property("name", PropertyType.STRING, LocalText("名称", "Name")),
        Property("width_m", PropertyType.NUMBER, LocalText("宽度", "Width"), unit="m"),
    ),
)
DOCUMENT = {"id": "roads", "title": {"zh": "道路", "en": "Roads"}, "department": "transport"}
ROAD = "/collections/roads/items/r1"
ITEMS = "/collections/roads/items"
GEOJSON = {"content-type": "application/geo+json"}
MERGE = {"content-type": "application/merge-patch+json"}
# Written on the first of each of these months, version 1 to 4.
WRITTEN = [datetime(2024, month, 1, tzinfo=UTC) for month in (1, 4, 7, 10)]
WIDTHS = [6.0, 8.0, 10.0, 12.0]
TILE = "/tiles/roads/14/13653/6416.mvt"


def road(width: float, north: float, **members):
    coordinates = [[120.0, 36.3 + north], [120.01, 36.3 + north]]
    geometry = {"type": "LineString", "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": {"name": "胶州路", "width_m": width}, **members}


@pytest.fixture
def store(either_store, monkeypatch):
    """The road born in January and edited in April, July and October 2024: wider, then moved north, then wider again."""
    later = (WRITTEN[-1] + timedelta(days=day) for day in itertools.count(30))
    instants = itertools.chain(WRITTEN, later)
    monkeypatch.setattr("twin.store.writing.now", lambda: next(instants))
    monkeypatch.setattr("twin.store.catalogue.now", lambda: WRITTEN[0] - timedelta(days=1))
    either_store.create_layer(LayerSpec("roads", SCHEMA, DOCUMENT), Author("surveyor"))
    return either_store


@pytest.fixture
def edited(client):
    """The client of a server on which the road has been edited three times."""
    states = [road(6.0, 0.0, id="r1"), road(8.0, 0.0), road(10.0, 0.002), road(12.0, 0.002)]
    assert client.request("POST", ITEMS, json=states[0], headers=GEOJSON).status_code == 201
    for number, state in enumerate(states[1:], 1):
        headers = GEOJSON | {"X-OneMap-Actor": "wang", "X-OneMap-Reason": f"survey%20{number}%20%E5%A4%8D%E6%B5%8B"}
        assert client.request("PUT", ROAD, json=state, headers=headers).status_code == 200
    return client


def drawn(client, address):
    answer = client.get(address)
    if answer.status_code == 204:
        return []
    assert answer.status_code == 200, answer.text
    features = mapbox_vector_tile.decode(answer.content)["roads"]["features"]
    return [(f["properties"]["width_m"], f["geometry"]["coordinates"][0][1]) for f in features]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_the_road_is_read_at_each_date_in_items_and_tiles(edited, version):
    date = f"{WRITTEN[version - 1]:%Y-%m}-15"
    answer = edited.get(f"{ITEMS}?as_of={date}")
    (feature,) = answer.json()["features"]
    assert answer.headers["onemap-as-of-version"] == str(version)
    assert feature["properties"]["width_m"] == WIDTHS[version - 1]
    assert feature["geometry"]["coordinates"][0][1] == (36.3 if version < 3 else 36.302)
    one = edited.get(f"{ROAD}?as_of={date}")
    assert one.json()["properties"] == feature["properties"]
    for address in (f"{TILE}?as_of={date}", f"/collections/roads/tiles/WebMercatorQuad/14/6416/13653?as_of={date}"):
        ((width, _),) = drawn(edited, address)
        assert width == WIDTHS[version - 1]
    assert drawn(edited, f"{TILE}?as_of={date}") == drawn(edited, f"{TILE}?as_of=v{version}")
    window = f"{ITEMS}?bbox=119.9,36.3015,120.1,36.4&as_of={date}"
    assert len(edited.json(window)["features"]) == (0 if version < 3 else 1)


def test_before_the_first_write_there_was_nothing_and_the_answer_says_so(edited):
    answer = edited.get(f"{ITEMS}?as_of=2023-12-31")
    assert answer.headers["onemap-as-of-version"] == "0"
    assert answer.json()["features"] == []
    assert "held nothing yet" in answer.json()["note"]
    assert edited.get(f"{TILE}?as_of=2023-12-31").status_code == 204
    problem = edited.problem("GET", f"{ROAD}?as_of=2023-12-31", 404)
    assert (problem["code"], problem["limit"]) == ("unknown-feature", "as it stood at version 0")


@pytest.mark.parametrize("address", [ITEMS, ROAD, TILE, "/collections/roads/tilejson.json"])
@pytest.mark.parametrize("as_of", ["2999-01-01", "v99", "yesterday", "2024-01-01/2024-02-01", "../2024-01-01"])
def test_a_time_at_which_nothing_can_have_stood_is_refused(edited, address, as_of):
    problem = edited.problem("GET", f"{address}?as_of={as_of}", 400)
    assert problem["code"] == "bad-moment"
    assert problem["limit"]
    assert problem["remedy"]


def test_pages_and_exports_of_the_past(edited):
    page = edited.json(f"{ITEMS}?as_of=2024-05-01&limit=1&sortby=-width_m")
    assert page["features"][0]["properties"]["width_m"] == 8.0
    assert not [entry for entry in page["links"] if entry["rel"] == "next"]
    lines = edited.get(f"{ITEMS}?as_of=2024-05-01&f=csv").text.splitlines()
    assert len(lines) == 2
    assert "8" in lines[1]


def test_pages_of_a_time_that_still_moves_neither_repeat_nor_miss_what_is_edited_meanwhile(client):
    for name in ("a", "b", "c"):
        client.request("POST", ITEMS, json=road(6.0, 0.0, id=name), headers=GEOJSON)
    soon = f"{datetime.now(UTC) + timedelta(seconds=40):%Y-%m-%dT%H:%M:%SZ}"
    page = client.json(f"{ITEMS}?as_of={soon}&limit=2")
    client.request("DELETE", "/collections/roads/items/a", headers={"x-onemap-reason": "meanwhile"})
    client.request("DELETE", "/collections/roads/items/c", headers={"x-onemap-reason": "meanwhile"})
    (following,) = [entry["href"] for entry in page["links"] if entry["rel"] == "next"]
    assert "as_of=v3" in following
    both = [feature["id"] for answer in (page, client.json(following)) for feature in answer["features"]]
    assert both == ["a", "b", "c"]


def test_a_tile_of_the_past_is_cached_like_any_other(edited, store):
    by_date = edited.get(f"{TILE}?as_of=2024-05-01")
    assert by_date.headers["cache-control"] == "no-cache"
    assert edited.get(f"{TILE}?as_of=2024-05-01", headers={"if-none-match": by_date.headers["etag"]}).status_code == 304
    assert edited.get(f"{TILE}?as_of=2024-05-20").headers["etag"] == by_date.headers["etag"], "the same version"
    assert edited.get(f"{TILE}?as_of=2024-08-01").headers["etag"] != by_date.headers["etag"]
    for address in (f"{TILE}?as_of=v2", f"{TILE}?as_of=v2&v=2"):
        named = edited.get(address)
        assert named.headers["cache-control"] == "no-cache", "another style draws that version anew"
        assert edited.get(address, headers={"if-none-match": named.headers["etag"]}).status_code == 304
    document = edited.json("/collections/roads/tilejson.json?as_of=2024-05-01")
    assert document["onemap:version"] == "2"
    (template,) = document["tiles"]
    tile = template.format(z=14, x=13653, y=6416)
    assert "immutable" in edited.get(tile).headers["cache-control"]
    assert drawn(edited, tile)[0][0] == 8.0
    spec = edited.json("/view/spec?as_of=2024-05-01")
    fetch = next(layer["fetch"] for layer in spec["layers"] if layer["id"] == "roads")
    of_page = f"{TILE}?v={fetch['version']}&{fetch['moment']}"
    assert "immutable" in edited.get(of_page).headers["cache-control"]
    assert drawn(edited, of_page)[0][0] == 8.0
    made = edited.app.state.tiles
    before = len(made._cache)
    edited.get(f"{TILE}?as_of=2024-05-02")
    assert len(made._cache) == before, "the same version is not made twice"
    store.describe_layer("roads", {**DOCUMENT, "style": {"kind": "line", "min_zoom": 16}})
    made.forget("roads")
    assert edited.get(tile).headers["cache-control"] == "no-cache", "drawn anew, as a density"


def test_layers_joined_in_a_tile_go_by_the_instant_each_for_itself(edited):
    joined = edited.get(f"/tiles/roads,lamps/14/13653/6416.mvt?as_of={WRITTEN[0]:%Y-%m-%d}")
    assert joined.headers["onemap-as-of-version"] == "1.0"
    assert edited.problem("GET", "/tiles/roads,lamps/14/13653/6416.mvt?as_of=v1", 400)["code"] == "bad-moment"


def test_versions_tell_who_when_why_newest_first(edited):
    document = edited.json(f"{ROAD}/versions")
    told = [(v["version"], v["author"], v["reason"], v["change"], v["superseded_by"]) for v in document["versions"]]
    assert told == [
        (4, "wang", "survey 3 复测", "updated", None),
        (3, "wang", "survey 2 复测", "updated", 4),
        (2, "wang", "survey 1 复测", "updated", 3),
        (1, "anonymous", "create feature", "inserted", 2),
    ]
    assert document["versions"][0]["recorded_at"] == "2024-10-01T00:00:00Z"
    page = edited.json(f"{ROAD}/versions?limit=3")
    (following,) = [entry["href"] for entry in page["links"] if entry["rel"] == "next"]
    assert [v["version"] for v in edited.json(following)["versions"]] == [1]
    state = edited.json(document["versions"][2]["links"][0]["href"])
    assert state["properties"]["width_m"] == 8.0
    edited.problem("GET", f"{ROAD}/versions/99", 404)
    edited.problem("GET", f"{ROAD}/versions/x", 404)
    edited.problem("GET", "/collections/roads/items/never/versions", 404)


def test_a_difference_names_titles_units_and_metres(edited):
    found = edited.json(f"{ROAD}/diff?from=2&to=3")
    (change,) = found["properties"]
    assert (change["title"], change["unit"], change["from"], change["to"]) == (
        {"zh": "宽度", "en": "Width"},
        "m",
        8.0,
        10.0,
    )
    # 0.002 degrees of latitude at 36.3 degrees north: 221.95 m on the ellipsoid.
    assert found["geometry"]["moved_m"] == pytest.approx(221.95, abs=0.1)
    assert found["geometry"]["farthest_m"] == pytest.approx(221.95, abs=0.1)
    assert found["geometry"]["length_change_m"] == pytest.approx(-0.023, abs=0.005)
    assert found["geometry"]["measured_in"] == "EPSG:4549"
    assert edited.json(f"{ROAD}/diff")["from"]["version"] == 3, "the last against the one before it"
    assert edited.json(f"{ROAD}/diff?to=4")["geometry"] is None
    html = edited.get(f"{ROAD}/diff?from=2&to=3&f=html").text
    for word in ("宽度", "Width", "8 m", "10 m", "221.9", "survey 2 复测"):
        assert word in html


def test_the_pages_of_the_history_are_for_people(edited):
    assert "复测" in edited.get(f"{ROAD}/versions?f=html").text
    assert "复测" in edited.get("/collections/roads/changes?f=html").text
    assert "versions?f=html" in edited.get(f"{ROAD}?f=html").text
    assert "changes?f=html" in edited.get("/collections/roads?f=html").text
    assert edited.get(f"{ROAD}/versions/2?f=html").status_code == 200


def test_changes_of_the_layer_and_what_each_touched(edited):
    page = edited.json("/collections/roads/changes?limit=3")
    assert [(c["version"], c["inserted"], c["updated"]) for c in page["changes"]] == [(4, 0, 1), (3, 0, 1), (2, 0, 1)]
    (following,) = [entry["href"] for entry in page["links"] if entry["rel"] == "next"]
    (first,) = edited.json(following)["changes"]
    change = edited.json(first["links"][0]["href"])
    assert [(f["id"], f["change"]) for f in change["features"]] == [("r1", "inserted")]
    updated = edited.json("/collections/roads/changes/3")["features"][0]
    (difference,) = [entry["href"] for entry in updated["links"] if entry["rel"] == "related"]
    assert edited.json(difference)["from"]["version"] == 2
    edited.problem("GET", "/collections/roads/changes/9", 404)


def test_an_old_version_is_put_back_by_one_call(edited):
    etag = edited.get(ROAD).headers["etag"]
    restored = edited.request("POST", f"{ROAD}/restore", json={"version": 1}, headers={"if-match": etag})
    assert restored.status_code == 200, restored.text
    assert restored.json()["properties"]["width_m"] == 6.0
    assert restored.headers["etag"] == edited.get(ROAD).headers["etag"]
    newest = edited.json("/collections/roads/changes")["changes"][0]
    assert (newest["version"], newest["reason"]) == (5, "restore version 1 of feature r1")
    stale = edited.request("POST", f"{ROAD}/restore", json={"version": 2}, headers={"if-match": etag})
    assert stale.status_code == 412


def test_a_deleted_feature_comes_back(edited):
    assert edited.request("DELETE", ROAD, headers={"x-onemap-reason": "by mistake"}).status_code == 204
    gone = edited.json(f"{ROAD}/versions")["versions"][0]
    assert (gone["deleted"], gone["reason"], gone["version"]) == (True, "by mistake", 5)
    assert edited.json(f"{ROAD}?as_of=v4")["properties"]["width_m"] == 12.0
    assert edited.problem("GET", f"{ROAD}/versions/5", 404)["code"] == "unknown-feature"
    assert edited.request("POST", f"{ROAD}/restore", json={"version": 4}).status_code == 200
    assert edited.json(ROAD)["properties"]["width_m"] == 12.0
    assert [v["change"] for v in edited.json(f"{ROAD}/versions")["versions"]][:3] == ["inserted", "deleted", "updated"]


@pytest.mark.parametrize("body", [{}, {"version": "1"}, {"version": True}, {"version": 0}, {"version": 1, "x": 2}])
def test_a_body_that_names_no_version_restores_nothing(edited, body):
    edited.problem("POST", f"{ROAD}/restore", 400, json=body)
    edited.problem("POST", f"{ROAD}/restore", 404, json={"version": 99})
    edited.problem("POST", f"{ROAD}/restore", 415, content=b"version=1")
    assert edited.json("/collections/roads/changes")["changes"][0]["version"] == 4


def put(client, status=200, **time):
    answer = client.request("PUT", ROAD, json=road(20.0, 0.0, time=time), headers=GEOJSON)
    assert answer.status_code == status, answer.text
    return answer


def test_an_edit_that_begins_later_ends_the_present_state_there(edited):
    put(edited, interval=["2024-06-01", ".."])
    assert edited.json(ROAD)["time"]["interval"] == ["2024-06-01T00:00:00Z", ".."]
    for when, width in (("2024-05-31", 12.0), ("2024-06-01", 20.0), ("2024-05-01/2024-07-01", 20.0), ("../..", None)):
        if width is None:
            edited.problem("GET", f"{ITEMS}?datetime={when}", 400)
            continue
        (feature,) = edited.json(f"{ITEMS}?datetime={when}")["features"]
        assert feature["properties"]["width_m"] == width
        ((drawn_width, _),) = drawn(edited, f"{TILE}?datetime={when}")
        assert drawn_width == width
    assert edited.json(f"{ITEMS}?datetime=2024-05-31&as_of=v2")["features"][0]["properties"]["width_m"] == 8.0
    assert edited.json(f"{ROAD}?datetime=2024-05-31")["properties"]["width_m"] == 12.0
    assert "2024-06-01T00:00:00Z/.." in edited.get(f"{ROAD}?f=html").text
    newest = edited.json(f"{ROAD}/versions")["versions"][0]
    assert newest["timeline"] == [["..", "2024-06-01T00:00:00Z"], ["2024-06-01T00:00:00Z", ".."]]


def test_a_day_and_the_midnight_after_it_are_two_times_for_tiles_as_for_items(edited):
    put(edited, interval=["2024-06-01", ".."])
    midnight = "2024-05-31T00:00:00Z/2024-06-01T00:00:00Z"
    for when, width in (("2024-05-31", 12.0), (midnight, 20.0), ("2024-05-31", 12.0)):
        (feature,) = edited.json(f"{ITEMS}?datetime={when}")["features"]
        ((drawn_width, _),) = drawn(edited, f"{TILE}?datetime={when}")
        assert feature["properties"]["width_m"] == drawn_width == width, when


def test_the_box_of_dated_tiles_holds_what_stood_elsewhere(edited):
    south = road(20.0, -0.5, time={"interval": ["2024-06-01", ".."]})
    assert edited.request("PUT", ROAD, json=south, headers=GEOJSON).status_code == 200
    address = "/collections/roads/tilejson.json"
    assert edited.json(address)["bounds"][1] == pytest.approx(35.8)
    before = edited.json(f"{address}?datetime=2024-05-01")
    assert before["bounds"][1] == pytest.approx(36.302, abs=1e-4)
    assert before["tiles"][0].endswith("?datetime=2024-05-01")
    assert edited.json(f"{address}?as_of=v1")["bounds"][1] == pytest.approx(36.3, abs=1e-4)
    assert drawn(edited, f"{TILE}?datetime=2024-05-01")[0][0] == 12.0
    assert drawn(edited, f"{TILE}?datetime=2024-06-02") == []


def test_an_edit_without_a_time_keeps_the_validity(edited):
    put(edited, interval=["2024-06-01", "2024-06-30"])
    assert edited.json(ROAD)["time"]["interval"] == ["2024-06-01T00:00:00Z", "2024-07-01T00:00:00Z"]
    edited.request("PUT", ROAD, json=road(21.0, 0.0), headers=GEOJSON)
    patched = edited.request("PATCH", ROAD, json={"properties": {"name": "renamed"}}, headers=MERGE)
    assert patched.json()["time"]["interval"] == ["2024-06-01T00:00:00Z", "2024-07-01T00:00:00Z"]
    assert edited.json(ROAD)["properties"] == {"name": "renamed", "width_m": 21.0}


def test_wrong_dates_of_the_present_state_are_put_right(edited):
    put(edited, interval=["2024-06-01", ".."])
    earlier = {"time": {"interval": ["2024-03-01", ".."]}}
    assert edited.request("PATCH", ROAD, json=earlier, headers=MERGE).status_code == 409
    assert (
        edited.problem("PATCH", f"{ROAD}?validity=x", 400, json=earlier, headers=MERGE)["limit"] == "timeline|correct"
    )
    put_right = edited.request("PATCH", f"{ROAD}?validity=correct", json=earlier, headers=MERGE)
    assert put_right.json()["time"]["interval"] == ["2024-03-01T00:00:00Z", ".."]
    for when, width in (("2024-02-29", 12.0), ("2024-04-01", 20.0)):
        (feature,) = edited.json(f"{ITEMS}?datetime={when}")["features"]
        assert feature["properties"]["width_m"] == width, when


def test_overlapping_validity_is_refused_with_both_intervals(edited):
    put(edited, interval=["2024-06-01", ".."])
    put(edited, interval=["2024-09-01", ".."])
    overlap = put(edited, 409, interval=["2024-08-01", "2024-10-01"]).json()
    assert overlap["code"] == "overlapping-validity"
    assert "2024-08-01T00:00:00Z/2024-10-02T00:00:00Z" in overlap["detail"]
    assert "2024-09-01T00:00:00Z/.." in overlap["detail"]
    between = put(edited, 409, interval=["2024-07-01", "2024-07-31"]).json()
    assert "2024-06-01T00:00:00Z/2024-09-01T00:00:00Z" in between["detail"]


@pytest.mark.parametrize(
    ("interval", "limit"),
    [
        (["1899-12-31", ".."], "not before 1900-01-01"),
        (["..", "1850-01-01"], "not before 1900-01-01"),
        (["2999-01-01", ".."], "a state begins by"),
        (["2020-01-01", "9999-12-31"], "a state ends by"),
    ],
)
def test_times_that_nobody_can_mean_are_refused_with_limit_and_remedy(edited, interval, limit):
    finding = put(edited, 422, interval=interval).json()["findings"][0]
    assert finding["where"] == "/time"
    assert limit in finding["problem"]
    assert finding["remedy"]


def test_a_past_state_is_recorded_and_the_present_stays(edited):
    put(edited, interval=["2024-06-01", ".."])
    etag = edited.get(ROAD).headers["etag"]
    # The undated states before June became one slice without a beginning; where that is unwanted, it would overlap.
    put(edited, 409, interval=["2020-01-01", "2020-12-31"])
    assert edited.get(ROAD).headers["etag"] == etag


def test_both_stores_say_the_road_is_a_line(edited, store):
    feature = store.get("roads", "r1", as_of=1)
    assert isinstance(feature, Feature)
    assert isinstance(feature.geometry, shapely.LineString)


def test_a_release_of_the_base_map_is_a_time_too(edited):
    edited.request(
        "POST", "/basemap/releases", json={"name": "2026.11", "layers": ["roads"], "force": True, "reason": "t"}
    )
    releases = edited.json("/basemap/releases")["releases"]
    assert [entry["name"] for entry in releases] == ["2026.11"]
    edited.request("PUT", ROAD, json=road(30.0, 0.0), headers=GEOJSON)
    for address in (ITEMS, ROAD):
        answer = edited.get(f"{address}?as_of=release:2026.11")
        assert answer.headers["onemap-as-of-version"] == "4"
        assert "12.0" in answer.text
    assert drawn(edited, f"{TILE}?as_of=release:2026.11")[0][0] == 12.0
    assert edited.get(f"{TILE}?as_of=release:2026.11").headers["cache-control"] == "no-cache"
    (template,) = edited.json("/collections/roads/tilejson.json?as_of=release:2026.11")["tiles"]
    assert "immutable" in edited.get(template.format(z=14, x=13653, y=6416)).headers["cache-control"]
    assert edited.problem("GET", f"{ITEMS}?as_of=release:none", 404)["code"] == "unknown-release"
    assert edited.problem("GET", "/collections/lamps/items?as_of=release:2026.11", 400)["code"] == "bad-moment"


def test_a_version_that_records_an_earlier_state_still_shows_the_head(edited):
    spans = [["2020-01-01", ".."], ["2010-01-01", "2012-01-01"]]
    head, past = (
        road(width, 0.0, id="r2", time={"interval": span}) for width, span in zip((12.0, 3.0), spans, strict=True)
    )
    here = f"{ITEMS}/r2"
    assert edited.request("POST", ITEMS, json=head, headers=GEOJSON).status_code == 201
    assert edited.request("PUT", here, json=past, headers=GEOJSON).status_code == 200
    newest = edited.json(f"{here}/versions?limit=1")["versions"][0]
    assert newest["recorded_slices"] == [["2010-01-01T00:00:00Z", "2012-01-02T00:00:00Z"]]
    assert newest["valid"] == ["2020-01-01T00:00:00Z", ".."]
    shown = edited.json(f"{here}/versions/{newest['version']}")
    then = edited.json(f"{here}?as_of=v{newest['version']}")
    assert (shown["properties"], shown["geometry"]) == (then["properties"], then["geometry"])
    assert shown["properties"]["width_m"] == 12.0
    difference = edited.json(f"{here}/diff")
    assert (difference["properties"], difference["time"], difference["geometry"]) == ([], None, None)
    assert difference["to"]["recorded_slices"] == newest["recorded_slices"]
