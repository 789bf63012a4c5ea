"""Rasters: the list, one raster, its files, its tiles in every grid, statistics, values at a place, legends."""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from api.errors import BadParameterError
from api.etags import is_fresh
from api.layer_parts import ACTOR_HEADER, actor_of
from api.links import base_url
from api.operation import ThinRoute, described, path, problems
from api.parameters import read_parameters
from api.raster_desk import RasterDesk, parse_shown, raster_desk_of
from api.raster_operations import (
    FRESH,
    GRID_ID,
    GRID_TILE,
    JSON_ANSWER,
    LEGEND_FORMAT,
    LOOK,
    LOOK_QUERIES,
    MEASURED,
    MEASURED_QUERIES,
    MOMENT,
    MOMENT_QUERIES,
    OGC_TILE,
    PLACE,
    RASTER_ID,
    SIZES,
    TILEJSON_QUERIES,
    XYZ_TILE,
)
from tiles.address import Tile
from tiles.grids import WEB_MERCATOR_QUAD, grid_called
from tiles.raster.book import unknown_raster
from tiles.raster.documents import (
    COG_TYPE,
    raster_document,
    raster_entry,
    raster_tilejson,
    raster_tileset,
    raster_tilesets,
)
from tiles.raster.images import KINDS, MEDIA, ImageKind, empty_image
from tiles.raster.legend import legend_document, legend_image
from tiles.raster.look import channel_names, colormap_names, measured_look, read_look
from tiles.raster.measuring import values_at
from tiles.raster.record import RasterRecord
from tiles.raster.service import edition_of

router = APIRouter(tags=["Rasters"], route_class=ThinRoute)

_TILE_PARAMETERS = {*LOOK, *MOMENT, "size", "v"}
# As constants: thin routes take their path parameters from the request.
_RASTER = "/rasters/{rasterId}"
_TILEJSON = _RASTER + "/tilejson.json"
_TILESETS = _RASTER + "/tiles"
_TILESET = _TILESETS + "/{tms}"
_OGC_TILE = _TILESET + "/{tileMatrix}/{tileRow}/{tileCol}"
_XYZ_TILE = _RASTER + "/{z}/{x}/{y}"
_GRID_TILE = _RASTER + "/{tms}/{z}/{x}/{y}"
_STATISTICS = _RASTER + "/statistics"
_VALUES = _RASTER + "/values"
_LEGEND = _RASTER + "/legend"
_FILE = _RASTER + "/images/{image}.tif"


@router.get("/rasters", summary="Rasters", **described([], JSON_ANSWER | problems(400), operation_id="getRasters"))
def get_rasters(request: Request) -> Response:
    """Every raster that may be seen."""
    read_parameters(request, ())
    desk, actor, base = raster_desk_of(request), actor_of(request), base_url(request)
    entries = [raster_entry(desk.images(raster_id, actor), base) for raster_id in desk.ids(actor)]
    return _json({"rasters": entries})


@router.get(
    _RASTER,
    summary="A raster and its images",
    **described([RASTER_ID], JSON_ANSWER | problems(400, 404), operation_id="getRaster"),
)
def get_raster(request: Request) -> Response:
    read_parameters(request, ())
    return _json(raster_document(_images(request, {}), base_url(request)) | {"colormaps": colormap_names()})


@router.get(
    _FILE,
    summary="The file of an image",
    **described(
        [RASTER_ID, path("image", "Name of an image.", "2024-05-01")],
        {
            "200": {
                "description": "Cloud Optimized GeoTIFF.",
                "content": {COG_TYPE: {"schema": {"type": "string", "format": "binary"}}},
            }
        }
        | problems(400, 404),
        operation_id="getRasterFile",
    ),
)
def get_file(request: Request) -> Response:
    """The whole image as it is kept; ranges are given, so that a GIS reads of it what it shows."""
    read_parameters(request, ())
    name = str(request.path_params["image"])
    found = next((record for record in _images(request, {}) if record.name == name), None)
    if found is None:
        raise unknown_raster(f"{request.path_params['rasterId']}/{name}")
    headers = {"ETag": f'"{found.sha256[:32]}"', "Cache-Control": "private, no-cache", "Vary": ACTOR_HEADER}
    return FileResponse(found.path, headers=headers, media_type=COG_TYPE, filename=f"{found.raster_id}-{name}.tif")


