"""OGC API Features part 1 in our own words: what a client may rely on. Source: OGC 17-069r4."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from openapi_spec_validator import validate

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
GEOJSON = "application/geo+json"


def rels(document):
    found = {}
    for link in document["links"]:
        found.setdefault(link["rel"], []).append(link)
    return found


def all_pages(client, url):
    pages = []
    while url:
        page = client.json(url, headers={"accept": GEOJSON})
        pages.append(page)
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    return pages


def ids(document):
    return [feature["id"] for feature in document["features"]]


def test_the_landing_page_leads_to_everything(client):
    found = rels(client.json("/"))
    assert found["service-desc"][0]["type"] == OPENAPI
    for rel in ("self", "alternate", "service-desc", "service-doc", "conformance", "data"):
        for link in found[rel]:
            answer = client.get(link["href"])
            assert answer.status_code == 200
            assert answer.headers["content-type"].split(";")[0] == link["type"].split(";")[0]


def test_the_api_document_is_valid_openapi_30_and_refers_to_nothing_outside(client):
    answer = client.get("/api", headers={"accept": OPENAPI})
    assert answer.headers["content-type"] == OPENAPI
    document = answer.json()
    assert document["openapi"] == "3.0.3"
    validate(document)
    assert all(ref.startswith("#/") for ref in _refs(document))
    assert "/collections/{collectionId}/items" in document["paths"]


def _refs(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refs(value)


def test_the_parameters_of_items_are_declared_as_the_standard_asks(client):
    operation = client.json("/api")["paths"]["/collections/{collectionId}/items"]["get"]
    declared = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert declared["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 10000, "default": 10}
    assert declared["bbox"]["schema"]["minItems"] == 4
    assert declared["bbox"]["schema"]["maxItems"] == 6
    assert declared["bbox"]["explode"] is False
    assert declared["datetime"]["style"] == "form"


def test_conformance_names_the_core(client):
    classes = client.json("/conformance")["conformsTo"]
    base = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
    assert {base + name for name in ("core", "geojson", "html", "oas30")} <= set(classes)
    assert len(classes) == len(set(classes))


def test_collections_say_where_their_data_are(client):
    (collection,) = client.json("/collections", headers={"accept": "application/json"})["collections"]
    assert collection["id"] == "lamps"
    assert collection["title"] == "路灯 Street lamps"
    assert collection["itemType"] == "feature"
    assert collection["extent"]["spatial"]["bbox"] == [pytest.approx([120.0, 36.2, 120.024, 36.224])]
    items = [link for link in rels(collection)["items"] if link["type"] == GEOJSON]
    assert client.json(items[0]["href"], headers={"accept": GEOJSON})["type"] == "FeatureCollection"
    assert client.json("/collections/lamps")["id"] == "lamps"


def test_a_page_says_how_many_it_returns_and_what_it_belongs_to(client):
    answer = client.get("/collections/lamps/items", headers={"accept": GEOJSON})
    assert answer.headers["content-type"] == GEOJSON
    page = answer.json()
    assert page["numberReturned"] == len(page["features"]) == 10
    assert page["numberMatched"] == 25
    assert page["timeStamp"].endswith("Z")
    assert {"self", "alternate", "next", "collection"} <= set(rels(page))
    first = page["features"][0]
    assert first["geometry"] == {"type": "Point", "coordinates": [120, 36.2]}
    assert first["properties"]["built"] is None
    assert first["properties"]["checked_at"] == "2024-05-01T08:00:00Z"


def test_pages_hold_every_feature_once(client):
    pages = all_pages(client, "/collections/lamps/items?limit=7")
    assert [page["numberReturned"] for page in pages] == [7, 7, 7, 4]
    assert [i for page in pages for i in ids(page)] == [f"lamp-{n}" for n in range(25)]


def test_a_limit_above_the_maximum_is_cut_to_it(client):
    assert client.json("/collections/lamps/items?limit=100000")["numberReturned"] == 25


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1.5", "", "١"])
def test_a_limit_that_is_no_number_from_one_up_is_refused(client, limit):
    assert client.problem("GET", f"/collections/lamps/items?limit={limit}", 400)["code"] == "bad-limit"


def test_an_unknown_number_of_matches_is_not_called_zero(client):
    page = client.json("/collections/lamps/items?bbox=120,36,121,37&limit=5")
    assert page["numberReturned"] == 5
    assert "numberMatched" not in page
    whole = client.json("/collections/lamps/items?bbox=120,36,121,37&limit=50")
    assert whole["numberMatched"] == whole["numberReturned"] == 25


@pytest.mark.parametrize("box", ["119.9995,36.1,120.0025,36.3", "119.9995,36.1,-100,120.0025,36.3,100"])
def test_a_box_of_four_or_six_numbers_selects(client, box):
    assert ids(client.json(f"/collections/lamps/items?bbox={box}")) == ["lamp-0", "lamp-1", "lamp-2"]


def test_a_box_over_the_antimeridian_selects_both_sides(client):
    assert client.json("/collections/lamps/items?bbox=119,30,-170,40")["numberReturned"] == 10
    assert client.json("/collections/lamps/items?bbox=170,30,-170,40")["features"] == []


@pytest.mark.parametrize(
    "box", ["1,2,3", "a,b,c,d", "1,2,3,4,5", "nan,1,2,3", "1,9,2,3", "1,1,9,2,2,3", "", "1,2,inf,4", "1_0,2,30,40"]
)
def test_a_box_that_makes_no_sense_is_refused(client, box):
    problem = client.problem("GET", f"/collections/lamps/items?bbox={box}", 400)
    assert problem["code"] == "bad-bbox"
    assert problem["remedy"]


@pytest.mark.parametrize(
    ("when", "first"),
    [
        ("2024-05-01T08:00:00Z", ["lamp-0"]),
        ("2024-05-01T16:00:00+08:00", ["lamp-0"]),
        ("../2024-05-02T23:00:00Z", ["lamp-0", "lamp-1"]),
        ("2024-06-04/..", ["lamp-24"]),
        ("2024-05-02", ["lamp-0", "lamp-1"]),
    ],
)
def test_datetime_selects_by_valid_time(client, when, first):
    assert ids(client.json("/collections/lamps/items", params={"datetime": when})) == first


@pytest.mark.parametrize("when", ["yesterday", "2024-13-01", "../..", "2024-05-02/2024-05-01", ""])
def test_a_datetime_that_cannot_be_read_is_refused(client, when):
    assert client.problem("GET", f"/collections/lamps/items?datetime={when}", 400)["code"] == "bad-datetime"


def test_one_feature_is_the_same_as_in_its_page(client):
    page = client.json("/collections/lamps/items?limit=1")
    answer = client.get("/collections/lamps/items/lamp-0", headers={"accept": GEOJSON})
    feature = answer.json()
    links = feature.pop("links")
    assert feature == page["features"][0]
    assert answer.headers["etag"].startswith('"1-')
    assert {"self", "alternate", "collection"} <= {link["rel"] for link in links}


@pytest.mark.parametrize(
    "path", ["/collections/none", "/collections/none/items", "/collections/lamps/items/none", "/nothing/here"]
)
def test_what_does_not_exist_is_404(client, path):
    assert client.problem("GET", path, 404)["code"] in ("unknown-layer", "unknown-feature", "not-found")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/conformance",
        "/api",
        "/collections",
        "/collections/lamps",
        "/collections/lamps/items",
        "/collections/lamps/items/lamp-0",
        "/collections/lamps/queryables",
        "/collections/lamps/sortables",
        "/collections/lamps/schema",
    ],
)
def test_an_unknown_parameter_is_refused(client, path):
    problem = client.problem("GET", path + "?unknown-thing=1", 400)
    assert problem["code"] == "unknown-parameter"
    assert problem["value"] == "unknown-thing"


def test_a_parameter_given_twice_is_refused(client):
    assert client.problem("GET", "/collections/lamps/items?limit=1&limit=2", 400)["code"] == "bad-parameter"


def test_a_representation_that_does_not_exist_is_refused(client):
    assert client.problem("GET", "/collections/lamps?f=xml", 400)["code"] == "bad-parameter"
    headers = {"accept": "application/gml+xml"}
    assert client.problem("GET", "/collections/lamps/items", 406, headers=headers)["code"] == "not-acceptable"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/conformance",
        "/collections",
        "/collections/lamps",
        "/collections/lamps/items?limit=3",
        "/collections/lamps/items/lamp-0",
        "/collections/lamps/queryables",
        "/collections/lamps/schema",
        "/docs",
    ],
)
def test_a_browser_gets_a_page(client, path):
    answer = client.get(path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<h1>" in answer.text
    assert "http://onemap.test/" in answer.text


def test_the_page_of_features_shows_titles_units_and_titles_of_codes(client):
    text = client.get("/collections/lamps/items?f=html&limit=2").text
    assert "高度" in text
    assert "[m]" in text
    assert "钠灯 Sodium" in text
    next_link = text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "token" in parse_qs(urlsplit(next_link).query)
    assert "路灯 2" in client.get(next_link).text


def test_text_in_features_cannot_become_markup(client, store):
    from dataclasses import replace

    from lamp_layer import lamp
    from twin.store.port import Author

    with store.write("lamps", Author("x")) as writer:
        writer.replace(replace(lamp(0), properties={"name": "<script>alert(1)</script>"}))
    for path in ("items?f=html", "items/lamp-0?f=html"):
        text = client.get(f"/collections/lamps/{path}").text
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_what_has_not_changed_is_not_sent_again(client):
    for path in ("/collections/lamps/items?limit=3", "/collections/lamps/items/lamp-3"):
        etag = client.get(path).headers["etag"]
        again = client.get(path, headers={"if-none-match": etag})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_head_is_get_without_its_body(client):
    head = client.request("HEAD", "/collections/lamps/items?limit=3")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == GEOJSON
