"""The hot tile paths, answered ahead of the web framework.

::

    /tiles/{ids}/{z}/{x}/{y}.mvt                    XYZ in WebMercatorQuad, layers joined with commas
    /tiles/{ids}/{grid}/{z}/{x}/{y}.mvt             XYZ in any grid
    /collections/{id}/tiles/{tms}/{z}/{row}/{col}   OGC API Tiles: the row before the column
    /tiles/{tms}/{z}/{row}/{col}                    the same for the data set, `collections=` selects layers

`as_of` and `datetime` ask for the tile of another time. An instant is resolved to a version of each layer, and that version is
in the cache's key and in the ETag: a tile of the past is made once, like any other.
An answer that is at hand (`tile_hot`) is given on the event loop, without a thread and without a request object.
An XYZ tile without features is 204. In OGC's paths it is an empty 200: clients and test suites there ask for 200.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.codings import coding_for
from api.deps import parts_of
from api.errors import problem, problem_of
from api.layer_parts import ACTOR_HEADER, actor_of
from api.moments import MOMENT_PARAMETERS, VERSION_HEADER, as_of_headers, parse_moment
from api.negotiation import Format, negotiate
from api.parameters import read_parameters
from api.tile_desk import TileDesk
from api.tile_hot import Headers, HotTile, HotTiles
from api.tile_path import TilePath, match_tile_path
from layers.policy import Actor
from tiles.address import Tile
from tiles.compression import Coding
from tiles.generalise.budget import BUDGET
from tiles.grids import grid_called
from tiles.service import TileSet
from tiles.source import NOW
from tiles.stored import StoredTile
from tiles.tilesets import MVT
from twin.errors import OneMapError
from twin.store.versions import Revisions

log = logging.getLogger(__name__)

MVT_FORMAT = Format("mvt", MVT, "Mapbox Vector Tile", also=("application/x-protobuf", "application/octet-stream"))

_METHODS = "GET, HEAD, OPTIONS"
_REVALIDATE = "no-cache"
_IMMUTABLE = "max-age=31536000, immutable"
_LONGEST_STAMP = 80
# Only plain addresses are looked up by their words: whatever else a query may hold is read with care on the other way.
_PLAIN_QUERY = re.compile(rb"(v=[A-Za-z0-9.-]{1,200}|f=mvt)?")
_MOST_HOT_LAYERS = 16
_LONGEST_WORDS = 2000
_ACTOR = ACTOR_HEADER.lower().encode()
_ASKED = (b"accept", b"accept-encoding", b"if-none-match", b"origin", _ACTOR)


class TileRouter:
    """ASGI middleware: answers tile requests, hands everything else to the next application.

    Args:
        app: The next application.
        desk: Gives the tiles to those who may have them.
        cors_origins: Origins that may read tiles from a browser; "*" stands for all.
        workers: Threads that encode, or wait for a tile that another one is encoding; None for four to a processor.
        once_a_turn: Ask for the present revisions once in each turn of the event loop. Right where every request is a task
            of its own, as under uvicorn: a task that runs later in the same turn was queued, its request therefore received,
            before the revisions were asked. Wrong where one task writes and reads by itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        desk: TileDesk,
        cors_origins: Sequence[str] = ("*",),
        workers: int | None = None,
        *,
        once_a_turn: bool = False,
    ) -> None:
        self._app = app
        self._desk = desk
        self._cors_origins = tuple(cors_origins)
        self._hot = HotTiles(desk.policy)
        self._once_a_turn = once_a_turn
        self._of_this_turn: Revisions | None = None
        self._pool = ThreadPoolExecutor(workers or 4 * (os.cpu_count() or 1), thread_name_prefix="tiles")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        now = self._revisions() if scope["path"].startswith(("/tiles/", "/collections/")) else None
        asked = None if now is None else _asked(scope)
        if asked is not None and now is not None:
            hot = self._hot.find(asked.key, asked.actor, now)
            if hot is not None and (message := _hot_answer(hot, asked)) is not None:
                await _send_hot(message, scope, send, self._cors_origins)
                return
        path = _tile_path(scope)
        if path is None:
            await self._app(scope, receive, send)
            return
        if scope["method"] in ("GET", "HEAD"):
            response = await self._made(scope, path, asked, now)
        else:
            response = _other_method(scope["method"])
        await _send(response, scope, send, self._cors_origins)

    def _revisions(self) -> Revisions | None:
        if not self._once_a_turn:
            return self._desk.revisions()
        if self._of_this_turn is None:
            self._of_this_turn = self._desk.revisions()
            asyncio.get_running_loop().call_soon(self._end_turn)
        return self._of_this_turn

    def _end_turn(self) -> None:
        self._of_this_turn = None

    async def _made(self, scope: Scope, path: TilePath, asked: _Asked | None, now: Revisions | None) -> Response:
        """The answer on the usual way. What it was made from was read after `now`, so it may be kept under that."""
        if asked is None or now is None or not 0 < len(path.ids) <= _MOST_HOT_LAYERS:
            return await self._in_a_thread(scope, path)
        self._hot.notice(path.ids, now)
        response = await self._in_a_thread(scope, path)
        etag = response.headers.get("etag")
        if etag is not None and response.status_code in (200, 204, 304):
            headers = [*response.raw_headers]
            full = response.status_code != 304
            self._hot.keep(
                asked.key,
                HotTile(
                    layer_ids=path.ids,
                    revisions=tuple(map(now.get, path.ids)),
                    agreed=now,
                    etag=etag,
                    unchanged=[entry for entry in headers if entry[0] in _OF_304],
                    status=response.status_code,
                    headers=headers if full else None,
                    body=bytes(response.body) if full else b"",
                    until=self._hot.settled_until(path.ids),
                ),
            )
        return response

    async def _in_a_thread(self, scope: Scope, path: TilePath) -> Response:
        scope.setdefault("app", self._app)  # ahead of the framework nobody has named it yet
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, answer_tile, self._desk, Request(scope), path)


