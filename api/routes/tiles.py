"""Descriptions of tiles: TileJSON, OGC tilesets, tiling schemes. The tiles themselves are answered by `TileRouter`."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from api.errors import PROBLEM_JSON
from api.layer_parts import actor_of
from api.links import base_url
from api.moments import MOMENT_PARAMETERS, parse_moment
from api.negotiation import JSON, Format, negotiate
from api.parameters import read_parameters
from api.tile_careful import answer_tile
from api.tile_desk import TileDesk, tile_desk_of
from api.tile_path import match_tile_path
from api.tile_router import TileRouter
from tiles.grids import GRIDS, grid_called
from tiles.matrix_sets import matrix_set_document
from tiles.tilejson import both_languages, tilejson
from tiles.tilesets import MVT, matrix_sets_document, tileset_document, tilesets_document

__all__ = ["TILE_CLASSES", "TileDesk", "TileRouter", "router"]

_SPEC = "http://www.opengis.net/spec/"
TILE_CLASSES = tuple(
    _SPEC + name
    for name in (
        "ogcapi-tiles-1/1.0/conf/core",
        "ogcapi-tiles-1/1.0/conf/tileset",
        "ogcapi-tiles-1/1.0/conf/tilesets-list",
        "ogcapi-tiles-1/1.0/conf/dataset-tilesets",
        "ogcapi-tiles-1/1.0/conf/geodata-tilesets",
        "ogcapi-tiles-1/1.0/conf/collections-selection",
        "ogcapi-tiles-1/1.0/conf/oas30",
        "ogcapi-tiles-1/1.0/conf/mvt",
        "tilematrixset/1.0/conf/tilematrixset",
        "tilematrixset/1.0/conf/json-tilematrixset",
    )
)

_WHOLE: dict[str, Any] = {"pattern": "^[0-9]{1,9}$"}
_ID_LIST = "^[a-z0-9-]+(,[a-z0-9-]+)*$"
_DATASET_TITLE = "一张图 · One Map"

_PROBLEM = {"content": {PROBLEM_JSON: {"schema": {"type": "object"}}}}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "A parameter is unknown or cannot be read", **_PROBLEM},
    404: {"description": "No such layer, tiling scheme or tile", **_PROBLEM},
    406: {"description": "No representation that the client accepts", **_PROBLEM},
    422: {"description": "Data cannot be taken", **_PROBLEM},
    503: {"description": "The store is busy", **_PROBLEM},
}
_TILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The tile", "content": {MVT: {"schema": {"type": "string", "format": "binary"}}}},
    204: {"description": "A tile without features"},
    304: {"description": "Not changed since the ETag that was sent"},
    **_PROBLEMS,
}


def _query(name: str, text: str, **schema: Any) -> dict[str, Any]:
    """A query parameter for the API description; the routes read theirs themselves and refuse all others."""
    return {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string", **schema}}


_VERSION = _query(
    "v",
    "Edition of the layers, as TileJSON tells it in onemap:edition; the current one makes the answer cacheable for good",
)
_IDS = _query("collections", "Ids of layers, joined with commas; all without it", pattern=_ID_LIST)
_AS_OF = _query(
    "as_of",
    "The layers as they stood at an instant or at the end of a date (RFC 3339); of one layer also a version, v12. "
    "With release:2026.11 the data set has the layers of that release of the base map",
)
_WHEN = _query(
    "datetime", "Of each feature the state that holds at this instant, or the newest in this interval (RFC 3339)"
)
_JSON_ONLY = {"parameters": [_query("f", "Representation", enum=["json"])]}
_TILEJSON_QUERIES = {"parameters": [*_JSON_ONLY["parameters"], _AS_OF, _WHEN]}
_XYZ_QUERIES = {"parameters": [_VERSION, _AS_OF, _WHEN]}
_TILE_QUERIES = {"parameters": [_query("f", "Representation", enum=["mvt"]), _VERSION, _AS_OF, _WHEN]}
_DATASET_QUERIES = {"parameters": [*_TILE_QUERIES["parameters"], _IDS]}

router = APIRouter(tags=["Tiles"])

LayerId = Annotated[str, Path(description="Id of a layer", examples=["buildings"])]
LayerIds = Annotated[str, Path(description="Ids of layers, joined with commas", examples=["roads,water"])]
GridId = Annotated[str, Path(description="Tiling scheme", json_schema_extra={"enum": list(GRIDS)})]
Level = Annotated[str, Path(description="Level", examples=["14"], json_schema_extra=_WHOLE)]
Row = Annotated[str, Path(description="Row, 0 in the north", examples=["6418"], json_schema_extra=_WHOLE)]
Column = Annotated[str, Path(description="Column, 0 in the west", examples=["13654"], json_schema_extra=_WHOLE)]


Desk = Annotated[TileDesk, Depends(tile_desk_of)]


@router.get(
    "/collections/{collection_id}/tilejson.json",
    summary="TileJSON 3.0 of a layer",
    responses=_PROBLEMS,
    openapi_extra=_TILEJSON_QUERIES,
)
def get_tilejson(collection_id: LayerId, request: Request, desk: Desk) -> Response:
    return _tilejson(request, desk, [collection_id])


@router.get(
    "/tiles/{ids}/tilejson.json",
    summary="TileJSON 3.0 of several layers",
    responses=_PROBLEMS,
    openapi_extra=_TILEJSON_QUERIES,
)
def get_joined_tilejson(ids: LayerIds, request: Request, desk: Desk) -> Response:
    return _tilejson(request, desk, ids.split(","))


@router.get(
    "/collections/{collection_id}/tiles", summary="Tilesets of a layer", responses=_PROBLEMS, openapi_extra=_JSON_ONLY
)
def get_collection_tilesets(collection_id: LayerId, request: Request, desk: Desk) -> Response:
    _only_json(request)
    layer = desk.describe([collection_id], actor_of(request)).layers[0]
    base = base_url(request)
    return _json(tilesets_document(f"{base}/collections/{layer.id}/tiles", base, both_languages(layer.title)))


@router.get(
    "/collections/{collection_id}/tiles/{tms}",
    summary="Metadata of a layer's tileset",
    responses=_PROBLEMS,
    openapi_extra=_JSON_ONLY,
)
def get_collection_tileset(collection_id: LayerId, tms: GridId, request: Request, desk: Desk) -> Response:
    _only_json(request)
    layers = desk.describe([collection_id], actor_of(request)).layers
    grid, base = grid_called(tms), base_url(request)
    title = both_languages(layers[0].title)
    return _json(tileset_document(layers, grid, f"{base}/collections/{layers[0].id}/tiles", base, title))


@router.get("/tiles", summary="Tilesets of the whole data set", responses=_PROBLEMS, openapi_extra=_JSON_ONLY)
def get_dataset_tilesets(request: Request) -> Response:
    _only_json(request)
    base = base_url(request)
    return _json(tilesets_document(f"{base}/tiles", base, _DATASET_TITLE))


@router.get("/tiles/{tms}", summary="Metadata of the data set's tileset", responses=_PROBLEMS, openapi_extra=_JSON_ONLY)
def get_dataset_tileset(tms: GridId, request: Request, desk: Desk) -> Response:
    _only_json(request)
    grid, base = grid_called(tms), base_url(request)
    return _json(
        tileset_document(desk.describe_all(actor_of(request)).layers, grid, f"{base}/tiles", base, _DATASET_TITLE)
    )


@router.get("/tileMatrixSets", summary="Tiling schemes", responses=_PROBLEMS, openapi_extra=_JSON_ONLY)
def get_matrix_sets(request: Request) -> Response:
    _only_json(request)
    return _json(matrix_sets_document(base_url(request)))


@router.get("/tileMatrixSets/{tms}", summary="A tiling scheme", responses=_PROBLEMS, openapi_extra=_JSON_ONLY)
def get_matrix_set(tms: GridId, request: Request) -> Response:
    _only_json(request)
    return _json(matrix_set_document(tms))


# The routes below stand in the API description; `TileRouter` answers them before they are reached.


@router.get("/tiles/{ids}/{z}/{x}/{y}.mvt", summary="A tile, XYZ", responses=_TILE_ANSWERS, openapi_extra=_XYZ_QUERIES)
async def get_xyz_tile(ids: LayerIds, z: Level, x: Column, y: Row, request: Request, desk: Desk) -> Response:
    return await _tile(request, desk)


@router.get(
    "/tiles/{ids}/{tms}/{z}/{x}/{y}.mvt",
    summary="A tile, XYZ, in any tiling scheme",
    responses=_TILE_ANSWERS,
    openapi_extra=_XYZ_QUERIES,
)
async def get_xyz_tile_of_grid(
    ids: LayerIds, tms: GridId, z: Level, x: Column, y: Row, request: Request, desk: Desk
) -> Response:
    return await _tile(request, desk)


@router.get(
    "/collections/{collection_id}/tiles/{tms}/{tile_matrix}/{tile_row}/{tile_col}",
    summary="A tile of a layer, row before column",
    responses=_TILE_ANSWERS,
    openapi_extra=_TILE_QUERIES,
)
async def get_collection_tile(
    collection_id: LayerId,
    tms: GridId,
    tile_matrix: Level,
    tile_row: Row,
    tile_col: Column,
    request: Request,
    desk: Desk,
) -> Response:
    return await _tile(request, desk)


@router.get(
    "/tiles/{tms}/{tile_matrix}/{tile_row}/{tile_col}",
    summary="A tile of the data set, row before column",
    responses=_TILE_ANSWERS,
    openapi_extra=_DATASET_QUERIES,
)
async def get_dataset_tile(
    tms: GridId, tile_matrix: Level, tile_row: Row, tile_col: Column, request: Request, desk: Desk
) -> Response:
    return await _tile(request, desk)


async def _tile(request: Request, desk: TileDesk) -> Response:
    path = match_tile_path(request.url.path.removeprefix(request.scope.get("root_path", "")))
    if path is None:
        grid_called(request.path_params["tms"])
        raise AssertionError(request.url.path)
    return (await run_in_threadpool(answer_tile, desk, request, path)).response()


def _tilejson(request: Request, desk: TileDesk, ids: list[str]) -> Response:
    """TileJSON of the moment asked for: its tiles carry the moment, and the editions it came to, in their addresses."""
    parameters = read_parameters(request, {"f", *MOMENT_PARAMETERS})
    negotiate(parameters, request.headers.get("accept"), (JSON,))
    moment = parse_moment(parameters, parts_of(request).store)
    layers = desk.service.with_bounds(desk.describe(ids, actor_of(request), moment))
    told = {name: parameters[name] for name in MOMENT_PARAMETERS if name in parameters}
    if layers.of_the_past:
        told["v"] = layers.edition
    return _json(tilejson(layers.layers, base_url(request), urlencode(told, safe=":/")))


def _only_json(request: Request) -> Format:
    return negotiate(read_parameters(request, {"f"}), request.headers.get("accept"), (JSON,))


def _json(document: dict[str, Any]) -> Response:
    return Response(orjson.dumps(document), media_type="application/json", headers={"Cache-Control": "no-cache"})
