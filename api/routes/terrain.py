"""Terrain: the list, `layer.json`, quantized meshes, and heights as colour images."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from api.codings import accepts_gzip
from api.errors import PROBLEM_JSON
from api.etags import is_fresh
from api.links import base_url
from api.parameters import read_parameters
from api.terrain_desk import TerrainDesk, TerrainTile, terrain_desk
from tiles.address import Tile
from tiles.compression import decompressed
from tiles.grids import GRIDS, grid_called
from tiles.terrain.documents import EXTENSIONS, layer_json, terrain_entry
from tiles.terrain.rgb import ImageKind
from tiles.terrain.shelf import Terrain
from twin.errors import OneMapError
from twin.vertical import vertical_datum_title

__all__ = ["router", "terrain_desk"]

MESH = "application/vnd.quantized-mesh"
_PROBLEM = {"content": {PROBLEM_JSON: {"schema": {"type": "object"}}}}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "A parameter is unknown or cannot be read", **_PROBLEM},
    404: {"description": "No such terrain, tiling scheme or tile", **_PROBLEM},
    422: {"description": "The raster cannot be used", **_PROBLEM},
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FRESH: dict[int | str, dict[str, Any]] = {304: {"description": "Not changed since the ETag that was sent"}}
_MESH_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The mesh", "content": {MESH: _BINARY}},
    **_FRESH,
    **_PROBLEMS,
}
_IMAGE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The image", "content": {"image/png": _BINARY, "image/webp": _BINARY}},
    204: {"description": "No height is known here"},
    **_FRESH,
    **_PROBLEMS,
}


def _query(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}


_V = _query("v", "Edition of the terrain; the current one makes the answer cacheable for good")
_IMAGE_QUERIES = {"parameters": [_V]}
_MESH_QUERIES = {"parameters": [_V, _query("extensions", "Names joined with hyphens; stands above the Accept header")]}
_WHOLE: dict[str, Any] = {"pattern": "^[0-9]{1,9}$"}

router = APIRouter(tags=["Terrain"])

TerrainId = Annotated[str, Path(description="Id of a terrain", examples=["dem"])]
GridId = Annotated[str, Path(description="Tiling scheme", json_schema_extra={"enum": list(GRIDS)})]
Level = Annotated[str, Path(description="Level", examples=["10"], json_schema_extra=_WHOLE)]
Column = Annotated[str, Path(description="Column, 0 in the west", examples=["1706"], json_schema_extra=_WHOLE)]
Row = Annotated[str, Path(description="Row, 0 in the north", examples=["401"], json_schema_extra=_WHOLE)]
SouthRow = Annotated[str, Path(description="Row, 0 in the south", examples=["718"], json_schema_extra=_WHOLE)]
Kind = Annotated[Literal["rgb", "terrarium"], Path(description="How heights are packed into colours")]


@router.get("/terrain", summary="Terrains", responses={400: _PROBLEMS[400]})
def get_terrains(request: Request) -> Response:
    """All terrains. One whose file cannot be used is listed with the reason."""
    read_parameters(request, ())
    shelf, base = _desk(request).shelf, base_url(request)
    entries = []
    for terrain_id in shelf.ids():
        try:
            entries.append(terrain_entry(shelf.terrain(terrain_id), base))
        except OneMapError as error:
            entries.append({"id": terrain_id, "problem": error.message, "remedy": error.remedy})
    return _json({"terrains": entries})


@router.get("/terrain/{terrain_id}/layer.json", summary="Description for renderers of meshes", responses=_PROBLEMS)
def get_layer_json(terrain_id: TerrainId, request: Request) -> Response:
    read_parameters(request, {"v"})
    return _json(layer_json(_desk(request).shelf.terrain(terrain_id)))


@router.get(
    "/terrain/{terrain_id}/{z}/{x}/{y}.terrain",
    summary="A quantized mesh, rows from the south",
    responses=_MESH_ANSWERS,
    openapi_extra=_MESH_QUERIES,
)
def get_mesh(terrain_id: TerrainId, z: Level, x: Column, y: SouthRow, request: Request) -> Response:
    parameters = read_parameters(request, {"v", "extensions"})
    asked = parameters.get("extensions") or _extensions_of(request.headers.get("accept", ""))
    extensions = frozenset(asked.split("-")) & frozenset(EXTENSIONS)
    desk = _desk(request)
    terrain = desk.shelf.terrain(terrain_id)
    tile = desk.mesh(terrain, Tile.parse(z=z, x=x, y=y), extensions)
    return _tile(request, terrain, tile, ".".join(sorted(extensions)), MESH)


@router.get(
    "/terrain/{terrain_id}/{kind}/{tms}/{z}/{y}/{x}.{suffix}",
    summary="Heights as colours, row before column",
    responses=_IMAGE_ANSWERS,
    openapi_extra=_IMAGE_QUERIES,
)
def get_image(
    terrain_id: TerrainId,
    kind: Kind,
    tms: GridId,
    z: Level,
    y: Row,
    x: Column,
    suffix: Annotated[ImageKind, Path(description="Kind of image; both without loss")],
    request: Request,
) -> Response:
    read_parameters(request, {"v"})
    desk = _desk(request)
    terrain = desk.shelf.terrain(terrain_id)
    packing: Literal["mapbox", "terrarium"] = "mapbox" if kind == "rgb" else "terrarium"
    tile = desk.image(terrain, grid_called(tms), Tile.parse(z=z, x=x, y=y), packing, suffix)
    return _tile(request, terrain, tile, f"{kind}.{suffix}", f"image/{suffix}")


def _tile(request: Request, terrain: Terrain, tile: TerrainTile, variant: str, media_type: str) -> Response:
    """The answer with its counts: 304 and 204 where they are due, meshes gzipped for those who take it."""
    datum = terrain.surface.elevation.vertical_datum
    etag = f'W/"{terrain.edition}.{variant}"'
    current = request.query_params.get("v") == terrain.edition
    headers = {
        "ETag": etag,
        "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
        "Onemap-Filled": str(tile.filled),
        "Onemap-Outside": str(tile.outside),
        "Onemap-Vertical-Datum": datum if datum.isascii() else vertical_datum_title(datum).en,
    }
    if media_type == MESH:
        headers["Vary"] = "Accept, Accept-Encoding"
    if is_fresh(request, etag):
        return Response(status_code=304, headers=headers)
    if not tile.body:
        return Response(status_code=204, headers=headers)
    body = tile.body
    if media_type == MESH:
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
        else:
            body = decompressed(body)
    return Response(body, headers=headers, media_type=media_type)


def _extensions_of(accept: str) -> str:
    """What a client's Accept header asks for: `application/vnd.quantized-mesh;extensions=octvertexnormals-metadata`."""
    found = re.search(r"extensions=\"?([a-z-]{1,200})", accept)
    return found.group(1) if found else ""


def _desk(request: Request) -> TerrainDesk:
    desk: TerrainDesk = request.app.state.terrain
    return desk


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), headers={"Cache-Control": "no-cache"}, media_type="application/json")
