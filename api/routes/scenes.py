"""Scenes: the list, one scene with its record, its tileset of now or another time, its tiles, its changes, and the review.

Every file is asked of the policy, not only `tileset.json`: who may not read the layer finds no scene and no tile.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from api.errors import BadParameterError
from api.layer_operations import ACTOR, json_answer_of, write_problems
from api.layer_parts import MEBIBYTE, actor_of
from api.links import base_url
from api.moments import MOMENT_PARAMETERS, parse_moment
from api.operation import JsonObject, ThinRoute, described, path, problems, query
from api.parameters import read_parameters
from api.scene_files import BEHIND_HEADER, GLB, JSON, VERSION_HEADER, SceneFiles, file_response
from api.scene_parts import scene_document, scene_summary
from api.uploads import read_object
from layers.reviewing import parse_decision
from layers.scenes.changes import scene_changes
from layers.scenes.desk import Scene
from layers.scenes.record import SceneState, scene_state
from scenes3d.editions.edition import FILES
from twin.errors import BadMomentError

router = APIRouter(tags=["scenes"], route_class=ThinRoute)

# As constants: thin routes take their path parameters from the request.
SCENE_PATH = "/scenes/{sceneId}"
_TILESET_PATH = SCENE_PATH + "/tileset.json"
_TILE_PATH = SCENE_PATH + "/tiles/{tile}.glb"
_FILE_PATH = SCENE_PATH + "/files/{delivery}/{file}"
_CHANGES_PATH = SCENE_PATH + "/changes"
_REVIEW_PATH = SCENE_PATH + "/review"
_SCENE_ID = path("sceneId", "Id of the scene: that of its layer.", "buildings")
_TILE = path("tile", "Name of the tile: the checksum of its bytes.", "0123456789abcdef0123456789abcdef")
_DELIVERY = path("delivery", "What was delivered: a checksum.", "0123456789abcdef")
_FILE = path("file", "Name of the file.", "r0.glb")
_AS_OF = query("as_of", {"type": "string"}, "The city of then: an instant, a date, a version, or release:NAME.")
_DATETIME = query("datetime", {"type": "string"}, "What held in the world then: an instant, a date or an interval.")
_TIMES = [_AS_OF, _DATETIME]
_V = query("v", {"type": "string"}, "Edition of the scene; changes nothing in the answer.")
_ASKED = (*MOMENT_PARAMETERS, "v")
_SINCE = query("since", {"type": "integer", "minimum": 0}, "Only editions of later versions.")
_FRESH: JsonObject = {"304": {"description": "Not changed since the ETag that was sent."}}
_GLB_ANSWER: JsonObject = {
    "200": {"description": "The tile.", "content": {GLB: {"schema": {"type": "string", "format": "binary"}}}}
}
_FILE_ANSWER: JsonObject = {
    "200": {
        "description": "The file.",
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}} for media in (GLB, "application/octet-stream")
        }
        | {JSON: {"schema": {"type": "object"}}},
    }
}
_REVIEW_BODY: JsonObject = {
    "required": True,
    "content": {
        JSON: {
            "schema": {
                "type": "object",
                "required": ["decision", "reason"],
                "properties": {
                    "decision": {"type": "string", "enum": ["accept", "reject"]},
                    "reason": {"type": "string", "minLength": 1, "maxLength": 500},
                },
            }
        }
    },
}


@router.get(
    "/scenes",
    summary="Scenes",
    **described([ACTOR], json_answer_of("The scenes.") | problems(400), operation_id="getScenes"),
)
def get_scenes(request: Request) -> Response:
    """All scenes that may be seen; drafts and rejected ones only by those who may review them."""
    read_parameters(request, ())
    scenes = _files(request).desk.scenes(actor_of(request))
    model = f"{base_url(request)}/scenes/tileset.json"
    return _json({"scenes": [scene_summary(scene, base_url(request)) for scene in scenes], "model": model})


@router.get(
    "/scenes/tileset.json",
    summary="The reality model: all published scenes in one tileset",
    **described(
        [*_TIMES, ACTOR], json_answer_of("3D Tiles 1.1.") | _FRESH | problems(400), operation_id="getRealityModel"
    ),
)
def get_model(request: Request) -> Response:
    """A tileset whose children are the tilesets of the published scenes that may be seen; of another time, those that stood then."""
    asked = read_parameters(request, MOMENT_PARAMETERS)
    moment, files = parse_moment(asked, parts_of(request).store), _files(request)
    if isinstance(moment.as_of, int):
        raise BadMomentError(
            "A version is that of one layer.",
            value=asked["as_of"],
            limit="an instant, a date, or release:NAME",
            remedy="Ask for the scene of the layer by its version: /scenes/{id}/tileset.json?as_of=v12.",
        )
    scenes = [s for s in files.desk.scenes(actor_of(request)) if scene_state(s.record) is SceneState.PUBLISHED]
    return file_response(request, files.whole_model(scenes, moment, urlencode(asked)), JSON)


@router.get(
    SCENE_PATH,
    summary="A scene",
    **described([_SCENE_ID, ACTOR], json_answer_of("The scene.") | problems(400, 404), operation_id="getScene"),
)
def get_scene(request: Request) -> Response:
    """Owner, level, date, accuracy, datum, sources with checksums, reviews, editions, and what became of the layer's features."""
    read_parameters(request, ())
    scene = _scene(request)
    served = _files(request).desk.served(scene)
    return _json(scene_document(scene, served, base_url(request)))


