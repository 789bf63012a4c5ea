"""The servers a benchmark needs: a PostgreSQL with PostGIS (given or private), and programs that answer HTTP.

The private cluster is the one of the tests, with the settings of a server that must not lose data.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from measure import CHECKOUT, parent_of

sys.path.append(str(CHECKOUT / "tests/services"))

import postgis_cluster
from processes import Spawned, free_port

__all__ = ["Database", "Spawned", "database", "execute", "free_port", "seconds_until_answer"]

_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "max_connections": "100",
    "autovacuum": "off",  # it would start in the middle of somebody's measurement
}


@dataclass(frozen=True, slots=True)
class Database:
    """A database with PostGIS; `postmaster` is the root of the server's process tree."""

    url: str
    postmaster: int


@contextmanager
def database(url: str | None, folder: Path) -> Iterator[Database]:
    """The database at `url` (of this machine), or one in a private cluster below `folder` that ends with the block."""
    if url is not None:
        yield Database(url, _postmaster(url))
        return
    programs = postgis_cluster.find_server_programs()
    if programs is None:
        sys.exit(f"PostgreSQL with PostGIS is not installed; remedy: {postgis_cluster.REMEDY}, or give --postgis URL")
    postgis_cluster.SETTINGS.update(_SETTINGS)
    place = Path(tempfile.mkdtemp(prefix="cluster-", dir=folder))
    folder.chmod(0o755)  # the server runs as somebody else when we are root
    cluster = postgis_cluster.PostGISCluster(programs, place)
    try:
        made = cluster.new_database()
        yield Database(made, _postmaster(made))
    finally:
        cluster.stop()
        shutil.rmtree(place, ignore_errors=True)


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    """Run one statement by itself (so that VACUUM works) and give its rows."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def _postmaster(url: str) -> int:
    with closing(psycopg.connect(url)) as connection:
        return parent_of(connection.info.backend_pid)


def seconds_until_answer(url: str, timeout_s: float = 120, headers: Mapping[str, str] | None = None) -> float:
    """Wait until `url` answers 200 and its first byte is here; gives the seconds it took.

    Raises:
        TimeoutError: if it does not.
    """
    started = time.perf_counter()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.perf_counter() - started < timeout_s:
        try:
            with opener.open(urllib.request.Request(url, headers=dict(headers or {})), timeout=30) as answer:
                answer.read(1)
                return time.perf_counter() - started
        except urllib.error.HTTPError:
            pass  # it listens and is not ready
        except OSError:
            pass
        time.sleep(0.005)
    raise TimeoutError(f"{url} did not answer within {timeout_s:.0f} s")
