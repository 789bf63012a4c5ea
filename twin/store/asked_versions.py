"""The present revisions of all layers of a PostGIS store, asked over the wire and shared by all who wait for them.

A cached answer may be given only where the database, asked after the request had come, names the revisions it was made from. Asked for
each request that costs more than the answer; so everybody who comes while a question is under way waits for the next one, which is put
when the answer to the first is here: under load one question serves all requests of a round trip. A notice (LISTEN) would not do: it
follows the commit, and a writer who has been told of the commit may ask before the notice is here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import MappingProxyType

import psycopg
from psycopg import pq

from twin.store.versions import Revisions

log = logging.getLogger(__name__)

_NAME = b"revisions"
# An answer that takes longer is not waited for, and a connection that broke is made anew after a pause.
_PATIENCE_S = 5.0
_PAUSE_S = 1.0


class AskedRevisions:
    """Asks on an event loop over a connection of its own; `now` is called on one loop at a time.

    Args:
        connect: Gives a connection in autocommit that nobody else uses; called in a worker thread.
        table: Quoted name of the table of layers.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection], table: str) -> None:
        self._connect = connect
        # One text in place of rows: most times it is compared with the last one and nothing else.
        self._statement = f"SELECT coalesce(string_agg(id || ' ' || revision, ' '), '') FROM {table}".encode()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: psycopg.Connection | None = None
        self._connecting = False
        self._asked: list[asyncio.Future[Revisions | None]] | None = None
        self._waiting: list[asyncio.Future[Revisions | None]] = []
        self._deadline: asyncio.TimerHandle | None = None
        self._text: bytes | None = None
        self._revisions: Revisions = MappingProxyType({})
        self._closed = False

    def now(self) -> asyncio.Future[Revisions | None]:
        """Revision by layer id, read after this call; the very same object while nothing was committed. None if it cannot be told now."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._drop()
            self._loop, self._connecting = loop, False
        promise: asyncio.Future[Revisions | None] = loop.create_future()
        if self._connection is None:
            self._start_connecting(loop)
            promise.set_result(None)
            return promise
        self._waiting.append(promise)
        if self._asked is None:
            self._ask()
        return promise

    def close(self) -> None:
        """Let the connection go; `now` gives None from then on."""
        self._closed = True
        self._drop()

    def _start_connecting(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._connecting and not self._closed:
            self._connecting = True
            loop.run_in_executor(None, self._connected).add_done_callback(self._settle)

    def _connected(self) -> psycopg.Connection:
        connection = self._connect()
        connection.pgconn.prepare(_NAME, self._statement)
        return connection

    def _settle(self, made: asyncio.Future[psycopg.Connection]) -> None:
        assert self._loop is not None
        if made.cancelled():
            return
        error = made.exception()
        if error is not None:
            log.warning(
                "Tiles are checked layer by layer, for the database does not take another connection: %s", error
            )
            self._loop.call_later(_PAUSE_S, self._may_connect)
        elif self._closed or made.get_loop() is not self._loop:
            made.result().close()
        else:
            self._connection, self._connecting = made.result(), False
            self._loop.add_reader(self._connection.pgconn.socket, self._readable)

    def _may_connect(self) -> None:
        self._connecting = False

    def _ask(self) -> None:
        assert self._loop is not None
        assert self._connection is not None
        self._asked, self._waiting = self._waiting, []
        self._deadline = self._loop.call_later(_PATIENCE_S, self._break, "no answer in time")
        try:
            self._connection.pgconn.send_query_prepared(_NAME, ())
        except psycopg.Error as error:
            self._break(error)

    def _readable(self) -> None:
        assert self._connection is not None
        wire = self._connection.pgconn
        try:
            wire.consume_input()
            while not wire.is_busy():
                result = wire.get_result()
                if result is None:
                    break
                if result.status != pq.ExecStatus.TUPLES_OK:
                    self._break(result.error_message.decode("utf-8", "replace"))
                    return
                self._note(result.get_value(0, 0) or b"")
            else:
                return  # the rest is still to come
        except psycopg.Error as error:
            self._break(error)
            return
        self._answer(self._revisions)
        if self._waiting:
            self._ask()

    def _note(self, text: bytes) -> None:
        if text != self._text:
            words = text.decode().split(" ") if text else []
            self._revisions = MappingProxyType(dict(zip(words[::2], map(int, words[1::2]), strict=True)))
            self._text = text

    def _answer(self, revisions: Revisions | None) -> None:
        asked, self._asked = self._asked or [], None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        for promise in asked:
            if not promise.done():  # whoever asked may have gone
                promise.set_result(revisions)

    def _break(self, reason: object) -> None:
        log.warning("The connection that tells of changed layers is made anew: %s", reason)
        self._drop()

    def _drop(self) -> None:
        """Let the connection go, and tell those who wait that nothing can be told."""
        connection, self._connection = self._connection, None
        alive = self._loop is not None and not self._loop.is_closed()
        if connection is not None:
            if alive and self._loop is not None:
                self._loop.remove_reader(connection.pgconn.socket)
            connection.close()
        self._asked, self._waiting = [*(self._asked or ()), *self._waiting] if alive else [], []
        self._answer(None)
