"""The servers that tile benchmarks compare: One Map, TiPg, and nginx with one file."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import CHECKOUT
from peers import TIPG, Server, environment
from services import Database, Spawned, free_port, seconds_until_answer
from tiles_data import PEER_SCHEMA, geopackage_in

sys.path.insert(0, str(CHECKOUT))

from tiles.address import Tile

MVT = "application/vnd.mapbox-vector-tile"
PLAIN, GZIP = ({"Accept": MVT, "Accept-Encoding": coding} for coding in ("identity", "gzip"))
_COPIED_WITHIN_S = 900


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server: address of a tile of a layer, and the roots of all processes that work for it."""

    name: str
    address: Callable[[str, Tile], str]
    pids: tuple[int, ...]


@contextmanager
def one_map(
    name: str, work: Path, server: Database | None, *, cached: bool = False, environ: Mapping[str, str] | None = None
) -> Iterator[Contender]:
    """Our server with one worker, over the GeoPackage or a PostGIS; its caches as they ship, or off."""
    port = free_port()
    data = work / "postgis-data" if server else geopackage_in(work).parent
    settings = {"ONEMAP_STORE": server.url if server else "", "ONEMAP_LOG_LEVEL": "warning", **(environ or {})}
    if not cached:
        settings["ONEMAP_TILE_MEMORY_MB"] = "0"
    program = str(Path(sys.executable).with_name("onemap"))
    started = Spawned([program, "serve", "--port", str(port), "--data", str(data)], settings, CHECKOUT)
    with stopping(started):
        base = f"http://127.0.0.1:{port}"
        seconds_until_answer(f"{base}/health")
        pids = (started.pid, server.postmaster) if server else (started.pid,)
        yield Contender(name, lambda layer, t: f"{base}/tiles/{layer}/{t.z}/{t.x}/{t.y}.mvt", pids)


@contextmanager
def tipg(peers: Path, server: Database) -> Iterator[Contender]:
    """TiPg with its defaults, but every feature of a tile and the layers of the peers' schema."""
    environ = {
        "DATABASE_URL": server.url,
        "TIPG_DB_SCHEMAS": f'["{PEER_SCHEMA}"]',
        "TIPG_TABLE_CONFIG": "{}",
        "TIPG_MAX_FEATURES_PER_TILE": "1000000",
        "PYTHONPATH": "",
    }
    started = Server(environment(peers / "tipg", TIPG), "tipg.main:app", "", environ, peers)
    with stopping(started):
        base = started.items
        seconds_until_answer(f"{base}/healthz")
        yield Contender(
            "TiPg",
            lambda layer, t: f"{base}/collections/{PEER_SCHEMA}.{layer}/tiles/WebMercatorQuad/{t.z}/{t.x}/{t.y}",
            (started.pid, server.postmaster),
        )


@contextmanager
def nginx(work: Path, body: bytes) -> Iterator[tuple[str, int]]:
    """nginx with one worker and one compressed tile as a file: its address, and the master's process id."""
    folder, port = work / "nginx", free_port()
    folder.mkdir(exist_ok=True)
    (folder / "tile.mvt").write_bytes(body)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"""daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
        events {{ worker_connections 1024; }}
        http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=10;
            client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
            uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
            server {{ listen 127.0.0.1:{port}; root {folder}; default_type {MVT};
                location / {{ add_header Content-Encoding gzip; add_header Cache-Control no-cache; }} }} }}""",
        encoding="utf-8",
    )
    work.chmod(0o755)
    process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(configuration)])
    try:
        address = f"http://127.0.0.1:{port}/tile.mvt"
        seconds_until_answer(address)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def stopping(server: Spawned) -> Iterator[Spawned]:
    """Stop a server at the end of the block."""
    try:
        yield server
    finally:
        server.stop()


def wait_for_snapshots(contender: Contender, places: Mapping[str, Tile]) -> None:
    """Until our server has copied every layer: the tile named for it has an ETag then.

    Raises:
        TimeoutError: if it does not.
    """
    started = time.perf_counter()
    for layer, tile in places.items():
        while "etag" not in ask(contender.address(layer, tile), PLAIN)[0]:
            if time.perf_counter() - started > _COPIED_WITHIN_S:
                raise TimeoutError(f"{contender.name} has no snapshot of {layer} after {_COPIED_WITHIN_S} s")
            time.sleep(0.2)
    print(f"{contender.name}: snapshots after {time.perf_counter() - started:.1f} s", flush=True)


def ask(address: str, headers: Mapping[str, str] = GZIP) -> tuple[dict[str, str], bytes]:
    """Headers, lower case, and body of one answer as it travelled."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(address, headers=dict(headers)), timeout=120) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}, answer.read()


def addresses(contender: Contender, layer: str, tiles: Sequence[Tile]) -> list[str]:
    """One address a tile."""
    return [contender.address(layer, tile) for tile in tiles]
