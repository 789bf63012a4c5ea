"""The stream of changes on a socket: it begins at once, HEAD of it ends, and it ends itself when the server stops."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from lamp_layer import with_lamps
from twin.store import open_store
from twin.store.port import Store
from wire_server import serving

PATIENCE_S = 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = with_lamps(open_store(tmp_path / "twin.gpkg"))
    yield store
    store.close()


def test_head_of_an_endless_answer_ends_and_leaves_the_connection_usable(store: Store) -> None:
    with serving(store) as port, closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as connection:
        for method, path in [("HEAD", "/changes"), ("HEAD", "/collections/lamps/items?f=csv"), ("GET", "/conformance")]:
            connection.request(method, path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200
            assert bool(body) == (method == "GET")
        connection.request("HEAD", "/changes")
        assert connection.getresponse().getheader("Content-Type", "").startswith("text/event-stream")


def test_the_stream_ends_cleanly_when_the_server_stops(store: Store) -> None:
    heard: list[bytes] = []
    begun = threading.Event()

    def listen(port: int) -> None:
        with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as connection:
            connection.request("GET", "/changes")
            answer = connection.getresponse()
            heard.append(answer.readline())
            begun.set()
            heard.append(answer.read())  # raises IncompleteRead where the last chunk is missing

    with serving(store) as port:
        listener = threading.Thread(target=listen, args=(port,))
        listener.start()
        assert begun.wait(PATIENCE_S)
    listener.join(PATIENCE_S)
    assert not listener.is_alive()
    assert heard[0].startswith(b"retry:")
    assert len(heard) == 2