_OF_304 = (b"etag", b"cache-control", b"vary")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A plain request for a tile, in the words that tell its answer."""

    key: tuple[str, bytes, bytes, bytes]
    actor: Actor
    if_none_match: bytes | None


def _asked(scope: Scope) -> _Asked | None:
    """The words of a request; None for one that has to be read with care."""
    if scope["method"] not in ("GET", "HEAD") or not _PLAIN_QUERY.fullmatch(scope["query_string"]):
        return None
    found: dict[bytes, bytes] = {}
    for header, value in scope["headers"]:
        if header in _ASKED:
            if header in found:
                return None
            found[header] = value
    accept, coding, name = (found.get(header, b"") for header in (b"accept", b"accept-encoding", _ACTOR))
    # Far more than any client sends is not worth a place in memory.
    if len(accept) + len(coding) + len(name) + len(scope["path"]) > _LONGEST_WORDS:
        return None
    actor = Actor.parse(name.decode("latin-1")) if name else Actor()
    return _Asked(
        (scope["path"], scope["query_string"], coding + b"\n" + accept, name), actor, found.get(b"if-none-match")
    )


def _hot_answer(hot: HotTile, asked: _Asked) -> tuple[int, Headers, bytes] | None:
    """Status, headers and body; None where only the 304 is at hand and the client has something else."""
    known = asked.if_none_match
    if known is not None and _is_fresh(known.decode("latin-1"), hot.etag):
        return 304, hot.unchanged, b""
    return None if hot.headers is None else (hot.status, hot.headers, hot.body)


def tiles_first(app: FastAPI, cors_origins: Sequence[str]) -> TileRouter:
    """The application of `create_app` behind a tile router of its own, so that tiles do not even pass the framework's front."""
    return TileRouter(app, app.state.tile_desk, cors_origins, once_a_turn=True)


def answer_tile(desk: TileDesk, request: Request, path: TilePath) -> Response:
    """The answer to one tile request; every failure is a problem+json answer. Blocks: call it from a worker thread."""
    try:
        return _answer(desk, request, path)
    except OneMapError as error:
        return problem_of(error)
    except Exception:
        log.exception("%s %s failed", request.method, request.url.path)
        return problem(500, "internal-error", "Something went wrong on the server; its log has the reason.")


