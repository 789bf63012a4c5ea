"""uvicorn's protocol, with answers at hand written straight to the socket.

A task, three coroutines and the checks of every header cost as much as the rest of a cached tile. A plain request whose answer is at
hand (`tile_hot`) needs none of them: the revisions are asked, and the bytes that were put together before go out. A request that has
come before, byte for byte, is not even parsed again. Everything else takes uvicorn's own way, and so do these as soon as anything about
them is out of the ordinary.

Source: `uvicorn.protocols.http.httptools_impl` (0.54), whose `data_received` and `_start_asgi_task` are the places this stands in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.closing import begin_closing
from api.tile_router import TileRouter
from api.tile_words import Words
from twin.store.versions import Revisions


class TileProtocol(HttpToolsProtocol):
    """One connection of a server whose application is a `TileRouter`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._begun = self._ended = 0  # messages that the parser has met
        self._words_of_last: Words | None = None

    def shutdown(self) -> None:
        """The server stops: answers without end are told to end, so that this connection can close."""
        begin_closing(self.app_state)
        super().shutdown()

    # -- requests that have come before --------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        words = self._seen(data)
        if words is None:
            self._read(data)
            return
        self._unset_keepalive_if_required()
        self._when_asked(lambda now: self._answer_again(data, words, now))

    def _seen(self, data: bytes) -> Words | None:
        """The words of a request that came before, if nothing else is under way on this connection."""
        words = self.app.seen.get(data) if isinstance(self.app, TileRouter) else None
        idle = self._begun == self._ended and (self._begun == 0 or self.cycle.response_complete)
        return words if words is not None and idle and not self.flow.write_paused else None

    def _answer_again(self, data: bytes, words: Words, now: Revisions | None) -> None:
        if self.transport.is_closing():
            return
        if self._write(words, now, b""):
            self.on_response_complete()
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Uvicorn's way, and a note of the words where the bytes are one request that may come again."""
        begun, whole = self._begun, self._begun == self._ended
        super().data_received(data)
        if self._words_of_last is not None and whole and self._begun == self._ended == begun + 1:
            self.app.note(data, self._words_of_last)

    def on_message_begin(self) -> None:
        self._begun += 1
        self._words_of_last = None
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._ended += 1
        super().on_message_complete()

    # -- requests that the parser has read -----------------------------------------------------------------------------

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        words = self._words(cycle) if app is self.app else None  # it is not where too many connections are open
        if words is None:
            super()._start_asgi_task(cycle, app)
            return
        self._words_of_last = words if cycle.keep_alive else None
        self._when_asked(lambda now: self._answer(cycle, app, words, now))

    def _words(self, cycle: RequestResponseCycle) -> Words | None:
        """The words of a request that may be answered here."""
        # Requests that wait behind this one would be answered from inside each other.
        if self.pipeline or self.access_log or self.flow.write_paused or cycle.waiting_for_100_continue:
            return None
        return self.app.words_at_hand(cast("Scope", cycle.scope)) if isinstance(self.app, TileRouter) else None

    def _answer(self, cycle: RequestResponseCycle, app: Any, words: Words, now: Revisions | None) -> None:
        if cycle.disconnected or self.transport.is_closing():
            return
        if not self._write(words, now, b"" if cycle.keep_alive else b"connection: close\r\n"):
            super()._start_asgi_task(cycle, app)
            return
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    # -- both ----------------------------------------------------------------------------------------------------------

    def _when_asked(self, go_on: Callable[[Revisions | None], None]) -> None:
        """Go on with the revisions as they stand now: at once, or when the database has told them."""
        now = self.app.ask_revisions()
        if isinstance(now, asyncio.Future):
            self.flow.pause_reading()  # nothing else is looked at meanwhile
            now.add_done_callback(lambda told: self._told(go_on, told.result()))
        else:
            go_on(now)

    def _told(self, go_on: Callable[[Revisions | None], None], now: Revisions | None) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()
            go_on(now)

    def _write(self, words: Words, now: Revisions | None, more: bytes) -> bool:
        """Send the answer at hand; no where there is none."""
        parts = None if now is None else self.app.wire_answer(words, now)
        if parts is None:
            return False
        dates = b"".join([b"%s: %s\r\n" % entry for entry in self.server_state.default_headers])
        self.transport.write(b"".join((parts[0], dates, more, b"\r\n", parts[1])))
        return True
