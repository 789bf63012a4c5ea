"""How the routes of relations describe themselves in the OpenAPI document."""

from __future__ import annotations

from api.layer_operations import ACTOR, json_answer_of
from api.negotiation import PAGES
from api.operation import (
    COLLECTION_ID,
    FEATURE_ID,
    ITEM_PATH,
    JsonObject,
    answers,
    described,
    format_parameter,
    header,
    path,
    problems,
    query,
)

LINK_PATH = "/relations/{relationId}"
TYPE_PATH = "/relations/types/{typeId}"
ITEM_RELATIONS_PATH = ITEM_PATH + "/relations"

MAX_DEPTH = 4
_TEXT = {"type": "string"}
_END: JsonObject = {
    "type": "object",
    "required": ["layer", "id"],
    "properties": {"layer": _TEXT, "id": _TEXT},
}
_NEW_LINK: JsonObject = {
    "type": "object",
    "description": "A link between two features by their ids.",
    "required": ["type", "from", "to"],
    "properties": {
        "type": {"type": "string", "example": "floor-of"},
        "from": _END,
        "to": _END,
        "valid_from": {"type": "string", "format": "date-time", "nullable": True},
        "valid_to": {"type": "string", "format": "date-time", "nullable": True},
        "source": {"type": "string", "enum": ["declared", "imported"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1, "nullable": True},
        "properties": {"type": "object"},
    },
}
_LINK_ID = path("relationId", "Number of the link.", "1")
_TYPE_ID = path("typeId", "Id of the relation type.", "floor-of")
_TYPE = query("type", _TEXT, "Only links of these types, with commas.", example="floor-of")
_DIRECTION = query(
    "direction",
    {"type": "string", "enum": ["out", "in", "both"], "default": "both"},
    "Whether the layer or feature is the end a link starts from, leads to, or either.",
)
_DATETIME = query("datetime", _TEXT, "Only links that hold at this instant or in this interval (RFC 3339).")
_AS_OF = query(
    "as_of",
    _TEXT,
    "As it was known at an instant or date of the past, in a release (release:2026.11), or at a version: "
    "of a feature's layer, or in the list of all links of the links themselves (v12).",
)
_LIMIT = {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}
_IF_MATCH = header("If-Match", "ETag of the state that the change is based on; another state gives 412.")
_JSON_OR_CSV: JsonObject = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "oneOf": [
                    _NEW_LINK,
                    {
                        "type": "object",
                        "required": ["links"],
                        "properties": {"links": {"type": "array", "items": _NEW_LINK}},
                    },
                ]
            }
        },
        "text/csv": {"schema": {"type": "string", "example": "type,from_layer,from_id,to_layer,to_id"}},
    },
}


def _json_body(schema: JsonObject, *media_types: str) -> JsonObject:
    return {"required": True, "content": {name: {"schema": schema} for name in media_types or ("application/json",)}}


GET_RELATIONS = described(
    [
        query("layer", _TEXT, "Only links of this layer's features.", example="sensors"),
        query("id", _TEXT, "Only links of this feature of the layer."),
        _TYPE,
        _DIRECTION,
        _DATETIME,
        _AS_OF,
        query("limit", _LIMIT, "Links on a page; a larger number is cut to the maximum."),
        query("token", _TEXT, "Where a page starts: taken from a next link, never made up."),
    ],
    json_answer_of("A page of links.") | problems(400, 404),
    operation_id="getRelations",
)
ADD_RELATIONS = described(
    [
        query(
            "partial",
            {"type": "boolean"},
            "Record the good links and report the others; otherwise one fault refuses all.",
        ),
        ACTOR,
    ],
    json_answer_of("The link, or a report of several.", 201) | problems(400, 403, 404, 409, 413, 415, 422),
    _JSON_OR_CSV,
    "addRelations",
)
GET_RELATION = described([_LINK_ID], json_answer_of("The link.") | problems(400, 404), operation_id="getRelation")
GET_RELATION_VERSIONS = described(
    [_LINK_ID], json_answer_of("Every state, newest first.") | problems(400, 404), operation_id="getRelationVersions"
)
CHANGE_RELATION = described(
    [_LINK_ID, _IF_MATCH, ACTOR],
    json_answer_of("The link.") | problems(400, 403, 404, 409, 412, 413, 415, 422),
    _json_body(
        {
            "type": "object",
            "description": "Window, confidence or properties, as a merge patch (RFC 7396).",
            "properties": {
                name: _NEW_LINK["properties"][name] for name in ("valid_from", "valid_to", "confidence", "properties")
            },
        },
        "application/merge-patch+json",
        "application/json",
    ),
    "changeRelation",
)
END_RELATION = described(
    [_LINK_ID, _IF_MATCH, ACTOR],
    {"204": {"description": "Ended; its states stay readable."}} | problems(400, 403, 404, 409, 412),
    operation_id="endRelation",
)
GET_TYPES = described((), json_answer_of("All relation types.") | problems(400), operation_id="getRelationTypes")
ADD_TYPE = described(
    [ACTOR],
    json_answer_of("The new type.", 201) | problems(400, 403, 409, 413, 415, 422),
    _json_body(
        {
            "type": "object",
            "description": "A relation type as GET /relations/types shows them.",
            "required": ["id", "title", "inverse"],
            "properties": {"id": _TEXT, "title": {"type": "object"}, "inverse": {"type": "object"}},
        }
    ),
    "addRelationType",
)
DROP_TYPE = described(
    [_TYPE_ID, ACTOR],
    {"204": {"description": "Gone."}} | problems(400, 403, 404, 409),
    operation_id="dropRelationType",
)
CHECK_RELATIONS = described((), json_answer_of("The report.") | problems(400), operation_id="checkRelations")
RESOLVE_ENTITY = described(
    [
        query("layer", _TEXT, "Layer of the entity.", required=True, example="buildings"),
        query("id", _TEXT, "Id of the entity.", required=True),
        query("at", _TEXT, "Instant (RFC 3339), version of the layer, or name of a base-map release; now without it."),
    ],
    json_answer_of("What the entity is at that moment.") | problems(400, 404),
    operation_id="resolveEntity",
)
DERIVE_RELATIONS = described(
    [ACTOR],
    json_answer_of("What was found and done.") | problems(400, 403, 404, 409, 412, 413, 415, 422),
    _json_body(
        {
            "type": "object",
            "required": ["type", "from", "to"],
            "properties": {
                "type": {"type": "string", "example": "in-grid-cell"},
                "from": {"type": "string", "example": "sensors"},
                "to": {"type": "string", "example": "grid-cells"},
                "within_m": {"type": "number", "minimum": 0, "description": "How far `nearest` looks, in metres."},
                "dry_run": {"type": "boolean"},
            },
        }
    ),
    "deriveRelations",
)
GET_ITEM_RELATIONS = described(
    [
        COLLECTION_ID,
        FEATURE_ID,
        _TYPE,
        _DIRECTION,
        _DATETIME,
        _AS_OF,
        query(
            "depth",
            {"type": "integer", "minimum": 1, "maximum": MAX_DEPTH, "default": 1},
            "How many links to follow; beyond the first in the direction in which they point.",
        ),
        query("limit", {**_LIMIT, "maximum": 1_000}, "Links shown of each type and direction."),
        format_parameter(PAGES),
    ],
    answers(PAGES) | problems(400, 404, 406),
    operation_id="getFeatureRelations",
)
