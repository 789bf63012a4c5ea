"""OGC API Features part 3 in our own words: filters, queryables, sorting. Source: OGC 19-079r2, 21-065r2."""

from __future__ import annotations

import json

import pytest

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.fixture
def store(either_store):
    return either_store


def numbers(client, **parameters):
    page = client.json("/collections/lamps/items", params={"limit": 100, **parameters})
    return [int(feature["id"].removeprefix("lamp-")) for feature in page["features"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("height_m > 6", [6, 13]),
        ("height_m IS NULL", [0, 5, 10, 15, 20]),
        ("lamps = 2 AND lit = true", [2, 8, 14, 20]),
        ("name LIKE '%24'", [24]),
        ("lamp_type IN ('led') AND height_m BETWEEN 0.5 AND 0.5", [7, 21]),
        ("NOT (lamps = 0 OR lamps = 1) AND built > DATE('2019-01-20')", [23]),
        ("checked_at = TIMESTAMP('2024-05-03T08:00:00Z')", [2]),
        ("S_INTERSECTS(geometry, BBOX(119.9995, 36.1, 120.0025, 36.3))", [0, 1, 2]),
        ("S_WITHIN(geometry, POLYGON((120.009 36, 120.012 36, 120.012 37, 120.009 37, 120.009 36)))", [10, 11]),
        ("id = 'lamp-7'", [7]),
        ("CASEI(lamp_type) = CASEI('SODIUM') AND lamps * 2 = 4 AND lamps < height_m", [2]),
    ],
)
def test_a_text_filter_selects(client, text, expected):
    assert numbers(client, filter=text) == expected


def test_a_json_filter_selects(client):
    tree = {
        "op": "and",
        "args": [{"op": "=", "args": [{"property": "lamps"}, 1]}, {"op": "<", "args": [{"property": "height_m"}, 2]}],
    }
    assert (
        numbers(client, filter=json.dumps(tree), **{"filter-lang": "cql2-json"})
        == numbers(client, filter="lamps = 1 AND height_m < 2")
        == [1, 7, 22]
    )


def test_geometries_in_a_filter_follow_filter_crs(client):
    metres = "S_INTERSECTS(geometry, BBOX(4000000, 499900, 4020000, 500230))"
    assert numbers(client, filter=metres, **{"filter-crs": EPSG + "4549"}) == [0, 1, 2]
    degrees = "S_INTERSECTS(geometry, BBOX(36.1, 119.9995, 36.3, 120.0025))"
    assert numbers(client, filter=degrees, **{"filter-crs": EPSG + "4490"}) == [0, 1, 2]


def test_filter_box_and_time_narrow_each_other(client):
    found = numbers(client, filter="lit = true", bbox="120.0015,36,120.0085,37", datetime="2024-05-05T00:00:00Z/..")
    assert found == [2, 4, 6, 8]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("heigt > 3", "unknown-property"),
        ("height_m >", "bad-filter"),
        ("height_m = 'tall'", "bad-filter"),
        ("(" * 200 + "lamps = 1" + ")" * 200, "bad-filter"),
        (" OR ".join(["lamps = 1"] * 800), "bad-filter"),
        ("S_INTERSECTS(geometry, POINT(500 500))", "bad-filter"),
        ("unknown_function(lamps) = 1", "bad-filter"),
        ("", "bad-filter"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(client, text, code):
    assert client.problem("GET", "/collections/lamps/items", 400, params={"filter": text})["code"] == code


def test_an_unknown_filter_language_is_refused(client):
    parameters = {"filter": "lamps = 1", "filter-lang": "ecql"}
    assert client.problem("GET", "/collections/lamps/items", 400, params=parameters)["code"] == "bad-parameter"


def test_queryables_are_a_json_schema_of_the_layer(client):
    answer = client.get("/collections/lamps/queryables", headers={"accept": "application/schema+json"})
    assert answer.headers["content-type"] == "application/schema+json"
    document = answer.json()
    assert document["$id"].endswith("/collections/lamps/queryables")
    assert document["type"] == "object"
    properties = document["properties"]
    assert list(properties) == ["geometry", "name", "lamp_type", "height_m", "lamps", "lit", "built", "checked_at"]
    assert properties["geometry"]["format"] == "geometry-point"
    assert (properties["height_m"]["type"], properties["height_m"]["x-ogc-unit"]) == ("number", "m")
    assert properties["lamp_type"]["enum"] == ["led", "sodium"]
    assert properties["built"]["format"] == "date"
    link = [link for link in client.json("/collections/lamps")["links"] if link["rel"].endswith("/queryables")]
    assert link[0]["type"] == "application/schema+json"


def test_every_queryable_is_a_query_parameter(client):
    assert numbers(client, lamps=2, lit="true") == [2, 8, 14, 20]
    assert numbers(client, name="路灯 3") == [3]
    assert numbers(client, height_m="6.5") == [6, 13]
    assert numbers(client, built="2019-01-04") == [3]
    assert numbers(client, checked_at="2024-05-03T16:00:00+08:00") == [2]


@pytest.mark.parametrize(("name", "value"), [("lamps", "two"), ("lit", "yes"), ("height_m", "nan"), ("built", "today")])
def test_a_query_parameter_of_the_wrong_type_is_refused(client, name, value):
    problem = client.problem("GET", "/collections/lamps/items", 400, params={name: value})
    assert (problem["code"], problem["value"]) == ("bad-parameter", value)


def test_sorting_goes_by_each_key_in_turn_and_leaves_the_unknown_for_last(client):
    found = numbers(
        client, sortby="-lamps,height_m", filter="lamps > 0 AND checked_at < TIMESTAMP('2024-05-13T00:00:00Z')"
    )
    assert found == [8, 2, 11, 5, 7, 1, 4, 10]


def test_sorting_goes_on_over_pages(client):
    whole = numbers(client, sortby="-height_m,name")
    url, paged = "/collections/lamps/items?sortby=-height_m,name&limit=4&properties=lamps", []
    while url:
        page = client.json(url)
        assert all(list(feature["properties"]) == ["lamps"] for feature in page["features"])
        paged += [int(feature["id"].removeprefix("lamp-")) for feature in page["features"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert paged == whole
    assert sorted(paged) == list(range(25))


@pytest.mark.parametrize("order", ["heigt", "", "-", "lamps,lamps", "lamps,,lit"])
def test_a_sort_order_that_makes_no_sense_is_refused(client, order):
    code = client.problem("GET", "/collections/lamps/items", 400, params={"sortby": order})["code"]
    assert code in ("unknown-property", "bad-sortby")


def test_only_the_properties_asked_for_come_back(client):
    (feature,) = client.json("/collections/lamps/items?limit=1&properties=height_m,name")["features"]
    assert feature["properties"] == {"height_m": None, "name": "路灯 0"}
    (bare,) = client.json("/collections/lamps/items?limit=1&properties=&skipGeometry=true")["features"]
    assert (bare["properties"], bare["geometry"]) == ({}, None)
    assert client.problem("GET", "/collections/lamps/items?properties=nope", 400)["code"] == "unknown-property"


def test_a_token_that_was_changed_or_moved_to_another_query_is_refused(client):
    page = client.json("/collections/lamps/items?limit=5&lamps=1")
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    head, token = following.split("token=")
    for other in (
        f"{head}token={'A' if token[0] != 'A' else 'B'}{token[1:]}",
        f"{head}token={token[:-2]}",
        f"{head}token=",
        f"{head}token=%00é",
        following.replace("lamps=1", "lamps=2"),
    ):
        assert client.problem("GET", other, 400)["code"] == "bad-token"
    assert client.get(following).status_code == 200
