"""The control-point report of a scene: asked for, and made from a file of surveyed points or from a layer of them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from api.errors import BadParameterError, MalformedBodyError
from api.layer_operations import ACTOR, json_answer_of, write_problems
from api.layer_parts import MEBIBYTE, actor_of, registry_of
from api.operation import JsonObject, ThinRoute, described, path, problems, query
from api.parameters import parse_flag, read_parameters
from api.scene_files import JSON, SceneFiles
from api.uploads import Received, received
from layers.analysis.result_layer import authorise_result
from layers.policy import Actor
from layers.scenes.accuracy import CheckWish, check_scene, kept_report
from layers.scenes.control_points import ControlWish
from layers.scenes.residuals import register_residuals
from scenes3d.accuracy.summary import Limits

router = APIRouter(tags=["scenes"], route_class=ThinRoute)

# As constants: thin routes take their path parameters from the request.
_PATH = "/scenes/{sceneId}/accuracy"
_SCENE_ID = path("sceneId", "Id of the scene: that of its layer.", "buildings")
_METRES: JsonObject = {"type": "number", "exclusiveMinimum": 0}
_TEXT: JsonObject = {"type": "string"}
_PARAMETERS = (
    query("layer", _TEXT, "Points of this layer instead of a file."),
    query("filename", _TEXT, "Name of a file sent as bare body; its ending tells the format.", example="points.csv"),
    query("crs", _TEXT, "CRS of the file's coordinates; stands above what the file says.", example="EPSG:4549"),
    query("vertical_datum", _TEXT, "What its heights count from.", example="EPSG:5737"),
    query("height", _TEXT, "Column of the heights; without it h, z, height or 高程."),
    query("radius_m", _METRES, "Points of a cloud so near in plane tell its height; 1 without it."),
    query("reach_m", _METRES, "So far above or below a point its surface may lie; 3 without it."),
    query("limit_plane_m", _METRES, "Allowed mean square error in plane."),
    query("limit_z_m", _METRES, "Allowed mean square error in height."),
    query("equal_accuracy", {"type": "string", "enum": ["true", "false"]}, "The survey is no better than the scene."),
    query("register_as", _TEXT, "Id of a new layer that keeps the residuals."),
)
_NAMES = tuple(parameter["name"] for parameter in _PARAMETERS)
_BINARY: JsonObject = {"schema": {"type": "string", "format": "binary"}}
_BODY: JsonObject = {
    "required": False,
    "content": {
        "text/csv": _BINARY,
        "application/geo+json": _BINARY,
        "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _BINARY["schema"]}}},
    },
}


@router.get(
    _PATH,
    summary="Measured accuracy of a scene",
    **described(
        [_SCENE_ID, ACTOR], json_answer_of("The report.") | problems(400, 404), operation_id="getSceneAccuracy"
    ),
)
def get_accuracy(request: Request) -> Response:
    """The last control-point report: residuals point by point, mean square errors, limits, and what the points were."""
    read_parameters(request, ())
    scene = _files(request).desk.scene(_scene_id(request), actor_of(request))
    return _json(kept_report(scene))


@router.post(
    _PATH,
    summary="Check a scene against surveyed points",
    **described(
        [_SCENE_ID, *_PARAMETERS, ACTOR],
        json_answer_of("The report.") | write_problems(),
        _BODY,
        "checkSceneAccuracy",
    ),
)
async def check_accuracy(request: Request) -> Response:
    """Points with id, x, y, h and, where they were measured in the scene, scene_x, scene_y, scene_h. The report stays with the scene."""
    asked = read_parameters(request, _NAMES)
    limit = parts_of(request).settings.max_body_mb * MEBIBYTE
    layer = asked.get("layer")
    body = nullcontext(None) if layer is not None else received(request, limit, asked.get("filename"))
    async with body as came:
        wish = _wish(asked, _survey(asked, came))
        report = await run_in_threadpool(_check, request, wish, asked.get("register_as"), actor_of(request))
    return _json(report)


def _check(request: Request, wish: CheckWish, register_as: str | None, actor: Actor) -> dict[str, Any]:
    if register_as is not None:
        authorise_result(registry_of(request), actor, register_as)
    report = check_scene(_files(request).desk, _scene_id(request), wish, actor)
    if register_as is not None:
        register_residuals(registry_of(request), actor, register_as, report)
    return report


def _survey(asked: dict[str, str], came: Received | None) -> ControlWish:
    if came is None:
        return ControlWish(layer=asked["layer"], height=asked.get("height"))
    if came.upload is None:
        raise MalformedBodyError(
            "No points came along.", remedy="Send a file in the part 'file' of a form or as the body, or name a layer."
        )
    upload = came.upload
    return ControlWish(
        upload.path, None, upload.name, asked.get("crs"), asked.get("vertical_datum"), asked.get("height")
    )


def _wish(asked: dict[str, str], survey: ControlWish) -> CheckWish:
    equal = parse_flag(asked.get("equal_accuracy"), "equal_accuracy")
    limits = Limits(_metres(asked, "limit_plane_m"), _metres(asked, "limit_z_m"), equal)
    radius, reach = _metres(asked, "radius_m"), _metres(asked, "reach_m")
    return CheckWish(survey, 1.0 if radius is None else radius, 3.0 if reach is None else reach, limits)


def _metres(asked: dict[str, str], name: str) -> float | None:
    if name not in asked:
        return None
    try:
        return float(asked[name])
    except ValueError as error:
        raise BadParameterError(
            "This is no number of metres.",
            value=asked[name],
            limit="a number",
            remedy=f"Write for instance {name}=0.5.",
        ) from error


def _files(request: Request) -> SceneFiles:
    files: SceneFiles = request.app.state.scenes
    return files


def _scene_id(request: Request) -> str:
    return str(request.path_params["sceneId"])


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), headers={"Cache-Control": "no-cache"}, media_type=JSON)