@router.get(
    _TILEJSON,
    summary="TileJSON 3.0 of a raster",
    **described(
        [RASTER_ID, *TILEJSON_QUERIES], JSON_ANSWER | problems(400, 404, 422), operation_id="getRasterTilejson"
    ),
)
def get_tilejson(request: Request) -> Response:
    """The look and the moment of the query string are in the addresses of the tiles, and the edition they make."""
    parameters = read_parameters(request, {*LOOK, *MOMENT, "size", "f"})
    images = _images(request, parameters)
    read_look(images[0], parameters)
    _size(parameters)
    kind = _kind(parameters.get("f"))
    told = {name: value for name, value in parameters.items() if name != "f"} | {"v": edition_of(images)}
    suffix = f".{kind}" if kind else ""
    return _json(raster_tilejson(images, base_url(request), suffix, urlencode(told, safe=":/,")))


@router.get(
    _TILESETS,
    summary="Tilesets of a raster",
    **described([RASTER_ID], JSON_ANSWER | problems(400, 404), operation_id="getRasterTilesets"),
)
def get_tilesets(request: Request) -> Response:
    read_parameters(request, ())
    return _json(raster_tilesets(_images(request, {})[0], base_url(request)))


@router.get(
    _TILESET,
    summary="Metadata of a raster's tileset",
    **described([RASTER_ID, GRID_ID], JSON_ANSWER | problems(400, 404), operation_id="getRasterTileset"),
)
def get_tileset(request: Request) -> Response:
    read_parameters(request, ())
    images = _images(request, {})
    return _json(raster_tileset(images, grid_called(request.path_params["tms"]), base_url(request)))


@router.get(_XYZ_TILE, summary="A tile of a raster, XYZ", **described(**XYZ_TILE, operation_id="getRasterXyzTile"))
def get_xyz_tile(request: Request) -> Response:
    return _xyz_tile(request, WEB_MERCATOR_QUAD.id)


@router.get(
    _GRID_TILE,
    summary="A tile of a raster, XYZ, in any tiling scheme",
    **described(**GRID_TILE, operation_id="getRasterGridTile"),
)
def get_grid_tile(request: Request) -> Response:
    return _xyz_tile(request, request.path_params["tms"])


@router.get(
    _OGC_TILE,
    summary="A tile of a raster, row before column",
    **described(**OGC_TILE, operation_id="getRasterTile"),
)
def get_ogc_tile(request: Request) -> Response:
    """A tile in which nothing is known is an empty picture here: clients and test suites of OGC ask for 200."""
    parameters = read_parameters(request, _TILE_PARAMETERS | {"f"})
    asked = request.path_params
    address = Tile.parse(z=asked["tileMatrix"], x=asked["tileCol"], y=asked["tileRow"])
    return _tile(request, asked["tms"], address, _kind(parameters.get("f")), parameters, empty=True)


@router.get(
    _STATISTICS,
    summary="Statistics of a raster",
    **described(
        [RASTER_ID, *MEASURED_QUERIES, *MOMENT_QUERIES],
        JSON_ANSWER | FRESH | problems(400, 404, 422),
        operation_id="getRasterStatistics",
    ),
)
def get_statistics(request: Request) -> Response:
    """Of the newest image of the moment, from an overview of it; `pixelScale` says which."""
    parameters = read_parameters(request, {*MEASURED, *MOMENT})
    images = _images(request, parameters)
    look = measured_look(images[0], parameters)
    headers = _validators(images, "statistics", parameters)
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return _json(raster_desk_of(request).service.statistics(images[0], look), headers)


@router.get(
    _VALUES,
    summary="Values of a raster at a place",
    **described(
        [RASTER_ID, *PLACE, *MEASURED_QUERIES, *MOMENT_QUERIES],
        JSON_ANSWER | problems(400, 404, 422),
        operation_id="getRasterValues",
    ),
)
def get_values(request: Request) -> Response:
    """The pixel of each image, newest first. A value nobody knows is null; an image that does not reach there has `values: null`."""
    parameters = read_parameters(request, {"lon", "lat", *MEASURED, *MOMENT})
    lon, lat = _degrees(parameters, "lon", 180.0), _degrees(parameters, "lat", 90.0)
    desk, images = raster_desk_of(request), _images(request, parameters)
    found = []
    for record in images:
        look = measured_look(record, parameters)
        values = values_at(desk.service.pool, record, lon, lat, look)
        day = None if record.day is None else record.day.isoformat()
        found.append({"image": record.name, "day": day, "bands": channel_names(record, look), "values": values})
    return _json({"lon": lon, "lat": lat, "verticalDatum": images[0].vertical_datum, "images": found})


