"""The panel for analyses: asked with the mouse and with keys, answered in numbers that are those of the API, refused in words, kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
import shapely
from shapely.geometry import shape

from analysis_town import area, at, with_street, with_terrain
from map_page import MapPage
from server_process import ServerProcess
from twin.store import open_store

OpenMap = Callable[..., MapPage]
Ask = Callable[..., dict[str, Any]]
HOME = "at=120,36.28,16.5"
IN_SIGHT = 24.0  # metres east of the street's middle: right of the panel, left of the tower
STANDS = """async () => {
  const at = () => { const { longitude, latitude, zoom } = window.onemap.map.viewport(); return [longitude, latitude, zoom].join(); };
  const before = at();
  await new Promise((resolve) => setTimeout(resolve, 200));
  return at() === before;
}"""


@pytest.fixture(scope="module")
def street_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A street with three buildings and three cameras, on terrain."""
    folder = tmp_path_factory.mktemp("street")
    with_street(open_store(folder / "onemap.gpkg")).close()
    with_terrain(folder / "terrain", folder).close()
    server = ServerProcess(folder)
    yield server
    server.stop()


@pytest.fixture
def open_street(open_map: OpenMap, street_server: ServerProcess) -> OpenMap:
    """A function that opens the page of the street."""
    return lambda query=HOME, width=960: open_map(query, server=street_server, width=width)


@pytest.fixture
def ask(street_server: ServerProcess) -> Ask:
    """A function that asks the API itself."""

    def answer(process: str, inputs: dict[str, Any], status: int = 200) -> dict[str, Any]:
        url = f"{street_server.url}/processes/{process}/execution"
        said = httpx.post(url, json={"inputs": inputs}, timeout=60, trust_env=False)
        assert said.status_code == status, said.text
        document: dict[str, Any] = said.json()
        return document

    return answer


def begin(shown: MapPage, process: str) -> None:
    shown.page.click("#side-analysis")
    shown.page.click(f"[data-process={process}]")
    shown.page.wait_for_selector("#analysis-run")


def run(shown: MapPage) -> dict[str, str]:
    """The numbers that the card shows, by their path in the answer."""
    shown.page.click("#analysis-run")
    return numbers(shown)


def numbers(shown: MapPage) -> dict[str, str]:
    shown.page.wait_for_selector("#analysis-result")
    shown.wait("ready")
    shown.until(STANDS)  # the camera glides to an answer that is not in sight
    found: dict[str, str] = shown.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('[data-value]')].map((node) => [node.dataset.value, node.innerText]))"
    )
    return found


def asked(shown: MapPage) -> dict[str, Any]:
    """The question in the address of the page."""
    shown.page.wait_for_url("**inputs=**")
    inputs: dict[str, Any] = json.loads(parse_qs(urlsplit(shown.page.url).query)["inputs"][0])
    return inputs


def square_metres(value: float) -> str:
    return f"{value:,.0f} m²" if value >= 1000 else f"{value:.4g} m²"


def test_a_viewshed_asked_by_a_click_has_the_numbers_of_the_api_and_a_link(open_street: OpenMap, ask: Ask) -> None:
    shown = open_street()
    begin(shown, "viewshed")
    shown.page.click("#in-from-point")
    shown.click_map(*at(IN_SIGHT, 5))
    shown.page.fill("#in-reach_m", "60")
    shown.page.fill("#in-from_height_m", "2")
    told = run(shown)
    assert shown.evaluate("() => document.activeElement.id") == "analysis-result"
    inputs = asked(shown)
    assert inputs["from"]["coordinates"] == pytest.approx(at(IN_SIGHT, 5), abs=2e-5)  # two pixels
    assert {**inputs, "from": None} == {"from": None, "reach_m": 60, "from_height_m": 2}
    document = ask("viewshed", inputs)
    areas = document["answer"]["values"]["areas_m2"]
    assert areas["hidden"] > 500  # behind the tower
    for name in ("visible", "hidden", "unknown"):
        assert told[f"areas_m2.{name}"].startswith(square_metres(areas[name])), name
    assert "onemap-analysis-shapes" in shown.layer_ids
    colours = shown.evaluate(
        "() => { const { data, getFillColor } = window.onemap.map.layers.find(({ id }) => id === 'onemap-analysis-shapes').props;"
        " return Object.fromEntries(data.map((f) => [f.properties.verdict, getFillColor(f).slice(0, 3).join()])); }"
    )
    # What lies inside the buildings is no ground, and drawn as nothing.
    assert colours.pop("inside-building") == "0,0,0"
    assert len(set(colours.values())) == len(document["features"]) - 1 == 2
    facts = shown.page.inner_text("#analysis-rests-on")
    for words in ("dem", "buildings", "1985国家高程基准", "5 m", document["answer"]["errors"]["statement"]["zh"]):
        assert words in facts
    shown.page.click("#language")
    assert document["answer"]["errors"]["statement"]["en"] in shown.page.inner_text("#analysis-rests-on")
    again = open_street(urlsplit(shown.page.url).query.replace("lang=en", "lang=zh"))
    assert numbers(again) == told
    assert shown.complaints == again.complaints == []
    assert shown.outside_requests == []


