"""Analyses as OGC API Processes: what there is, what each asks for, and asking. Source: OGC 18-062r2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.analysis_parts import analysis_desk_of, jobs_of
from api.deps import parts_of
from api.errors import BadParameterError, MalformedBodyError, UnsupportedMediaError
from api.layer_parts import MEBIBYTE, actor_of
from api.links import base_url, link
from api.operation import ThinRoute
from api.parameters import read_parameters
from api.process_documents import (
    GEOJSON_TYPE,
    OUTPUT,
    job_document,
    process_document,
    process_summary,
    results_document,
)
from api.process_operations import DESCRIBE_PROCESS, EXECUTE, EXECUTION_PATH, LIST_PROCESSES, PROCESS_PATH
from api.responses.documents import json_answer
from api.uploads import read_object

router = APIRouter(tags=["processes"], route_class=ThinRoute)
_NO_CACHE = {"Cache-Control": "no-cache"}


@dataclass(frozen=True, slots=True)
class Wish:
    """The body of an execution: inputs, and whether the result comes as a document that names it."""

    inputs: Mapping[str, Any]
    document: bool


@router.get("/processes", summary="Analyses", **LIST_PROCESSES)
def list_processes(request: Request) -> Response:
    """All analyses in short."""
    from layers.analysis.processes import PROCESSES

    parameters = read_parameters(request, ("limit",))
    limit, base = parse_limit(parameters.get("limit"), len(PROCESSES)), base_url(request)
    shown = [process_summary(process, base) for process in list(PROCESSES.values())[:limit]]
    return json_answer(
        {"processes": shown, "links": [link(f"{base}/processes", "self", "application/json", "空间分析 Processes")]}
    )


@router.get(PROCESS_PATH, summary="One analysis", **DESCRIBE_PROCESS)
def describe_process(request: Request) -> Response:
    """What an analysis asks for and what it gives."""
    from layers.analysis.processes import process_called

    read_parameters(request, ())
    return json_answer(process_document(process_called(_process_id(request)), base_url(request)))


@router.post(EXECUTION_PATH, summary="Ask", **EXECUTE)
async def execute(request: Request) -> Response:
    """The answer, or with `Prefer: respond-async` a job that works it out."""
    read_parameters(request, ())
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaError(
            "The body is JSON.", value=media_type, limit="application/json", remedy="Send application/json."
        )
    body = await read_object(request, parts_of(request).settings.max_body_mb * MEBIBYTE)
    return await run_in_threadpool(_execute, request, body)


def _execute(request: Request, body: Mapping[str, Any]) -> Response:
    from layers.analysis.processes import process_called
    from layers.analysis.running import prepare, run

    process, wish = process_called(_process_id(request)), parse_wish(body)
    desk, actor, shelf = analysis_desk_of(request), actor_of(request), jobs_of(request)
    ready = prepare(process, wish.inputs, desk, actor)
    if not _wants_job(request):
        return result_answer(shelf.run(lambda: orjson.dumps(run(ready, desk, actor))), wish.document)
    job = shelf.start(
        process.id,
        actor.name,
        ready.layers,
        lambda told: run(ready, desk, actor, told),
        document=wish.document,
        drafts=ready.drafts,
    )
    base = base_url(request)
    headers = {"Location": f"{base}/jobs/{job.id}", "Preference-Applied": "respond-async", **_NO_CACHE}
    return json_answer(job_document(job, base), status=201, headers=headers)


def result_answer(result: bytes, document: bool) -> Response:
    """The one result as it is, or named in a document."""
    if document:
        return json_answer(results_document(orjson.Fragment(result)), headers=_NO_CACHE)
    return Response(result, headers=_NO_CACHE, media_type=GEOJSON_TYPE)


def parse_wish(body: Mapping[str, Any]) -> Wish:
    """The body of an execution.

    Raises:
        MalformedBodyError: if it is none, or wants what no process gives.
    """
    unknown = set(body) - {"inputs", "outputs", "response"}
    if unknown or not isinstance(body.get("inputs"), Mapping):
        raise MalformedBodyError(
            "An execution is an object with 'inputs'.",
            value=", ".join(sorted(unknown)) or "no inputs",
            limit="inputs, outputs, response; nobody is called back",
            remedy='Send {"inputs": {…}}.',
        )
    outputs, response = body.get("outputs", {OUTPUT: {}}), body.get("response", "raw")
    if not isinstance(outputs, Mapping) or set(outputs) - {OUTPUT} or any(map(_is_reference, outputs.values())):
        raise MalformedBodyError(
            "There is no such output.", value=str(outputs), limit=f"'{OUTPUT}', by value", remedy="Leave 'outputs' out."
        )
    if response not in ("raw", "document"):
        raise MalformedBodyError(
            "No such response.", value=str(response), limit="raw, document", remedy="Leave it out."
        )
    return Wish(body["inputs"], response == "document")


def _is_reference(wanted: Any) -> bool:
    return not isinstance(wanted, Mapping) or wanted.get("transmissionMode", "value") != "value"


def _wants_job(request: Request) -> bool:
    preferences = ",".join(request.headers.getlist("prefer")).lower()
    return "respond-async" in {part.partition(";")[0].strip() for part in preferences.split(",")}


def parse_limit(text: str | None, otherwise: int) -> int:
    """A number of entries from 1 to 1000. Raises BadParameterError."""
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 1000 and len(text) <= 9):
        raise BadParameterError(
            "This is no limit.", value=text, limit="1 to 1000", remedy="Write for instance limit=100."
        )
    return int(text)


def _process_id(request: Request) -> str:
    return str(request.path_params["processId"])
