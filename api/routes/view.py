"""The page: its HTML, the description of its view, its own scripts, and the deck.gl bundle out of the pydeck wheel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pydeck
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.codings import accepts_gzip
from api.deps import parts_of
from api.layer_parts import actor_of, city_of, registry_of
from api.moments import parse_moment
from api.operation import ThinRoute, described, problems, query
from api.parameters import read_parameters
from api.scene_parts import drawn_scene, published_scenes, told_scene
from api.tile_desk import tile_desk_of
from api.viewer.assets import Asset, deck_bundle, page_html, static_file
from api.viewer.choices import PARAMETERS, read_options
from layers.catalogue import catalogue
from layers.compose import compose_deck, deck_spec
from layers.policy import Action
from layers.style import default_style
from layers.viewing.record import read_records
from twin.errors import PolicyError
from twin.schema import GeometryType
from twin.store.port import LayerRecord

router = APIRouter(tags=["page"], route_class=ThinRoute)
# As a constant: thin routes take their path parameters from the request.
STATIC_PATH = "/view/static/{path:path}"

# Nothing but this server: no outside script, font, tile or frame. The spec's expressions are interpreted, not evaluated.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:; "
    "img-src 'self' data: blob:; font-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors {ancestors}"
)
_NOTEBOOKS = "'self' http://127.0.0.1:* http://localhost:*"

_HTML_ANSWER = {"200": {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}}}
_JSON_ANSWER = {"200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}}
_FILE_ANSWER = {"200": {"description": "The file.", "content": {"*/*": {"schema": {"type": "string"}}}}}


@router.get("/view", summary="The page", **described((), _HTML_ANSWER | problems(400), operation_id="getView"))
def view(request: Request) -> Response:
    """The map. Its address restores the view, so it takes any parameter; `embed=1` leaves out the panels, for frames."""
    embedded = request.query_params.get("embed", "") not in ("", "0")
    html = page_html(title=parts_of(request).settings.title.pick("zh"), deck_version=pydeck.__version__)
    policy = _POLICY.format(ancestors=_NOTEBOOKS if embedded else "'self'")
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return Response(html, headers=headers, media_type="text/html; charset=utf-8")


@router.get(
    "/view/spec",
    summary="The view as deck.gl JSON",
    **described([query(*parameter) for parameter in PARAMETERS], _JSON_ANSWER | problems(400), operation_id="getSpec"),
)
def spec(request: Request) -> Response:
    """A pydeck `Deck` of all layers with the choices in the query; holds no address outside of this server."""
    parameters = read_parameters(request, [name for name, _, _ in PARAMETERS])
    options = read_options(parameters, city_of(request).home, request.scope.get("root_path", "").rstrip("/"))
    actor, desk = actor_of(request), tile_desk_of(request)
    document = _styled(request, registry_of(request).layers(actor))
    moment = parse_moment(parameters, parts_of(request).store)
    scenes = published_scenes(request)
    entries = [desk.with_edition(entry, actor, moment) for entry in document["layers"]]
    for entry in entries:
        if entry["id"] in scenes:
            entry["scene"] = drawn_scene(scenes[entry["id"]])
    return _json(deck_spec(compose_deck(read_records(entries), options)))


@router.get(
    "/view/layers", summary="The catalogue for the page", **described((), _JSON_ANSWER, operation_id="getViewLayers")
)
def view_layers(request: Request) -> Response:
    """The same as `/layers`, with the default style where a manifest has none, and whether the reader may change features.

    Layers that wait for a person's decision are among them, so that the page can say why they are not shown.
    """
    read_parameters(request, ())
    document = _styled(request, registry_of(request).registered(actor_of(request)))
    scenes = published_scenes(request)
    for entry in document["layers"]:
        if entry["id"] in scenes:
            entry["scene"] = told_scene(scenes[entry["id"]])
        entry["writable"] = _may_write(request, entry["id"])
    return _json(document)


def _may_write(request: Request, layer_id: str) -> bool:
    try:
        parts_of(request).policy.authorise(actor_of(request), Action.WRITE_FEATURES, layer_id)
    except PolicyError:
        return False
    return True


@router.get(
    "/view/deck.js",
    summary="The deck.gl bundle",
    **described((), _FILE_ANSWER | problems(404), operation_id="getDeckJs"),
)
def deck_script(request: Request) -> Response:
    """The bundle inside the installed pydeck wheel; its address on the page carries the version, so it is kept for good."""
    return _asset(
        request, deck_bundle(), "public, max-age=31536000, immutable" if "v" in request.query_params else "no-cache"
    )


@router.get(
    STATIC_PATH,
    summary="Scripts and styles of the page",
    **described((), _FILE_ANSWER | problems(404), operation_id="getViewStatic"),
)
def static(request: Request) -> Response:
    """A file of the page's own."""
    return _asset(request, static_file(request.path_params["path"]), "no-cache")


def _styled(request: Request, records: Sequence[LayerRecord]) -> dict[str, Any]:
    """The catalogue of these layers, each with a style."""
    document = catalogue(records, city_of(request))
    for entry in document["layers"]:
        if not entry.get("style"):
            style = default_style(GeometryType(entry["geometry_type"]), entry["id"])
            entry["style"] = style.model_dump(mode="json", exclude_none=True)
    return document


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), headers={"Cache-Control": "no-cache"}, media_type="application/json")


def _asset(request: Request, asset: Asset, cache: str) -> Response:
    headers = {
        "ETag": asset.etag,
        "Cache-Control": cache,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    if asset.gzipped and accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(asset.gzipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=asset.media_type)
    return Response(asset.body, headers=headers, media_type=asset.media_type)
