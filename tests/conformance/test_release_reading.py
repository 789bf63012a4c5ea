"""A release is read as it was, in items, single features, exports and tiles, whatever is edited afterwards. Both stores agree."""

from __future__ import annotations

import mapbox_vector_tile
import morecantile
import pytest
import shapely

from base_map_town import base_map_manifests
from layers.policy import Actor
from layers.registry import Registry
from twin.feature import Feature
from twin.store.port import Author

SURVEY = Author("王工", "survey")
RELEASED = "as_of=release:2026.11"


@pytest.fixture
def store(either_store):
    """Districts, roads and buildings beside the lamps."""
    registry = Registry(either_store)
    for manifest in base_map_manifests()[:3]:
        registry.register(manifest, Actor("survey"))
    return either_store


@pytest.fixture
def released(client, store):
    """The client of a server where the base map was released, and every road then widened away, moved or removed."""
    answer = client.request("POST", "/basemap/releases", json={"name": "2026.11", "max_errors": 1})
    assert answer.status_code == 201, answer.text
    with store.write("roads", SURVEY) as writer:
        writer.delete("R2")
        writer.replace(Feature("R1", shapely.LineString([(120.0046, 36.30), (120.0076, 36.30)]), {"name": "新路"}))
        writer.insert(Feature("R3", shapely.LineString([(120.0046, 36.31), (120.0076, 36.31)]), {"name": "三路"}))
    with store.write("lamps", SURVEY) as writer:
        writer.clear()
    return client


def names(document):
    return {feature["id"]: feature["properties"]["name"] for feature in document["features"]}


def test_items_of_a_release_are_those_that_were_released(released):
    assert names(released.json("/collections/roads/items")) == {"R1": "新路", "R3": "三路"}
    then = released.json(f"/collections/roads/items?{RELEASED}")
    assert names(then) == {"R1": "路1", "R2": "路2"}
    place = next(feature for feature in then["features"] if feature["id"] == "R1")["geometry"]["coordinates"]
    assert place[0] == pytest.approx([120.0046, 36.2798])
    assert names(released.json(f"/collections/roads/items?{RELEASED}&filter=name='路2'")) == {"R2": "路2"}
    assert names(released.json(f"/collections/roads/items?{RELEASED}&bbox=120,36.295,120.1,36.32")) == {}
    assert released.json(f"/collections/roads/items/R2?{RELEASED}")["properties"]["name"] == "路2"
    assert released.problem("GET", f"/collections/roads/items/R3?{RELEASED}", 404)["code"] == "unknown-feature"


def test_the_links_of_a_release_lead_to_what_was_released(released):
    document = released.json("/basemap/releases/2026.11")
    link = next(link["href"] for link in document["links"] if "/roads/items" in link["href"])
    answer = released.get(link)
    assert names(answer.json()) == {"R1": "路1", "R2": "路2"}
    pinned = next(layer for layer in document["layers"] if layer["id"] == "roads")
    assert answer.headers["onemap-as-of-version"] == str(pinned["version"])


def test_tiles_of_a_release_show_what_was_released(released):
    place = morecantile.tms.get("WebMercatorQuad").tile(120.006, 36.2798, 14)
    address = f"/tiles/roads,buildings/14/{place.x}/{place.y}.mvt"
    now = mapbox_vector_tile.decode(released.get(address).content)
    then = released.get(f"{address}?{RELEASED}")
    drawn = mapbox_vector_tile.decode(then.content)
    assert "roads" not in now
    assert {feature["properties"]["name"] for feature in drawn["roads"]["features"]} == {"路1", "路2"}
    assert len(drawn["buildings"]["features"]) == len(now["buildings"]["features"]) == 1
    again = released.get(f"{address}?{RELEASED}", headers={"If-None-Match": then.headers["etag"]})
    assert again.status_code == 304


def test_the_tile_of_the_whole_data_set_shows_the_layers_of_the_release_and_no_others(released):
    place = morecantile.tms.get("WebMercatorQuad").tile(120.006, 36.2798, 14)
    address = f"/tiles/WebMercatorQuad/14/{place.y}/{place.x}?{RELEASED}"
    answer = released.get(address)
    assert answer.status_code == 200, answer.text
    drawn = mapbox_vector_tile.decode(answer.content)
    assert {feature["properties"]["name"] for feature in drawn["roads"]["features"]} == {"路1", "路2"}
    assert set(drawn) <= {"buildings", "districts", "roads"}
    assert released.problem("GET", f"{address}&collections=lamps", 400)["value"] == "lamps"


def test_a_layer_that_is_not_pinned_is_refused_by_name(released):
    problem = released.problem("GET", f"/collections/lamps/items?{RELEASED}", 400)
    assert (problem["code"], problem["value"]) == ("bad-moment", "lamps")
    told = str(problem)
    assert not [layer for layer in ("buildings", "districts", "roads") if layer in told], "some may be hidden"


def test_exports_of_a_release_hold_what_was_released(released):
    text = released.get(f"/collections/roads/items?{RELEASED}&f=csv").text
    assert "路2" in text
    assert "三路" not in text


def test_a_release_that_is_not_there_is_named(released):
    for address in ("/collections/roads/items", "/collections/roads/items/R1", "/tiles/roads/14/13653/6417.mvt"):
        problem = released.problem("GET", f"{address}?as_of=release:1999", 404)
        assert (problem["code"], problem["value"]) == ("unknown-release", "1999")
