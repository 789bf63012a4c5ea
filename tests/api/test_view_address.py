"""The map in the frame of a page looks at what the page shows."""

from __future__ import annotations

from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import shapely

from lamp_layer import SCHEMA
from twin.feature import Feature
from twin.store.port import Author, LayerSpec


def frame(client, path):
    text = client.get(path, headers={"accept": "text/html"}).text
    return parse_qs(urlsplit(unescape(text.split('<iframe class="map" src="')[1].split('"')[0])).query)


def test_the_frame_holds_the_layer_over_the_base_map(client, store):
    store.create_layer(LayerSpec("roads", SCHEMA, {"department": "basemap"}), Author("x"))
    store.create_layer(LayerSpec("cameras", SCHEMA, {"department": "public-security"}), Author("x"))
    asked = frame(client, "/collections/lamps")
    assert asked["layers"] == ["roads,lamps"]
    assert asked["embed"] == ["1"]
    lon, lat, zoom = map(float, asked["at"][0].split(","))
    assert (lon, lat) == pytest.approx((120.012, 36.212))
    assert 12 < zoom < 14.5


def test_a_feature_is_picked_out_and_looked_at_from_near(client):
    asked = frame(client, "/collections/lamps/items/lamp-3")
    assert asked["feature"] == ["lamps/lamp-3"]
    assert asked["at"] == ["120.003000,36.203000,17.00"]


def test_a_page_of_features_looks_at_its_own_features(client):
    lon, lat, _ = map(float, frame(client, "/collections/lamps/items?filter=id='lamp-7'")["at"][0].split(","))
    assert (lon, lat) == pytest.approx((120.007, 36.207))


def test_without_a_place_the_map_stays_at_home(client, store):
    with store.write("lamps", Author("x")) as writer:
        writer.insert(Feature("lost", None, {"name": "?"}))
    assert "at" not in frame(client, "/collections/lamps/items/lost")
    assert "at" not in frame(client, "/collections/lamps/items?lamps=99")


def test_a_world_wide_box_is_seen_whole(client, store):
    with store.write("lamps", Author("x")) as writer:
        writer.insert(Feature("a", shapely.Point(-180, -85), {}))
        writer.insert(Feature("b", shapely.Point(180, 85), {}))
    assert float(frame(client, "/collections/lamps")["at"][0].split(",")[2]) < 1
