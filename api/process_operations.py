"""How the routes of processes and jobs describe themselves in the OpenAPI document."""

from __future__ import annotations

from api.layer_operations import ACTOR, json_answer_of
from api.operation import JsonObject, described, header, path, problems, query
from layers.analysis.jobs import Status
from tiles.raster.documents import COG_TYPE

PROCESS_PATH = "/processes/{processId}"
EXECUTION_PATH = PROCESS_PATH + "/execution"
JOB_PATH = "/jobs/{jobId}"
RESULTS_PATH = JOB_PATH + "/results"

_PROCESS = path("processId", "Id of the process.", "line-of-sight")
_JOB = path("jobId", "Id of the job.", "00000000-0000-4000-8000-000000000000")
_PREFER = header("Prefer", "respond-async for a job, respond-sync (the default) for the answer itself.")
_BODY: JsonObject = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["inputs"],
                "additionalProperties": False,
                "properties": {
                    "inputs": {"type": "object", "description": "As GET /processes/{processId} describes them."},
                    "outputs": {
                        "type": "object",
                        "description": "Of the one output, result: format.mediaType application/geo+json (without it) or image/tiff,"
                        " transmissionMode value or, for a raster that raster_as keeps, reference.",
                    },
                    "response": {"type": "string", "enum": ["raw", "document"], "default": "raw"},
                },
            },
            "example": {"inputs": {"from": [120.0, 36.276], "to": [[120.004, 36.277]], "ground_m": 10}},
        }
    },
}
_RESULT: JsonObject = {
    "200": {
        "description": "The result: a FeatureCollection with the member answer, or a document that names it.",
        "content": {
            "application/geo+json": {"schema": {"type": "object"}},
            "application/json": {"schema": {"type": "object"}},
            COG_TYPE: {"schema": {"type": "string", "format": "binary"}},
        },
    },
    "204": {
        "description": "The raster is kept; its address is in the header Link.",
        "headers": {"Link": {"schema": {"type": "string"}}},
    },
}
_JOB_ANSWER = json_answer_of("The job as it stands.")
_TEXT: JsonObject = {"type": "string"}
JOB_FILTERS = (
    query("type", {"type": "string", "enum": ["process"]}, "Kind of jobs."),
    query("processID", _TEXT, "Only jobs of these processes, joined with commas."),
    query("status", _TEXT, "Only jobs of these states, joined with commas: " + ", ".join(Status) + "."),
    query("datetime", _TEXT, "Created at an instant or in an interval."),
    query("minDuration", {"type": "number", "minimum": 0}, "Seconds that they have run at least."),
    query("maxDuration", {"type": "number", "minimum": 0}, "Seconds that they have run at most."),
    query("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "At most so many, the newest."),
)

LIST_PROCESSES = described(
    [query("limit", {"type": "integer", "minimum": 1, "maximum": 1000}, "At most so many.")],
    json_answer_of("The processes.") | problems(400),
    operation_id="getProcesses",
)
DESCRIBE_PROCESS = described(
    [_PROCESS], json_answer_of("The process with its inputs.") | problems(400, 404), operation_id="getProcess"
)
EXECUTE = described(
    [_PROCESS, _PREFER, ACTOR],
    _RESULT | json_answer_of("A job that does it.", 201) | problems(400, 403, 404, 409, 413, 415, 422),
    _BODY,
    "execute",
)
LIST_JOBS = described(
    [*JOB_FILTERS, ACTOR], json_answer_of("Jobs, the newest first.") | problems(400), operation_id="getJobs"
)
GET_JOB = described([_JOB, ACTOR], _JOB_ANSWER | problems(400, 404), operation_id="getJobStatus")
DISMISS = described(
    [_JOB, ACTOR],
    json_answer_of("The job that was dismissed or removed.") | problems(400, 404),
    operation_id="dismissJob",
)
GET_RESULTS = described([_JOB, ACTOR], _RESULT | problems(400, 403, 404, 409, 413, 422), operation_id="getJobResults")
