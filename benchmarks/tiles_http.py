"""Vector tiles over HTTP, not cached and cached: One Map on both stores beside TiPg and plain ST_AsMVT on the same PostGIS data, and nginx.

One machine, one run, in turn, one worker each, the same tiles of three layers (`tiles_data`) at z10 to z16, every attribute, no limit of
features, 32 connections. CPU is that of the server's process tree plus PostgreSQL's, from /proc. For tiles that are not cached the caches of
One Map are off (TiPg has none). ST_AsMVT is one connection that sends the statement and reads the bytes; only PostgreSQL's CPU counts.
For cached tiles nginx serves files with the very bytes that One Map sends.

    python benchmarks/tiles_http.py --work DIR --peers DIR [--scale 1] [--rounds 3] [--tiles 12]
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from load import Load, drive_from_outside
from machine import print_machine
from measure import CHECKOUT, cpu_seconds, print_table, resident_mb, spread
from peers import TIPG, Server, environment
from services import Database, Spawned, database, execute, free_port, seconds_until_answer
from tiles_data import PEER_SCHEMA, column_names, copy_for_peers, geopackage_in, load, write_city

sys.path.insert(0, str(CHECKOUT))

from tiles.address import Tile
from tiles.grids import WEB_MERCATOR_QUAD

SEED = 20261128
LEVELS = (10, 12, 14, 15, 16)
CONNECTIONS = 32
_MVT = "application/vnd.mapbox-vector-tile"
PLAIN, GZIP = ({"Accept": _MVT, "Accept-Encoding": coding} for coding in ("identity", "gzip"))
_COPIED_WITHIN_S = 300


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server: address of a tile of a layer, and the roots of all processes that work for it."""

    name: str
    address: Callable[[str, Tile], str]
    pids: tuple[int, ...]


def main() -> None:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the data (3 GB)")
    parser.add_argument("--peers", type=Path, required=True, help="folder for the peers' environments")
    parser.add_argument("--postgis", help="database to use; without it a private cluster is started")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiles", type=int, default=12, help="tiles of each layer and level")
    arguments = parser.parse_args()
    print_machine()
    work, peers = arguments.work.resolve(), arguments.peers.resolve()
    peers.mkdir(parents=True, exist_ok=True)
    files = write_city(work, arguments.scale)
    load(str(geopackage_in(work)), files)
    with database(arguments.postgis, work) as server, ExitStack() as stack:
        load(server.url, files)
        copy_for_peers(server.url, tuple(files))
        tiles = {layer: draw_tiles(server, layer, arguments.tiles) for layer in files}
        plain = [
            stack.enter_context(one_map("One Map, GeoPackage", work, "", None)),
            stack.enter_context(one_map("One Map, PostGIS", work, server.url, server.postmaster)),
            stack.enter_context(tipg(peers, server)),
        ]
        wait_for_snapshots(plain[:2], tiles)
        uncached(plain, server, tiles, arguments.rounds)
        print_table(["memory after the run", "MB"], [[c.name, f"{resident_mb(c.pids[0]):.0f}"] for c in plain])
        stack.close()
        cached(work, tiles["buildings"][14], arguments.rounds)


def draw_tiles(server: Database, layer: str, count: int) -> dict[int, list[Tile]]:
    """Tiles round random features, so that dense quarters come up as often as people look at them."""
    draw = random.Random(SEED)
    rows = execute(
        server.url, f"SELECT ST_X(ST_Centroid(geom)), ST_Y(ST_Centroid(geom)) FROM {PEER_SCHEMA}.{layer} ORDER BY fid"
    )
    found: dict[int, list[Tile]] = {}
    for level in LEVELS:
        places = draw.sample(rows, min(len(rows), 40 * count))
        tiles = dict.fromkeys(WEB_MERCATOR_QUAD.tile_at(float(x), float(y), level) for x, y in places)  # type: ignore[arg-type]
        found[level] = list(tiles)[:count]
    return found


