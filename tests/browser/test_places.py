"""Finding places in the search box, and asking the map what is here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from map_page import MapPage
from small_town import LAT, LON

if TYPE_CHECKING:
    from playwright.sync_api import Route

OpenMap = Callable[..., MapPage]
HOME = f"at={LON},{LAT},14.5"
CAMERA = "() => window.onemap.view.camera"


def type_slowly(shown: MapPage, words: str) -> None:
    shown.page.fill("#search", words)
    shown.page.wait_for_selector("#places [role=option]")


def test_pinyin_typed_into_the_search_box_flies_to_the_place_and_opens_it(open_map: OpenMap) -> None:
    shown = open_map(f"at={LON + 0.2},{LAT + 0.1},11")
    shown.page.emulate_media(reduced_motion="reduce")
    type_slowly(shown, "fuanjiedao")
    first = shown.page.inner_text("#place-0")
    assert "阜安街道" in first
    assert "km" in first
    assert shown.page.inner_text("#place-0 mark") == "阜安街道"
    shown.page.keyboard.press("Enter")
    shown.wait("card")
    shown.page.wait_for_selector("#card h2:has-text('阜安街道')")
    camera = shown.evaluate(CAMERA)
    assert camera["lat"] == pytest.approx(LAT + 0.001, abs=0.003)
    assert camera["zoom"] > 15
    x, y = shown.screen_position(LON + 0.001, LAT + 0.001)
    assert 350 < x < 620
    assert 100 < y < 500
    assert shown.evaluate("() => window.onemap.view.selected") == {"layer": "places", "id": "1"}
    assert "onemap-mark-light" in shown.layer_ids
    assert shown.complaints == []


def test_initials_find_streets_and_the_keys_walk_through_them(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.page.keyboard.press("/")
    shown.page.keyboard.type("cs")
    shown.page.wait_for_selector("#places [role=option]")
    box = shown.page.locator("#search")
    assert box.get_attribute("aria-expanded") == "true"
    shown.page.keyboard.press("ArrowDown")
    shown.page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == "place-1"
    assert shown.page.get_attribute("#place-1", "aria-selected") == "true"
    shown.page.keyboard.press("ArrowUp")
    assert box.get_attribute("aria-activedescendant") == "place-0"
    shown.page.keyboard.press("Escape")
    assert box.input_value() == ""
    assert not shown.page.is_visible("#places")
    assert box.get_attribute("aria-expanded") == "false"


def test_places_stand_above_the_layers_that_match(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    type_slowly(shown, "测试")
    assert shown.page.is_visible("#places-head")
    shown.page.fill("#search", "网格")
    shown.page.wait_for_selector("[data-layer=zones]")
    assert shown.page.locator("[data-layer]").count() == 1


def test_without_a_place_service_the_box_filters_layers(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.page.route("**/places?*", lambda route: route.fulfill(status=404, body='{"detail":"none"}'))
    with shown.page.expect_response("**/places?*"):
        shown.page.fill("#search", "lamp")
    assert shown.page.locator("[data-layer]").count() == 1
    assert not shown.page.is_visible("#places")
    assert shown.page.locator(".toast").count() == 0


def test_only_the_last_words_typed_are_answered(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    held: list[Route] = []

    def answer(route: Route) -> None:
        if "q=f&" in route.request.url:
            held.append(route)  # never answered: the page gives it up
        else:
            route.continue_()

    shown.page.route("**/places?*", answer)
    shown.page.fill("#search", "f")
    shown.until("() => performance.now() > 0")
    shown.page.wait_for_timeout(300)
    type_slowly(shown, "fuan")
    assert "阜安街道" in shown.page.inner_text("#place-0")
    assert len(held) <= 1


def test_a_right_click_tells_what_is_here(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.page.mouse.click(*shown.screen_position(LON, LAT + 0.0001), button="right")
    shown.wait("card")
    shown.page.wait_for_selector("#card .code")
    card = shown.page.inner_text("#card")
    lon, lat = (float(number) for number in re.findall(r"(\d+\.\d+)°[EN]", card)[:2])
    assert (lon, lat) == pytest.approx((LON, LAT + 0.0001), abs=5e-5)  # two pixels
    assert "J51" in card
    assert "EPSG:4549" in card
    assert shown.page.inner_text("#card dt:has-text('镇街') + dd") == "无"
    shown.page.wait_for_url("**here=120.004*,36.27*")
    shown.click_map(LON, LAT + 0.0052)  # a lamp: its card takes the place of this one
    shown.page.wait_for_selector("#card h2:has-text('lamp/10')")
    shown.until("() => !location.search.includes('here=')")
    assert "onemap-mark-light" not in shown.layer_ids
    assert shown.complaints == []


def test_the_cell_of_a_code_is_drawn_and_its_text_copied(open_map: OpenMap) -> None:
    shown = open_map(f"{HOME}&here={LON},{LAT}")
    shown.page.wait_for_selector("#card .code")
    code = shown.page.locator("#card .code").first
    text = code.locator("code").inner_text()
    code.click()
    shown.until("() => window.onemap.map.overlays.get('cell')")
    cell = json.loads(shown.evaluate("() => JSON.stringify(window.onemap.map.overlays.get('cell').geometry)"))
    ring = cell["coordinates"][0]
    assert min(x for x, _ in ring) <= LON <= max(x for x, _ in ring)
    assert min(y for _, y in ring) <= LAT <= max(y for _, y in ring)
    shown.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.page.locator("#card .codes .copy").first.click()
    assert shown.until("() => navigator.clipboard.readText()") == text
    shown.page.keyboard.press("Escape")
    shown.wait("noCard")
    assert not any(name.startswith("onemap-") for name in shown.layer_ids)


def test_the_map_is_asked_by_keyboard_too(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.page.focus("#canvas canvas")
    shown.page.keyboard.press("Shift+F10")
    shown.wait("card")
    assert shown.page.inner_text("#card .kicker") == "此处有什么"
    shown.page.keyboard.press("Escape")
    shown.wait("noCard")
    shown.page.click("#what-is-here")
    shown.wait("card")
