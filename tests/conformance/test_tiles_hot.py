"""Tiles at hand on the event loop: given without a thread, never stale, never to somebody who may not have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from shapely import Point

from api import tile_router
from api.app import create_app
from api.settings import Settings
from api.tile_hot import HotTile, HotTiles
from api.tile_router import TileRouter
from asgi_caller import AsgiCaller
from layers.policy import Action, Actor, OpenPolicy
from memory_layers import decode, schema_of
from processes import Spawned
from twin.errors import PolicyError
from twin.feature import Feature, FeatureBatch
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

PLACE = (120.0335, 36.2645)
LAMPS = schema_of("Point", n="integer")
XYZ = "/tiles/lamps/14/13654/6418.mvt"
OGC = "/collections/lamps/tiles/WebMercatorQuad/14/6418/13654"
AUTHOR = Author("test")
OTHER_PROCESS = """
import sys, shapely
from twin.feature import Feature
from twin.store import open_store
from twin.store.port import Author
store = open_store(sys.argv[1])
with store.write("lamps", Author("other")) as writer:
    writer.replace(Feature("L1", shapely.Point(120.0335, 36.2645), {"n": 2}))
print("done", flush=True)
"""


class Changeable(OpenPolicy):
    """A policy that can change its mind."""

    hidden: frozenset[str] = frozenset()

    def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
        if actor.name in self.hidden:
            raise PolicyError("no")


def put(store: Store, n: int, layer_id: str = "lamps") -> None:
    with store.write(layer_id, AUTHOR) as writer:
        writer.upsert(FeatureBatch.of(LAMPS, [Feature("L1", Point(PLACE), {"n": n})]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "t.gpkg"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    store = open_store(file)
    for layer_id in ("lamps", "roads"):
        store.create_layer(LayerSpec(layer_id, LAMPS), AUTHOR)
    put(store, 1)
    yield store
    store.close()


@pytest.fixture
def policy() -> Changeable:
    return Changeable()


@pytest.fixture
def client(store: Store, policy: Changeable) -> Iterator[AsgiCaller]:
    with AsgiCaller(create_app(Settings(), store, policy)) as client:
        yield client


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that were not answered from what is at hand."""
    asked: list[str] = []
    usual, careful = TileRouter._made, tile_router.answer_tile

    async def counted(self: TileRouter, path: Any, words: Any, now: Any) -> Any:
        asked.append(words.key[0])
        return await usual(self, path, words, now)

    def counted_too(desk: Any, request: Any, path: Any) -> Any:
        asked.append(request.url.path)
        return careful(desk, request, path)

    monkeypatch.setattr(TileRouter, "_made", counted)
    monkeypatch.setattr(tile_router, "answer_tile", counted_too)
    return asked


def number(client: AsgiCaller, url: str = XYZ) -> int:
    return int(decode(client.get(url).content)["lamps"][0].properties["n"])


@pytest.mark.parametrize("url", [XYZ, OGC, XYZ + "?v=1-0-1", OGC + "?f=mvt"])
def test_the_second_answer_is_at_hand_and_is_the_first_word_for_word(
    client: AsgiCaller, made: list[str], url: str
) -> None:
    first, again = (
        client.raw(url, headers={"accept-encoding": "gzip"}),
        client.raw(url, headers={"accept-encoding": "gzip"}),
    )
    assert len(made) == 1
    assert (again[0].status_code, again[0].headers.raw, again[1]) == (200, first[0].headers.raw, first[1])
    head = client.request("HEAD", url, headers={"accept-encoding": "gzip"})
    assert (head.content, head.headers["content-length"]) == (b"", str(len(first[1])))
    assert len(made) == 1


def test_codings_are_kept_apart(client: AsgiCaller, made: list[str]) -> None:
    for _ in range(2):
        packed, plain = (client.raw(XYZ, headers={"accept-encoding": coding}) for coding in ("gzip", "identity"))
        assert (packed[0].headers.get("content-encoding"), plain[0].headers.get("content-encoding")) == ("gzip", None)
        assert decode(plain[1])["lamps"][0].properties["n"] == 1
    assert len(made) == 2


def test_304_and_204_are_answered_at_hand_too(client: AsgiCaller, made: list[str]) -> None:
    etag = client.get(XYZ).headers["etag"]
    for _ in range(2):
        answer = client.get(XYZ, headers={"if-none-match": f'"x", {etag}'})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert "content-length" not in answer.headers
        assert "Accept-Encoding" in answer.headers["vary"]
    assert client.get(XYZ, headers={"if-none-match": '"x"'}).status_code == 200
    assert [client.get("/tiles/lamps/14/0/0.mvt").status_code for _ in range(2)] == [204, 204]
    assert len(made) == 2


