"""The hot tile paths, answered ahead of the web framework.

::

    /tiles/{ids}/{z}/{x}/{y}.mvt                    XYZ in WebMercatorQuad, layers joined with commas
    /tiles/{ids}/{grid}/{z}/{x}/{y}.mvt             XYZ in any grid
    /collections/{id}/tiles/{tms}/{z}/{row}/{col}   OGC API Tiles: the row before the column
    /tiles/{tms}/{z}/{row}/{col}                    the same for the data set, `collections=` selects layers

`as_of` and `datetime` ask for the tile of another time. An instant is resolved to a version of each layer, and that version is
in the cache's key and in the ETag: a tile of the past is made once, like any other.

A plain request (`tile_words`) is answered from what is at hand (`tile_hot`), or its tile is drawn on the event loop where that takes
less than handing it to a thread and back, both without the framework's server where the socket allows it (`tile_protocol`); everything
else is read with care and made in a thread.
An XYZ tile without features is 204. In OGC's paths it is an empty 200: clients and test suites there ask for 200.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.codings import coding_for
from api.errors import problem
from api.moments import VERSION_HEADER
from api.negotiation import negotiate
from api.tile_answer import Answer, Headers, Wish, only_of_304
from api.tile_careful import MVT_FORMAT, answer_tile, failure, parse_address
from api.tile_desk import TileDesk
from api.tile_hot import HotTile, HotTiles
from api.tile_path import TilePath, match_tile_path
from api.tile_words import Words, read_words
from tiles.service import TileSet
from twin.store.versions import Revisions

_METHODS = "GET, HEAD, OPTIONS"
_MOST_HOT_LAYERS = 16
# Requests remembered as they came, and the bytes of one.
_MOST_SEEN = 4096
_LONGEST_SEEN = 2048
_PREFIXES = ("/tiles/", "/collections/")

T = TypeVar("T")


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
        self._hot = HotTiles(desk.policy, desk.hot_bytes)
        self._once_a_turn = once_a_turn
        self._of_this_turn: Revisions | None = None
        self.seen: dict[bytes, Words] = {}  # whole requests as they came, for `api.tile_protocol`
        self._pool = ThreadPoolExecutor(workers or 4 * (os.cpu_count() or 1), thread_name_prefix="tiles")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = _tile_path(scope) if scope["type"] == "http" else None
        if path is None:
            await self._app(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            await _send(await self._answer(scope, path), scope, send, self._cors_origins)
        else:
            await _send(Answer.of(_other_method(scope["method"])), scope, send, self._cors_origins)

    def words_at_hand(self, scope: Scope) -> Words | None:
        """The words of a plain request whose answer may be at hand or made at once, for every origin."""
        if not scope["path"].startswith(_PREFIXES) or "*" not in self._cors_origins:
            return None
        words = read_words(scope)
        if words is None or words.key in self._hot:
            return words
        path = match_tile_path(scope["path"])
        return words if path is not None and self._hot.knows(path.ids) else None

    def note(self, request: bytes, words: Words) -> None:
        """Remember the words of a request by its bytes."""
        if len(request) <= _LONGEST_SEEN:
            if len(self.seen) >= _MOST_SEEN:
                self.seen.clear()
            self.seen[request] = words

    def ask_revisions(self) -> Revisions | asyncio.Future[Revisions | None] | None:
        """The present revisions, or what will tell them; None where they cannot be told."""
        return self._desk.revisions() if self._desk.asker is None else self._desk.asker.now()

    def wire_answer(self, words: Words, now: Revisions) -> tuple[bytes, bytes] | None:
        """The answer as HTTP/1.1 writes it, head without the blank line, and body; None where it is neither at hand nor made at once."""
        hot = self._hot.find(words.key, words.actor, now) or self._made_at_once(words, now)
        parts = None if hot is None else hot.wire(words.if_none_match, _CORS_FOR_ALL)
        return (parts[0], b"") if parts is not None and words.is_head else parts

    async def _answer(self, scope: Scope, path: TilePath) -> Answer:
        words = read_words(scope) if 0 < len(path.ids) <= _MOST_HOT_LAYERS else None
        now = None if words is None else await self._revisions()
        if words is not None and now is not None:
            hot = self._hot.find(words.key, words.actor, now)
            answer = None if hot is None else hot.answer(words.if_none_match)
            return answer or await self._made(path, words, now)
        scope.setdefault("app", self._app)  # ahead of the framework nobody has named it yet
        return await self._in_a_thread(lambda: answer_tile(self._desk, Request(scope), path))

    async def _revisions(self) -> Revisions | None:
        if self._desk.asker is not None:
            return await self._desk.asker.now()
        if not self._once_a_turn:
            return self._desk.revisions()
        if self._of_this_turn is None:
            self._of_this_turn = self._desk.revisions()
            asyncio.get_running_loop().call_soon(self._end_turn)
        return self._of_this_turn

    def _end_turn(self) -> None:
        self._of_this_turn = None

    def _made_at_once(self, words: Words, now: Revisions) -> HotTile | None:
        """The answer to a plain request that takes less to make than to hand over; None for any other, and for a failure."""
        path = match_tile_path(words.key[0])
        layers = None if path is None else self._hot.find_layers(path.ids, words.actor, now)
        if path is None or layers is None:
            return None
        self._hot.notice(path.ids, now)
        try:
            answer = self._light(_wish(path, words, layers))
        except Exception:  # noqa: BLE001 - it comes up again on the usual way, where it is told
            return None
        return None if answer is None else self._keep(answer, path, words, now)

    async def _made(self, path: TilePath, words: Words, now: Revisions) -> Answer:
        """The answer to a plain request. What it is made from is read after `now`, so it may be kept under that."""
        self._hot.notice(path.ids, now)
        try:
            parse_address(path)  # what is wrong with it is told before what is wrong with the layers
            wish = _wish(path, words, await self._layers(path, words, now))
            answer = self._light(wish)
            if answer is None:
                answer = await self._in_a_thread(lambda: wish.answer(self._desk.service))
        except Exception as error:  # noqa: BLE001 - it is logged there, and told as little as possible
            return failure(error, words.key[0])
        self._keep(answer, path, words, now)
        return answer

    def _light(self, wish: Wish) -> Answer | None:
        """The answer where making it takes less than handing it to a thread."""
        service = self._desk.service
        answer = wish.unchanged()
        if answer is None and service.is_light(wish.layers, wish.tile, wish.grid, wish.coding):
            answer = wish.answer(service)
        return answer

    async def _layers(self, path: TilePath, words: Words, now: Revisions) -> TileSet:
        layers = self._hot.find_layers(path.ids, words.actor, now)
        if layers is None:
            layers = await self._in_a_thread(lambda: self._desk.describe(path.ids, words.actor))
            self._hot.keep_layers(path.ids, layers, now)
        return layers

    def _keep(self, answer: Answer, path: TilePath, words: Words, now: Revisions) -> HotTile | None:
        """An answer put at hand; None where it is not to be."""
        etag = next((value for name, value in answer.headers if name == b"etag"), None)
        if etag is None:
            return None
        full = answer.status != 304
        tile = HotTile(
            layer_ids=path.ids,
            revisions=tuple(map(now.get, path.ids)),
            agreed=now,
            etag=etag.decode(),
            unchanged=only_of_304(answer.headers),
            status=answer.status,
            headers=answer.headers if full else None,
            body=answer.body,
            until=self._hot.settled_until(path.ids),
        )
        self._hot.keep(words.key, tile)
        return tile

    async def _in_a_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def tiles_first(app: FastAPI, cors_origins: Sequence[str]) -> TileRouter:
    """The application of `create_app` behind a tile router of its own, so that tiles do not even pass the framework's front."""
    return TileRouter(app, app.state.tile_desk, cors_origins, once_a_turn=True)