def test_an_area_is_drawn_corner_by_corner_and_ends_with_a_double_click(open_street: OpenMap, ask: Ask) -> None:
    shown = open_street()
    begin(shown, "camera-coverage")
    shown.page.click("#in-area-area")
    shown.click_map(*at(0, -30))
    shown.click_map(*at(70, 40))
    shown.page.wait_for_timeout(500)  # two clicks at one place within less are a double click
    shown.page.keyboard.press("Backspace")
    for corner in ((70, -30), (70, 30)):
        shown.click_map(*at(*corner))
    zoom = shown.evaluate("() => window.onemap.view.camera.zoom")
    shown.page.mouse.dblclick(*shown.screen_position(*at(0, 30)))
    assert shown.page.inner_text("[data-input=area] output").startswith("4 个角点")
    assert shown.evaluate("() => window.onemap.view.camera.zoom") == zoom
    told = run(shown)
    inputs = asked(shown)
    drawn = shape(inputs["area"])
    assert drawn.symmetric_difference(shape(area(0, -30, 70, 30))).area < 0.03 * drawn.area
    document = ask("camera-coverage", inputs)
    areas = document["answer"]["values"]["areas_m2"]
    assert areas["blind"] > 0
    assert areas["covered"] > 0
    for name in ("area", "covered", "blind", "byTwoOrMore"):
        assert told[f"areas_m2.{name}"].startswith(square_metres(areas[name])), name
    assert "east" in shown.page.inner_text(".result-rows")
    assert shown.complaints == []


def test_a_section_and_the_map_point_at_each_other(open_street: OpenMap, ask: Ask) -> None:
    inputs = {"line": {"type": "LineString", "coordinates": [at(-30, 0), at(60, 0)]}, "step_m": 2}
    shown = open_street(f"{HOME}&analysis=profile&inputs={quote(json.dumps(inputs))}")
    told = numbers(shown)
    document = ask("profile", inputs)
    assert told["length_m"] == f"{document['answer']['values']['length_m']:.4g} m"
    rows = [feature["properties"] for feature in document["features"]]
    tower = min(rows, key=lambda row: abs(row["distance_m"] - 74))
    assert tower["top_m"] == pytest.approx(40.4, abs=0.1)  # 20 m above the lowest ground under the tower
    x, y = shown.screen_position(*at(44, 1))
    shown.page.mouse.move(x - 9, y)
    shown.page.mouse.move(x, y)
    distance, ground, top = (f"{round(tower[name], 1):g} m" for name in ("distance_m", "ground_m", "top_m"))
    words = f"{distance} · 地面 {ground} · 建筑顶 {top}"
    shown.until("(words) => document.querySelector('.chart-words').innerText === words", words)
    shown.page.focus("#analysis-chart")
    shown.page.keyboard.press("Home")
    shown.page.keyboard.press("ArrowRight")
    assert shown.page.get_attribute("#analysis-chart", "aria-valuenow") == "1"
    assert f"地面 {round(rows[1]['ground_m'], 1):g} m" in shown.page.inner_text(".chart-words")
    marked = shown.evaluate(
        "() => window.onemap.map.layers.find(({ id }) => id === 'onemap-analysis-marked').props.data[0].geometry.coordinates"
    )
    assert marked == pytest.approx(document["features"][1]["geometry"]["coordinates"], abs=1e-9)


