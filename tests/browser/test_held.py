"""A layer that waits for a person: grey in the tree with its reason, on no map, reviewed beside the base map, then published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import shapely

from map_page import MapPage
from server_process import ServerProcess
from small_town import LAT, LON
from twin.datums.bd09 import wgs84_to_bd09
from twin.feature import Feature, FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.standing import STANDING, State, standing
from twin.store import open_store
from twin.store.port import Author, LayerSpec

OpenMap = Callable[..., MapPage]
HOME = f"at={LON},{LAT},14"
SCHEMA = Schema(GeometryType.POINT, (Property("name", PropertyType.STRING),))
BELIEF = {
    "verdict": "suspicious",
    "hypothesis": "bd-09",
    "text": {"zh": "像是把 BD-09 当作 CGCS2000", "en": "looks like BD-09 read as CGCS2000"},
    "confidence": 0.97,
    "share": 0.96,
    "counted": 25,
    "unit": "features",
    "correction": "BD-09",
    "compared_with": ["streets"],
}


def true_places() -> list[shapely.Point]:
    return [shapely.Point(LON + column * 0.002, LAT + row * 0.002) for column in range(5) for row in range(5)]


def store_with_held_stops(path: Path) -> None:
    """Bus stops as they come out of a web map: BD-09 numbers, taken for CGCS2000."""
    places = true_places()
    shifted = shapely.points(*wgs84_to_bd09([place.x for place in places], [place.y for place in places]))
    stops = [Feature(str(number), place, {"name": f"站{number}"}) for number, place in enumerate(shifted)]
    document = {
        "id": "stops",
        "title": {"zh": "公交站", "en": "Bus stops"},
        "department": "transport",
        "department_title": {"zh": "交通运输", "en": "Transport"},
        "owner": "Test bureau",
        "crs": "EPSG:4490",
        "style": {"kind": "circle", "color": "#1f5b82", "radius_px": 8, "min_zoom": 5},
        STANDING: standing(State.HELD, datetime.now(UTC), BELIEF),
    }
    store = open_store(path)
    try:
        with store.write("stops", Author("web map"), create=LayerSpec("stops", SCHEMA, document)) as writer:
            writer.upsert(FeatureBatch.of(SCHEMA, stops))
    finally:
        store.close()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[ServerProcess]:
    store_with_held_stops(tmp_path / "onemap.gpkg")
    server = ServerProcess(tmp_path)
    yield server
    server.stop()


def test_a_held_layer_is_reviewed_beside_the_map_and_published_corrected(
    open_map: OpenMap, held: ServerProcess
) -> None:
    shown = open_map(HOME, server=held)
    row = shown.page.locator("[data-held=stops]")
    assert "待核" in row.inner_text()
    assert row.locator("input").count() == 0
    assert shown.layer_ids == []
    shown.page.click("[data-focus=more-stops]")
    assert "像是把 BD-09 当作 CGCS2000" in row.inner_text()
    shown.page.click("#language")
    assert "looks like BD-09" in row.inner_text()
    shown.page.click("#language")

    shown.page.click("[data-review=stops]")
    shown.until("() => window.onemap.map.overlays.has('corrected')")
    first = "(side) => window.onemap.map.overlays.get(side).features[0].geometry.coordinates"
    assert shown.evaluate(first, "corrected") == pytest.approx([LON, LAT], abs=1e-5)
    east = shown.evaluate(first, "delivered")[0] - LON
    assert 0.008 < east < 0.02  # BD-09 lies about a kilometre off
    assert "25 个要素中的 96%" in shown.page.inner_text("#card")
    shown.page.uncheck("#side-delivered")
    assert "onemap-delivered" not in shown.layer_ids
    assert "onemap-corrected" in shown.layer_ids

    shown.page.click("#decide-correct")
    shown.page.click(".ask .primary")
    assert shown.page.is_visible(".ask")  # a decision needs a reason
    shown.page.fill("#ask-why", "与底图道路一致")
    shown.page.click(".ask .primary")
    shown.page.wait_for_selector("#show-stops")
    shown.wait("ready")
    assert shown.layer_ids == ["stops"]
    items = httpx.get(f"{held.url}/collections/stops/items?limit=30", timeout=60, trust_env=False).json()["features"]
    found = sorted(feature["geometry"]["coordinates"] for feature in items)
    assert found == [pytest.approx(place) for place in sorted([p.x, p.y] for p in true_places())]


def test_a_cancelled_decision_changes_nothing(open_map: OpenMap, held: ServerProcess) -> None:
    shown = open_map(HOME, server=held)
    shown.page.click("[data-focus=more-stops]")
    shown.page.click("[data-review=stops]")
    shown.page.click("#decide-reject")
    shown.page.keyboard.press("Escape")
    shown.page.wait_for_selector(".ask", state="detached")
    assert shown.page.is_visible("#decide-reject")  # the card is still there
    shown.page.keyboard.press("Escape")
    shown.wait("noCard")
    assert not any(name.startswith("onemap-") for name in shown.layer_ids)
    layers = httpx.get(f"{held.url}/layers", timeout=60, trust_env=False).json()["layers"]
    assert [layer["state"] for layer in layers] == ["held"]
