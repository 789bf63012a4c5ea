"""How the routes of the base map describe themselves in the OpenAPI document."""

from __future__ import annotations

from api.layer_operations import ACTOR, json_answer_of
from api.negotiation import PAGES
from api.operation import JsonObject, answers, described, format_parameter, path, problems, query
from layers.base_map.releasing import MAX_NOTES

RELEASES = "/basemap/releases"
RELEASE_PATH = RELEASES + "/{release}"

_RELEASE = path("release", "Name of the release.", "2026.11")
_NAMES: JsonObject = {
    "type": "array",
    "items": {"type": "string"},
    "description": "Ids of layers; else the whole base map.",
}
_NOTES: JsonObject = {"type": "string", "maxLength": MAX_NOTES}
_RELEASE_BODY: JsonObject = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "pattern": "^[0-9A-Za-z][0-9A-Za-z._-]{0,39}$", "example": "2026.11"},
                    "notes": _NOTES,
                    "layers": _NAMES,
                    "max_errors": {"type": "integer", "minimum": 0, "default": 0},
                    "force": {"type": "boolean", "default": False},
                    "reason": {**_NOTES, "description": "Why it is released in spite of errors; needed with force."},
                },
            }
        }
    },
}
_CHECK_BODY: JsonObject = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "layers": _NAMES,
                    "rules": {
                        "type": "object",
                        "description": "Checks by layer for this run only; see twin/topology/README.md.",
                        "additionalProperties": {"type": "array", "items": {"type": "object"}},
                    },
                },
            },
            "example": {"layers": ["roads"]},
        }
    },
}

LIST_RELEASES = described((), json_answer_of("Releases, newest first.") | problems(400), operation_id="getReleases")
MAKE_RELEASE = described(
    [ACTOR],
    json_answer_of("The release, and what changed since the one before.", 201)
    | problems(400, 403, 404, 409, 413, 415, 422),
    _RELEASE_BODY,
    "makeRelease",
)
GET_RELEASE = described(
    [_RELEASE, ACTOR], json_answer_of("The release.") | problems(400, 404), operation_id="getRelease"
)
GET_REPORT = described(
    [
        _RELEASE,
        query("since", {"type": "string"}, "An earlier release to compare with; else the one before."),
        format_parameter(PAGES),
        ACTOR,
    ],
    answers(PAGES) | problems(400, 404, 406, 422),
    operation_id="getReleaseReport",
)
VERIFY_RELEASE = described(
    [_RELEASE, ACTOR], json_answer_of("What holds and what differs.") | problems(400, 404), operation_id="verifyRelease"
)
GET_STALE = described([ACTOR], json_answer_of("Layers that are behind.") | problems(400), operation_id="getStaleLayers")
CHECK_BASEMAP = described(
    [ACTOR],
    json_answer_of("Summary of what was found.") | problems(400, 403, 404, 409, 413, 415, 422),
    _CHECK_BODY,
    "checkBasemap",
)
GET_FINDINGS = described(
    [ACTOR], json_answer_of("Summary of the last check.") | problems(400), operation_id="getBasemapFindings"
)
