"""The place resources as the OpenAPI document tells them."""

from __future__ import annotations

from api.item_operations import FEATURE_SCHEMA
from api.negotiation import ITEM
from api.operation import JsonObject, answers, described, format_parameter, problems, query
from api.place_query import LANGUAGES, LIMIT_DEFAULT, LIMIT_MAX
from twin.places.asking import MAX_TYPED

_LIST = {"style": "form", "explode": False}
_LON: JsonObject = {"type": "number", "minimum": -180, "maximum": 180}
_LAT: JsonObject = {"type": "number", "minimum": -90, "maximum": 90}
_LANGUAGE = query("lang", {"type": "string", "enum": list(LANGUAGES)}, "Language of `title`; both are always there.")
_TIMES = [
    query("datetime", {"type": "string"}, "Only what holds then: instant, or interval start/end (RFC 3339).", **_LIST),
    query(
        "as_of",
        {"type": "string"},
        "What the layers held at this instant (RFC 3339), at the end of this date, or in this release of the base map "
        "(release:2026.11).",
    ),
]
_FOUND_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["type", "features", "stale", "boundedBy", "numberReturned"],
    "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": FEATURE_SCHEMA},
        "boundedBy": {
            "enum": ["boundary", "box"],
            "description": "What keeps places to the city: its boundary in the layer of divisions, else the box of its profile.",
        },
        "stale": {"type": "boolean", "description": "Whether changes are still being taken into the index."},
        "numberReturned": {"type": "integer", "minimum": 0},
        "links": {"type": "array", "items": {"type": "object"}},
    },
}

SEARCH = described(
    [
        query(
            "q",
            {"type": "string", "minLength": 1, "maxLength": MAX_TYPED},
            "Name, part of a name, pinyin, initials, English, or address; typing errors are forgiven.",
            example="胶州一中",
        ),
        query(
            "near",
            {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "number"}},
            "Longitude,latitude that nearer places are preferred to.",
            **_LIST,
        ),
        query("kind", {"type": "array", "items": {"type": "string"}}, "Only these kinds of places.", **_LIST),
        query(
            "bbox",
            {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
            "Only places that meet this box (longitude, latitude); never more than the city.",
            **_LIST,
        ),
        query(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
            "Places in the answer; a larger number is cut to the maximum.",
        ),
        _LANGUAGE,
        *_TIMES,
        format_parameter(ITEM),
    ],
    answers(ITEM, _FOUND_SCHEMA) | problems(400, 404, 406),
    operation_id="searchPlaces",
)
AT = described(
    [
        query("lon", _LON, "Longitude in degrees.", example=120.0046) | {"required": True},
        query("lat", _LAT, "Latitude in degrees.", example=36.2788) | {"required": True},
        _LANGUAGE,
        *_TIMES,
        format_parameter(ITEM),
    ],
    answers(ITEM, FEATURE_SCHEMA) | problems(400, 404, 406),
    operation_id="getPlaceAt",
)
