"""`kill -9` in the middle of writes: everything acknowledged is there, nothing is half there."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from postgis_cluster import running_cluster
from processes import Spawned, wait_until
from twin.interval import Interval
from twin.query import FeatureQuery
from twin.store import open_store

START = datetime(2000, 1, 1, tzinfo=UTC)
# Writes pairs of features for ever, and says so only when the store has taken them. A replaced feature goes with each pair.
WRITER = """
import sys
from datetime import UTC, datetime, timedelta
import shapely
from twin.feature import Feature
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec

store = open_store(sys.argv[1])
spec = LayerSpec("pairs", Schema(GeometryType.POINT, (Property("n", PropertyType.INTEGER),)))
author = Author("writer")
START = datetime(2000, 1, 1, tzinfo=UTC)
with store.write("pairs", author, create=spec) as writer:
    writer.insert(Feature("counter", None, {"n": 0}))
n = 0
while True:
    n += 1
    place = shapely.Point(120 + n * 1e-6, 36)
    with store.write("pairs", author) as writer:
        writer.insert(Feature(f"{n}a", place, {"n": n}))
        writer.insert(Feature(f"{n}b", place, {"n": n}))
        # The state of day n follows that of the day before, which becomes a slice of the past.
        writer.replace(Feature("counter", place, {"n": n}, valid_from=START + timedelta(days=n)))
    print(n, flush=True)
"""


def acknowledged_before_death(writer: Spawned, enough: int, kill: Callable[[], None]) -> int:
    """The last number the writer acknowledged, with the blow falling while it writes on."""
    while int(writer.read_line()) < enough:
        pass
    kill()
    rest = writer.process.stdout.read() if writer.process.stdout else ""
    writer.wait()
    return max([enough, *(int(line) for line in rest.split())])


def assert_nothing_lost(target: str, acknowledged: int) -> None:
    store = open_store(target)
    try:
        batch = store.select("pairs", FeatureQuery())
        numbers = dict(zip(batch.ids, batch.columns["n"], strict=True))
        last = numbers["counter"]
        # At most one write was on its way when the blow fell: it is there whole or not at all.
        assert last in {acknowledged, acknowledged + 1}
        assert set(numbers) == {"counter"} | {f"{n}{side}" for n in range(1, last + 1) for side in "ab"}
        assert store.layer("pairs").feature_count == 2 * last + 1
        assert store.version("pairs") == last + 1
        assert len(store.history("pairs", "counter")) == last + 1
        for n in {1, last // 2 + 1, last}:
            assert store.get("pairs", "counter", as_of=n + 1).properties["n"] == n
            assert store.count("pairs", FeatureQuery(as_of=n + 1)) == 2 * n + 1
            day = START + timedelta(days=n)
            assert store.get("pairs", "counter", interval=Interval(day, day)).properties["n"] == n
        window = store.select("pairs", FeatureQuery(bounds=store.layer("pairs").bounds))
        assert len(window) == 2 * last + 1
    finally:
        store.close()


@pytest.mark.parametrize("enough", [1, 40, 150])
def test_a_killed_writer_loses_nothing_in_a_geopackage(spawn, tmp_path: Path, enough: int) -> None:
    target = str(tmp_path / "twin.gpkg")
    writer = spawn(WRITER, target)
    acknowledged = acknowledged_before_death(writer, enough, writer.kill)
    assert_nothing_lost(target, acknowledged)
    with sqlite3.connect(target) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for index in ("rtree_pairs_geom", "rtree_pairs__history_geom"):
            assert connection.execute("SELECT rtreecheck(?)", (index,)).fetchone() == ("ok",)


@pytest.mark.parametrize("enough", [1, 60])
def test_a_killed_writer_loses_nothing_in_postgis(spawn, postgis_url: str, enough: int) -> None:
    writer = spawn(WRITER, postgis_url)
    acknowledged = acknowledged_before_death(writer, enough, writer.kill)
    assert_nothing_lost(postgis_url, acknowledged)


def test_a_killed_database_server_loses_nothing(spawn) -> None:
    with running_cluster() as cluster:
        url = cluster.new_database()

        def kill_a_backend() -> None:
            with psycopg.connect(url) as connection:
                rows = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND backend_type = 'client backend'"
                ).fetchall()
            # One killed backend makes the postmaster end all others and recover from its log.
            os.kill(rows[0][0], signal.SIGKILL)

        writer = spawn(WRITER, url)
        acknowledged = acknowledged_before_death(writer, 60, kill_a_backend)

        def answers() -> bool:
            try:
                open_store(url).close()
            except Exception:  # noqa: BLE001 - while it recovers it may refuse in many ways
                return False
            return True

        assert wait_until(answers, 60)
        assert_nothing_lost(url, acknowledged)
