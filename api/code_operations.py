"""How the routes of codes describe themselves in the OpenAPI document."""

from __future__ import annotations

from api.code_query import CODES_DEFAULT, CODES_MAX
from api.item_operations import FEATURE_SCHEMA
from api.layer_operations import ACTOR, json_answer_of
from api.negotiation import GEOJSON, ITEM, PAGES
from api.operation import JsonObject, answers, described, format_parameter, path, problems, query
from twin.codes.classes import Kind, shipped_classes
from twin.codes.sheet_scales import scale_table

CODE_PATH = "/codes/{code}"
EDITION_PATH = "/codes/divisions/{edition}"
_TEXT: JsonObject = {"type": "string"}
_DAY: JsonObject = {"type": "string", "format": "date"}
_AT = query("at", _DAY, "The day for names and boundaries that change; today without it.")
_SYSTEMS = ["sheet", "beidou", "beidou-3d", "division", "unit-grid", "component", "matter"]
_COLLECTION: JsonObject = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": FEATURE_SCHEMA},
    },
}
_EITHER: JsonObject = {"oneOf": [FEATURE_SCHEMA, _COLLECTION]}
_AREA = [
    query(
        "system",
        {"type": "string", "enum": ["sheet", "beidou", "division", "unit-grid"]},
        "Which codes an area is to have.",
    ),
    query(
        "scale",
        {"type": "string", "example": "G"},
        f"Letter or denominator of a map scale: {', '.join(scale_table().scales)}.",
    ),
    query("level", {"type": "integer", "minimum": 1, "maximum": 10}, "BeiDou level."),
    query("compact", {"type": "boolean"}, "The fewest BeiDou cells, of mixed levels, that make up the same area."),
    query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": CODES_MAX, "default": CODES_DEFAULT},
        "Most codes of an area; more are refused, never cut off.",
    ),
]

GET_CODES = described(
    [
        query("lon", {"type": "number", "minimum": -180, "maximum": 180}, "Longitude, CGCS2000 degrees."),
        query("lat", {"type": "number", "minimum": -90, "maximum": 90}, "Latitude, CGCS2000 degrees."),
        query("height", {"type": "number"}, "Height above the ellipsoid in metres, for codes in three dimensions."),
        query(
            "bbox",
            {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
            "An area in place of a point: west, south, east, north.",
            style="form",
            explode=False,
        ),
        *_AREA,
        query("code", _TEXT, "A code in place of a point, as GET /codes/{code} takes it."),
        _AT,
        format_parameter(PAGES),
    ],
    {
        "200": {
            "description": "The codes of a point; of an area as GeoJSON.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                GEOJSON.media_type: {"schema": _EITHER},
                "text/html": {"schema": _TEXT},
            },
        }
    }
    | problems(400, 404, 406, 422),
    operation_id="getCodes",
)
COVER_AREA = described(
    [*_AREA, _AT],
    answers((GEOJSON,), _COLLECTION) | problems(400, 413, 422),
    {
        "required": True,
        "content": {
            GEOJSON.media_type: {"schema": {"type": "object"}},
            "application/json": {"schema": {"type": "object"}},
        },
    },
    operation_id="coverArea",
)
GET_CODE = described(
    [
        path("code", "A code of any system.", "J51G090001"),
        query(
            "system",
            {"type": "string", "enum": _SYSTEMS},
            "Only this system; without it all that have codes of this form.",
        ),
        _AT,
        format_parameter(ITEM),
    ],
    answers(ITEM, _EITHER) | problems(400, 404, 406),
    operation_id="getCode",
)
GET_SYSTEMS = described([format_parameter(PAGES)], answers(PAGES) | problems(400, 406), operation_id="getCodeSystems")
GET_CLASSES = described(
    [
        query(
            "edition",
            {"type": "string", "enum": list(shipped_classes().editions)},
            "Edition; the one in force without it.",
        ),
        query(
            "kind", {"type": "string", "enum": [kind.value for kind in Kind]}, "Components or matters; both without it."
        ),
        _AT,
        format_parameter(PAGES),
    ],
    answers(PAGES) | problems(400, 404, 406),
    operation_id="getCodeClasses",
)
GET_EDITIONS = described(
    (), json_answer_of("Editions, the latest first.") | problems(400), operation_id="getDivisionEditions"
)
ADD_EDITION = described(
    [
        path("edition", "Name of the new edition.", "nbs-2024"),
        {**query("valid_from", _DAY, "First day."), "required": True},
        query("valid_to", _DAY, "First day it no longer holds; until the next edition without it."),
        query("source", _TEXT, "Where the list comes from."),
        ACTOR,
    ],
    json_answer_of("The edition as it was taken.", 201) | problems(400, 403, 409, 413, 422),
    {"required": True, "content": {"text/csv": {"schema": _TEXT}}},
    operation_id="addDivisionEdition",
)
