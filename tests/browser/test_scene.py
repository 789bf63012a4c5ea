"""Buildings of a scene on the page: drawn, picked by the same ids as tiles of the same layer, painted by the layer's style."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest

from box_town import SCHEMA, SOUTH, WEST
from map_page import MapPage
from scenes3d.frames import Frame
from scenes3d.glb.reading import read_model
from server_process import ServerProcess

EAST_M, NORTH_M = 330.0, 330.0
AT = f"at={WEST + EAST_M / 89_900:.6f},{SOUTH + NORTH_M / 110_970:.6f},16.4"


@pytest.fixture
def open_scene(open_map: Callable[..., MapPage], scene_server: ServerProcess) -> Callable[[str], MapPage]:
    def start(query: str) -> MapPage:
        shown = open_map(f"{query}&layers=houses", server=scene_server)
        shown.until(
            "() => { const layer = window.onemap.map.layers.find(({ id }) => id === 'houses' || id === 'houses/scene');"
            " return layer && layer.isLoaded && window.onemap.state === 'ready'; }"
        )
        return shown

    return start


def picked(shown: MapPage, x: float, y: float) -> dict[str, Any] | None:
    """What the page finds at a pixel: layer, id, attributes."""
    script = """([x, y]) => {
      const info = window.onemap.map.deck.pickObject({ x, y, radius: 0, layerIds: ["houses", "houses/scene"] });
      return info?.object && { id: info.object.properties._id ?? info.object.id, properties: info.object.properties };
    }"""
    found: dict[str, Any] | None = shown.evaluate(script, [x, y])
    return found


def at_the_middle(shown: MapPage) -> dict[str, Any]:
    """The building in the middle of the map."""
    found = picked(shown, 480, 300)
    assert found is not None
    return found


def test_the_same_pixel_gives_the_same_building_in_tiles_and_in_the_scene(open_scene: Callable[[str], MapPage]) -> None:
    flat, raised = open_scene(AT), open_scene(AT + "&view=3d")
    raised.evaluate("() => window.onemap.map.go({ pitch: 0 }, 0)")
    raised.wait("ready")
    names = "() => window.onemap.map.layers.map((layer) => layer.constructor.layerName)"
    assert flat.evaluate(names) == ["MVTLayer"]
    assert raised.evaluate(names) == ["MVTLayer", "SceneLayer"]
    agreed = 0
    for east in range(120, 541, 60):
        for north in range(180, 481, 60):
            # Seen from straight above, roofs stand on their outlines; the courtyard's middle is empty in both.
            x, y = flat.screen_position(WEST + (east + 30) / 89_900, SOUTH + (north + 30) / 110_970)
            low, high = picked(flat, x, y), picked(raised, x, y)
            if low is None or high is None:
                continue
            assert low["id"] == high["id"]
            assert {key: value for key, value in high["properties"].items() if value is not None} == {
                key: value for key, value in low["properties"].items() if key in SCHEMA.names
            }
            agreed += 1
    assert agreed > 20
    assert raised.outside_requests == []
    assert raised.complaints == []


def test_the_scene_comes_and_goes_with_the_switch(open_scene: Callable[[str], MapPage]) -> None:
    shown = open_scene(f"at={WEST + 390 / 89_900:.6f},{SOUTH + 450 / 110_970:.6f},18")
    below = at_the_middle(shown)["id"]
    names = "window.onemap.map.layers.map(({ id }) => id).join()"
    middle = 'window.onemap.map.deck.pickObject({ x: 480, y: 300, radius: 0, layerIds: ["houses", "houses/scene"] })'
    for layers in ("houses/afar,houses/scene", "houses"):
        shown.page.click("text=3D")
        shown.until(f"() => {names} === '{layers}' && window.onemap.state === 'ready' && {middle}")
    assert at_the_middle(shown)["id"] == below
    # The flat map listens to no scene: the browser counts the stream that is let go as failed.
    assert [line for line in shown.complaints if not line.endswith("/changes")] == []


def test_a_click_on_a_wall_opens_the_card_of_the_building(open_scene: Callable[[str], MapPage]) -> None:
    shown = open_scene(AT + ",50,0&view=3d")
    x, y = shown.screen_position(WEST + EAST_M / 89_900, SOUTH + NORTH_M / 110_970)
    found = picked(shown, x, y)
    assert found is not None
    shown.page.mouse.click(x, y)
    shown.wait("card")
    shown.wait("selected")
    assert shown.evaluate("() => window.onemap.view.selected") == {"layer": "houses", "id": found["id"]}
    assert str(found["properties"]["name"]) in shown.page.inner_text("#card")


def test_an_edit_is_seen_and_the_past_beside_it(open_scene: Callable[[str], MapPage]) -> None:
    address = f"{WEST + 390 / 89_900:.6f},{SOUTH + 450 / 110_970:.6f}"
    shown = open_scene(f"at={address},18,30,0&view=3d")
    was = at_the_middle(shown)
    before = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = httpx.patch(
        f"{shown.server_url}/collections/houses/items/{was['id']}",
        json={"properties": {"height": 77.0, "floors": 25}},
        headers={"Content-Type": "application/merge-patch+json"},
        trust_env=False,
    )
    assert answer.status_code in (200, 204), answer.text
    # Nobody touches the page: it hears of the change.
    now = shown.until(
        """() => {
          const info = window.onemap.map.deck.pickObject({ x: 480, y: 300, radius: 0, layerIds: ["houses", "houses/scene"] });
          return info?.object?.properties.height === 77 && info.object;
        }"""
    )
    assert now["id"] == was["id"]
    assert at_the_middle(open_scene(f"at={address},18,30,0&view=3d&as_of={before}")) == was


def test_the_page_s_decoder_agrees_with_ours(browser_context: Any, scene_server: ServerProcess) -> None:
    page = MapPage(browser_context, scene_server.url, 300, 200)
    page.page.goto(f"{scene_server.url}/health")
    root = httpx.get(f"{scene_server.url}/scenes/houses/tileset.json", trust_env=False).json()["root"]
    data = httpx.get(f"{scene_server.url}/scenes/houses/{root['content']['uri']}", trust_env=False).content
    script = """async ([bytes, matrix]) => {
      const { readGlb } = await import("/view/static/glb.js");
      const { geodetic } = await import("/view/static/geodesy.js");
      const { parts: [model], tables: [table] } = readGlb(new Uint8Array(bytes).buffer);
      const at = (k, p) => matrix[k] * p[0] - matrix[4 + k] * p[2] + matrix[8 + k] * p[1] + matrix[12 + k];
      const places = [];
      for (let i = 0; i < model.featureIds.length; i += 40) {
        const p = model.positions.slice(3 * i, 3 * i + 3);
        places.push(geodetic(at(0, p), at(1, p), at(2, p)));
      }
      return { places, ids: [...model.featureIds], indices: [...model.indices],
               features: Array.from({ length: table.count }, (_, row) => table.feature(row)) };
    }"""
    theirs = page.evaluate(script, [list(data), root["transform"]])
    page.close()
    ours = read_model(data)
    (primitive,) = ours.primitives
    assert theirs["ids"] == primitive.feature_ids.tolist()
    assert theirs["indices"] == primitive.indices.tolist()
    assert [feature["id"] for feature in theirs["features"]] == ours.table["id"]
    assert [feature["properties"]["height"] for feature in theirs["features"]] == ours.table["height"]
    matrix = np.array(root["transform"]).reshape(4, 4).T
    points = primitive.positions[::40] @ matrix[:3, :3].T + matrix[:3, 3]
    lon, lat, height = np.array(theirs["places"]).T
    frame = Frame(float(lon[0]), float(lat[0]))
    assert np.abs(frame.place(lon, lat, height) - frame.local(points)).max() < 1e-4
