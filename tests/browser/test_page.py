"""The page as a reader uses it: looking, clicking, typing, sharing."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from map_page import MapPage
from server_process import ServerProcess
from small_town import LAT, LON

OpenMap = Callable[..., MapPage]
HOME = f"at={LON},{LAT},14.5"


def test_the_page_draws_every_layer_and_asks_nobody_but_its_server(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    assert shown.layer_ids == ["streets/casing", "streets", "blocks", "places", "lamps"]
    assert shown.evaluate("() => window.onemap.counters.tiles.features") >= 100
    assert shown.outside_requests == []
    assert shown.complaints == []


def test_the_page_forbids_itself_anything_from_outside(town_server: ServerProcess) -> None:
    policy = httpx.get(f"{town_server.url}/view", trust_env=False).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy


def test_layers_of_the_base_map_share_one_request_for_each_tile(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    tiles = [urlsplit(url).path for url in shown.requests if "/tiles/" in url]
    assert len(tiles) == len(set(tiles))
    joined = {path.split("/")[2] for path in tiles}
    assert joined == {"blocks,places,streets", "lamps"}


def test_switching_a_layer_off_and_on_changes_what_is_drawn(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    with_lamps = shown.picture()
    shown.page.uncheck("#show-lamps")
    shown.wait("ready")
    assert "lamps" not in shown.layer_ids
    without_lamps = shown.picture()
    assert shown.different_pixels(with_lamps, without_lamps) > 500
    shown.page.check("#show-lamps")
    shown.wait("ready")
    assert shown.different_pixels(with_lamps, shown.picture()) < 50


def test_a_layer_that_begins_switched_off_can_be_switched_on(open_map: OpenMap) -> None:
    shown = open_map(f"at={LON},{LAT - 0.006},15&layers=blocks")
    before = shown.picture()
    shown.page.check("#show-zones")
    shown.wait("ready")
    assert shown.different_pixels(before, shown.picture()) > 5_000


def test_a_department_is_switched_as_a_whole(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.page.uncheck("[data-group=basemap]")
    shown.wait("ready")
    assert shown.layer_ids == ["lamps"]


def test_search_leaves_the_layers_that_match_in_either_language(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    found = "() => [...document.querySelectorAll('[data-layer]')].map((node) => node.dataset.layer)"
    for words, expected in (("lamp", ["lamps"]), ("网格", ["zones"]), ("地名", ["places"]), ("nothing", [])):
        shown.page.fill("#search", words)
        assert shown.evaluate(found) == expected, words
    assert shown.page.inner_text(".tree-empty") == "没有符合的图层"


def test_opacity_reaches_the_drawing_and_the_address(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.page.click("[data-focus=more-lamps]")
    shown.page.fill("[data-focus=opacity-lamps]", "40")
    shown.wait("ready")
    drawn = "() => window.onemap.map.layers.find((layer) => layer.id === 'lamps').props.opacity"
    assert shown.evaluate(drawn) == pytest.approx(0.4)
    shown.page.wait_for_url("**opacity=lamps:0.4**")


def test_the_legend_speaks_the_schemas_words(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.page.click("[data-focus=more-lamps]")
    assert shown.page.inner_text("[data-layer=lamps] .legend").split() == ["状态", "正常", "故障", "其他"]
    shown.page.click("#language")
    assert shown.page.inner_text("[data-layer=lamps] .legend").split() == ["Status", "Working", "Faulty", "other"]


def test_a_click_shows_titles_units_and_unknown_as_unknown(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.click_map(LON + 0.001, LAT + 0.0052)  # lamp/11: status is missing
    shown.wait("card")
    shown.page.wait_for_selector("#card dd:has-text('71 W')")
    rows = dict(
        shown.evaluate(
            "() => [...document.querySelectorAll('#card dt')].map((dt) => [dt.innerText, dt.nextElementSibling.innerText])"
        )
    )
    assert rows["状态"] == "未知"
    assert rows["功率"] == "71 W"
    assert rows["启用日期"] == "未知"
    assert rows["要素编号"] == "lamp/11"
    assert rows["责任单位"] == "Test bureau"
    shown.page.click("#language")
    assert "Faulty" not in shown.page.inner_text("#card")
    assert "unknown" in shown.page.inner_text("#card")
    shown.page.keyboard.press("Escape")
    shown.wait("noCard")


def test_a_coded_value_is_shown_by_its_title(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.click_map(LON, LAT + 0.0052)  # lamp/10: fault
    shown.wait("card")
    assert "故障" in shown.page.inner_text("#card")
    assert shown.complaints == []


def test_themes_and_languages_change_by_a_click_and_stay(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    light = shown.picture()
    shown.page.click("#theme")
    shown.page.wait_for_selector("html[data-theme=dark]")
    shown.wait("ready")
    shown.page.wait_for_url("**theme=dark**")
    assert shown.different_pixels(light, shown.picture()) > 100_000
    shown.page.click("#language")
    assert shown.page.inner_text("#title") == "Jiaozhou · One Map"
    assert shown.page.get_attribute("html", "lang") == "en"
    shown.page.wait_for_url("**lang=en**")


def test_a_shared_address_brings_the_whole_view_back(open_map: OpenMap) -> None:
    query = f"at={LON + 0.001},{LAT},15.5,40,30&layers=blocks,lamps&opacity=blocks:0.5&view=3d&feature=lamps/lamp/10"
    shown = open_map(query)
    shown.wait("card")
    state = shown.evaluate(
        "() => ({camera: window.onemap.view.camera, visible: [...window.onemap.view.visible], threeD: window.onemap.view.threeD,"
        " opacity: window.onemap.view.opacity.get('blocks'), selected: window.onemap.view.selected})"
    )
    assert state["visible"] == ["blocks", "lamps"]
    assert state["opacity"] == 0.5
    assert state["threeD"] is True
    assert state["selected"] == {"layer": "lamps", "id": "lamp/10"}
    camera = {"lon": LON + 0.001, "lat": LAT, "zoom": 15.5, "pitch": 40, "bearing": 30}
    assert state["camera"] == pytest.approx(camera)
    shown.page.click("#share")
    written = parse_qs(urlsplit(shown.page.url).query)
    assert written["layers"] == ["blocks,lamps"]
    assert written["opacity"] == ["blocks:0.5"]
    assert written["view"] == ["3d"]
    assert written["feature"] == ["lamps/lamp/10"]
    assert [float(number) for number in written["at"][0].split(",")] == pytest.approx(
        [LON + 0.001, LAT, 15.5, 40, 30], abs=1e-6
    )


def test_buildings_stand_up_in_the_3d_view(open_map: OpenMap) -> None:
    shown = open_map(f"at={LON},{LAT},16,50,0&view=3d")
    blocks = "() => { const p = window.onemap.map.layers.find((l) => l.id === 'blocks').props;"
    assert shown.evaluate(blocks + " return [p.extruded, p.getElevation({properties: {height_m: 12}})]; }") == [
        True,
        12,
    ]
    assert shown.layer_ids.index("blocks") > shown.layer_ids.index("streets")
    assert shown.layer_ids[-1] == "lamps"


def test_names_do_not_overlap_and_the_important_one_stays(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.wait("labels")
    names = "() => window.onemap.labels()"
    assert "阜安街道" in shown.evaluate(names)
    assert "遮挡村" not in shown.evaluate(names)
    assert any(name.endswith("路") for name in shown.evaluate(names))
    shown.page.click("#language")
    shown.until("""() => window.onemap.labels().includes("Fu'an")""")


def test_home_zoom_and_north_move_the_camera(open_map: OpenMap) -> None:
    shown = open_map(f"at={LON + 0.1},{LAT},13,45,60")
    shown.page.emulate_media(reduced_motion="reduce")
    camera = "() => window.onemap.view.camera"
    shown.page.click("#north")
    assert (shown.evaluate(camera)["bearing"], shown.evaluate(camera)["pitch"]) == (0, 0)
    shown.page.click("#zoom-in")
    assert shown.evaluate(camera)["zoom"] == 14
    shown.page.click("#home")
    assert shown.evaluate(camera)["lon"] == pytest.approx(LON)


def test_zoom_to_a_layer_shows_all_of_it(open_map: OpenMap) -> None:
    shown = open_map(f"at={LON + 1},{LAT},9")
    shown.page.emulate_media(reduced_motion="reduce")
    shown.page.click("[data-focus=more-zones]")
    shown.page.click("[data-zoom=zones]")
    shown.wait("ready")
    assert "zones" in shown.layer_ids
    x, y = shown.screen_position(LON, LAT - 0.006)
    assert 340 < x < 960
    assert 0 < y < 600
    assert shown.evaluate("() => window.onemap.view.camera.zoom") > 14


def test_the_cursor_is_read_in_degrees_and_metres(open_map: OpenMap) -> None:
    shown = open_map("at=120.0335,36.2645,14", width=1200)
    shown.page.mouse.move(*shown.screen_position(120.0335, 36.2645))
    shown.page.wait_for_selector("#plane:has-text('E 50')")
    east, north = (float(part[1:]) for part in shown.page.inner_text("#plane").split("  "))
    assert east == pytest.approx(503010.37, abs=10)
    assert north == pytest.approx(4014892.50, abs=10)
    assert shown.page.inner_text("#scale-text").endswith((" m", " km"))


def test_the_page_works_by_keyboard(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.page.keyboard.press("/")
    assert shown.evaluate("() => document.activeElement.id") == "search"
    shown.page.focus("#show-lamps")
    shown.page.keyboard.press("Space")
    shown.wait("ready")
    assert "lamps" not in shown.layer_ids
    assert shown.evaluate("() => document.activeElement.id") == "show-lamps"
    nameless = "() => [...document.querySelectorAll('button, input')].filter((n) => !n.getAttribute('aria-label') && !n.innerText && !n.labels?.length).length"
    assert shown.evaluate(nameless) == 0


def test_an_embedded_map_has_no_panels(open_map: OpenMap, town_server: ServerProcess) -> None:
    shown = open_map(f"{HOME}&embed=1&layers=lamps")
    assert not shown.page.is_visible("#panel")
    assert not shown.page.is_visible("#share")
    assert shown.page.is_visible("#zoom-in")
    policy = httpx.get(f"{town_server.url}/view?embed=1", trust_env=False).headers["content-security-policy"]
    assert "frame-ancestors 'self' http://127.0.0.1:*" in policy


def test_a_narrow_window_begins_with_the_map(open_map: OpenMap) -> None:
    shown = open_map(HOME, width=420, height=760)
    assert not shown.page.is_visible("#tree")
    shown.page.click("#panel-open")
    shown.page.wait_for_selector("#tree", state="visible")
    assert shown.complaints == []


def test_a_layer_that_cannot_be_read_is_said_in_words(open_map: OpenMap) -> None:
    shown = open_map(HOME)
    shown.page.route("**/tiles/zones/**", lambda route: route.fulfill(status=404, body='{"detail":"gone"}'))
    shown.page.check("#show-zones")
    shown.wait("toast")
    assert "网格" in shown.page.inner_text(".toast")
    assert "gone" in shown.page.inner_text(".toast")


def test_a_place_without_data_is_an_empty_map_and_no_error(open_map: OpenMap) -> None:
    shown = open_map("at=-30,10,12")
    assert shown.state == "ready"
    assert shown.complaints == []
