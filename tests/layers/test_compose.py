"""A view is made of known parts, holds no address of the outside, and says what the styles say."""

from __future__ import annotations

import copy
from typing import Any

import pydeck
import pytest

from layers.compose import Camera, ViewMoment, ViewOptions, compose_deck, deck_spec
from layers.viewing.checks import CONSTANTS, FUNCTIONS, TYPES, check_spec
from layers.viewing.paint import density_color, rgba
from layers.viewing.record import LayerRecord, read_records
from processes import CHECKOUT
from twin.errors import BadManifestError

Json = dict[str, Any]


def entry(layer_id: str, style: Json | None, **more: Any) -> Json:
    return {"id": layer_id, "title": {"zh": layer_id, "en": layer_id}, "department": "d", "style": style} | more


ROADS = entry(
    "roads",
    {
        "kind": "line",
        "color": "#ffffff",
        "outline": "#888888",
        "outline_px": 1,
        "width_by": {"property": "kind", "values": {"motorway": 4}, "default": 1},
        "label": {"property": "name"},
    },
    department="basemap",
    order=40,
    version=3,
)
BLOCKS = entry(
    "blocks",
    {
        "kind": "fill",
        "color": "#cccccc",
        "color_dark": "#333333",
        "min_zoom": 13,
        "extrude": {"property": "height_m", "scale": 2},
    },
    department="basemap",
    order=20,
)
CAMERAS = entry(
    "cameras",
    {
        "kind": "circle",
        "icon": "camera",
        "color_by": {
            "property": "status",
            "values": {"on": "#00ff00"},
            "values_dark": {"on": "#88ff88"},
            "default": "#999999",
        },
    },
    order=150,
    visible=False,
)


def spec_of(*entries: Json, **options: Any) -> Json:
    return deck_spec(compose_deck(read_records(entries), ViewOptions(**options)))


def layer_of(spec: Json, layer_id: str) -> Json:
    found: Json = next(layer for layer in spec["layers"] if layer["id"] == layer_id)
    return found


def test_a_view_is_a_pydeck_deck_in_drawing_order() -> None:
    records = read_records([CAMERAS, ROADS, BLOCKS])
    deck = compose_deck(records)
    assert isinstance(deck, pydeck.Deck)
    assert [layer["id"] for layer in deck_spec(deck)["layers"]] == ["blocks", "roads/casing", "roads", "cameras"]


def test_a_line_and_its_casing_ask_for_the_same_tiles() -> None:
    spec = spec_of(ROADS)
    assert layer_of(spec, "roads")["fetch"] == layer_of(spec, "roads/casing")["fetch"]
    assert layer_of(spec, "roads")["data"] == "/tiles/roads/{z}/{x}/{y}.mvt"
    assert layer_of(spec, "roads")["fetch"]["version"] == "3"
    assert layer_of(spec, "roads/casing")["getLineWidth"]["extra"] == 2


def test_layers_are_visible_as_their_manifest_says_or_as_the_reader_chose() -> None:
    assert not layer_of(spec_of(CAMERAS), "cameras")["visible"]
    chosen = spec_of(CAMERAS, ROADS, layers=frozenset({"cameras"}))
    assert layer_of(chosen, "cameras")["visible"]
    assert not layer_of(chosen, "roads")["visible"]


def test_the_dark_theme_takes_dark_colours_and_light_ones_where_there_are_none() -> None:
    light, dark = spec_of(CAMERAS, BLOCKS), spec_of(CAMERAS, BLOCKS, theme="dark")
    assert layer_of(light, "cameras")["getFillColor"]["values"] == [["on", [0, 255, 0, 255]]]
    assert layer_of(dark, "cameras")["getFillColor"]["values"] == [["on", [136, 255, 136, 255]]]
    assert layer_of(dark, "cameras")["getFillColor"]["fallback"] == [153, 153, 153, 255]
    assert layer_of(dark, "blocks")["getFillColor"]["fallback"] == [51, 51, 51, 255]
    triggers = [layer_of(spec, "blocks")["updateTriggers"]["getFillColor"] for spec in (light, dark)]
    assert triggers[0] != triggers[1]


def test_in_3d_buildings_stand_above_the_streets_and_below_the_devices() -> None:
    spec = spec_of(ROADS, BLOCKS, CAMERAS, three_d=True)
    assert [layer["id"] for layer in spec["layers"]] == ["roads/casing", "roads", "blocks", "cameras"]
    blocks = layer_of(spec, "blocks")
    assert blocks["extruded"] is True
    assert blocks["getElevation"] == {"@@function": "height", "property": "height_m", "scale": 2}
    assert "extruded" not in layer_of(spec_of(BLOCKS), "blocks")