def test_what_cannot_be_asked_is_said_with_value_limit_and_remedy(open_street: OpenMap, ask: Ask) -> None:
    shown = open_street()
    keys = shown.page.keyboard
    begin(shown, "viewshed")
    shown.page.focus("#in-from-line")
    for key in ("Enter", "Space", "Enter"):
        keys.press(key)
    assert "点还不够" in shown.page.inner_text("#draw-bar")
    keys.press("Escape")
    assert not shown.page.is_visible("#draw-bar")
    assert shown.evaluate("() => document.activeElement.id") == "in-from-line"
    shown.page.click("#analysis-run")
    assert "请给出" in shown.page.inner_text("[data-input=from]")
    shown.page.focus("#in-from-point")
    keys.press("Enter")
    keys.press("Space")  # the middle of the map that no panel covers
    shown.page.fill("#in-reach_m", "30000")
    shown.page.fill("#in-cell_m", "1")
    shown.page.click("#analysis-run")
    shown.page.wait_for_selector("#analysis-problem")
    place = shown.evaluate(
        "() => window.onemap.map.layers.find(({ id }) => id === 'onemap-analysis-asked').props.data[0].geometry"
    )
    problem = ask("viewshed", {"from": place, "reach_m": 30000, "cell_m": 1}, 400)
    assert problem["detail"] in shown.page.inner_text("#analysis-problem")
    for name in ("value", "limit", "remedy"):
        assert shown.page.inner_text(f"[data-problem=problem{name.title()}]") == problem[name]
    shown.page.fill("#in-cell_m", "0")
    shown.page.click("#analysis-run")
    assert "不小于 0.1" in shown.page.inner_text("[data-input=cell_m]")
    nameless = (
        "() => [...document.querySelectorAll('#panel button, #panel input, #panel select')]"
        ".filter((n) => !n.getAttribute('aria-label') && !n.innerText && !n.labels?.length).length"
    )
    assert shown.evaluate(nameless) == 0
    assert shown.complaints == []


def test_a_long_question_is_given_up_while_it_runs(open_street: OpenMap, street_server: ServerProcess) -> None:
    inputs = {"at": area(-250, -250, 250, 250), "spacing_m": 3, "day": "2026-06-21", "step_min": 1, "cell_m": 2}
    shown = open_street()
    shown.page.goto(f"{street_server.url}/view?{HOME}&lang=zh&analysis=sunlight&inputs={quote(json.dumps(inputs))}")
    shown.page.wait_for_selector("progress")
    shown.page.wait_for_selector(".progress:has-text('计算中')")
    shown.page.click("#analysis-cancel")
    assert "已取消" in shown.page.inner_text("#analysis-problem")
    newest = shown.until(
        "async () => { const { jobs } = await (await fetch('/jobs?limit=1')).json(); return jobs[0].status === 'dismissed' && jobs[0]; }"
    )
    assert newest["processID"] == "sunlight"
    shown.page.click("#analysis-back")
    shown.page.click("#analysis-jobs")
    assert "已取消" in shown.page.inner_text(f"[data-job='{newest['jobID']}']")


def test_an_answer_is_kept_as_a_layer_and_opened_again_from_the_jobs(
    open_street: OpenMap, ask: Ask, street_server: ServerProcess
) -> None:
    inputs = {"from": at(0, 0), "to": [at(30, 0), at(70, 0), at(0, 700)]}
    shown = open_street(f"{HOME}&analysis=line-of-sight&inputs={quote(json.dumps(inputs))}")
    told = numbers(shown)
    values = ask("line-of-sight", inputs)["answer"]["values"]
    assert {name: told[name] for name in ("visible", "hidden", "unknown")} == {
        "visible": "1",
        "hidden": "1",
        "unknown": "1",
    }
    assert (values["visible"], values["hidden"], values["unknown"]) == (1, 1, 1)
    assert "tower" in shown.page.inner_text(".result-rows")
    blocked = shown.evaluate(
        "() => window.onemap.map.layers.find(({ id }) => id === 'onemap-analysis-blocked').props.data.map((f) => f.geometry.coordinates)"
    )
    assert shapely.distance(shapely.Point(blocked[0]), shapely.Point(at(40, 0))) < 1e-6  # the tower's near wall
    shown.page.click("#analysis-save")
    shown.page.fill("#keep-id", "who-hides")
    shown.page.click("#keep-go")
    shown.page.wait_for_selector(".toast")
    shown.wait("ready")
    assert "who-hides" in shown.layer_ids
    kept = httpx.get(f"{street_server.url}/collections/who-hides/items?f=json", trust_env=False).json()["features"]
    assert sorted(feature["properties"]["verdict"] for feature in kept) == ["hidden", "unknown", "visible"]
    with shown.page.expect_download() as download:
        shown.page.click("#analysis-geojson")
    saved = json.loads(download.value.path().read_text("utf-8"))
    assert saved["answer"]["values"] == values
    shown.page.click("#analysis-back")
    shown.page.click("#analysis-jobs")
    shown.page.click(".job.successful .inline-link >> nth=1")  # the newest is the one that made the layer
    assert numbers(shown) == told
    assert asked(shown) == inputs
    assert shown.complaints == []


