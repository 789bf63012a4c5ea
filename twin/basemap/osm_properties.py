"""Properties of a base-map feature from the tags of an OpenStreetMap object, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twin.basemap.osm_classes import ClassTable, FeatureKind
from twin.basemap.osm_values import (
    has_structure,
    parse_count,
    parse_floors,
    parse_length_m,
    parse_number,
    parse_oneway,
    parse_speed_kmh,
)

Tags = Mapping[str, str]
_CHINESE = ("name:zh", "name:zh-Hans", "name:zh-CN", "name")
_ENGLISH = ("name:en", "int_name")


def properties_of(kind: FeatureKind, tags: Tags, table: ClassTable) -> dict[str, Any]:
    """All properties of the feature under the names of its layer's schema."""
    shared = {
        "name": _first(tags, _CHINESE),
        "name_en": _first(tags, _ENGLISH),
        "feature_class": kind.feature_class,
        "kind": kind.kind,
    }
    own = _OWN.get(kind.layer, _nothing)(tags, table)
    return {**shared, **own, **kind.properties}


def _first(tags: Tags, keys: tuple[str, ...]) -> str | None:
    return next((value for key in keys if (value := tags.get(key))), None)


def _nothing(tags: Tags, table: ClassTable) -> dict[str, Any]:
    return {}


def _road(tags: Tags, table: ClassTable) -> dict[str, Any]:
    return {
        "ref": tags.get("ref"),
        "road_class": tags.get("highway"),
        "lanes": parse_count(tags.get("lanes")),
        "oneway": parse_oneway(tags),
        "bridge": has_structure(tags, "bridge"),
        "tunnel": has_structure(tags, "tunnel"),
        "maxspeed_kmh": parse_speed_kmh(tags.get("maxspeed")),
    }


def _building(tags: Tags, table: ClassTable) -> dict[str, Any]:
    height = parse_length_m(tags.get("height"))
    use = tags.get("building:use") or tags.get("building")
    return {
        "height_m": parse_length_m(tags.get("building:height")) if height is None else height,
        "floors": parse_floors(tags.get("building:levels")),
        "use": None if use == "yes" else use,
        "roof_shape": tags.get("roof:shape"),
        "roof_height_m": parse_length_m(tags.get("roof:height")),
        "roof_levels": parse_number(tags.get("roof:levels")),
        "roof_angle": parse_number(tags.get("roof:angle")),
        "roof_direction": tags.get("roof:direction"),
        "roof_orientation": tags.get("roof:orientation"),
    }


def _landuse(tags: Tags, table: ClassTable) -> dict[str, Any]:
    return {"use": _first(tags, ("landuse", "natural", "leisure", "amenity", "aeroway"))}


def _water(tags: Tags, table: ClassTable) -> dict[str, Any]:
    return {
        "water_class": _first(tags, ("water", "waterway", "landuse", "natural")),
        "width_m": parse_length_m(tags.get("width")),
    }


def _place(tags: Tags, table: ClassTable) -> dict[str, Any]:
    return {"population": parse_count(tags.get("population")), "code": _first(tags, table.code_tags)}


def _district(tags: Tags, table: ClassTable) -> dict[str, Any]:
    return {"code": _first(tags, table.code_tags), "level": parse_count(tags.get("admin_level"))}


_OWN: dict[str, Callable[[Tags, ClassTable], dict[str, Any]]] = {
    "roads": _road,
    "buildings": _building,
    "landuse": _landuse,
    "water": _water,
    "rivers": _water,
    "places": _place,
    "districts": _district,
}
