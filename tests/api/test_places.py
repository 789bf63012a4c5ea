"""`/places` and `/places/at` over HTTP: shapes, both languages, bad input, and that nothing leaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import shapely
from fastapi import FastAPI

from api.app import create_app
from api.place_parts import close_place_index
from api.settings import Settings
from app_client import AppClient
from coded_town import with_codes
from layers.policy import Action, Actor, OpenPolicy
from layers.registry import Registry
from places_town import AUTHOR
from small_town import LAT, LON, small_town_manifests
from twin.errors import PolicyError
from twin.feature import Feature
from twin.store import open_store
from twin.store.port import Store


class _Discreet(OpenPolicy):
    """Only the clerk may see the streets."""

    def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
        if layer_id == "streets" and actor.name != "clerk":
            raise PolicyError("not for you", value=layer_id)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("places") / "twin.gpkg")
    registry = Registry(opened)
    for manifest in small_town_manifests():
        registry.register(manifest, Actor("tester"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(store: Store) -> Iterator[FastAPI]:
    made = create_app(Settings(), store)
    yield made
    close_place_index(made)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> AppClient:
    return AppClient(app)


@pytest.fixture(autouse=True)
def _up_to_date(app: FastAPI) -> None:
    settle(app)


def settle(app: FastAPI) -> None:
    """Wait for the index, however busy the machine is."""
    AppClient(app).get("/places?q=a")
    assert not app.state.place_index.refresh(60).is_stale


def test_a_search_is_a_feature_collection_with_everything_about_each_place(client: AppClient) -> None:
    answer = client.get("/places", params={"q": "阜安", "near": f"{LON},{LAT}"})

    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert (body["type"], body["stale"], body["numberReturned"]) == ("FeatureCollection", False, 1)
    (found,) = body["features"]
    assert found["geometry"] == {
        "type": "Point",
        "coordinates": [pytest.approx(LON + 0.001), pytest.approx(LAT + 0.001)],
    }
    told = found["properties"]
    assert told["title"] == "阜安街道"
    assert told["name"] == {"zh": "阜安街道", "en": "Fu'an", "pinyin": "fù ān jiē dào"}
    assert told["matched"] == {"how": "exact", "text": "阜安街道", "highlight": [[0, 2]]}
    assert told["distance_m"] == pytest.approx(142.9, abs=1)
    assert (told["layer"], told["feature"], told["line"]) == ("places", "1", "胶州市")
    assert client.get(told["href"]).json()["properties"]["name"] == "阜安街道"


def test_titles_come_in_the_language_asked_for(client: AppClient) -> None:
    (found,) = client.json("/places?q=fuan&lang=en&limit=1")["features"]

    assert (found["properties"]["title"], found["properties"]["line"]) == ("Fu'an", "Jiaozhou")
    assert set(found["properties"]["kind_title"]) == {"zh", "en"}


def test_a_search_unchanged_since_is_not_sent_again(client: AppClient, store: Store) -> None:
    first = client.get("/places?q=fuan")
    assert client.get("/places?q=fuan", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert client.get("/places?q=fua", headers={"If-None-Match": first.headers["etag"]}).status_code == 200

    with store.write("places", AUTHOR) as writer:
        writer.delete("2")
    assert client.get("/places?q=fuan", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_a_page_for_people_shows_the_matched_part(client: AppClient) -> None:
    text = client.get("/places?q=fuan&f=html").text

    assert "<mark>Fu&#39;an</mark>" in text
    assert "阜安街道" in text
    assert "<form" in client.get("/places?f=html").text
    assert "&lt;script&gt;" in client.get("/places", params={"q": "<script>阜安", "f": "html"}).text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "bad-place-query"),
        ("q=", "bad-place-query"),
        ("q=%20%20", "bad-place-query"),
        ("q=%F0%9F%98%80", "bad-place-query"),
        ("q=%22%2A%28", "bad-place-query"),
        ("q=" + "a" * 10_000, "bad-place-query"),
        ("q=a&near=1", "bad-bbox"),
        ("q=a&near=181,0", "bad-bbox"),
        ("q=a&near=0,91", "bad-bbox"),
        ("q=a&near=nan,0", "bad-bbox"),
        ("q=a&near=1e400,0", "bad-bbox"),
        ("q=a&bbox=1,2,3", "bad-bbox"),
        ("q=a&limit=0", "bad-limit"),
        ("q=a&lang=fr", "bad-parameter"),
        ("q=a&kind=%2A", "bad-parameter"),
        ("q=a&datetime=yesterday", "bad-datetime"),
        ("q=a&as_of=2024-01-01/2024-02-01", "bad-moment"),
        ("q=a&as_of=v3", "bad-parameter"),
        ("q=a&as_of=2999-01-01", "bad-moment"),
        ("q=a&query=b", "unknown-parameter"),
        ("q=a&q=b", "bad-parameter"),
    ],
)
def test_bad_searches_are_refused_with_a_remedy(client: AppClient, query: str, code: str) -> None:
    problem = client.problem("GET", f"/places?{query}", 400)

    assert problem["code"] == code
    assert problem["remedy"]


@pytest.mark.parametrize(
    "text", ["%ED%A0%80阜安", "阜安\x00", "阜安 AND NEAR(x y)", '"阜安" OR *', "terms:阜安", "阜安'--", "阜安😀"]
)
def test_no_text_breaks_the_search(client: AppClient, text: str) -> None:
    answer = client.get("/places", params={"q": text}) if "%" not in text else client.get(f"/places?q={text}")

    assert answer.status_code == 200
    assert answer.json()["type"] == "FeatureCollection"


def test_a_box_outside_of_the_city_finds_nothing(client: AppClient) -> None:
    assert client.json("/places?q=fuan&bbox=0,0,1,1")["features"] == []
    assert len(client.json("/places?q=fuan&bbox=100,30,130,40")["features"]) == 1
    assert client.json("/places?q=fuan&bbox=170,-10,-170,10")["features"] == []


def test_old_names_as_of_an_instant(app: FastAPI, client: AppClient, store: Store) -> None:
    before = store.changesets("streets")[0].at
    street = store.get("streets", "3")
    street.properties["name"] = "改名大道"
    with store.write("streets", AUTHOR) as writer:
        writer.replace(street)
    settle(app)

    formerly = client.json("/places", params={"q": "测试3路"})["features"][0]["properties"]
    assert (formerly["title"], formerly["formerly"]) == ("改名大道", "测试3路")
    then = client.json("/places", params={"q": "测试3路", "as_of": before.isoformat()})["features"][0]["properties"]
    assert (then["title"], then["formerly"]) == ("测试3路", "")
    assert client.json("/places", params={"q": "改名大道", "as_of": before.isoformat()})["features"] == []
    assert client.json("/places", params={"q": "测试3路", "as_of": "1999-01-01"})["features"] == []


def test_layers_that_one_may_not_read_never_answer(store: Store) -> None:
    app = create_app(Settings(), store, _Discreet())
    settle(app)
    client = AppClient(app)
    found = client.json("/places", params={"q": "测试5路"}, headers={"X-OneMap-Actor": "clerk"})

    assert found["features"][0]["properties"]["layer"] == "streets"
    assert client.json("/places", params={"q": "测试5路"})["features"] == []
    assert client.json(f"/places/at?lon={LON}&lat={LAT}")["properties"]["road"] is None
    close_place_index(app)


def test_a_point_tells_what_lies_there(client: AppClient) -> None:
    told = client.json(f"/places/at?lon={LON + 0.001}&lat={LAT + 0.001}")

    assert told["geometry"]["coordinates"] == [LON + 0.001, LAT + 0.001]
    assert told["properties"]["inside"] is True
    assert told["properties"]["city"] == {"zh": "胶州市", "en": "Jiaozhou", "code": "370281"}
    assert {"town", "community", "cell", "road", "address", "poi"} <= set(told["properties"])


def test_a_point_outside_of_the_city_is_told_so(client: AppClient) -> None:
    told = client.json("/places/at?lon=121.47&lat=31.23")["properties"]

    assert told["inside"] is False
    assert "胶州" in told["message"]["zh"]
    assert "Jiaozhou" in told["message"]["en"]
    assert told["road"] is None
    assert "outside" in client.get("/places/at?lon=121.47&lat=31.23&f=html").text


@pytest.mark.parametrize(
    "query", ["", "lon=120", "lon=120&lat=north", "lon=181&lat=0", "lon=0&lat=-91", "lon=nan&lat=inf", "lon=1_0&lat=2"]
)
def test_no_point_is_refused(client: AppClient, query: str) -> None:
    assert client.problem("GET", f"/places/at?{query}", 400)["code"] == "bad-bbox"


def test_inside_the_city_goes_by_its_boundary_where_a_layer_draws_it(tmp_path: Path) -> None:
    opened = with_codes(open_store(tmp_path / "twin.gpkg"))
    far = Feature("far", shapely.Point(119.7, 36.1), {"code": None, "name": "阜安远亭"})
    with opened.write("facilities", AUTHOR) as writer:
        writer.insert(far)
    app = create_app(Settings(), opened)
    client = AppClient(app)
    settle(app)
    within = client.json("/places/at?lon=119.955&lat=36.255")["properties"]
    assert (within["inside"], within["inside_by"]) == (True, "boundary")
    beside = client.json("/places/at?lon=119.7&lat=36.1")["properties"]
    assert (beside["inside"], beside["inside_by"]) == (False, "boundary"), "in the city's box, but not in the city"
    found = client.json("/places", params={"q": "阜安"})
    assert found["boundedBy"] == "boundary"
    assert {place["properties"]["title"] for place in found["features"]} == {"阜安街道"}

    opened.drop_layer("districts")
    settle(app)
    found = client.json("/places", params={"q": "阜安"})
    assert (found["boundedBy"], found["features"][0]["properties"]["title"]) == ("box", "阜安远亭")
    assert client.json("/places/at?lon=119.7&lat=36.1")["properties"]["inside_by"] == "box"
    close_place_index(app)
    opened.close()