def test_a_layer_with_a_scene_is_drawn_from_it_in_3d_and_from_its_tiles_far_off() -> None:
    built = entry("blocks", BLOCKS["style"], scene={"version": 7})
    kinds = [(layer["@@type"], layer["id"]) for layer in spec_of(built, three_d=True)["layers"]]
    assert kinds == [("MVTLayer", "blocks/afar"), ("SceneLayer", "blocks/scene")]
    afar, scene = spec_of(built, three_d=True, theme="dark")["layers"]
    assert afar["visibleMaxZoom"] == 13
    assert "extruded" not in afar
    assert scene["data"] == "/scenes/blocks/tileset.json#v7-dark"
    assert scene["getFillColor"]["@@function"] == "color"
    then = spec_of(built, three_d=True, moment=ViewMoment(as_of="2024-05-01T08:00:00+08:00"))
    assert then["layers"][1]["data"].startswith("/scenes/blocks/tileset.json?as_of=2024-05-01T08%3A00%3A00%2B08%3A00#")
    held = spec_of(built, three_d=True, moment=ViewMoment(datetime="2024-05-01", as_of="v9"))["layers"]
    assert held[1]["data"] == "/scenes/blocks/tileset.json?datetime=2024-05-01&as_of=v9#v7-light"
    assert [layer["@@type"] for layer in spec_of(built)["layers"]] == ["MVTLayer"]  # in 2D the tiles are drawn


def test_what_was_delivered_stands_for_its_outlines_in_3d() -> None:
    told = {"version": 3, "kind": "points", "vertical_datum": "EPSG:5737", "terrain": ""}
    cloud = entry("cloud", {"kind": "fill", "color": "#808080"}, scene=told)
    assert [layer["@@type"] for layer in spec_of(cloud)["layers"]] == ["MVTLayer"]
    outlines, scene = spec_of(cloud, three_d=True)["layers"]
    assert (outlines["id"], outlines["visibleMaxZoom"]) == ("cloud/afar", 13)
    assert scene["scene"] == {"kind": "points", "datum": "EPSG:5737", "from": ""}
    # It stands on the streets, whatever the order of its layer.
    above = [layer["id"] for layer in spec_of(cloud, ROADS, CAMERAS, three_d=True)["layers"]]
    assert above == ["roads/casing", "roads", "cloud/afar", "cloud/scene", "cameras"]


def test_the_camera_and_opacity_are_the_readers() -> None:
    spec = spec_of(ROADS, camera=Camera(119.9, 36.1, 14.5, 40, -20), opacity={"roads": 0.25})
    state = spec["initialViewState"]
    assert (state["longitude"], state["latitude"], state["zoom"]) == (119.9, 36.1, 14.5)
    assert (state["pitch"], state["bearing"]) == (40, -20)
    assert layer_of(spec, "roads")["opacity"] == 0.25


def test_a_view_of_another_date_asks_for_the_tiles_of_that_date() -> None:
    moment = ViewMoment(datetime="2024-05-01", as_of="2024-06-01T08:00:00+08:00")
    layer = layer_of(spec_of(ROADS, moment=moment), "roads")
    query = "datetime=2024-05-01&as_of=2024-06-01T08%3A00%3A00%2B08%3A00"
    assert layer["data"] == f"/tiles/roads/{{z}}/{{x}}/{{y}}.mvt?{query}"
    assert layer["fetch"]["moment"] == query
    now = layer_of(spec_of(ROADS), "roads")
    assert now["data"].endswith(".mvt")
    assert "moment" not in now["fetch"]


def test_base_map_layers_wait_for_their_zoom_and_others_show_density() -> None:
    assert layer_of(spec_of(BLOCKS), "blocks")["minZoom"] == 13
    department = copy.deepcopy(BLOCKS) | {"department": "planning"}
    assert "minZoom" not in layer_of(spec_of(department), "blocks")


def test_a_layer_without_a_style_is_drawn_all_the_same() -> None:
    spec = spec_of(entry("wells", None, geometry_type="Point"))
    assert layer_of(spec, "wells")["getPointRadius"] == 4.5


def test_a_layer_of_points_lines_and_areas_is_seen_through_and_in_its_colour() -> None:
    style = {"kind": "circle", "color": "#c0392b", "outline": "#ffffff", "outline_px": 1}
    mixed = layer_of(spec_of(entry("findings", style, geometry_type="Geometry")), "findings")
    assert mixed["getFillColor"]["fallback"] == [192, 57, 43, 76]
    assert mixed["getLineColor"]["fallback"] == [192, 57, 43, 255]
    assert mixed["getLineWidth"] == 2
    points = layer_of(spec_of(entry("wells", style, geometry_type="Point")), "wells")
    assert points["getLineColor"]["fallback"] == [255, 255, 255, 255]


