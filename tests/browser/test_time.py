"""A road edited three times, read at each date on the page: on the map, in its card, in its address."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from map_page import MapPage
from server_process import ServerProcess
from small_town import LAT, LON, small_town_manifests

OpenMap = Callable[..., MapPage]
STATES = (("老街", 0.0), ("改名街", 0.003), ("新街", 0.006))  # name, degrees north of the centre
AT = f"at={LON},{LAT + 0.003},15&layers=lanes"
ARRIVED = """() => { const { map, view } = window.onemap;
  return document.body.classList.contains("dated") && map.templates[0].props.data.includes(encodeURIComponent(view.moment.asOf)); }"""
HOLDS = ("2010-01-01T00:00:00Z", "2015-01-01T00:00:00Z")


@dataclass(frozen=True)
class EditedTown:
    """A server with a lane that was written three times, and one that held from 2010 to 2015.

    Attributes:
        instants: A moment after each writing, oldest first.
    """

    server: ServerProcess
    instants: tuple[str, ...]


def feature(feature_id: str, name: str, north: float, **more: Any) -> dict[str, Any]:
    coordinates = [[LON - 0.004, LAT + north], [LON + 0.004, LAT + north]]
    geometry = {"type": "LineString", "coordinates": coordinates}
    return {"type": "Feature", "id": feature_id, "geometry": geometry, "properties": {"name": name}, **more}


def lanes_manifest() -> dict[str, Any]:
    style = {"kind": "line", "color": "#c0392b", "width_px": 6, "label": {"property": "name", "min_zoom": 13}}
    schema = [{"name": "name", "type": "string", "title": {"zh": "名称", "en": "Name"}}]
    changed = {"id": "lanes", "title": {"zh": "小巷", "en": "Lanes"}, "schema": schema, "style": style}
    more = {"search": {"name": "name", "role": "road"}, "source": {"type": "upload"}}
    return {**small_town_manifests()[1], **changed, **more, "department": "municipal-works"}


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EditedTown]:
    server = ServerProcess(tmp_path_factory.mktemp("edited"))
    items = f"{server.url}/collections/lanes/items"
    sent = {"headers": {"Content-Type": "application/geo+json"}, "timeout": 60, "trust_env": False}
    try:
        manifest = httpx.post(f"{server.url}/layers", json=lanes_manifest(), timeout=60, trust_env=False)
        assert manifest.status_code == httpx.codes.CREATED, manifest.text
        instants = []
        for number, (name, north) in enumerate(STATES):
            headers = sent["headers"] | {"X-OneMap-Actor": quote("王工"), "X-OneMap-Reason": quote(f"第{number + 1}次")}
            method, url = ("POST", items) if number == 0 else ("PUT", f"{items}/L1")
            answer = httpx.request(method, url, json=feature("L1", name, north), **{**sent, "headers": headers})
            assert answer.is_success, answer.text
            instants.append(datetime.now(UTC).isoformat().replace("+00:00", "Z"))
            time.sleep(0.02)  # clocks of databases tick in milliseconds
        held = feature("L2", "旧年街", 0.0075, time={"interval": list(HOLDS)})
        answer = httpx.post(items, json=held, **sent)
        assert answer.is_success, answer.text
        yield EditedTown(server, tuple(instants))
    finally:
        server.stop()


# A layer that was just made has no tileset yet: it shows no name.
NAMES = """() => window.onemap.map.layers.filter((layer) => layer.id === "lanes").flatMap((layer) =>
  (layer.state?.tileset?.selectedTiles ?? []).flatMap((tile) => tile.content?.lines?.properties ?? [])).map((p) => p.name)"""


def names_drawn(shown: MapPage) -> set[str]:
    """Names in the tiles on the screen."""
    shown.wait("ready")
    return set(shown.evaluate(NAMES))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_road_is_read_at_each_date(open_map: OpenMap, edited: EditedTown, number: int) -> None:
    name, north = STATES[number]
    shown = open_map(f"{AT}&as_of={quote(edited.instants[number])}", server=edited.server)
    assert names_drawn(shown) == {name}
    assert shown.page.is_visible("#time-now")
    assert "非最新" in shown.page.inner_text("#time-chip")
    shown.click_map(LON, LAT + north)
    shown.page.wait_for_selector(f"#card h2:has-text('{name}')")
    assert shown.page.inner_text("#card dd >> nth=0") == name
    tiles = [parse_qs(urlsplit(url).query) for url in shown.requests if "/tiles/" in url]
    assert {tile["as_of"][0] for tile in tiles} == {edited.instants[number]}
    shown.page.wait_for_url("**as_of=**feature=lanes/L1**")
    assert shown.complaints == []


def test_dates_are_stepped_through_and_each_looks_different(open_map: OpenMap, edited: EditedTown) -> None:
    shown = open_map(AT, server=edited.server)
    now = shown.picture()
    assert names_drawn(shown) == {"新街", "旧年街"}
    shown.page.click("#time-chip")
    shown.page.wait_for_selector(".tick")
    for expected in ({"新街"}, {"改名街"}, {"老街"}):
        shown.page.click("[data-focus=change-previousChange]")
        shown.until(ARRIVED)
        assert names_drawn(shown) == expected
    assert "王工" in shown.page.inner_text(".strip-words")
    shown.page.click("#time-chip")
    oldest = shown.picture()
    assert shown.different_pixels(now, oldest) > 2000
    asked = len([url for url in shown.requests if "/tiles/" in url])
    shown.page.click("#time-now")
    shown.until("() => !window.onemap.map.templates[0].props.data.includes('as_of=')")
    assert names_drawn(shown) == {"新街", "旧年街"}
    assert len([url for url in shown.requests if "/tiles/" in url]) == asked  # kept by the page under keys of their own
    shown.until("() => !location.search.includes('as_of')")
    assert shown.complaints == []


def test_the_world_of_a_day_shows_what_held_then(open_map: OpenMap, edited: EditedTown) -> None:
    shown = open_map(AT, server=edited.server)
    shown.page.click("#time-chip")
    shown.page.fill("#time-world", "2012-06-01")
    shown.until("() => window.onemap.map.templates[0].props.data.includes('datetime=2012-06-01')")
    assert "旧年街" in names_drawn(shown)
    assert "2012年6月1日 的状态" in shown.page.inner_text("#time-chip")
    shown.page.fill("#time-world", "2020-06-01")
    shown.until("() => window.onemap.map.templates[0].props.data.includes('datetime=2020-06-01')")
    assert "旧年街" not in names_drawn(shown)
    shown.page.wait_for_url("**datetime=2020-06-01**")
    shown.page.click("#language")
    assert "The world on 1 Jun 2020" in shown.page.inner_text("#time-chip")


def test_a_feature_that_did_not_exist_yet_says_so(open_map: OpenMap, edited: EditedTown) -> None:
    shown = open_map(f"{AT}&feature=lanes/L2&as_of={quote(edited.instants[0])}", server=edited.server)
    shown.wait("card")
    shown.page.wait_for_selector("#card .soft:has-text('该时间没有这个要素')")
    assert shown.evaluate("() => window.onemap.map.selection") is None
    shown.page.click("#time-now")
    shown.page.wait_for_selector("#card h2:has-text('旧年街')")
    assert "2010年1月1日 – 2015年1月1日" in shown.page.inner_text("#card")


def test_an_old_state_lies_beside_the_present_one_with_its_difference(open_map: OpenMap, edited: EditedTown) -> None:
    shown = open_map(f"{AT}&feature=lanes/L1", server=edited.server)
    shown.wait("card")
    shown.page.click("#tab-history")
    shown.page.wait_for_selector(".versions > li")
    assert shown.page.locator(".versions > li").count() == 3
    oldest, newest = shown.page.locator(".version >> nth=2"), shown.page.locator(".version >> nth=0")
    assert "第1次" in oldest.inner_text()
    assert "王工" in oldest.inner_text()
    assert "当前" in newest.inner_text()
    oldest.click()
    ghost = shown.until("() => window.onemap.map.overlays.get('ghost')")
    assert ghost["geometry"]["coordinates"][0][1] == pytest.approx(LAT)
    assert {"onemap-ghost", "onemap-selection"} <= set(shown.layer_ids)
    shown.page.wait_for_selector(".difference ins")
    assert shown.page.inner_text(".difference del") == "老街"
    assert shown.page.inner_text(".difference ins") == "新街"
    assert "666 m" in shown.page.inner_text(".difference")  # 0.006° of latitude
    shown.page.keyboard.press("Escape")
    shown.wait("noCard")
    assert "onemap-ghost" not in shown.layer_ids


def test_what_is_here_is_asked_of_the_same_date(open_map: OpenMap, edited: EditedTown) -> None:
    shown = open_map(f"{AT}&here={LON},{LAT}&as_of={quote(edited.instants[0])}", server=edited.server)
    street = shown.page.locator("#card [data-opens='lanes/L1']")
    street.wait_for()
    assert street.inner_text() == "老街"
    street.click()
    shown.page.wait_for_selector("#card h2:has-text('老街')")
    shown.until("() => !location.search.includes('here=')")
    assert shown.complaints == []


def test_an_old_state_is_put_back_with_a_reason(open_map: OpenMap, edited: EditedTown) -> None:
    shown = open_map(f"{AT}&feature=lanes/L2", server=edited.server)
    url = f"{edited.server.url}/collections/lanes/items/L2"
    changed = feature("L2", "错名街", 0.0075, time={"interval": list(HOLDS)})
    sent = {"headers": {"Content-Type": "application/geo+json"}, "timeout": 60, "trust_env": False}
    assert httpx.put(url, json=changed, **sent).is_success
    shown.page.reload()
    shown.wait("ready")
    shown.page.click("#tab-history")
    shown.page.click(".version >> nth=1")
    shown.page.click(".version-details .chip:has-text('恢复')")
    shown.page.fill("#ask-who", "李敏")
    shown.page.fill("#ask-why", "名称录错")
    shown.page.click(".ask .primary")
    shown.page.wait_for_selector("#card h2:has-text('旧年街')")
    assert httpx.get(url, timeout=60, trust_env=False).json()["properties"]["name"] == "旧年街"
    newest = httpx.get(f"{url}/versions", timeout=60, trust_env=False).json()["versions"][0]
    assert (newest["author"], newest["reason"]) == ("李敏", "名称录错")
    shown.until(f"() => ({NAMES})().includes('旧年街') && !({NAMES})().includes('错名街')")
    assert shown.complaints == []


def test_the_tabs_of_a_card_are_walked_by_arrow_keys(open_map: OpenMap, edited: EditedTown) -> None:
    shown = open_map(f"{AT}&feature=lanes/L1", server=edited.server)
    shown.wait("card")
    shown.page.focus("#tab-values")
    shown.page.keyboard.press("ArrowRight")
    assert shown.evaluate("() => document.activeElement.id") == "tab-history"
    assert shown.page.get_attribute("#tab-history", "aria-selected") == "true"
    shown.page.keyboard.press("ArrowLeft")
    assert shown.page.get_attribute("#tab-values", "aria-selected") == "true"
