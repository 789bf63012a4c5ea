"""Scenes of every kind on the page: a cloud, a city model, a mesh with a photograph and a foreign tileset, on the flat map and on the relief."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

import scene_deliveries as street
from map_page import MapPage
from server_process import ServerProcess

SCENES = ("old-cloud", "cloud", "hall", "mesh", "towers")
_PLACES = (street.OLD_CLOUD_M, street.CLOUD_M, street.MODEL_M, street.MESH_M, street.TILESET_M)
MIDDLES = dict(zip(SCENES, _PLACES, strict=True))


def at(east_m: float) -> str:
    """The street from a place of it, all scenes shown."""
    lon, lat = street.place(east_m)
    return f"at={lon},{lat},17.6,45,0&view=3d&layers={','.join(SCENES)}"


AT = f"{at(0.0)}&embed=1"
COLOURS = {
    "cloud": (210, 50, 50),
    "old-cloud": (210, 50, 50),
    "hall": (196, 110, 82),
    "mesh": (150, 60, 200),
    "towers": (39, 89, 231),
}
_STANDING = """() => Object.fromEntries(window.onemap.map.layers.filter(({ id }) => id.endsWith("/scene")).map((layer) => {
  const { standing, tileset3d } = layer.state;
  const tiles = tileset3d.selectedTiles.filter(({ content }) => content?.drawn);
  const heights = tiles.flatMap(({ content }) => [...content.drawn.surfaces, content.drawn.points].filter(Boolean)
    .flatMap(({ offsets }) => [...offsets].filter((_, i) => i % 3 === 2)));
  return [layer.id.split("/")[0], { shift: standing.shift, offset: standing.offset, tiles: tiles.length,
    low: Math.min(...heights) + standing.shift, high: Math.max(...heights) + standing.shift, bytes: tileset3d.gpuMemoryUsageInBytes }];
}))"""


@pytest.fixture
def open_street(open_map: Callable[..., MapPage], scene_server: ServerProcess) -> Callable[[str], MapPage]:
    """A function that opens the street and waits until all of it is drawn, in its finest."""

    def start(query: str) -> MapPage:
        shown = open_map(query, server=scene_server)
        shown.until(
            "() => window.onemap.state === 'ready' && window.onemap.map.layers.every(({ id, state }) => !id.endsWith('/scene')"
            " || state.problem || state.tileset3d?.selectedTiles.some(({ content }) => content?.drawn))"
        )
        shown.wait("ready")
        return shown

    return start


def roof(shown: MapPage, scene: str, height_m: float = street.ROOF_M) -> tuple[float, float]:
    """Where the middle of a roof is on the screen."""
    place = [*street.place(MIDDLES[scene]), height_m]
    x, y, _ = shown.evaluate("(place) => window.onemap.map.viewport().project(place)", place)
    return x, y


def colours(shown: MapPage, *places: tuple[float, float]) -> list[np.ndarray]:
    """The colours of what is drawn at these places of the screen, each the middle one of a few pixels."""
    screen = np.asarray(Image.open(io.BytesIO(shown.page.screenshot())).convert("RGB"))
    found = [screen[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].reshape(-1, 3) for x, y in places]
    return [np.median(pixels, axis=0) for pixels in found]


def picked(shown: MapPage, scene: str, x: float, y: float) -> dict[str, Any]:
    script = """([x, y, id]) => {
      const { object } = window.onemap.map.deck.pickObject({ x, y, radius: 1, layerIds: [id] }) ?? {};
      return object && { id: object.id, properties: object.properties, point: object.point };
    }"""
    found: dict[str, Any] = shown.evaluate(script, [x, y, f"{scene}/scene"])
    return found


def test_every_kind_is_drawn_on_the_flat_map_and_picked(open_street: Callable[[str], MapPage]) -> None:
    shown = open_street(AT)
    drawn = [name for name in shown.layer_ids if name.endswith("/scene")]
    assert sorted(drawn) == sorted(f"{scene}/scene" for scene in SCENES)
    # Roofs have their colours, a little darker as the light of the map falls.
    for scene, colour in zip(SCENES, colours(shown, *(roof(shown, scene) for scene in SCENES)), strict=True):
        assert np.abs(colour - COLOURS[scene]).max() < 24, scene
    standing = shown.evaluate(_STANDING)
    for scene in ("hall", "mesh", "towers"):
        assert (standing[scene]["low"], standing[scene]["high"]) == pytest.approx((0, street.ROOF_M), abs=0.05), scene
    # A cloud is lowered in one piece, by the height at which it meets the ground; it keeps the slope of 1.2 m.
    assert standing["cloud"]["shift"] == pytest.approx(-street.ground(street.CLOUD_M), abs=0.7)
    assert standing["towers"]["tiles"] == 1  # the fine one alone: it replaces the coarse one
    assert all(told["bytes"] > 0 for told in standing.values())

    hall = picked(shown, "hall", *roof(shown, "hall"))
    assert (hall["id"], hall["properties"]) == ("hall", {"kind": "Building", "name": "镇政府", "floors": 3})
    tower = picked(shown, "towers", *roof(shown, "towers"))
    assert (tower["id"], tower["properties"]) == ("fine", {"storeys": 4})
    point = picked(shown, "cloud", *roof(shown, "cloud"))["point"]
    assert point["height"] == pytest.approx(street.ground(street.CLOUD_M) + street.ROOF_M, abs=0.3)
    assert (point["class"], point["intensity"]) == (6, 900)
    assert shown.complaints == []
    assert shown.outside_requests == []


def test_on_the_relief_everything_meets_the_ground(open_street: Callable[[str], MapPage]) -> None:
    shown = open_street(f"{AT}&relief=1")
    shown.until("() => window.onemap.map.ground > 90")
    shown.wait("ready")
    level = float(shown.evaluate("() => window.onemap.map.ground"))
    standing = shown.evaluate(_STANDING)
    # The same datum as the terrain: true heights.
    assert standing["cloud"]["offset"] == 0
    assert standing["cloud"]["shift"] == pytest.approx(-level, abs=0.01)
    for scene in ("hall", "mesh", "towers"):
        foot = street.ground(MIDDLES[scene]) - level
        assert standing[scene]["low"] == pytest.approx(foot, abs=0.35), scene
        assert standing[scene]["high"] == pytest.approx(foot + street.ROOF_M, abs=0.35), scene
    assert standing["mesh"]["offset"] == pytest.approx(street.ground(street.MESH_M), abs=0.35)
    roofs = [roof(shown, scene, street.ground(MIDDLES[scene]) - level + street.ROOF_M) for scene in SCENES]
    for scene, colour in zip(SCENES, colours(shown, *roofs), strict=True):
        assert np.abs(colour - COLOURS[scene]).max() < 24, scene
    assert shown.complaints == []


def test_the_tree_says_what_a_scene_is_and_how_it_is_drawn(open_street: Callable[[str], MapPage]) -> None:
    shown = open_street(at(street.CLOUD_M).replace(",".join(SCENES), "cloud"))
    row = shown.page.locator("[data-layer=cloud]")
    row.locator(".more").click()
    said = row.inner_text()
    for words in ("点云", "城市级", "2024年5月1日", "0.1 m", "1985国家高程基准"):
        assert words in said
    (before,) = colours(shown, roof(shown, "cloud"))
    row.locator("[data-focus=look-scene-cloud]").select_option("height")
    shown.wait("ready")
    assert "≥ 1" in row.inner_text()  # heights of a hundred metres and more
    (after,) = colours(shown, roof(shown, "cloud"))
    assert np.abs(before - after).max() > 60
    shown.until("() => location.search.includes('scenes=cloud:height:2')")
    # A point has a card of its own.
    shown.page.mouse.click(*roof(shown, "cloud"))
    shown.wait("card")
    assert "建筑" in shown.page.inner_text("#card")
    shown.page.click("#language")
    assert "Point cloud" in row.inner_text()


def test_a_day_before_the_delivery_shows_none_of_it_and_the_page_says_so(
    open_map: Callable[..., MapPage], scene_server: ServerProcess
) -> None:
    shown = open_map(f"{AT.replace(','.join(SCENES), 'hall')}&as_of=2020-01-01", server=scene_server)
    shown.wait("toast")
    shown.wait("ready")
    assert "hall" in shown.page.inner_text(".toast")