def test_a_client_that_comes_back_after_a_restart_is_told_304_at_hand_and_another_gets_the_tile(
    store: Store, made: list[str]
) -> None:
    with AsgiCaller(create_app(Settings(), store)) as before:
        etag = before.get(XYZ).headers["etag"]
    made.clear()
    with AsgiCaller(create_app(Settings(), store)) as client:
        assert [client.get(XYZ, headers={"if-none-match": etag}).status_code for _ in range(3)] == [304] * 3
        assert len(made) == 1
        assert number(client) == 1


def test_a_write_is_in_the_next_tile_and_one_to_another_layer_costs_nothing(
    client: AsgiCaller, store: Store, made: list[str]
) -> None:
    for n in range(2, 12):
        put(store, n)
        assert number(client) == n
        assert number(client) == n
    assert len(made) == 10
    put(store, 1, "roads")
    assert number(client) == 11
    assert len(made) == 10


def test_a_write_of_another_process_is_in_the_next_tile(
    client: AsgiCaller, file: Path, spawn: Callable[..., Spawned]
) -> None:
    assert number(client) == number(client) == 1
    assert spawn(OTHER_PROCESS, str(file)).read_line() == "done"
    assert number(client) == 2


def test_a_held_layer_and_a_dropped_one_are_gone_from_what_is_at_hand(store: Store) -> None:
    app = create_app(Settings(), store)
    with AsgiCaller(app) as client:
        assert number(client) == number(client) == 1
        with store.write("lamps", AUTHOR) as writer:
            writer.describe({"standing": {"state": "held", "since": "2026-01-01T00:00:00+00:00", "belief": None}})
        app.state.tiles.forget("lamps")  # what every route that changes a manifest does
        assert client.get(XYZ).json()["code"] == "held-layer"
        with store.write("lamps", AUTHOR) as writer:
            writer.describe({})
        assert number(client) == number(client) == 1
        store.drop_layer("lamps")
        assert client.get(XYZ).json()["code"] == "unknown-layer"


def test_who_may_not_read_any_more_gets_nothing_that_is_at_hand(
    client: AsgiCaller, policy: Changeable, made: list[str]
) -> None:
    wang = {"x-onemap-actor": "wang"}
    assert [client.get(XYZ, headers=wang).status_code for _ in range(2)] == [200, 200]
    policy.hidden = frozenset({"wang"})
    assert client.get(XYZ, headers=wang).status_code == 404
    assert client.get(XYZ).status_code == 200
    policy.hidden = frozenset()
    assert client.get(XYZ, headers=wang).status_code == 200


def test_a_header_sent_twice_is_never_looked_up_by(client: AsgiCaller, policy: Changeable, made: list[str]) -> None:
    policy.hidden = frozenset({"wang"})
    twice = [("x-onemap-actor", "li"), ("x-onemap-actor", "wang")]
    for _ in range(2):
        client.get(XYZ, headers=twice)
        client.get(XYZ, headers=[("accept-encoding", "gzip"), ("accept-encoding", "identity")])
    assert len(made) == 4
    assert client.get(XYZ, headers={"x-onemap-actor": "wang"}).status_code == 404
    assert "content-encoding" not in client.raw(XYZ, headers={"accept-encoding": "identity"})[0].headers


def test_other_times_and_unknown_words_are_read_with_care(client: AsgiCaller, made: list[str]) -> None:
    for query in ("?as_of=1", "?%61s_of=v2", "?datetime=2026-01-01", "?x=1"):
        for _ in range(2):
            client.get(XYZ + query)
    assert len(made) == 8
    assert client.get(OGC + "?colour=red").status_code == 400


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def hot_tile(hot: HotTiles, body: bytes, revisions: dict[str, int]) -> HotTile:
    return HotTile(
        ("lamps",), (revisions["lamps"],), revisions, 'W/"x"', [], 200, [], body, hot.settled_until(("lamps",))
    )


def test_what_is_at_hand_stays_within_its_bytes() -> None:
    now = {"lamps": 1}
    hot = HotTiles(OpenPolicy(), max_bytes=20_000)
    for key in range(100):
        hot.keep(key, hot_tile(hot, b"x" * 2000, now))
    hot.keep("giant", hot_tile(hot, b"x" * 15_000, now))
    assert hot.bytes_used <= 20_000
    assert (len(hot), hot.find("giant", Actor(), now), hot.find(0, Actor(), now)) == (5, None, None)
    assert hot.find(99, Actor(), now) is not None


def test_an_answer_made_right_after_a_change_is_made_once_more_when_manifests_have_settled() -> None:
    clock, now = Clock(), {"lamps": 1}
    hot = HotTiles(OpenPolicy(), clock=clock)
    hot.notice(("lamps",), now)
    hot.keep("a", hot_tile(hot, b"early", now))
    assert hot.find("a", Actor(), now) is not None
    clock.now += 5
    assert hot.find("a", Actor(), now) is None
    hot.keep("a", hot_tile(hot, b"late", now))
    clock.now += 1e6
    found = hot.find("a", Actor(), now)
    assert found is not None
    assert found.body == b"late"
