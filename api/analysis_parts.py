"""The analyses of the running server: where they find their material, and their jobs. Engines are loaded at the first question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request

from api.deps import parts_of
from api.layer_parts import registry_of
from api.settings import Settings
from layers.analysis.jobs import Job, JobShelf, unknown_job
from layers.policy import Actor, Policy, may_read, may_review

if TYPE_CHECKING:
    from layers.analysis.material import AnalysisDesk


def job_shelf(settings: Settings) -> JobShelf:
    """The jobs in the data folder; nothing is made yet."""
    return JobShelf(
        settings.jobs_dir,
        workers=settings.analysis_workers,
        waiting=settings.analysis_waiting_max,
        kept=settings.analysis_jobs_kept,
    )


def build_shelf(settings: Settings) -> JobShelf:
    """Jobs that build scenes, one at a time, beside the analyses in the same folder."""
    return JobShelf(
        settings.jobs_dir, waiting=settings.analysis_waiting_max, kept=settings.analysis_jobs_kept, name="builds"
    )


def jobs_of(request: Request) -> JobShelf:
    shelf: JobShelf = request.app.state.jobs
    return shelf


def analysis_desk_of(request: Request) -> AnalysisDesk:
    """What analyses may use: layers of the registry, terrains, point clouds of the inbox."""
    from layers.analysis.material import AnalysisDesk, AnalysisLimits
    from layers.analysis.rules import RuleBook

    settings = parts_of(request).settings
    limits = AnalysisLimits(
        cells=settings.analysis_cells_max,
        rays=settings.analysis_rays_max,
        buildings=settings.analysis_buildings_max,
        triangles=settings.analysis_triangles_max,
    )
    state = request.app.state
    return AnalysisDesk(
        registry_of(request),
        state.terrain.shelf,
        limits,
        settings.inbox_dir,
        state.scenes.desk,
        state.rasters.book,
        RuleBook(settings.rules_dir),
    )


def may_know(job: Job, policy: Policy, actor: Actor) -> bool:
    """Whether `actor` may know of a job: who may read all that it reads and asked for it, or may review what of it is not published."""
    return all(may_read(policy, actor, layer) for layer in job.layers) and (
        job.actor == actor.name or all(may_review(policy, actor, layer) for layer in job.drafts)
    )


def job_of(request: Request, actor: Actor) -> Job:
    """The job that the path names.

    Raises:
        UnknownJobError: if there is none, or the one who asks may not know of it.
    """
    job = jobs_of(request).job(str(request.path_params["jobId"]))
    if not may_know(job, parts_of(request).policy, actor):
        raise unknown_job(job.id)
    return job
