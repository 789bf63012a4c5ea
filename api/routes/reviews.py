"""The guard and the person who decides: what is believed of a layer, and the decision on it."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from api.layer_operations import ACTOR, LAYER_ID, LAYER_PATH, REVIEW_BODY, json_answer_of, write_problems
from api.layer_parts import MEBIBYTE, actor_of, registry_of
from api.operation import ThinRoute, described, problems
from api.parameters import read_parameters
from api.uploads import read_object
from layers.catalogue import layer_entry
from layers.reviewing import parse_decision
from twin.standing import state_of

router = APIRouter(tags=["layers"], route_class=ThinRoute)


@router.get(
    LAYER_PATH + "/doctor",
    summary="Does a layer lie where it says?",
    **described([LAYER_ID, ACTOR], json_answer_of("The belief.") | problems(400, 404), operation_id="examineLayer"),
)
def examine_layer(request: Request) -> Response:
    """What the guard believes of the layer as it stands, by the witness of the base map. Writes nothing."""
    read_parameters(request, ())
    registry, actor, layer_id = registry_of(request), actor_of(request), str(request.path_params["layerId"])
    state = state_of(registry.registered_layer(layer_id, actor).document)
    belief = registry.examine(layer_id, actor)
    return _json({"layer_id": layer_id, "state": state.value, "belief": belief.to_document()})


@router.post(
    LAYER_PATH + "/review",
    summary="Decide on a layer",
    **described([LAYER_ID, ACTOR], json_answer_of("The layer.") | write_problems(), REVIEW_BODY, "reviewLayer"),
)
async def review_layer(request: Request) -> Response:
    """Accept a held layer as it is, correct and publish it, or reject it; the decision stays in its lineage.

    A correction moves every feature in one transaction; ids stay, and the former places stay in the history.
    """
    read_parameters(request, ())
    document = await read_object(request, parts_of(request).settings.max_body_mb * MEBIBYTE)
    layer_id, registry, actor = str(request.path_params["layerId"]), registry_of(request), actor_of(request)
    decision = parse_decision(document)
    record = await run_in_threadpool(registry.review, layer_id, decision, actor)
    request.app.state.tiles.forget(layer_id)
    return _json(layer_entry(record))


def _json(document: Any) -> Response:
    return Response(
        orjson.dumps(document, default=str), headers={"Cache-Control": "no-cache"}, media_type="application/json"
    )
