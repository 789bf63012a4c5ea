"""Analyses as OGC API Processes: what there is, what each asks for, and asking. Source: OGC 18-062r2."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

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
    Form,
    has_raster,
    job_document,
    process_document,
    process_summary,
    results_document,
)
from api.process_operations import DESCRIBE_PROCESS, EXECUTE, EXECUTION_PATH, LIST_PROCESSES, PROCESS_PATH
from api.responses.documents import json_answer
from api.uploads import read_object
from tiles.raster.documents import COG_TYPE

if TYPE_CHECKING:
    from layers.analysis.material import AnalysisDesk
    from layers.analysis.processes import Process
    from layers.analysis.running import Run
    from layers.policy import Actor

Told = Callable[[float], None]

router = APIRouter(tags=["processes"], route_class=ThinRoute)
_NO_CACHE = {"Cache-Control": "no-cache"}


@dataclass(frozen=True, slots=True)
class Wish:
    """The body of an execution.

    Attributes:
        document: Whether the result comes as a document that names it.
        form: Whether it is features, a raster, or the address of a raster that is kept.
    """

    inputs: Mapping[str, Any]
    document: bool
    form: Form = Form.FEATURES


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
    from layers.analysis.rules import RuleBook

    read_parameters(request, ())
    rules = RuleBook(parts_of(request).settings.rules_dir)
    return json_answer(process_document(process_called(_process_id(request)), base_url(request), rules))


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
    from layers.analysis.running import prepare

    process, wish = process_called(_process_id(request)), parse_wish(body)
    desk, actor, shelf, base = analysis_desk_of(request), actor_of(request), jobs_of(request), base_url(request)
    require_form(process, wish)
    ready = prepare(process, wish.inputs, desk, actor)
    work = worker(ready, wish.form, desk, actor)
    if not _wants_job(request):
        found = shelf.run(lambda: work(lambda share: None))
        return result_answer(found if isinstance(found, bytes) else orjson.dumps(found), wish.document, wish.form, base)
    job = shelf.start(
        process.id,
        actor.name,
        ready.layers,
        work,
        document=wish.document,
        drafts=ready.drafts,
        form=wish.form.value,
    )
    headers = {"Location": f"{base}/jobs/{job.id}", "Preference-Applied": "respond-async", **_NO_CACHE}
    return json_answer(job_document(job, base), status=201, headers=headers)


def worker(ready: Run, form: Form, desk: AnalysisDesk, actor: Actor) -> Callable[[Told], Mapping[str, Any] | bytes]:
    """What works the result out in the form that is asked for; of a raster that is kept, its id."""
    from layers.analysis.running import run, run_raster

    if form is Form.RASTER:
        return lambda told: run_raster(ready, desk, actor, told)
    if form is Form.ADDRESS:
        return lambda told: {"raster": run(ready, desk, actor, told)["answer"]["raster"]}
    return lambda told: run(ready, desk, actor, told)


def result_answer(result: bytes, document: bool, form: Form, base: str) -> Response:
    """The one result as it is, or named in a document. Source: OGC 18-062r2, 7.11.4, table 11."""
    if form is Form.ADDRESS:
        raster_id = str(orjson.loads(result)["raster"])
        href = f"{base}/rasters/{quote(raster_id)}/images/{quote(raster_id)}.tif"
        if document:
            return json_answer({OUTPUT: {"href": href, "type": COG_TYPE}}, headers=_NO_CACHE)
        told = f'<{href}>; rel="{OUTPUT}"; type="{COG_TYPE}"'
        return Response(status_code=204, headers={"Link": told, **_NO_CACHE})
    if form is Form.RASTER and document:
        value = {"value": b64encode(result).decode(), "encoding": "base64", "mediaType": COG_TYPE}
        return json_answer({OUTPUT: value}, headers=_NO_CACHE)
    if document:
        return json_answer(results_document(orjson.Fragment(result)), headers=_NO_CACHE)
    return Response(result, headers=_NO_CACHE, media_type=COG_TYPE if form is Form.RASTER else GEOJSON_TYPE)


def require_form(process: Process, wish: Wish) -> None:
    """Refuse what a process does not give.

    Raises:
        MalformedBodyError: if its result has no cells, or it is not said where a raster is to be kept.
    """
    if wish.form is Form.FEATURES:
        return
    if not has_raster(process):
        raise MalformedBodyError(
            "The result of this process has no cells.",
            value=process.id,
            limit="application/geo+json",
            remedy="Ask for GeoJSON; GET /processes/{id} tells the formats of each.",
        )
    if wish.form is Form.ADDRESS and not wish.inputs.get("raster_as"):
        raise MalformedBodyError(
            "It is not said where the raster is to be kept.",
            value="transmissionMode reference",
            limit="the input raster_as",
            remedy='Add "raster_as": {"id": "flood-2026"} to the inputs, or ask by value.',
        )


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
    if response not in ("raw", "document"):
        raise MalformedBodyError(
            "No such response.", value=str(response), limit="raw, document", remedy="Leave it out."
        )
    return Wish(body["inputs"], response == "document", _form(outputs))


def _form(outputs: Any) -> Form:
    """What an execution wants its one output to be. Raises MalformedBodyError."""
    wanted = outputs.get(OUTPUT, {}) if isinstance(outputs, Mapping) and not set(outputs) - {OUTPUT} else None
    said = wanted.get("format", {}) if isinstance(wanted, Mapping) else None
    if isinstance(wanted, Mapping) and isinstance(said, Mapping):
        media, _, _ = str(said.get("mediaType", GEOJSON_TYPE)).lower().partition(";")
        mode = wanted.get("transmissionMode", "value")
        if media == "image/tiff" and mode in ("value", "reference"):
            return Form.RASTER if mode == "value" else Form.ADDRESS
        if media in (GEOJSON_TYPE, "application/json") and mode == "value":
            return Form.FEATURES
    raise MalformedBodyError(
        "There is no such output.",
        value=str(outputs),
        limit=f"'{OUTPUT}', as {GEOJSON_TYPE} by value, or as image/tiff by value or reference",
        remedy="Leave 'outputs' out for GeoJSON.",
    )


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
