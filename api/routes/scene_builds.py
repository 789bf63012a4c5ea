"""Scenes asked for over HTTP: built from a layer, or delivered as a file sent along or files of the inbox; each a job.

Readers of files are loaded with the first delivery.

Source of the answers: OGC 18-062r2, 7.11.4 and 7.12 (jobs), RFC 9110, 15.3.3 (202).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from api.errors import MalformedBodyError, UnsupportedMediaError
from api.layer_operations import ACTOR, write_problems
from api.layer_parts import MEBIBYTE, actor_of, city_of
from api.links import base_url
from api.operation import ThinRoute, described
from api.parameters import read_parameters
from api.process_documents import job_document
from api.responses.documents import json_answer
from api.scene_build_operations import ACCEPTED, BUILD_BODY, SCENE_JOBS
from api.scene_files import SceneFiles
from api.scene_parts import scene_document
from api.upload_shelf import Kept, UploadShelf
from api.uploads import read_object
from layers.analysis.jobs import JobShelf
from layers.scenes.desk import Scene
from layers.sources import find_in_inbox
from scenes3d.tileset.progress import share_of
from twin.disk import told_when_full

if TYPE_CHECKING:
    from layers.scenes.wishes import DeliveryAsked

router = APIRouter(tags=["scenes"], route_class=ThinRoute)
BUILD, IMPORT = SCENE_JOBS
Told = Callable[[float], None]

# Share of a build that is reading; the rest is making tiles.
_READ = 0.5


@router.post(
    "/scenes",
    summary="Build or import a scene",
    **described([ACTOR], ACCEPTED | write_problems(), BUILD_BODY, "makeScene"),
)
async def make_scene(request: Request) -> Response:
    """A job that builds a scene from a layer (`layer`), or from files: a form with the parts `scene` and `file`, or `inbox`.

    What is served stays until the new scene is whole; a scene that is new waits as a draft for its review. The job is at the address
    in `Location`: GET tells how far it is, DELETE stops it, `/results` has the record and the report.
    """
    read_parameters(request, ())
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        settings = parts_of(request).settings
        kept = await UploadShelf(settings.data_dir / "uploads").receive(request, settings.max_upload_mb * MEBIBYTE)
        try:
            document = kept.document("scene")
            return await run_in_threadpool(_delivered, request, document, kept)
        except BaseException:
            kept.drop()
            raise
    if media_type != "application/json":
        raise UnsupportedMediaError(
            "A scene is asked for by JSON or a form.",
            value=media_type,
            limit="application/json, multipart/form-data",
            remedy="Send JSON, or a form with the parts 'scene' (JSON) and 'file'.",
        )
    document = await read_object(request, parts_of(request).settings.max_body_mb * MEBIBYTE)
    if "layer" in document:
        return await run_in_threadpool(_built, request, document)
    return await run_in_threadpool(_delivered, request, document, None)


def _built(request: Request, document: Mapping[str, Any]) -> Response:
    from layers.scenes.wishes import BuildAsked, parse_asked

    asked, actor, desk = parse_asked(BuildAsked, document), actor_of(request), _files(request).desk
    wish = asked.wish()
    maker = desk.planned(asked.layer, wish, actor)
    total, base = max(maker.layer.feature_count, 1), base_url(request)

    def work(told: Told) -> Mapping[str, Any]:
        done = {"read": 0, "built": 0}

        def advance(what: str, count: int) -> None:
            done[what] += count
            told(_READ * min(done["read"] / total, 1) + (1 - _READ) * min(done["built"] / total, 1))

        with told_when_full(asked.layer):
            return _result(desk.build(asked.layer, wish, actor, advance), _files(request), base)

    return _started(request, BUILD, asked.layer, work)


def _delivered(request: Request, document: Mapping[str, Any], kept: Kept | None) -> Response:
    from layers.scenes.delivery import authorise_delivery, deliver
    from layers.scenes.wishes import DeliveryAsked, parse_asked

    asked, actor, desk = parse_asked(DeliveryAsked, document), actor_of(request), _files(request).desk
    desk.folder(asked.id)
    authorise_delivery(desk, asked.id, actor)
    files = _sources(request, asked, kept)
    wish, city, base = asked.wish(), city_of(request), base_url(request)

    def work(told: Told) -> Mapping[str, Any]:
        def advance(step: str, done: int, total: int) -> None:
            told(share_of(step, done, total))

        with told_when_full(asked.id):
            return _result(deliver(desk, asked.id, files, wish, actor, city, advance), _files(request), base)

    return _started(request, IMPORT, asked.id, work, kept.drop if kept is not None else _nothing)


def _sources(request: Request, asked: DeliveryAsked, kept: Kept | None) -> list[Path]:
    """The files of a delivery: the one that came along, or those of the inbox. Raises MalformedBodyError, BadManifestError."""
    if (kept is None) == (asked.inbox is None):
        raise MalformedBodyError(
            "A delivery is one file that comes along, or files of the inbox.",
            value="both" if kept is not None else "neither",
            limit="the part 'file' of a form, or 'inbox'",
            remedy='Send a form with the parts \'scene\' and \'file\', or {"id": …, "inbox": ["survey.laz"]}.',
        )
    if kept is not None:
        return [kept.file]
    inbox = parts_of(request).settings.inbox_dir
    return [find_in_inbox(inbox, name) for name in asked.inbox or ()]


def _nothing() -> None:
    pass


def _started(
    request: Request,
    process: str,
    scene_id: str,
    work: Callable[[Told], Mapping[str, Any]],
    over: Callable[[], None] = _nothing,
) -> Response:
    shelf: JobShelf = request.app.state.builds
    job = shelf.start(process, actor_of(request).name, (scene_id,), work, drafts=(scene_id,), over=over)
    base = base_url(request)
    headers = {"Location": f"{base}/jobs/{job.id}", "Cache-Control": "no-cache"}
    return json_answer(job_document(job, base), status=202, headers=headers)


def _result(scene: Scene, files: SceneFiles, base: str) -> dict[str, Any]:
    """What the job leaves: the record, and what became of the features."""
    return {"scene": scene.id, **scene_document(scene, files.desk.served(scene), base)}


def _files(request: Request) -> SceneFiles:
    files: SceneFiles = request.app.state.scenes
    return files
