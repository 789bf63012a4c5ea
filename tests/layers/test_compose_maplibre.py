"""MapLibre styles follow the same vocabulary and the rules of the style specification."""

from __future__ import annotations

import json
from typing import Any

import pytest

from layers.maplibre import maplibre_style
from layers.viewing.record import read_records
from processes import CHECKOUT

BASE = "http://127.0.0.1:8000"
PAINT = {"fill": "fill-", "line": "line-", "circle": "circle-", "symbol": "text-", "background": "background-"}


def shipped() -> list[Any]:
    manifests = [
        *(CHECKOUT / "layers" / "basemap").glob("*.json"),
        *(CHECKOUT / "layers" / "departments").glob("*/*.json"),
    ]
    return list(read_records(json.loads(path.read_text(encoding="utf-8")) for path in manifests))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_fused_style_holds_every_layer_once_and_refers_only_to_itself(theme: Any) -> None:
    style = maplibre_style(shipped(), BASE, "一张图", theme)
    ids = [layer["id"] for layer in style["layers"]]
    assert style["version"] == 8
    assert len(ids) == len(set(ids))
    assert {layer["source"] for layer in style["layers"][1:]} <= set(style["sources"])
    for layer in style["layers"]:
        assert all(name.startswith(PAINT[layer["type"]]) for name in layer["paint"]), layer["id"]
    tiles = [address for source in style["sources"].values() for address in source["tiles"]]
    assert all(address.startswith(f"{BASE}/tiles/") for address in tiles)
    assert "glyphs" not in style
    assert "sprite" not in style


def test_text_is_drawn_only_where_glyphs_are_served() -> None:
    kinds = {layer["type"] for layer in maplibre_style(shipped(), BASE, "x")["layers"]}
    assert "symbol" not in kinds
    with_text = maplibre_style(shipped(), BASE, "x", glyphs=f"{BASE}/glyphs/{{fontstack}}/{{range}}.pbf")
    assert any(layer["type"] == "symbol" for layer in with_text["layers"])


def test_colours_and_widths_become_expressions() -> None:
    entry = {
        "id": "roads",
        "department": "basemap",
        "style": {
            "kind": "line",
            "color": "#fff",
            "color_by": {"property": "kind", "values": {"motorway": "#f00"}, "default": "#00f"},
            "width_by": {"property": "kind", "values": {"motorway": 4}, "default": 1},
        },
    }
    (line,) = maplibre_style(read_records([entry]), BASE, "x")["layers"][1:]
    assert line["paint"]["line-color"] == ["match", ["to-string", ["get", "kind"]], "motorway", "#f00", "#00f"]
    width = line["paint"]["line-width"]
    assert width[:3] == ["interpolate", ["exponential", 1.6], ["zoom"]]
    assert width[-1] == ["*", 16.0, ["match", ["to-string", ["get", "kind"]], "motorway", 4.0, 1.0]]


def test_a_missing_number_is_not_drawn_as_zero() -> None:
    entry = {
        "id": "blocks",
        "style": {"kind": "fill", "color": "#abc", "color_by": {"property": "h", "stops": [[0, "#000"], [9, "#fff"]]}},
    }
    layers = maplibre_style(read_records([entry]), BASE, "x")["layers"]
    fill = next(layer for layer in layers if layer["id"] == "blocks")
    assert fill["paint"]["fill-color"][:2] == ["case", ["has", "h"]]
    assert fill["paint"]["fill-color"][-1] == "#abc"
    assert next(layer for layer in layers if layer["id"] == "blocks-density")["filter"] == [
        "all",
        ["has", "_count"],
        ["==", ["geometry-type"], "Polygon"],
    ]


def test_clusters_take_the_place_of_the_density_grid_and_show_alarms() -> None:
    entry = {"id": "sensors", "style": {"kind": "circle", "color": "#2b8290"}, "tiles": {"clusters_below": 13}}
    layers = {layer["id"]: layer for layer in maplibre_style(read_records([entry]), BASE, "x", glyphs="/g")["layers"]}
    assert list(layers) == ["background", "sensors-clusters", "sensors", "sensors-cluster-counts"]
    assert layers["sensors-clusters"]["filter"] == ["all", ["has", "_count"], ["==", ["geometry-type"], "Point"]]
    assert layers["sensors-clusters"]["paint"]["circle-stroke-color"][:3] == [
        "case",
        [">", ["to-number", ["get", "_alarms"], 0], 0],
        "#d1242f",
    ]
    assert layers["sensors"]["filter"] == ["!", ["has", "_count"]]
