"""Jobs of analyses: how far they are, their results, and doing without them. Source: OGC 18-062r2, 7.12, 7.13, 11 and 13."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.analysis_parts import job_of, jobs_of, may_know
from api.deps import parts_of
from api.errors import BadParameterError, problem
from api.layer_parts import actor_of
from api.links import base_url, link
from api.operation import ThinRoute
from api.parameters import parse_when, read_parameters
from api.process_documents import Form, duration_s, job_document
from api.process_operations import (
    DISMISS,
    GET_JOB,
    GET_RESULTS,
    JOB_FILTERS,
    JOB_PATH,
    LIST_JOBS,
    RESULTS_PATH,
)
from api.responses.documents import json_answer
from api.routes.processes import parse_limit, result_answer
from api.scene_build_operations import SCENE_JOBS
from layers.analysis.jobs import Job, Status

router = APIRouter(tags=["processes"], route_class=ThinRoute)
_NO_CACHE = {"Cache-Control": "no-cache"}
_NAMES = tuple(parameter["name"] for parameter in JOB_FILTERS)


@router.get("/jobs", summary="Jobs", **LIST_JOBS)
def list_jobs(request: Request) -> Response:
    """The jobs that one may know of, the newest first."""
    parameters = read_parameters(request, _NAMES)
    wanted, limit = job_filter(parameters), parse_limit(parameters.get("limit"), 100)
    actor, policy, base = actor_of(request), parts_of(request).policy, base_url(request)
    found = [job for job in jobs_of(request).jobs() if wanted(job) and may_know(job, policy, actor)]
    links = [link(f"{base}/jobs", "self", "application/json", "分析任务 Jobs")]
    return json_answer({"jobs": [job_document(job, base) for job in found[:limit]], "links": links}, headers=_NO_CACHE)


@router.get(JOB_PATH, summary="A job", **GET_JOB)
def show_job(request: Request) -> Response:
    """How far a job is."""
    read_parameters(request, ())
    return json_answer(job_document(job_of(request, actor_of(request)), base_url(request)), headers=_NO_CACHE)


@router.delete(JOB_PATH, summary="Dismiss a job", **DISMISS)
def dismiss_job(request: Request) -> Response:
    """Stop a job; one that is over is forgotten with its result."""
    read_parameters(request, ())
    job = job_of(request, actor_of(request))
    return json_answer(job_document(jobs_of(request).dismiss(job.id), base_url(request)), headers=_NO_CACHE)


@router.get(RESULTS_PATH, summary="Results of a job", **GET_RESULTS)
def show_results(request: Request) -> Response:
    """The result in the form that was asked for; of a failed job, what went wrong."""
    read_parameters(request, ())
    job = job_of(request, actor_of(request))
    if job.status is Status.FAILED:
        return _failure(job)
    result = jobs_of(request).result(job.id)
    if job.process in SCENE_JOBS:
        return Response(result, headers=_NO_CACHE, media_type="application/json")
    return result_answer(result, job.document, Form(job.form or Form.FEATURES), base_url(request))


def _failure(job: Job) -> Response:
    said = job.problem
    if said is None:
        return problem(500, "job-failed", job.message, remedy="Ask again; the server's log says more.")
    return problem(
        422, said["code"], said["message"], value=said.get("value"), limit=said["limit"], remedy=said["remedy"]
    )


def job_filter(parameters: Mapping[str, str]) -> Callable[[Job], bool]:
    """Which jobs the parameters of a list want. Raises BadParameterError, BadIntervalError."""
    processes = set(parameters["processID"].split(",")) if "processID" in parameters else None
    states = set(parameters["status"].split(",")) if "status" in parameters else None
    if parameters.get("type", "process") != "process":
        raise BadParameterError(
            "There are no such jobs.", value=parameters["type"], limit="process", remedy="Leave it out."
        )
    if states is not None and states - set(Status):
        raise BadParameterError(
            "No job has such a status.",
            value=parameters["status"],
            limit=", ".join(Status),
            remedy="Join several with commas.",
        )
    least, most = _seconds(parameters, "minDuration", 0.0), _seconds(parameters, "maxDuration", math.inf)
    interval = parse_when(parameters["datetime"]) if "datetime" in parameters else None

    def wanted(job: Job) -> bool:
        created = datetime.fromisoformat(job.created)
        if interval is not None and (interval.start or created) > created:
            return False
        if interval is not None and (interval.end or created) < created:
            return False
        ran = duration_s(job, datetime.now(UTC))
        timed = "minDuration" not in parameters and "maxDuration" not in parameters
        return (
            (processes is None or job.process in processes)
            and (states is None or job.status.value in states)
            and (timed or (ran is not None and least <= ran <= most))
        )

    return wanted


def _seconds(parameters: Mapping[str, str], name: str, otherwise: float) -> float:
    text = parameters.get(name)
    if text is None:
        return otherwise
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (math.isfinite(value) and value >= 0):
        raise BadParameterError(
            f"'{name}' is no number of seconds.", value=text, limit="0 and more", remedy="Write seconds."
        )
    return value
