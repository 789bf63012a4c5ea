"""Schemas of the base-map layers: the same for the generated town, for OpenStreetMap extracts, and for a survey's own data."""

from __future__ import annotations

from types import MappingProxyType

from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.text import LocalText

_STRING, _INTEGER, _NUMBER, _BOOLEAN = (
    PropertyType.STRING,
    PropertyType.INTEGER,
    PropertyType.NUMBER,
    PropertyType.BOOLEAN,
)


def _property(name: str, kind: PropertyType, zh: str, en: str, unit: str = "") -> Property:
    return Property(name=name, type=kind, title=LocalText(zh=zh, en=en), unit=unit)


SHARED = (
    _property("name", _STRING, "名称", "Name"),
    _property("name_en", _STRING, "英文名称", "Name in English"),
    _property("feature_class", _STRING, "要素分类代码", "Feature class (GB/T 13923-2022)"),
    _property("kind", _STRING, "类别", "Kind"),
)

SCHEMAS = MappingProxyType(
    {
        "districts": Schema(
            GeometryType.MULTIPOLYGON,
            (
                *SHARED,
                _property("code", _STRING, "行政区划代码", "Administrative code"),
                _property("level", _INTEGER, "行政层级", "Administrative level (OSM: 6 county, 8 township)"),
                _property("area_km2", _NUMBER, "面积", "Area", "km²"),
            ),
        ),
        "landuse": Schema(GeometryType.MULTIPOLYGON, (*SHARED, _property("use", _STRING, "用途", "Use"))),
        "water": Schema(
            GeometryType.MULTIPOLYGON,
            (
                *SHARED,
                _property("water_class", _STRING, "水体类型", "Type of water"),
                _property("width_m", _NUMBER, "宽度", "Width", "m"),
            ),
        ),
        "rivers": Schema(
            GeometryType.MULTILINESTRING,
            (
                *SHARED,
                _property("water_class", _STRING, "水体类型", "Type of water"),
                _property("width_m", _NUMBER, "宽度", "Width", "m"),
            ),
        ),
        "roads": Schema(
            GeometryType.LINESTRING,
            (
                *SHARED,
                _property("ref", _STRING, "路线编号", "Route number"),
                _property("road_class", _STRING, "道路等级", "Road class"),
                _property("lanes", _INTEGER, "车道数", "Lanes"),
                _property("oneway", _BOOLEAN, "单行", "One way"),
                _property("bridge", _BOOLEAN, "桥梁", "Bridge"),
                _property("tunnel", _BOOLEAN, "隧道", "Tunnel"),
                _property("maxspeed_kmh", _INTEGER, "限速", "Speed limit", "km/h"),
            ),
        ),
        "railways": Schema(GeometryType.LINESTRING, SHARED),
        "buildings": Schema(
            GeometryType.MULTIPOLYGON,
            (
                *SHARED,
                _property("height_m", _NUMBER, "高度", "Height above ground", "m"),
                _property("floors", _INTEGER, "层数", "Floors above ground"),
                _property("use", _STRING, "用途", "Use"),
                _property("roof_shape", _STRING, "屋顶形状", "Shape of the roof"),
                _property("roof_height_m", _NUMBER, "屋顶高度", "Height of the roof", "m"),
                _property("roof_levels", _NUMBER, "屋顶层数", "Floors in the roof"),
                _property("roof_angle", _NUMBER, "屋面坡度", "Slope of the roof", "°"),
                _property("roof_direction", _STRING, "坡向", "Where the roof falls to"),
                _property("roof_orientation", _STRING, "屋脊走向", "Ridge along or across"),
            ),
        ),
        "places": Schema(
            GeometryType.POINT,
            (
                *SHARED,
                _property("rank", _INTEGER, "等级", "Rank (1 is the most important)"),
                _property("population", _INTEGER, "人口", "Population"),
                _property("code", _STRING, "行政区划代码", "Administrative code"),
            ),
        ),
        "poi": Schema(GeometryType.POINT, (*SHARED, _property("category", _STRING, "分类", "Category"))),
    }
)
"""Layer id → schema, in drawing order from the ground up."""
