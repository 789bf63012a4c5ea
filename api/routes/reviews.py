"""The guard and the person who decides: what is believed of a layer, and the decision on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import shapely
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
from layers.policy import Action
from layers.previewing import preview
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


@router.get(
    LAYER_PATH + "/preview",
    summary="A layer under review beside the base map",
    **described(
        [LAYER_ID, ACTOR], json_answer_of("Both sides.") | problems(400, 403, 404), operation_id="previewLayer"
    ),
)
def preview_layer(request: Request) -> Response:
    """A sample of the layer as delivered and as the suggested correction would put it, two GeoJSON collections, for reviewers."""
    read_parameters(request, ())
    registry, actor, layer_id = registry_of(request), actor_of(request), str(request.path_params["layerId"])
    record = registry.registered_layer(layer_id, actor)
    registry.policy.authorise(actor, Action.REVIEW_LAYER, layer_id)
    seen = preview(registry.store, record)
    document = {
        "delivered": _collection(seen.delivered),
        "corrected": None if seen.corrected is None else _collection(seen.corrected),
        "sampled": len(seen.delivered),
        "count": seen.count,
    }
    return _json(document)


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


def _collection(geometries: npt.NDArray[np.object_]) -> dict[str, Any]:
    """Geometries as a FeatureCollection; coordinates that lead nowhere are left out."""
    drawn = [shape for shape in geometries if shape is not None and np.isfinite(shapely.get_coordinates(shape)).all()]
    features = [
        {"type": "Feature", "properties": {}, "geometry": orjson.Fragment(text)} for text in shapely.to_geojson(drawn)
    ]
    return {"type": "FeatureCollection", "features": features}


def _json(document: Any) -> Response:
    return Response(
        orjson.dumps(document, default=str), headers={"Cache-Control": "no-cache"}, media_type="application/json"
    )