@router.get(
    _TILESET_PATH,
    summary="tileset.json of a scene",
    **described(
        [_SCENE_ID, *_TIMES, _V, ACTOR],
        json_answer_of("3D Tiles 1.1.") | _FRESH | problems(400, 404),
        operation_id="getTileset3D",
    ),
)
def get_tileset(request: Request) -> Response:
    """3D Tiles 1.1. What was written to the layer a moment ago is in it; `as_of` and `datetime` give the city of another time."""
    moment = parse_moment(read_parameters(request, _ASKED), parts_of(request).store)
    scene, files = _scene(request), _files(request)
    file, served = files.tileset(scene, moment)
    more = {VERSION_HEADER: str(served.edition.version)}
    if served.behind:
        more[BEHIND_HEADER] = str(served.behind)
    answer = file_response(request, file, JSON, more=more)
    answer.background = files.pruning(scene)
    return answer


@router.get(
    _TILE_PATH,
    summary="A tile of a scene",
    **described(
        [_SCENE_ID, _TILE, *_TIMES, _V, ACTOR], _GLB_ANSWER | _FRESH | problems(400, 404), operation_id="getTile3D"
    ),
)
def get_tile(request: Request) -> Response:
    """GLB with feature ids and the attributes of the layer. A tile that changes gets another name, so one is kept for good."""
    read_parameters(request, _ASKED)
    file = _files(request).tile(_scene(request), str(request.path_params["tile"]))
    return file_response(request, file, GLB, for_good=True)


@router.get(
    _FILE_PATH,
    summary="A file of a delivered scene",
    **described(
        [_SCENE_ID, _DELIVERY, _FILE, *_TIMES, _V, ACTOR],
        _FILE_ANSWER | _FRESH | problems(400, 404),
        operation_id="getSceneFile",
    ),
)
def get_file(request: Request) -> Response:
    """Points, or a tileset below the scene's own, as they were built from what was delivered."""
    read_parameters(request, _ASKED)
    scene, said = _scene(request), request.path_params
    name = str(said["file"])
    file = _files(request).file(scene, f"{FILES}/{said['delivery']}/{name}")
    media_type = JSON if name.endswith(".json") else GLB if name.endswith(".glb") else "application/octet-stream"
    return file_response(request, file, media_type, for_good=True)


@router.get(
    _CHANGES_PATH,
    summary="Changes of a scene",
    **described(
        [_SCENE_ID, _SINCE, ACTOR], json_answer_of("Editions.") | problems(400, 404), operation_id="getSceneChanges"
    ),
)
def get_changes(request: Request) -> Response:
    """For each edition, newest first, the tiles that are other ones than in the edition before, and whose write it was."""
    since = _version(read_parameters(request, {"since"}).get("since", "0"))
    scene, store = _scene(request), parts_of(request).store
    _files(request).desk.served(scene)
    return _json({"changes": list(scene_changes(store, scene.layer.id, scene.folder, since))})


@router.post(
    _REVIEW_PATH,
    summary="Decide on a scene",
    **described([_SCENE_ID, ACTOR], json_answer_of("The scene.") | write_problems(), _REVIEW_BODY, "reviewScene"),
)
async def review_scene(request: Request) -> Response:
    """Publish a scene, or show it no more; the decision and its reason stay in the record."""
    read_parameters(request, ())
    document = await read_object(request, parts_of(request).settings.max_body_mb * MEBIBYTE)
    desk, scene_id = _files(request).desk, str(request.path_params["sceneId"])
    scene = await run_in_threadpool(desk.review, scene_id, parse_decision(document), actor_of(request))
    return _json(scene_summary(scene, base_url(request)))


def _files(request: Request) -> SceneFiles:
    files: SceneFiles = request.app.state.scenes
    return files


def _scene(request: Request) -> Scene:
    return _files(request).desk.scene(str(request.path_params["sceneId"]), actor_of(request))


def _version(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise BadParameterError(
            "This is no version of a layer.", value=text, limit="0 or more", remedy="Give a number such as since=12."
        )
    return int(text)


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), headers={"Cache-Control": "no-cache"}, media_type=JSON)
