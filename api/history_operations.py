"""How the routes of the history describe themselves in the OpenAPI document."""

from __future__ import annotations

from api.item_operations import FEATURE_SCHEMA, IF_MATCH, REASON
from api.layer_operations import ACTOR, json_answer_of
from api.negotiation import GEOJSON, ITEM, PAGES
from api.operation import (
    COLLECTION_ID,
    COLLECTION_PATH,
    FEATURE_ID,
    ITEM_PATH,
    JsonObject,
    answers,
    described,
    format_parameter,
    path,
    problems,
    query,
)

VERSIONS_PATH = ITEM_PATH + "/versions"
VERSION_PATH = VERSIONS_PATH + "/{version}"
DIFF_PATH = ITEM_PATH + "/diff"
RESTORE_PATH = ITEM_PATH + "/restore"
CHANGES_PATH = COLLECTION_PATH + "/changes"
CHANGE_PATH = CHANGES_PATH + "/{version}"

_NUMBER: JsonObject = {"type": "integer", "minimum": 1}
_VERSION: JsonObject = path("version", "Version of the layer.", "1") | {"schema": _NUMBER}
_LIMIT: JsonObject = {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}

GET_VERSIONS = described(
    [
        COLLECTION_ID,
        FEATURE_ID,
        query("limit", _LIMIT, "Versions on a page; a larger number is cut to the maximum."),
        query("before", _NUMBER, "Only versions below this one: where the next page starts."),
        format_parameter(PAGES),
    ],
    answers(PAGES) | problems(400, 404, 406),
    operation_id="getFeatureVersions",
)
GET_VERSION = described(
    [COLLECTION_ID, FEATURE_ID, _VERSION, format_parameter(ITEM)],
    answers(ITEM, FEATURE_SCHEMA) | problems(400, 404, 406),
    operation_id="getFeatureVersion",
)
GET_DIFF = described(
    [
        COLLECTION_ID,
        FEATURE_ID,
        query("from", _NUMBER, "The earlier version; without it the one before `to`."),
        query("to", _NUMBER, "The later version; without it the last one."),
        format_parameter(PAGES),
    ],
    answers(PAGES) | problems(400, 404, 406),
    operation_id="getFeatureDifference",
)
RESTORE = described(
    [COLLECTION_ID, FEATURE_ID, IF_MATCH, REASON, ACTOR],
    answers((GEOJSON,), FEATURE_SCHEMA) | problems(400, 403, 404, 409, 412, 413, 415),
    {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["version"],
                    "description": "The version at which the feature stood as it shall stand again, earlier slices of its "
                    "validity included. A deleted feature comes back.",
                    "properties": {"version": _NUMBER},
                    "additionalProperties": False,
                }
            }
        },
    },
    "restoreFeature",
)
GET_CHANGES = described(
    [
        COLLECTION_ID,
        query("limit", _LIMIT, "Changesets on a page; a larger number is cut to the maximum."),
        query("before", _NUMBER, "Only versions below this one: where the next page starts."),
        format_parameter(PAGES),
    ],
    answers(PAGES) | problems(400, 404, 406),
    operation_id="getChanges",
)
GET_CHANGE = described(
    [
        COLLECTION_ID,
        _VERSION,
        query("limit", _LIMIT, "Features on a page; a larger number is cut to the maximum."),
        query("after", {"type": "integer", "minimum": 0}, "Where a page starts: taken from a next link."),
    ],
    json_answer_of("Who, when, why, and the features touched.") | problems(400, 404),
    operation_id="getChange",
)
