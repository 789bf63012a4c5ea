"""Requests for tiles read with care: any query, any time, any set of layers."""

from __future__ import annotations

import logging

from starlette.requests import Request

from api.codings import coding_for
from api.deps import parts_of
from api.errors import problem, problem_of
from api.layer_parts import actor_of
from api.moments import MOMENT_PARAMETERS, parse_moment
from api.negotiation import Format, negotiate
from api.parameters import read_parameters
from api.tile_answer import Answer, Wish
from api.tile_desk import TileDesk
from api.tile_path import TilePath
from tiles.address import Tile
from tiles.grids import Grid, grid_called
from tiles.service import TileSet
from tiles.source import NOW
from tiles.tilesets import MVT
from twin.errors import OneMapError

log = logging.getLogger(__name__)

MVT_FORMAT = Format("mvt", MVT, "Mapbox Vector Tile", also=("application/x-protobuf", "application/octet-stream"))


def answer_tile(desk: TileDesk, request: Request, path: TilePath) -> Answer:
    """The answer to one tile request; every failure is a problem+json answer. Blocks: call it from a worker thread."""
    try:
        return _wish(desk, request, path).answer(desk.service)
    except Exception as error:  # noqa: BLE001 - it is logged there, and told as little as possible
        return failure(error, request.url.path)


def failure(error: Exception, path: str) -> Answer:
    """The answer where a tile could not be made. What nobody expected goes to the log with its trace."""
    if isinstance(error, OneMapError):
        return Answer.of(problem_of(error))
    log.error("The tile %s failed", path, exc_info=error)
    return Answer.of(problem(500, "internal-error", "Something went wrong on the server; its log has the reason."))


def parse_address(path: TilePath) -> tuple[Tile, Grid]:
    """Which tile of which grid.

    Raises:
        UnknownGridError: if there is no such grid.
        TileOutsideGridError: if the grid has no such tile.
    """
    grid = grid_called(path.grid)
    tile = Tile.parse(z=path.z, x=path.x, y=path.y)
    grid.check(tile)
    return tile, grid


def _wish(desk: TileDesk, request: Request, path: TilePath) -> Wish:
    tile, grid = parse_address(path)
    parameters = _read_query(request, path)
    layers = _layers(desk, request, path, parameters)
    headers = request.headers
    coding = coding_for(headers.get("accept-encoding", ""))
    return Wish(layers, tile, grid, coding, parameters.get("v"), headers.get("if-none-match"), path.ogc)


def _read_query(request: Request, path: TilePath) -> dict[str, str]:
    """Query parameters. OGC's paths refuse unknown ones; map clients may add to an XYZ address what they like."""
    if not path.ogc:
        return dict(request.query_params)
    known = {"f", "v", *MOMENT_PARAMETERS} | ({"collections"} if not path.ids else set())
    parameters = read_parameters(request, known)
    negotiate(parameters, request.headers.get("accept"), (MVT_FORMAT,))
    return parameters


def _layers(desk: TileDesk, request: Request, path: TilePath, parameters: dict[str, str]) -> TileSet:
    asked = any(name in parameters for name in MOMENT_PARAMETERS)
    moment = parse_moment(parameters, parts_of(request).store) if asked else NOW
    actor = actor_of(request)
    if path.ids:
        return desk.describe(path.ids, actor, moment)
    chosen = parameters.get("collections")
    return desk.describe_all(actor, moment) if chosen is None else desk.describe(chosen.split(","), actor, moment)