_EXPOSED = f"ETag, Onemap-Features, Onemap-Left-Out, Onemap-Budget, {VERSION_HEADER}"
_EXPOSE = (b"access-control-expose-headers", _EXPOSED.encode())
_CORS_FOR_ALL = [(b"access-control-allow-origin", b"*"), _EXPOSE]


def _wish(path: TilePath, words: Words, layers: TileSet) -> Wish:
    """What a plain request asks for. Raises what is to be told to whoever asked for something that there is not."""
    tile, grid = parse_address(path)
    if path.ogc and not words.names_format:
        negotiate({}, words.accept, (MVT_FORMAT,))
    return Wish(layers, tile, grid, coding_for(words.accept_encoding), words.edition, words.if_none_match, path.ogc)


def _tile_path(scope: Scope) -> TilePath | None:
    root = scope.get("root_path", "").rstrip("/")
    path: str = scope["path"]
    return match_tile_path(path.removeprefix(root) if root and path.startswith(root + "/") else path)


def _other_method(method: str) -> Response:
    if method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": _METHODS, "Access-Control-Allow-Methods": _METHODS})
    return problem(405, "method-not-allowed", f"{method} is not offered at this address.", headers={"Allow": _METHODS})


async def _send(answer: Answer, scope: Scope, send: Send, cors_origins: Sequence[str]) -> None:
    headers = answer.headers + _cors_headers(scope, cors_origins)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


def _cors_headers(scope: Scope, cors_origins: Sequence[str]) -> Headers:
    if "*" in cors_origins:
        return _CORS_FOR_ALL
    origin = next((value for name, value in scope["headers"] if name == b"origin"), b"")
    if origin and origin.decode("latin-1") in cors_origins:
        return [(b"access-control-allow-origin", origin), (b"vary", b"Origin"), _EXPOSE]
    return []
