"""How the registry's routes describe themselves in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from api.errors import PROBLEM_JSON, TITLES
from api.layer_parts import ACTOR_HEADER
from api.operation import PROBLEM_REF, JsonObject, header, path, problems, query
from api.uploads import SUFFIXES

LAYER_ID = path("layerId", "Id of the layer.", "facilities")
LAYER_PATH = "/layers/{layerId}"
ACTOR = header(ACTOR_HEADER, "Who writes; stands in the changeset as its author.")
MANIFEST_SCHEMA: JsonObject = {
    "type": "object",
    "description": "The layer's manifest; every field is described in layers/README.md.",
    "required": ["id", "title", "department", "owner", "licence"],
    "additionalProperties": True,
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 50},
        "title": {"type": "object", "properties": {"zh": {"type": "string"}, "en": {"type": "string"}}},
        "department": {"type": "string"},
        "owner": {"type": "string"},
        "licence": {"type": "string"},
        "crs": {"type": "string", "example": "EPSG:4490"},
        "geometry_type": {"type": "string", "example": "Point"},
        "schema": {"type": "array", "items": {"type": "object"}},
        "id_property": {"type": "string"},
        "style": {"type": "object"},
        "source": {"type": "object"},
    },
}
IMPORT_PARAMETERS = (
    query(
        "crs",
        {"type": "string"},
        "CRS of the file's coordinates; stands above what the file says.",
        example="EPSG:4549",
    ),
    query("id_property", {"type": "string"}, "Column of the file that holds the ids."),
    query("encoding", {"type": "string"}, "Text encoding of the file.", example="GBK"),
    query("source_layer", {"type": "string"}, "Layer inside the file."),
    query("filename", {"type": "string"}, "Name of a file sent as bare body; its ending tells the format."),
    query(
        "mode", {"type": "string", "enum": ["upsert", "replace"]}, "Add and update by id, or leave exactly these rows."
    ),
    query(
        "repair",
        {"type": "string", "enum": ["true", "false"]},
        "Mend invalid polygons or refuse their rows; without it what the layer's geometry_faults says (else: mend).",
    ),
    query(
        "datum_check",
        {"type": "string", "enum": ["check", "accept"]},
        "Refuse data that seem to lie elsewhere (the default), or take them; accept needs a reason.",
    ),
    query("reason", {"type": "string"}, "Why such data are taken; stays in the layer's lineage."),
)
_FILE = {"type": "string", "format": "binary"}
MANIFEST_BODY: JsonObject = {
    "required": True,
    "content": {
        "application/json": {"schema": MANIFEST_SCHEMA},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["manifest"],
                "properties": {"manifest": MANIFEST_SCHEMA, "file": _FILE},
            }
        },
    },
}
DATA_BODY: JsonObject = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": {"file": _FILE}}},
        **{media_type: {"schema": _FILE} for media_type in sorted(SUFFIXES)},
    },
}
PATCH_BODY: JsonObject = {
    "required": True,
    "content": {
        media_type: {"schema": {"type": "object", "additionalProperties": True}}
        for media_type in ("application/merge-patch+json", "application/json")
    },
}


REVIEW_BODY: JsonObject = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["decision", "reason"],
                "additionalProperties": False,
                "properties": {
                    "decision": {"type": "string", "enum": ["accept", "correct", "reject"]},
                    "reason": {"type": "string", "minLength": 1, "maxLength": 500},
                    "correction": {
                        "description": "With decision=correct: a CRS (GCJ-02, BD-09, EPSG:4528, …), swap-axes, or a shift.",
                        "oneOf": [
                            {"type": "string", "example": "GCJ-02"},
                            {
                                "type": "object",
                                "required": ["shift_m"],
                                "additionalProperties": False,
                                "properties": {
                                    "shift_m": {
                                        "type": "array",
                                        "minItems": 2,
                                        "maxItems": 2,
                                        "items": {"type": "number", "minimum": -100000, "maximum": 100000},
                                    }
                                },
                            },
                        ],
                    },
                },
            }
        }
    },
}


def json_answer_of(description: str, status: int = 200) -> JsonObject:
    """A good answer in JSON."""
    return {str(status): {"description": description, "content": {"application/json": {"schema": {"type": "object"}}}}}


def write_problems(*more: int) -> JsonObject:
    """The errors any write to the registry may meet."""
    declared: dict[str, Any] = problems(400, 403, 404, 409, 413, 422, *more)
    declared.setdefault("415", {"description": TITLES[415], "content": {PROBLEM_JSON: {"schema": PROBLEM_REF}}})
    return declared
