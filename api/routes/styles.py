"""MapLibre styles: of one layer, and of the whole map as the page shows it."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from api.errors import BadParameterError
from api.layer_parts import actor_of, registry_of
from api.links import base_url
from api.operation import ThinRoute, described, path, problems, query
from api.parameters import read_parameters
from api.tile_desk import tile_desk_of
from layers.catalogue import layer_entry
from layers.maplibre import maplibre_style
from layers.style import Theme
from layers.viewing.record import LayerRecord, read_records

router = APIRouter(tags=["styles"], route_class=ThinRoute)

FUSED = "onemap"
STYLE_PATH = "/styles/{styleId}"

_THEME = query("theme", {"type": "string", "enum": ["light", "dark"]}, "Colours of the style.")
_STYLE_ANSWER = {
    "200": {
        "description": "A MapLibre style, version 8.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


@router.get(
    "/styles/" + FUSED,
    summary="MapLibre style of the whole map",
    **described([_THEME], _STYLE_ANSWER | problems(400), operation_id="getFusedStyle"),
)
def fused_style(request: Request) -> Response:
    """All layers, bottom of the map first; those that the page does not show at first are in it, switched off."""
    theme = _theme(request)
    actor, desk = actor_of(request), tile_desk_of(request)
    layers = registry_of(request).layers(actor)
    records = read_records(desk.with_edition(layer_entry(record), actor) for record in layers)
    return _style(request, records, parts_of(request).settings.title.pick("zh"), theme)


@router.get(
    STYLE_PATH,
    summary="MapLibre style of a layer",
    **described(
        [path("styleId", "Id of the layer.", "roads"), _THEME],
        _STYLE_ANSWER | problems(400, 404),
        operation_id="getLayerStyle",
    ),
)
def layer_style(request: Request) -> Response:
    """One layer over plain ground."""
    theme = _theme(request)
    actor = actor_of(request)
    record = registry_of(request).layer(str(request.path_params["styleId"]), actor)
    entry = tile_desk_of(request).with_edition(layer_entry(record), actor)
    records = read_records([entry | {"visible": True}])
    return _style(request, records, records[0].title.pick("zh"), theme)


def _theme(request: Request) -> Theme:
    theme = read_parameters(request, ["theme"]).get("theme", "light")
    if theme == "dark":
        return "dark"
    if theme != "light":
        raise BadParameterError(
            f"There is no theme '{theme}'.", value=theme, limit="light|dark", remedy="Use one of these."
        )
    return "light"


def _style(request: Request, records: tuple[LayerRecord, ...], name: str, theme: Theme) -> Response:
    document = maplibre_style(records, base_url(request), name, theme)
    return Response(orjson.dumps(document), headers={"Cache-Control": "no-cache"}, media_type="application/json")
