"""OGC API - 3D GeoVolumes over the published scenes, below a landing page of its own.

`/collections` belongs to OGC API Features: its collections hold features and have flat boxes. A 3D container is something else,
so that these have their own `collections`, found from `/geovolumes`, and their own declaration of conformance.
Who may not read a scene's layer finds no container; drafts are not given to the outside at all.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.crs_edge import edge_crs
from api.deps import parts_of
from api.geovolume_documents import (
    CLASSES,
    MODEL,
    Volume,
    VolumeQuery,
    collections_document,
    has_format,
    landing_document,
    model_document,
    scene_document,
)
from api.layer_operations import ACTOR
from api.layer_parts import actor_of
from api.links import base_url, link
from api.negotiation import JSON, negotiate
from api.operation import ThinRoute, answers, described, format_parameter, path, problems, query
from api.parameters import parse_bbox, parse_heights, read_parameters
from api.responses.documents import json_answer
from api.scene_files import SceneFiles
from layers.scenes.desk import Scene
from layers.scenes.record import SceneState, scene_state
from twin.crs import CRS84
from twin.errors import UnknownSceneError

router = APIRouter(tags=["geovolumes"], route_class=ThinRoute)

_OFFERS = (JSON,)
_F = format_parameter(_OFFERS)
_BBOX = query(
    "bbox",
    {"type": "string"},
    "Only what meets this box: four numbers, or six with heights; degrees, metres.",
    example="119.9,36.1,0,120.2,36.4,100",
)
_FORMAT = query("format", {"type": "string"}, "Only what comes in this format.", example="3dtiles")
_CONTAINER_ID = path("containerId", f"Id of the 3D container: that of a scene, or {MODEL} for all of them.", MODEL)
_ANSWER = answers(_OFFERS)
# As a constant: thin routes take their path parameters from the request.
_CONTAINER_PATH = "/geovolumes/collections/{containerId}"


@router.get(
    "/geovolumes",
    summary="3D GeoVolumes",
    **described([_F], _ANSWER | problems(400, 406), operation_id="getGeoVolumes"),
)
def landing(request: Request) -> Response:
    """The way into the published scenes by OGC API - 3D GeoVolumes."""
    _asked(request, ("f",))
    return json_answer(landing_document(base_url(request), parts_of(request).settings.title))


@router.get(
    "/geovolumes/conformance",
    summary="Conformance of 3D GeoVolumes",
    **described([_F], _ANSWER | problems(400, 406), operation_id="getGeoVolumesConformance"),
)
def conformance(request: Request) -> Response:
    """The conformance classes that are implemented below /geovolumes."""
    _asked(request, ("f",))
    here = f"{base_url(request)}/geovolumes/conformance"
    return json_answer({"conformsTo": sorted(CLASSES), "links": [link(here, "self", JSON.media_type, JSON.title)]})


@router.get(
    "/geovolumes/collections",
    summary="3D containers",
    **described([_BBOX, _FORMAT, _F, ACTOR], _ANSWER | problems(400, 406), operation_id="getContainers"),
)
def collections(request: Request) -> Response:
    """The model of the city and every published scene, each with its box in space and links to its tileset."""
    asked = _query(_asked(request, ("f", "bbox", "format")))
    return json_answer(collections_document(base_url(request), _volumes(request), asked))


@router.get(
    _CONTAINER_PATH,
    summary="A 3D container",
    **described(
        [_CONTAINER_ID, _BBOX, _FORMAT, _F, ACTOR], _ANSWER | problems(400, 404, 406), operation_id="getContainer"
    ),
)
def collection(request: Request) -> Response:
    """One container; `bbox` and `format` choose among its content and its children."""
    asked = _query(_asked(request, ("f", "bbox", "format")))
    name, base = str(request.path_params["containerId"]), base_url(request)
    if name == MODEL:
        return json_answer(model_document(base, _volumes(request), asked))
    scene = _files(request).desk.scene(name, actor_of(request))
    volume = _volume(request, scene)
    if volume is None:
        raise UnknownSceneError(
            f"没有三维容器“{name}”。There is no 3D container '{name}'.",
            value=name,
            remedy="GET /geovolumes/collections lists them: scenes that are published and hold something.",
        )
    return json_answer(scene_document(base, volume, asked))


def _asked(request: Request, names: tuple[str, ...]) -> dict[str, str]:
    asked = dict(read_parameters(request, names))
    negotiate(asked, request.headers.get("accept"), _OFFERS)
    return asked


def _query(asked: dict[str, str]) -> VolumeQuery:
    box: dict[str, Any] = {}
    if "bbox" in asked:
        box = {"bounds": parse_bbox(asked["bbox"], edge_crs(CRS84)), "heights": parse_heights(asked["bbox"])}
    return VolumeQuery(**box, wanted=has_format(asked["format"]) if "format" in asked else True)


def _files(request: Request) -> SceneFiles:
    files: SceneFiles = request.app.state.scenes
    return files


def _volumes(request: Request) -> list[Volume]:
    found = (_volume(request, scene) for scene in _files(request).desk.scenes(actor_of(request)))
    return [volume for volume in found if volume is not None]


def _volume(request: Request, scene: Scene) -> Volume | None:
    """A scene with its box; None where it is not published, or nothing stands in it."""
    if scene_state(scene.record) is not SceneState.PUBLISHED:
        return None
    region = _files(request).desk.served(scene).edition.region
    return None if region is None else Volume(scene, region)
