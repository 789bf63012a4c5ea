"""Revisions asked from PostGIS: shared by all who wait, never older than a commit that was acknowledged, and back after a cut."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from shapely import Point

from memory_layers import schema_of
from twin.feature import Feature
from twin.store.asked_versions import AskedRevisions
from twin.store.port import Author, LayerSpec
from twin.store.postgis import PostGISStore

LAMPS = schema_of("Point", n="integer")
AUTHOR = Author("test")
WRITES = 40


@pytest.fixture
def store(postgis_url: str) -> Iterator[PostGISStore]:
    store = PostGISStore(postgis_url)
    store.create_layer(LayerSpec("lamps", LAMPS), AUTHOR)
    yield store
    store.close()


@pytest.fixture
def asker(store: PostGISStore) -> AskedRevisions:
    asker = store.revision_asker()
    assert isinstance(asker, AskedRevisions)
    return asker


async def told(asker: AskedRevisions) -> dict[str, int]:
    """What it says once it is connected; the mapping itself, not a copy."""
    for _ in range(200):
        revisions = await asker.now()
        if revisions is not None:
            return revisions  # type: ignore[return-value]
        await asyncio.sleep(0.02)
    raise AssertionError("no answer")


def write(store: PostGISStore) -> None:
    with store.write("lamps", AUTHOR) as writer:
        writer.insert(Feature(None, Point(120.0, 36.2), {"n": 1}))


def test_the_same_object_until_somebody_commits(asker: AskedRevisions, store: PostGISStore) -> None:
    async def run() -> None:
        first = await told(asker)
        assert await asker.now() is first
        write(store)
        second = await told(asker)
        assert second["lamps"] == first["lamps"] + 1
        store.drop_layer("lamps")
        assert "lamps" not in await told(asker)

    asyncio.run(run())


def test_whoever_asks_after_an_acknowledged_write_hears_of_it_however_many_ask(
    asker: AskedRevisions, store: PostGISStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [0]
    usual = AskedRevisions._ask
    monkeypatch.setattr(AskedRevisions, "_ask", lambda self: (asked.__setitem__(0, asked[0] + 1), usual(self))[1])
    acknowledged, over = [0], threading.Event()

    def edit() -> None:
        for _ in range(WRITES):
            write(store)
            acknowledged[0] += 1
        over.set()

    async def read(born: int) -> int:
        answers = 0
        while not over.is_set():
            known = acknowledged[0]
            revisions = await asker.now()
            assert revisions is not None
            assert revisions["lamps"] >= born + known
            answers += 1
        return answers

    async def run() -> int:
        born = (await told(asker))["lamps"]
        editor = asyncio.get_running_loop().run_in_executor(None, edit)
        answers = sum(await asyncio.gather(*(read(born) for _ in range(20))))
        await editor
        return answers

    answers = asyncio.run(run())
    assert asked[0] < answers / 4


def test_a_connection_that_is_cut_is_made_anew_and_nobody_waits_for_it(
    asker: AskedRevisions, store: PostGISStore, postgis_url: str
) -> None:
    async def run() -> None:
        first = await told(asker)
        with closing(psycopg.connect(postgis_url, autocommit=True)) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%string_agg%' AND pid <> pg_backend_pid()"
            )
        assert await asker.now() in (None, first)
        assert await told(asker) == first

    asyncio.run(run())


def test_a_second_event_loop_gets_answers_as_well_and_a_closed_store_none(
    asker: AskedRevisions, store: PostGISStore
) -> None:
    assert asyncio.run(told(asker)) == asyncio.run(told(asker))
    store.close()

    async def ask() -> object:
        return await asker.now()

    assert asyncio.run(ask()) is None


def test_a_database_that_is_not_there_costs_the_answer_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    def refuse() -> psycopg.Connection:
        raise psycopg.OperationalError("refused")

    async def run() -> None:
        asker = AskedRevisions(refuse, '"onemap"."om_layers"')
        for _ in range(5):
            assert await asker.now() is None
            await asyncio.sleep(0.01)

    asyncio.run(run())
    assert caplog.text.count("refused") == 1
