"""The style vocabulary says in words what is wrong with a style."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from layers.style import ColorBy, Style, default_style
from twin.schema import GeometryType


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"kind": "fill", "color": "red"}, "#rrggbb"),
        ({"kind": "fill", "colour": "#fff"}, "Extra inputs"),
        ({"kind": "blob"}, "'fill', 'line', 'circle' or 'label'"),
        ({"kind": "label"}, "text only"),
        ({"kind": "circle", "icon": "dragon"}, "take one of: air"),
        ({"kind": "fill", "icon": "camera"}, "inside circles"),
        ({"kind": "line", "extrude": {"property": "height_m"}}, "raises polygons"),
        ({"kind": "fill", "width_by": {"property": "a", "values": {}}}, "lines and circles"),
        ({"kind": "fill", "min_zoom": 12, "max_zoom": 5}, "swap them"),
        ({"kind": "fill", "opacity": float("nan")}, "finite"),
        ({"kind": "fill", "color_by": {"property": "a"}}, "either 'values'"),
        ({"kind": "fill", "color_by": {"property": "a", "stops": [[5, "#fff"], [5, "#000"]]}}, "must ascend"),
        (
            {"kind": "fill", "color_by": {"property": "a", "values": {}, "stops_dark": [[1, "#fff"]]}},
            "belongs to 'stops'",
        ),
    ],
)
def test_a_wrong_style_is_refused_in_words(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Style.model_validate(document)


def test_a_style_survives_its_json() -> None:
    style = Style.model_validate(
        {"kind": "fill", "color": "#ABC", "color_by": {"property": "h", "stops": [[0, "#fff"], [9, "#000000"]]}}
    )
    assert style.color == "#abc"
    assert Style.model_validate(style.model_dump(mode="json", exclude_none=True)) == style


def test_every_property_that_drawing_needs_is_named() -> None:
    style = Style.model_validate(
        {
            "kind": "line",
            "color_by": {"property": "status", "values": {"ok": "#0f0"}},
            "width_by": {"property": "road_class", "values": {"motorway": 4}},
            "label": {"property": "name", "priority_property": "rank"},
        }
    )
    assert style.properties_used() == {"status", "road_class", "name", "rank"}


@pytest.mark.parametrize("geometry_type", list(GeometryType))
def test_the_default_style_draws_its_geometry_and_never_changes(geometry_type: GeometryType) -> None:
    style = default_style(geometry_type, "water-mains")
    assert style.draws(geometry_type)
    assert style == default_style(geometry_type, "water-mains")


def test_default_styles_of_different_layers_differ() -> None:
    colors = {default_style(GeometryType.POINT, f"layer-{number}").color for number in range(40)}
    assert len(colors) == 7


def test_a_circle_does_not_draw_lines() -> None:
    assert not Style(kind="circle").draws(GeometryType.MULTILINESTRING)
    assert Style(kind="line").draws(GeometryType.POLYGON)


def test_a_table_may_be_given_by_values_alone() -> None:
    assert ColorBy(property="status", values={"ok": "#0F0"}).values == {"ok": "#0f0"}
