"""OGC API Features part 2 in our own words: reference systems by reference. Source: OGC 18-058r1."""

from __future__ import annotations

import math

import pytest

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
# standards.md 1.2: the same point of Jiaozhou in every system, in the axis order it is registered with.
JIAOZHOU = {
    CRS84: (120.0335, 36.2645),
    EPSG + "4326": (36.2645, 120.0335),
    EPSG + "4490": (36.2645, 120.0335),
    EPSG + "4549": (4014892.4956, 503010.3651),
    EPSG + "3857": (6378137 * math.radians(120.0335), 6378137 * math.asinh(math.tan(math.radians(36.2645)))),
}
GEOJSON = "application/geo+json"


def put_feature(client, crs, coordinates):
    body = {"type": "Feature", "geometry": {"type": "Point", "coordinates": coordinates}, "properties": {}}
    headers = {"content-crs": f"<{crs}>", "content-type": GEOJSON}
    answer = client.request("PUT", "/collections/lamps/items/lamp-1", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def test_a_collection_lists_the_systems_and_says_how_it_is_stored(client):
    collection = client.json("/collections/lamps")
    assert collection["crs"] == list(JIAOZHOU)
    assert collection["storageCrs"] == EPSG + "4490"
    assert collection["storageCrs"] in collection["crs"]


@pytest.mark.parametrize("crs", JIAOZHOU)
def test_coordinates_come_in_the_axis_order_of_the_registry(client, crs):
    put_feature(client, CRS84, JIAOZHOU[CRS84])
    tolerance = 1e-9 if max(JIAOZHOU[crs]) < 200 else 1e-3
    for path in ("/collections/lamps/items/lamp-1", "/collections/lamps/items?limit=2"):
        answer = client.get(path, params={"crs": crs, **({"limit": 2} if "?" in path else {})})
        assert answer.headers["content-crs"] == f"<{crs}>"
        document = answer.json()
        feature = document if document["type"] == "Feature" else document["features"][1]
        assert feature["geometry"]["coordinates"] == pytest.approx(JIAOZHOU[crs], abs=tolerance)


@pytest.mark.parametrize("crs", JIAOZHOU)
def test_a_geometry_may_be_written_in_every_system(client, crs):
    written = put_feature(client, crs, JIAOZHOU[crs])
    assert written.headers["content-crs"] == f"<{crs}>"
    read = client.json("/collections/lamps/items/lamp-1")
    assert read["geometry"]["coordinates"] == pytest.approx(JIAOZHOU[CRS84], abs=1e-6)


@pytest.mark.parametrize("path", ["items", "items/lamp-3", "items?f=html", "items?f=csv"])
def test_every_answer_names_its_system(client, path):
    assert client.get(f"/collections/lamps/{path}").headers["content-crs"] == f"<{CRS84}>"


@pytest.mark.parametrize(
    ("crs", "box"),
    [
        (CRS84, "119.9995,36.1,120.0025,36.3"),
        (EPSG + "4326", "36.1,119.9995,36.3,120.0025"),
        (EPSG + "4490", "36.1,119.9995,36.3,120.0025"),
        (EPSG + "4549", "4000000,499900,4020000,500230"),
        (EPSG + "3857", "13358280,4313000,13358620,4341000"),
    ],
)
def test_a_box_may_be_given_in_every_system(client, crs, box):
    page = client.json("/collections/lamps/items", params={"bbox": box, "bbox-crs": crs})
    assert [feature["id"] for feature in page["features"]] == ["lamp-0", "lamp-1", "lamp-2"]


def test_swapped_axes_are_not_forgiven(client):
    page = client.json("/collections/lamps/items", params={"bbox": "36.1,119.9995,36.3,120.0025"})
    assert page["features"] == []


@pytest.mark.parametrize("parameter", ["crs", "bbox-crs", "filter-crs"])
@pytest.mark.parametrize("value", [EPSG + "4214", EPSG + "999999", "mars", ""])
def test_a_system_that_is_not_offered_is_refused(client, parameter, value):
    problem = client.problem("GET", "/collections/lamps/items", 400, params={parameter: value})
    assert problem["code"] == "unknown-crs"
    assert EPSG + "4549" in problem["limit"]


def test_a_box_in_metres_cannot_be_inside_out(client):
    parameters = {"bbox": "4000000,500230,4020000,499900", "bbox-crs": EPSG + "4549"}
    assert client.problem("GET", "/collections/lamps/items", 400, params=parameters)["code"] == "bad-bbox"


def test_the_next_page_keeps_the_system(client):
    page = client.json("/collections/lamps/items", params={"crs": EPSG + "4549", "limit": 20})
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    answer = client.get(following)
    assert answer.headers["content-crs"] == f"<{EPSG}4549>"
    assert answer.json()["features"][0]["geometry"]["coordinates"][0] > 4_000_000
