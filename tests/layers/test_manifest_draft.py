"""Layers that come without a manifest still look right."""

from __future__ import annotations

import pytest

from layers.manifest_draft import draft_style
from layers.style import Extrude
from twin.schema import GeometryType, Property, PropertyType, Schema


def schema(kind: GeometryType, name: str, value: PropertyType) -> Schema:
    return Schema(kind, (Property("name", PropertyType.STRING), Property(name, value)))


@pytest.mark.parametrize("name", ["height_m", "Height", "建筑高度"])
def test_polygons_with_a_height_rise_in_3d(name: str) -> None:
    style = draft_style(schema(GeometryType.MULTIPOLYGON, name, PropertyType.NUMBER), "blocks")
    assert style.extrude == Extrude(property=name)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (GeometryType.POINT, "height_m", PropertyType.NUMBER),
        (GeometryType.POLYGON, "height_m", PropertyType.STRING),
        (GeometryType.POLYGON, "area_m2", PropertyType.NUMBER),
    ],
)
def test_nothing_else_does(kind: GeometryType, name: str, value: PropertyType) -> None:
    assert draft_style(schema(kind, name, value), "blocks").extrude is None
