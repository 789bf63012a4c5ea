"""How the making of scenes describes itself in the OpenAPI document."""

from __future__ import annotations

from api.operation import JsonObject

SCENE_JOBS = ("scene-build", "scene-import")
"""Names of the processes whose jobs make scenes."""

_TEXT: JsonObject = {"type": "string"}
_NUMBER: JsonObject = {"type": "number"}
_TITLE: JsonObject = {"type": "object", "properties": {"zh": _TEXT, "en": _TEXT}}
_COMMON: JsonObject = {
    "level": {"type": "string", "enum": ["terrain", "city", "component"]},
    "date": {"type": "string", "format": "date"},
    "accuracy_m": _NUMBER,
}
_BUILD: JsonObject = {
    "type": "object",
    "description": "From a layer: its buildings by height or floors, as they stand.",
    "required": ["layer"],
    "additionalProperties": False,
    "properties": {
        "layer": _TEXT,
        "height": _TEXT,
        "floors": _TEXT,
        "floor_height_m": _NUMBER,
        "ground": {"type": "string", "description": "Id of a terrain, or none."},
        "base": _TEXT,
        "roofs": {"type": "object", "additionalProperties": _TEXT},
        "title": _TITLE,
        "as_of": {"type": "integer", "minimum": 1},
        "datetime": _TEXT,
        **_COMMON,
    },
}
_DELIVERY: JsonObject = {
    "type": "object",
    "description": "From files: a point cloud, a city model, a mesh or a tileset.",
    "required": ["id"],
    "additionalProperties": False,
    "properties": {
        "id": _TEXT,
        "inbox": {
            "type": "array",
            "items": _TEXT,
            "description": "Files of the server's inbox; without one sent along.",
        },
        "crs": _TEXT,
        "vertical_datum": {"type": "string", "example": "EPSG:5737"},
        "height_unit": {"type": "string", "enum": ["metre", "foot", "us-foot"]},
        "geoid_height_m": _NUMBER,
        "title": _TITLE,
        "owner": _TEXT,
        "accept_because": _TEXT,
        "anchor": {"type": "array", "items": _NUMBER, "minItems": 3, "maxItems": 3},
        "pnts": {"type": "boolean"},
        **_COMMON,
    },
}
BUILD_BODY: JsonObject = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"oneOf": [_BUILD, _DELIVERY]},
            "example": {"layer": "buildings", "height": "height_m", "ground": "none", "date": "2024-05-01"},
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["scene", "file"],
                "properties": {"scene": _DELIVERY, "file": {"type": "string", "format": "binary"}},
            }
        },
    },
}
ACCEPTED: JsonObject = {
    "202": {
        "description": "The job, at the address in Location.",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}