class OneMapServer(Spawned):
    """Our server, one worker, its caches off or as they ship."""

    def __init__(self, work: Path, store: str, *, cached: bool) -> None:
        self.port = free_port()
        program = str(Path(sys.executable).with_name("onemap"))
        data = geopackage_in(work).parent if not store else work / "postgis-data"
        environ = {"ONEMAP_STORE": store, "ONEMAP_LOG_LEVEL": "warning"}
        if not cached:
            environ["ONEMAP_TILE_MEMORY_MB"] = "0"
        super().__init__([program, "serve", "--port", str(self.port), "--data", str(data)], environ, CHECKOUT)


@contextmanager
def one_map(name: str, work: Path, store: str, postmaster: int | None, *, cached: bool = False) -> Iterator[Contender]:
    """Our server. A word more in the address keeps its answer from those at hand."""
    with closing_server(OneMapServer(work, store, cached=cached)) as server:
        base = f"http://127.0.0.1:{server.port}"
        more = "" if cached else "?uncached=yes"
        seconds_until_answer(f"{base}/health")
        pids = (server.process.pid,) if postmaster is None else (server.process.pid, postmaster)
        yield Contender(name, lambda layer, t: f"{base}/tiles/{layer}/{t.z}/{t.x}/{t.y}.mvt{more}", pids)


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
    with closing_server(started):
        base = started.items
        seconds_until_answer(f"{base}/healthz")
        yield Contender(
            "TiPg",
            lambda layer, t: f"{base}/collections/{PEER_SCHEMA}.{layer}/tiles/WebMercatorQuad/{t.z}/{t.x}/{t.y}",
            (started.process.pid, server.postmaster),
        )


@contextmanager
def closing_server(server: Spawned) -> Iterator[Spawned]:
    """Stop a server at the end of the block."""
    try:
        yield server
    finally:
        server.stop()


def wait_for_snapshots(ours: Sequence[Contender], tiles: dict[str, dict[int, list[Tile]]]) -> None:
    """Until our servers have copied every layer: their answers have an ETag then."""
    for contender in ours:
        started = time.perf_counter()
        for layer, levels in tiles.items():
            address = contender.address(layer, levels[LEVELS[-1]][0])
            while "etag" not in _headers(address):
                if time.perf_counter() - started > _COPIED_WITHIN_S:
                    sys.exit(f"{contender.name} has no snapshot of {layer} after {_COPIED_WITHIN_S} s")
                time.sleep(0.5)
        print(f"{contender.name}: snapshots after {time.perf_counter() - started:.1f} s", flush=True)


def _headers(address: str) -> dict[str, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(address, headers=PLAIN), timeout=120) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}


def uncached(
    contenders: Sequence[Contender], server: Database, tiles: dict[str, dict[int, list[Tile]]], rounds: int
) -> None:
    """Each level of each layer: everybody in turn, without compression and with gzip."""
    for coding, headers in (("no compression", PLAIN), ("gzip", GZIP)):
        rows, ratios = [], []
        for layer, levels in tiles.items():
            for level, chosen in levels.items():
                cpu = {c.name: [measured(c, layer, chosen, headers) for _ in range(rounds)] for c in contenders}
                sql = [st_asmvt(server, layer, chosen) for _ in range(rounds)] if headers is PLAIN else []
                size = cpu["TiPg"][0][0].bytes / len(chosen) / 1000
                for name, runs in cpu.items():
                    loads = [run for run, _ in runs]
                    rows.append(
                        [
                            f"{layer} z{level} ({size:.0f} kB)",
                            name,
                            spread([ms for _, ms in runs]),
                            spread([run.requests / run.seconds for run in loads], 0),
                            spread([run.p99_ms for run in loads], 0),
                        ]
                    )
                ours, theirs = ([ms for _, ms in cpu[name]] for name in ("One Map, GeoPackage", "TiPg"))
                on_postgis = [ms for _, ms in cpu["One Map, PostGIS"]]
                ratios.append(
                    [
                        f"{layer} z{level}",
                        spread([b / a for a, b in zip(ours, theirs, strict=True)], 1),
                        spread([b / a for a, b in zip(on_postgis, theirs, strict=True)], 1),
                        spread([b / a for a, b in zip(ours, sql, strict=True)], 1) if sql else "",
                    ]
                )
        print_table([f"not cached, {coding}", "", "CPU ms/tile", "tiles/s", "p99 ms"], rows)
        print_table(
            [
                f"times less CPU, {coding}",
                "TiPg / GeoPackage",
                "TiPg / One Map on PostGIS",
                "ST_AsMVT alone / GeoPackage",
            ],
            ratios,
        )


