"""Hills on the page: heights as they were packed, light from the north-west, everything set on the ground, the datum in both languages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from urllib.parse import quote

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from map_page import MapPage
from server_process import ServerProcess
from small_town import LAT, LON
from tiles.terrain.rgb import pack_heights
from tiles.terrain.shelf import TerrainShelf
from twin.text import LocalText

STEP = 0.0005
SIDE = 400
SLOPE = 0.5  # metres a pixel, up towards the east
BASE = 300.0


@pytest.fixture(scope="module")
def _terrain(town_server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A plane that rises to the east, with a hill in the middle of the town, while the tests of this module run."""
    path = tmp_path_factory.mktemp("dem") / "dem.tif"
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    heights = BASE + SLOPE * x + 150 * np.exp(-((x - 200) ** 2 + (y - 200) ** 2) / 200)
    place = Affine(STEP, 0, LON - SIDE * STEP / 2, 0, -STEP, LAT + SIDE * STEP / 2)
    shape = {"height": SIDE, "width": SIDE, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:4490", transform=place, **shape) as out:
        out.write(heights.astype(np.float32), 1)
    folder = town_server.data_dir / "terrain"
    shelf = TerrainShelf(folder)
    shelf.add(path, "dem", LocalText("胶州地形", "Jiaozhou terrain"), "EPSG:5737", "")
    shelf.close()
    yield
    shutil.rmtree(folder)


def test_the_arithmetic_of_heights(browser_context: object, town_server: ServerProcess) -> None:
    page = MapPage(browser_context, town_server.url, 300, 200)  # type: ignore[arg-type]
    page.page.goto(f"{town_server.url}/health")
    x, y = np.meshgrid(np.arange(16.0), np.arange(16.0))
    plane = 100 + 3 * x - 2 * y
    pixels = np.dstack([pack_heights(plane, "mapbox"), np.full((16, 16, 1), 255, dtype=np.uint8)])
    found = page.evaluate(
        """async (pixels) => {
          const { coveringTile, heightAt, mesh, shade, unpack } = await import("/view/static/heights.js");
          const terrain = unpack(new Uint8ClampedArray(pixels), 16);
          const tilted = (east, south) => {
            const heights = Float32Array.from({ length: 256 }, (_, n) => east * (n % 16) + south * Math.floor(n / 16));
            return [...shade({ side: 16, heights }, 10).slice(4 * 120, 4 * 121)];
          };
          return {
            heights: [...terrain.heights],
            between: heightAt(terrain, 0.5, 0.25),
            beyond: heightAt(terrain, -1, 2),
            part: coveringTile({ x: 13, y: 6, z: 4 }, 2),
            level: tilted(0, 0), lit: tilted(3, 3), dark: tilted(-3, -3),
            corners: [...mesh(terrain, { left: 0, top: 0, size: 1 }, 1, 2, 50).positions].filter((_, i) => i % 3 === 2),
          };
        }""",
        pixels.ravel().tolist(),
    )
    page.close()
    assert np.allclose(np.reshape(found["heights"], (16, 16)), plane, atol=0.05)
    assert found["between"] == pytest.approx(100 + 3 * 7.5 - 2 * 3.5, abs=0.06)
    assert found["beyond"] == pytest.approx(plane[15, 0], abs=0.05)
    assert found["part"] == {"z": 2, "x": 3, "y": 1, "left": 0.25, "top": 0.5, "size": 0.25}
    assert found["level"][3] == 0  # level ground is left as it is
    assert found["lit"][0] > 200  # what faces the north-west is in the light
    assert found["dark"][0] < 60
    assert min(found["lit"][3], found["dark"][3]) > 20
    corners = np.reshape(found["corners"], (5, 5))
    assert corners[1:4, 1:4] == pytest.approx(
        np.array([[plane[0, 0], plane[0, 7:9].mean(), plane[0, 15]]] * 3)
        + np.array([0, plane[7:9, 0].mean() - plane[0, 0], plane[15, 0] - plane[0, 0]])[:, None],
        abs=0.06,
    )
    assert corners[0, 2] == pytest.approx(corners[1, 2] - 50, abs=0.01)


@pytest.mark.usefixtures("_terrain")
def test_the_town_stands_on_its_hill(open_map: Callable[..., MapPage]) -> None:
    shown = open_map(f"at={LON},{LAT},13,55,0&view=3d&relief=1&embed=1", width=640, height=480)
    shown.until("() => window.onemap.map.ground > 0")
    shown.wait("ready")
    # The camera turns round the top of the hill.
    assert shown.evaluate("() => window.onemap.map.ground") == pytest.approx(BASE + SLOPE * 200 + 150, abs=8)
    assert shown.page.inner_text("#relief-note") == "高程基准：1985国家高程基准"
    assert shown.page.get_attribute("#relief", "aria-pressed") == "true"
    # Streets have heights, and those are the ground's: 700 m farther east the plane lies some 8 m higher, the hill is over.
    highest, lowest = shown.evaluate(
        """() => {
          const layer = window.onemap.map.layers.find(({ id }) => id === "streets");
          const heights = layer.state.tileset.selectedTiles.flatMap(({ content, index }) =>
            [...content.lines.positions.value].filter((_, i) => i % 3 === 2));
          return [Math.max(...heights), Math.min(...heights)];
        }"""
    )
    assert BASE < lowest < highest < BASE + SLOPE * SIDE + 155
    assert highest - lowest > 20
    with_hills = shown.picture()
    shown.page.click("#relief")
    shown.until("() => window.onemap.map.ground === 0")
    # 10,000 of them, a few hundred more or less by where names stand; one picture drawn twice differs in 200.
    assert shown.different_pixels(with_hills, shown.picture()) > 5_000
    shown.until("() => !location.search.includes('relief')")
    assert not shown.page.is_visible("#relief-note")
    assert shown.complaints == []
    assert shown.outside_requests == []


@pytest.mark.usefixtures("_terrain")
def test_a_flat_map_is_shaded_and_tells_its_datum_in_english(open_map: Callable[..., MapPage]) -> None:
    shown = open_map(f"at={LON},{LAT},13", width=960, height=600)
    flat = shown.picture()
    shown.page.click("#relief")
    shown.until("() => location.search.includes('relief=1')")
    shown.until("() => window.onemap.map.relief.tiles.size > 0")
    assert shown.different_pixels(flat, shown.picture()) > 2_000
    assert shown.evaluate("() => window.onemap.map.ground") == 0
    shown.page.click("#language")
    assert shown.page.inner_text("#relief-note") == "Heights: Yellow Sea 1985 height"
    assert shown.page.get_attribute("#relief", "aria-label") == "Relief"
    assert shown.complaints == []


@pytest.mark.usefixtures("_terrain")
def test_answers_of_analyses_lie_on_the_hill(open_map: Callable[..., MapPage]) -> None:
    view = f"at={LON},{LAT},13.2,55,0&relief=1&embed=1"
    cell = 20 * STEP  # far enough from the top to be more than 100 m lower
    asked = {
        "viewshed": {"from": [LON, LAT], "reach_m": 1500, "from_height_m": 30, "cell_m": 30, "buildings": "none"},
        "line-of-sight": {"from": [LON, LAT], "from_height_m": 30, "to": [[LON + cell, LAT]], "buildings": "none"},
    }

    def shown(process: str, more: str) -> MapPage:
        return open_map(
            f"{view}&{more}&analysis={process}&inputs={quote(json.dumps(asked[process]))}", width=640, height=480
        )

    seen = shown("viewshed", "view=3d")
    seen.until(
        "() => window.onemap.map.ground > 0 && window.onemap.map.layers.some(({ id }) => id === 'onemap-analysis-fills')"
    )
    places = np.array(
        seen.evaluate(
            "() => window.onemap.map.layers.find(({ id }) => id === 'onemap-analysis-fills').props.data"
            ".flatMap(({ geometry }) => geometry.coordinates.flat())"
        )
    )
    x, y = (places[:, 0] - LON) / STEP + SIDE / 2 - 0.5, (LAT - places[:, 1]) / STEP + SIDE / 2 - 0.5
    ground = BASE + SLOPE * x + 150 * np.exp(-((x - 200) ** 2 + (y - 200) ** 2) / 200)
    assert np.ptp(ground) > 120
    assert np.median(np.abs(places[:, 2] - ground)) < 3
    # The camera looks at the top: a surface that hides what lies lower would hide nearly all of the answer.
    with_answer = seen.picture()
    seen.evaluate(
        "() => { const { map } = window.onemap;"
        " map.deck.setProps({ layers: map.layers.filter(({ id }) => id !== 'onemap-analysis-fills') }); map.deck.redraw('test'); }"
    )
    seen.page.wait_for_timeout(300)
    assert seen.different_pixels(with_answer, seen.picture()) > 30_000
    line = "() => window.onemap.map.layers.find(({ id }) => id === 'onemap-analysis-shapes')?.props.data[0]"
    sight = shown("line-of-sight", "view=3d")
    feature = sight.until(f"() => ({line})()?.geometry.coordinates[0].length === 3 && ({line})()")
    heights = [feature["properties"][f"{end}_elevation_m"] for end in ("from", "to")]
    assert [place[2] for place in feature["geometry"]["coordinates"]] == pytest.approx(heights, abs=0.01)
    assert heights[0] - heights[1] > 100
    flat = shown("line-of-sight", "view=2d")
    assert len(flat.until(line)["geometry"]["coordinates"][0]) == 2
    assert seen.complaints == sight.complaints == flat.complaints == []
