"""A private PostgreSQL + PostGIS cluster for one test run: own directory, own port, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from loud_skips import skip_loudly
from processes import dying_with_parent, free_port, wait_until

REMEDY = "sudo apt-get install postgresql postgis (or let ./onemap test do it)"
# Speed over safety against a power cut: the cluster dies with the test run. `kill -9` of a client or of the server is
# still survived, because a commit has reached the kernel when it returns (so synchronous_commit stays on).
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "60",
    "autovacuum_naptime": "300",
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",
}


def find_server_programs() -> Path | None:
    """The folder with `initdb` and `postgres` of the newest PostgreSQL that has PostGIS; None if there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if not (folder / "initdb").exists():
            continue
        shared = subprocess.run([folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=False)
        if (Path(shared.stdout.strip()) / "extension/postgis.control").exists():
            return folder
    return None


def _owner() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses root. None when we are somebody else already."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


class PostGISCluster:
    """A running server that hands out fresh databases.

    Attributes:
        port: TCP port on 127.0.0.1.
        pid: Process id of the postmaster.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self.port = free_port()
        self._count = 0
        owner = _owner()
        self._as_owner: dict[str, object] = {}
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        data = folder / "data"
        self._run(
            [programs / "initdb", "-D", data, "-U", "onemap", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            folder,
        )
        settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(self.port), "-k", str(folder), *settings]
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # type: ignore[call-overload]
                dying_with_parent(command), stdout=log, stderr=log, cwd=folder, **self._as_owner
            )
        self.pid = self._process.pid
        assert wait_until(self._answers, 60), self._log.read_text(errors="replace")[-4000:]
        self._execute("postgres", "CREATE DATABASE template_onemap")
        self._execute("template_onemap", "CREATE EXTENSION postgis")

    def new_database(self) -> str:
        """URL of a fresh database with PostGIS in it."""
        self._count += 1
        name = f"test_{self._count}"
        self._execute("postgres", f"CREATE DATABASE {name} TEMPLATE template_onemap")
        return self._url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database handed out by `new_database`, together with whoever is still connected."""
        self._execute("postgres", f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)

    def _url(self, database: str) -> str:
        return f"postgresql://onemap@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError(self._log.read_text(errors="replace")[-4000:])
        try:
            self._execute("postgres", "SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, database: str, statement: str) -> None:
        with contextlib.closing(psycopg.connect(self._url(database), autocommit=True)) as connection:
            connection.execute(statement)

    def _run(self, command: list[object], cwd: Path) -> None:
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, cwd=cwd, check=False, **self._as_owner
        )
        assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def running_cluster() -> Iterator[PostGISCluster]:
    """A cluster for the length of the block; skips loudly where PostgreSQL or PostGIS is not installed."""
    programs = find_server_programs()
    if programs is None:
        skip_loudly("PostGIS", REMEDY)
    folder = Path(tempfile.mkdtemp(prefix="onemap-pg-"))
    try:
        cluster = PostGISCluster(programs, folder)
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
