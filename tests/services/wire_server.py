"""The server of `onemap serve` in a thread of this process, on a socket: for what only the wire shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from api.app import create_app
from api.settings import Settings
from api.tile_protocol import TileProtocol
from api.tile_router import tiles_first
from processes import free_port
from twin.store.port import Store


@contextmanager
def serving(store: Store, **options: object) -> Iterator[int]:
    """A server of this process; gives its port."""
    app = create_app(Settings(**options), store)  # type: ignore[arg-type]
    port = free_port()
    front = tiles_first(app, app.state.parts.settings.cors_origins)
    server = uvicorn.Server(
        uvicorn.Config(front, port=port, http=TileProtocol, log_config=None, access_log=False, proxy_headers=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join(20)