def measured(contender: Contender, layer: str, tiles: Sequence[Tile], headers: dict[str, str]) -> tuple[Load, float]:
    """What the client saw, and CPU milliseconds of a request. Short runs are repeated, for the kernel counts hundredths of seconds."""
    addresses = [contender.address(layer, tile) for tile in tiles]
    repeats = 4 if contender.name == "TiPg" else 12
    before = cpu_seconds(*contender.pids)
    load = drive_from_outside(addresses, CONNECTIONS, repeats, headers)
    return load, (cpu_seconds(*contender.pids) - before) / load.requests * 1000


def st_asmvt(server: Database, layer: str, tiles: Sequence[Tile]) -> float:
    """CPU milliseconds of PostgreSQL for one tile by one statement, prepared."""
    columns = ", ".join(f'"{name}"' for name in column_names(server.url, layer))
    statement = f"""
        SELECT ST_AsMVT(t, '{layer}', 4096, 'shape', 'fid') FROM (
            SELECT ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64, true) AS shape, fid, {columns}
            FROM {PEER_SCHEMA}.{layer}
            WHERE geom && ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096), 4326)
        ) AS t WHERE shape IS NOT NULL"""
    with closing(psycopg.connect(server.url, autocommit=True)) as connection:
        before = cpu_seconds(server.postmaster)
        for _ in range(3):
            for tile in tiles:
                connection.execute(statement.encode(), {"z": tile.z, "x": tile.x, "y": tile.y}, prepare=True).fetchone()
        return (cpu_seconds(server.postmaster) - before) / (3 * len(tiles)) * 1000


def cached(work: Path, tiles: Sequence[Tile], rounds: int) -> None:
    """One Map's answers at hand beside files in nginx, by wrk."""
    missing = [program for program in ("nginx", "wrk") if shutil.which(program) is None]
    if missing:
        print(f"NOT MEASURED: cached tiles; remedy: apt-get install {' '.join(missing)}")
        return
    rows = []
    with one_map("One Map", work, "", None, cached=True) as ours:
        wait_for_snapshots([ours], {"buildings": {LEVELS[-1]: [tiles[0]]}})
        address = ours.address("buildings", min(tiles, key=lambda tile: abs(_size(ours, tile) - 20_000)))
        with nginx(work, _body(address)) as (file_address, master):
            mine = [_wrk(address, ours.pids) for _ in range(rounds)]
            theirs = [_wrk(file_address, (master,)) for _ in range(rounds)]
    for name, runs in (("One Map", mine), ("nginx", theirs)):
        rows.append([name, spread([us for us, _ in runs], 1), spread([rate for _, rate in runs], 0)])
    print_table(["cached, z14, 32 connections", "CPU us/request", "requests/s"], rows)
    print_table(["", "times nginx"], [["CPU", spread([a[0] / b[0] for a, b in zip(mine, theirs, strict=True)])]])


def _size(contender: Contender, tile: Tile) -> int:
    return len(_body(contender.address("buildings", tile)))


def _body(address: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(address, headers=GZIP), timeout=120) as answer:
        body: bytes = answer.read()
        return body


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
            server {{ listen 127.0.0.1:{port}; root {folder}; default_type {_MVT};
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
        process.wait()


def _wrk(address: str, pids: tuple[int, ...], seconds: int = 6) -> tuple[float, float]:
    """CPU microseconds a request, and requests a second."""
    before = cpu_seconds(*pids)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", "Accept-Encoding: gzip", address]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count = int(next(line for line in said.splitlines() if " requests in " in line).split()[0])
    return (cpu_seconds(*pids) - before) / count * 1e6, count / seconds


if __name__ == "__main__":
    main()
