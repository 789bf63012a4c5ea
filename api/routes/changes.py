"""Changes as they happen, by server-sent events."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.change_stream import ChangeStream
from api.layer_operations import ACTOR
from api.layer_parts import actor_of
from api.operation import ThinRoute, described, problems
from api.parameters import read_parameters
from api.scene_files import SceneFiles

router = APIRouter(tags=["service"], route_class=ThinRoute)
_EVENTS = "text/event-stream"
_ANSWER = {"200": {"description": "Events without end.", "content": {_EVENTS: {"schema": {"type": "string"}}}}}


@router.get(
    "/changes",
    summary="Changes as they happen",
    **described([ACTOR], _ANSWER | problems(400), operation_id="getChangeStream"),
)
async def get_changes(request: Request) -> Response:
    """Server-sent events: `layer` when a layer was written to, `scene` with the tiles of its scene that are other ones now."""
    read_parameters(request, ())
    files: SceneFiles = request.app.state.scenes
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    stream = ChangeStream(files.desk, request.app.state.closing)
    return StreamingResponse(stream.events(actor_of(request)), headers=headers, media_type=_EVENTS)