def _answer(desk: TileDesk, request: Request, path: TilePath) -> Response:
    grid = grid_called(path.grid)
    tile = Tile.parse(z=path.z, x=path.x, y=path.y)
    grid.check(tile)
    parameters = _read_query(request, path)
    layers = _layers(desk, request, path, parameters)
    headers = _validators(layers, parameters.get("v"))
    if _is_fresh(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    coding = coding_for(request.headers.get("accept-encoding", ""))
    stored = desk.service.tile(layers, tile, grid, coding)
    if stored.provisional:
        del headers["ETag"]
        headers["Cache-Control"] = "no-store"
    return _tile_response(stored, coding, headers, empty_status=200 if path.ogc else 204)


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


def _validators(layers: TileSet, edition: str | None) -> dict[str, str]:
    """Headers that say which state this is. An address that names exactly this edition may be kept for good.

    A version, even of the past, does not: with another style or encoder its tiles are drawn anew.
    """
    stamp = layers.stamp
    if len(stamp) > _LONGEST_STAMP:
        stamp = blake2b(stamp.encode(), digest_size=16).hexdigest()
    return {
        "ETag": f'W/"{stamp}"',
        "Cache-Control": _IMMUTABLE if edition == layers.edition else _REVALIDATE,
        "Vary": f"Accept-Encoding, {ACTOR_HEADER}",
    } | (as_of_headers(layers.version) if layers.of_the_past else {})


def _is_fresh(if_none_match: str | None, etag: str) -> bool:
    """Weak comparison. Source: RFC 9110, 13.1.2."""
    if if_none_match is None:
        return False
    known = [entry.strip() for entry in if_none_match.split(",")]
    return "*" in known or etag.removeprefix("W/") in [entry.removeprefix("W/") for entry in known]


def _tile_response(stored: StoredTile, coding: Coding, headers: dict[str, str], empty_status: int) -> Response:
    headers |= {"Onemap-Features": str(stored.features), "Onemap-Left-Out": str(stored.left_out)}
    headers["Onemap-Budget"] = BUDGET.header()
    if not stored.body:
        return Response(status_code=empty_status, headers=headers, media_type=MVT if empty_status == 200 else None)
    if coding != "identity":
        headers |= {"Content-Encoding": coding}
    return Response(stored.body, headers=headers, media_type=MVT)


_EXPOSED = f"ETag, Onemap-Features, Onemap-Left-Out, Onemap-Budget, {VERSION_HEADER}"
_EXPOSE = (b"access-control-expose-headers", _EXPOSED.encode())
_CORS_FOR_ALL = [(b"access-control-allow-origin", b"*"), _EXPOSE]


def _tile_path(scope: Scope) -> TilePath | None:
    root = scope.get("root_path", "").rstrip("/")
    path: str = scope["path"]
    return match_tile_path(path.removeprefix(root) if root and path.startswith(root + "/") else path)


def _other_method(method: str) -> Response:
    if method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": _METHODS, "Access-Control-Allow-Methods": _METHODS})
    return problem(405, "method-not-allowed", f"{method} is not offered at this address.", headers={"Allow": _METHODS})


async def _send(response: Response, scope: Scope, send: Send, cors_origins: Sequence[str]) -> None:
    await _send_hot((response.status_code, [*response.raw_headers], bytes(response.body)), scope, send, cors_origins)


async def _send_hot(answer: tuple[int, Headers, bytes], scope: Scope, send: Send, cors_origins: Sequence[str]) -> None:
    status, headers, body = answer
    headers = headers + _cors_headers(scope, cors_origins)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _cors_headers(scope: Scope, cors_origins: Sequence[str]) -> list[tuple[bytes, bytes]]:
    if "*" in cors_origins:
        return _CORS_FOR_ALL
    origin = next((value for name, value in scope["headers"] if name == b"origin"), b"")
    if origin and origin.decode("latin-1") in cors_origins:
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin"), _EXPOSE]
    return []