def test_values_that_look_like_the_views_own_words_are_left_out() -> None:
    tricky = copy.deepcopy(CAMERAS)
    tricky["style"]["color_by"]["values"] = {"@@type": "#ff0000", "@@=alert(1)": "#ff0000", "on": "#00ff00"}
    spec = spec_of(tricky)
    assert layer_of(spec, "cameras")["getFillColor"]["values"] == [["on", [0, 255, 0, 255]]]


@pytest.mark.parametrize(
    "bad",
    [
        {"layers": [{"@@type": "ScriptLayer"}]},
        {"layers": [{"@@type": "MVTLayer", "getFillColor": {"@@function": "eval"}}]},
        {"layers": [{"@@type": "MVTLayer", "getFillColor": "@@=[255,0,0]"}]},
        {"layers": [{"@@type": "MVTLayer", "iconAtlas": "@@#secret"}]},
        {"layers": [{"@@type": "MVTLayer", "data": "https://tiles.example.org/{z}/{x}/{y}"}]},
        {"layers": [{"@@type": "MVTLayer", "data": "//tiles.example.org/{z}"}]},
        {"layers": [{"@@type": "MVTLayer", "data": "tiles/{z}"}]},
        {"layers": [{"@@type": "MVTLayer", "iconAtlas": "data:image/png;base64,AAAA"}]},
        {"layers": [{"@@type": {"x": 1}}]},
        {"@@something": 1},
    ],
)
def test_a_view_with_anything_unknown_or_outside_is_refused(bad: Json) -> None:
    with pytest.raises(BadManifestError):
        check_spec(bad)


def test_the_page_knows_exactly_what_a_view_may_name() -> None:
    static = CHECKOUT / "api" / "viewer" / "static"
    catalogue = (static / "functions.js").read_text(encoding="utf-8").rsplit("return {", 1)[1].split("}")[0]
    assert {name.strip() for name in catalogue.split(",")} == FUNCTIONS
    source = (static / "map.js").read_text(encoding="utf-8")
    classes = source.split("const CLASSES = [", 1)[1].split("]")[0]
    assert {name.strip(' "') for name in classes.split(",")} == TYPES
    assert all(f"{name.removeprefix('@@#')}:" in source for name in CONSTANTS)


def test_every_icon_of_the_vocabulary_has_a_glyph_on_the_page() -> None:
    from layers.style import ICONS

    source = (CHECKOUT / "api" / "viewer" / "static" / "glyphs.js").read_text(encoding="utf-8")
    assert [name for name in ICONS if f"  {name}:" not in source] == []


def test_shipped_manifests_compose() -> None:
    import json

    manifests = [
        *(CHECKOUT / "layers" / "basemap").glob("*.json"),
        *(CHECKOUT / "layers" / "departments").glob("*/*.json"),
    ]
    records = read_records(json.loads(path.read_text(encoding="utf-8")) for path in manifests)
    assert len(records) >= 14
    for theme in ("light", "dark"):
        spec = deck_spec(compose_deck(records, ViewOptions(theme=theme, three_d=True)))
        assert {layer["id"].split("/")[0] for layer in spec["layers"]} == {record.id for record in records}


def test_colours_are_read_in_all_three_lengths() -> None:
    assert rgba("#fff") == [255, 255, 255, 255]
    assert rgba("#10203040") == [16, 32, 48, 64]
    assert rgba("#102030", 0.5) == [16, 32, 48, 128]


def test_a_pale_layer_has_a_density_that_can_be_seen() -> None:
    (pale,) = read_records([entry("pale", {"kind": "fill", "color": "#fefefe", "color_dark": "#101010"})])
    assert isinstance(pale, LayerRecord)
    assert max(density_color(pale.style, "light")) < 140
    assert min(density_color(pale.style, "dark")) > 110


def test_clusters_grow_with_their_count_and_are_ringed_by_an_alarm() -> None:
    style = {"kind": "circle", "color": "#2b8290", "outline": "#ffffff", "outline_px": 1.2, "radius_px": 6}
    clustered = entry("sensors", style, tiles={"clusters_below": 13})
    (layer,) = deck_spec(compose_deck(read_records([clustered]), ViewOptions(camera=Camera(120, 36, 12))))["layers"]
    assert layer["clustered"] is True
    assert layer["getPointRadius"]["clusters"] is layer["getFillColor"]["clusters"] is True
    assert layer["getPointRadius"]["fallback"] == 6
    assert layer["getLineColor"]["alarm"] == rgba("#d1242f")
    assert layer["getLineWidth"] == {"@@function": "ring", "width": 1.2}