@router.get(
    _LEGEND,
    summary="Legend of a raster",
    **described(
        [RASTER_ID, *LOOK_QUERIES, *MOMENT_QUERIES, LEGEND_FORMAT],
        {
            "200": {
                "description": "Done.",
                "content": {
                    "application/json": {"schema": {"type": "object"}},
                    "image/png": {"schema": {"type": "string", "format": "binary"}},
                },
            }
        }
        | FRESH
        | problems(400, 404, 422),
        operation_id="getRasterLegend",
    ),
)
def get_legend(request: Request) -> Response:
    """What the colours of the look mean."""
    parameters = read_parameters(request, {*LOOK, *MOMENT, "f"})
    form = parameters.get("f", "json")
    if form not in ("json", "png"):
        raise _bad("f", form, "json, png")
    images = _images(request, parameters)
    look = read_look(images[0], parameters)
    headers = _validators(images, "legend", parameters)
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if form == "png":
        if look.channels != 1 or look.palette:
            raise _bad("f", form, "a single band for a bar of colours; json for others")
        return Response(legend_image(look), headers=headers, media_type="image/png")
    service = raster_desk_of(request).service
    return _json(legend_document(images[0], look, service.ranges(images, look), service.palette(images, look)), headers)


def _xyz_tile(request: Request, grid_id: str) -> Response:
    parameters = read_parameters(request, _TILE_PARAMETERS)
    asked = request.path_params
    row, dot, suffix = asked["y"].partition(".")
    address = Tile.parse(z=asked["z"], x=asked["x"], y=row)
    return _tile(request, grid_id, address, _kind(suffix if dot else None), parameters, empty=False)


def _tile(
    request: Request,
    grid_id: str,
    address: Tile,
    kind: ImageKind | None,
    parameters: dict[str, str],
    *,
    empty: bool,
) -> Response:
    """A tile; where nothing is known a picture of nothing if `empty`, or else 204."""
    grid = grid_called(grid_id)
    grid.check(address)
    size = _size(parameters)
    desk, actor, raster_id = raster_desk_of(request), actor_of(request), request.path_params["rasterId"]
    everything = desk.images(raster_id, actor)
    images = desk.images(raster_id, actor, parse_shown(request, parameters))
    look = read_look((images or everything)[0], parameters)
    headers = _validators(images or everything[:1], f"{kind}.{len(images)}", parameters)
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    made = desk.service.tile(images, look, grid, address, size, kind)
    if made.body or empty:
        body = made.body or empty_image(made.kind, size)
        return Response(body, headers=headers, media_type=MEDIA[made.kind])
    return Response(status_code=204, headers=headers)


def _images(request: Request, parameters: dict[str, str]) -> tuple[RasterRecord, ...]:
    """The images that are meant; one at least."""
    desk: RasterDesk = raster_desk_of(request)
    shown = parse_shown(request, parameters)
    return desk.some_images(request.path_params["rasterId"], actor_of(request), shown)


def _validators(images: tuple[RasterRecord, ...], what: str, parameters: dict[str, str]) -> dict[str, str]:
    """Headers that say which state this is; an address that names exactly this edition may be kept for good."""
    edition = edition_of(images)
    look = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()) if name != "v")
    stamp = blake2b(f"{what}?{look}".encode(errors="replace"), digest_size=6).hexdigest()
    whom = "public" if all(record.level == "public" for record in images) else "private"
    kept = "max-age=31536000, immutable" if parameters.get("v") == edition else "no-cache"
    return {"ETag": f'W/"{edition}.{stamp}"', "Cache-Control": f"{whom}, {kept}", "Vary": ACTOR_HEADER}


def _kind(text: str | None) -> ImageKind | None:
    """The kind of file; None for what suits."""
    if text is None or text == "auto":
        return None
    for kind in KINDS:
        if text == kind:
            return kind
    raise _bad("kind of file", text, ", ".join(KINDS))


def _size(parameters: dict[str, str]) -> int:
    text = parameters.get("size", SIZES[0])
    if text not in SIZES:
        raise _bad("size", text, ", ".join(SIZES))
    return int(text)


def _degrees(parameters: dict[str, str], name: str, most: float) -> float:
    try:
        value = float(parameters.get(name, ""))
    except ValueError:
        value = math.nan
    if not abs(value) <= most:
        raise _bad(name, parameters.get(name, ""), f"-{most:g} to {most:g} degrees, both lon and lat")
    return value


def _bad(name: str, value: str, limit: str) -> BadParameterError:
    return BadParameterError(
        f"参数无法识别。The {name} cannot be read.", value=value, limit=limit, remedy="See the description at /docs."
    )


def _json(document: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(document), headers=headers or {"Cache-Control": "no-cache"}, media_type="application/json"
    )
