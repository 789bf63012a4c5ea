"""The feature operations as the OpenAPI document tells them."""

from __future__ import annotations

from typing import Any

from api.crs_edge import OFFERED
from api.item_query import FILTER_LANGUAGES
from api.layer_parts import REASON_HEADER
from api.negotiation import GEOJSON, ITEM, ITEMS
from api.operation import (
    COLLECTION_ID,
    FEATURE_ID,
    JsonObject,
    answers,
    described,
    format_parameter,
    header,
    problems,
    query,
)

_URI = {"type": "string", "format": "uri", "enum": list(OFFERED)}
_LIST = {"style": "form", "explode": False}
FEATURE_SCHEMA: JsonObject = {
    "type": "object",
    "description": "A GeoJSON feature (RFC 7946).",
    "required": ["type", "geometry", "properties"],
    "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        "geometry": {"type": "object", "nullable": True},
        "properties": {"type": "object", "nullable": True},
        "time": {
            "type": "object",
            "nullable": True,
            "description": "When the state holds, up to but not including the end; days are whole days (UTC). An edit without it "
            "corrects the present state and keeps its validity.",
            "properties": {
                "interval": {
                    "type": "array",
                    "minItems": 2,
                    "maxItems": 2,
                    "items": {"type": "string", "nullable": True},
                },
                "date": {"type": "string"},
                "timestamp": {"type": "string"},
            },
        },
    },
}
_COLLECTION_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": FEATURE_SCHEMA},
        "links": {"type": "array", "items": {"type": "object"}},
        "timeStamp": {"type": "string", "format": "date-time"},
        "numberReturned": {"type": "integer", "minimum": 0},
        "numberMatched": {"type": "integer", "minimum": 0},
    },
}
CRS_PARAMETER = query("crs", _URI, "Reference system of the answer; CRS84 without it.")

WHEN = query(
    "datetime",
    {"type": "string"},
    "Valid time: an instant, or an interval start/end, ../end, start/.. (RFC 3339). Of each feature the state that holds then, in "
    "an interval the newest; features without one are left out.",
    **_LIST,
)
AS_OF = query(
    "as_of",
    {"type": "string"},
    "System time: the layer as it stood at an instant or at the end of a date (RFC 3339), at a version such as v12, or in a "
    "release of the base map, release:2026.11. What was "
    "written later does not show. The header Onemap-As-Of-Version tells the version; 0 means that there was nothing yet.",
)

_ITEMS_PARAMETERS = [
    COLLECTION_ID,
    query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10},
        "Features on a page; a larger number is cut to the maximum.",
        **_LIST,
    ),
    query(
        "bbox",
        {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}},
        "Box that features must meet: four numbers, or six with heights, in the axis order of bbox-crs.",
        **_LIST,
    ),
    query("bbox-crs", _URI, "Reference system of bbox; CRS84 without it."),
    WHEN,
    AS_OF,
    query("filter", {"type": "string"}, "CQL2 filter on the queryables."),
    query("filter-lang", {"type": "string", "enum": list(FILTER_LANGUAGES)}, "Language of filter."),
    query("filter-crs", _URI, "Reference system of the geometries in filter; CRS84 without it."),
    query("sortby", {"type": "string"}, "Properties to sort by, `-` before a name for descending."),
    query(
        "properties", {"type": "array", "items": {"type": "string"}}, "Only these properties in the answer.", **_LIST
    ),
    query("skipGeometry", {"type": "boolean"}, "Leave the geometries out."),
    query("token", {"type": "string"}, "Where a page starts: taken from a next link, never made up."),
    CRS_PARAMETER,
    format_parameter(ITEMS),
]
_BODY: JsonObject = {
    "required": True,
    "content": {GEOJSON.media_type: {"schema": FEATURE_SCHEMA}, "application/json": {"schema": FEATURE_SCHEMA}},
}
_CONTENT_CRS = header("Content-Crs", "Reference system of the geometry in the body, as <URI>; CRS84 without it.")
IF_MATCH = header("If-Match", "ETag of the state that the change is based on; another state gives 412.")
REASON = header(REASON_HEADER, "Why; stands in the changeset. Percent-encoded where it is not ASCII.")
_TOLD = {
    "OneMap-Repaired": {"description": "What was mended in the geometry.", "schema": {"type": "string"}},
    "OneMap-Outside-City": {
        "description": "The feature lies wholly outside the city, so many metres away; it was kept.",
        "schema": {"type": "string"},
        "example": "243500 m",
    },
}


def _taken(status: int) -> dict[str, Any]:
    """The feature as it stands now, and in headers what is worth a word."""
    (answer,) = answers((GEOJSON,), FEATURE_SCHEMA, status).values()
    return {str(status): {**answer, "headers": _TOLD}}


_TAKEN = _taken(200)

GET_ITEMS = described(
    _ITEMS_PARAMETERS, answers(ITEMS, _COLLECTION_SCHEMA) | problems(400, 404, 406, 413), operation_id="getFeatures"
)
GET_ITEM = described(
    [COLLECTION_ID, FEATURE_ID, CRS_PARAMETER, WHEN, AS_OF, format_parameter(ITEM)],
    answers(ITEM, FEATURE_SCHEMA) | problems(400, 404, 406),
    operation_id="getFeature",
)
CREATE_ITEM = described(
    [COLLECTION_ID, _CONTENT_CRS, REASON],
    _taken(201) | problems(400, 403, 404, 409, 413, 415, 422),
    body=_BODY,
    operation_id="createFeature",
)
_VALIDITY = query(
    "validity",
    {"type": "string", "enum": ["timeline", "correct"], "default": "timeline"},
    "What a `time` in the body does. `timeline`: the state takes its place on the feature's timeline. `correct`: the dates of the "
    "present state were wrong; it gets these, and an earlier state that ended where it began now ends where it begins.",
)
REPLACE_ITEM = described(
    [COLLECTION_ID, FEATURE_ID, _VALIDITY, _CONTENT_CRS, IF_MATCH, REASON],
    _TAKEN | problems(400, 403, 404, 409, 412, 413, 415, 422),
    body=_BODY,
    operation_id="replaceFeature",
)
UPDATE_ITEM = described(
    [COLLECTION_ID, FEATURE_ID, _VALIDITY, _CONTENT_CRS, IF_MATCH, REASON],
    _TAKEN | problems(400, 403, 404, 409, 412, 413, 415, 422),
    body={"required": True, "content": {"application/merge-patch+json": {"schema": {"type": "object"}}}},
    operation_id="updateFeature",
)
DELETE_ITEM = described(
    [COLLECTION_ID, FEATURE_ID, IF_MATCH, REASON],
    {"204": {"description": "Deleted; its last state stays in the history."}} | problems(400, 403, 404, 409, 412),
    operation_id="deleteFeature",
)
