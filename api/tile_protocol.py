"""uvicorn's protocol, with answers at hand written straight to the socket.

A task, three coroutines and the checks of every header cost as much as the rest of a cached tile. A plain request whose answer is at
hand (`tile_hot`) needs none of them: the revisions are asked, and the bytes that were put together before go out. Everything else takes
uvicorn's own way, and so does this one as soon as anything about it is out of the ordinary.

Source: `uvicorn.protocols.http.httptools_impl` (0.54), whose `_start_asgi_task` is the one place this stands in.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.tile_router import TileRouter
from api.tile_words import Words
from twin.store.versions import Revisions


class TileProtocol(HttpToolsProtocol):
    """One connection of a server whose application is a `TileRouter`."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        words = self._words(cycle) if app is self.app else None  # it is not where too many connections are open
        if words is None:
            super()._start_asgi_task(cycle, app)
            return
        now = app.ask_revisions()
        if isinstance(now, asyncio.Future):
            now.add_done_callback(lambda told: self._answer(cycle, app, words, told.result()))
        else:
            self._answer(cycle, app, words, now)

    def _words(self, cycle: RequestResponseCycle) -> Words | None:
        """The words of a request that may be answered here."""
        # Requests that wait behind this one would be answered from inside each other.
        if self.pipeline or self.access_log or self.flow.write_paused or cycle.waiting_for_100_continue:
            return None
        return self.app.words_at_hand(cast("Scope", cycle.scope)) if isinstance(self.app, TileRouter) else None

    def _answer(self, cycle: RequestResponseCycle, app: Any, words: Words, now: Revisions | None) -> None:
        if cycle.disconnected or self.transport.is_closing():
            return
        parts = None if now is None else app.wire_answer(words, now)
        if parts is None:
            super()._start_asgi_task(cycle, app)
            return
        head, body = parts
        dates = b"".join(b"%s: %s\r\n" % entry for entry in cycle.default_headers)
        closing = b"" if cycle.keep_alive else b"connection: close\r\n"
        self.transport.write(b"".join((head, dates, closing, b"\r\n", body)))
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()