def test_cards_ask_what_a_camera_covers_and_who_sees_a_place(open_street: OpenMap, ask: Ask) -> None:
    shown = open_street(f"{HOME}&layers=buildings,cameras", width=1200)
    shown.page.mouse.click(*shown.screen_position(*at(30, 0)), button="right")
    shown.page.click("#who-sees-this")
    told = numbers(shown)
    values = ask("who-sees", asked(shown))["answer"]["values"]
    assert (values["seenBy"], values["pointedButHidden"]) == (["east"], ["behind"])
    assert "east" in told["seenBy"]
    assert "behind" in told["pointedButHidden"]
    shown.click_map(*at(0, 0))
    shown.page.click("#what-it-covers")
    shown.page.wait_for_selector("h2:has-text('监控覆盖')")
    told = numbers(shown)
    inputs = asked(shown)
    assert shapely.contains_xy(shape(inputs["area"]), *at(79, 0))
    covered = ask("camera-coverage", inputs)["answer"]["values"]["areas_m2"]["covered"]
    assert told["areas_m2.covered"].startswith(square_metres(covered))
    assert shown.complaints == []


def test_unknown_looks_like_nothing_else_and_a_plan_is_seen_after_before_and_as_a_change(
    browser_context: Any, street_server: ServerProcess
) -> None:
    page = MapPage(browser_context, street_server.url, 300, 200)
    page.page.goto(f"{street_server.url}/health")
    script = """async (rows) => {
      const { lookOf, sidesOf } = await import("/view/static/analysis-looks.js");
      const features = rows.map((properties) => ({ properties }));
      const document = { features, answer: { process: "sunlight", values: { rule: { leastMinutes: 120 } } } };
      return [sidesOf(features), Object.fromEntries(sidesOf(features).map((side) => {
        const look = lookOf(document, side, true);
        return [side, rows.map((row) => [(look.cell ?? look.colour)(row).slice(0, 3).join(), look.at(row), (look.cell ?? look.colour)(row)[3]])];
      }))];
    }"""
    sides, looks = page.evaluate(script, [{"verdict": verdict} for verdict in ("visible", "hidden", "unknown")])
    assert sides == ["now"]
    assert len({colour for colour, *_ in looks["now"]}) == 3
    rows = [
        {"minutes": 0, "minutes_before": 480, "change_min": -480},
        {"minutes": 480, "minutes_before": 480, "change_min": 0},
        {"minutes": None, "minutes_before": None, "change_min": None},
        {
            "minutes": None,
            "inside_building": True,
            "minutes_before": 480,
            "inside_building_before": False,
            "change_min": None,
        },
    ]
    sides, looks = page.evaluate(script, rows)
    page.close()
    assert sides == ["now", "before", "change"]
    (none, long, unknown, inside) = looks["now"]
    assert len({none[0], long[0], unknown[0]}) == 3
    assert [words for _, words, _ in looks["now"]] == ["0 分", "8 小时 0 分", "未知", "建筑内部"]
    assert looks["before"] == [long, long, unknown, long]
    assert [words for _, words, _ in looks["change"]] == ["−8 小时 0 分", "0 分", "未知", "建筑内部"]
    assert len({colour for colour, *_ in looks["change"][:3]}) == 3
    # What lies inside a building is drawn as nothing.
    assert inside[2] == looks["change"][3][2] == 0 < looks["before"][3][2]
