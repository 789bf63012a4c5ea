"""Vector tiles over HTTP, not cached and cached: One Map on both stores beside TiPg and plain ST_AsMVT on the same PostGIS data, and nginx.

One machine, one run, in turn, one worker each, the same tiles of three layers (`tiles_data`) and of the real Tokyo file at z10 to z16, every
attribute, no limit of features, 32 connections. CPU is that of the server's process tree plus PostgreSQL's, from /proc. For tiles that are
not cached the caches of One Map are off (TiPg has none). ST_AsMVT is one connection that sends the statement and reads the bytes; only
PostgreSQL's CPU counts. For cached tiles nginx serves a file with the very bytes that One Map sends; wrk asks.

How many requests a cell of the table gets is settled once, by how long one takes. Rounds go on until the minutes are up, one at least.

    sudo apt-get install nginx wrk
    python benchmarks/tiles_http.py --work DIR --peers DIR [--minutes 8] [--scale 1] [--tiles 12]
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from load import drive_from_outside
from machine import print_machine
from measure import CHECKOUT, cpu_seconds, print_table, resident_mb, spread
from services import Database, database, execute
from tiles_data import PEER_SCHEMA, copy_for_peers, geopackage_in, load, mvt_statement, write_city
from tiles_servers import GZIP, PLAIN, Contender, addresses, ask, nginx, one_map, tipg, wait_for_snapshots

from tiles.address import Tile
from tiles.grids import WEB_MERCATOR_QUAD

SEED = 20261128
LEVELS = (10, 12, 14, 15, 16)
CONNECTIONS = 32
TOKYO = CHECKOUT.parent / "shared/data/vector/tokyo-buildings-east-south.parquet"
CODINGS = {"no compression": PLAIN, "gzip": GZIP}
# Seconds that the requests of one cell should take, by the first of them; and bounds on their number.
_CELL_S = 0.5
_FEWEST, _MOST = 4, 1500
_SQL = "ST_AsMVT alone"


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table: a layer at a level, asked for in a coding."""

    coding: str
    layer: str
    level: int


@dataclass(slots=True)
class Figures:
    """What one contender did in one cell, a value for each round."""

    cpu_ms: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    kb: float = 0.0


Tiles = Mapping[str, Mapping[int, list[Tile]]]
Results = dict[Cell, dict[str, Figures]]


def main() -> None:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the data (3 GB)")
    parser.add_argument("--peers", type=Path, required=True, help="folder for the peers' environments")
    parser.add_argument("--postgis", help="database to use; without it a private cluster is started")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows; below 1 without Tokyo")
    parser.add_argument("--minutes", type=float, default=8.0, help="when the last round has to begin, after the start")
    parser.add_argument("--tiles", type=int, default=12, help="tiles of each layer and level")
    parser.add_argument("--levels", type=int, nargs="+", default=LEVELS)
    arguments = parser.parse_args()
    until = time.monotonic() + 60 * arguments.minutes
    print_machine()
    work, peers = arguments.work.resolve(), arguments.peers.resolve()
    peers.mkdir(parents=True, exist_ok=True)
    files = write_city(work, arguments.scale)
    if TOKYO.exists() and arguments.scale >= 1:
        files["tokyo"] = TOKYO
    elif arguments.scale >= 1:
        print(f"NOT MEASURED: Tokyo; {TOKYO} is not there")
    load(str(geopackage_in(work)), files)
    with database(arguments.postgis, work) as server, ExitStack() as stack:
        load(server.url, files)
        copy_for_peers(server.url, tuple(files))
        tiles = {layer: draw_tiles(server, layer, arguments.levels, arguments.tiles) for layer in files}
        cached(work, server, tiles)
        ours = [
            stack.enter_context(one_map("One Map, GeoPackage", work, None)),
            stack.enter_context(one_map("One Map, PostGIS", work, server)),
        ]
        for contender in ours:
            wait_for_snapshots(contender, {layer: levels[max(levels)][0] for layer, levels in tiles.items()})
        contenders = [*ours, stack.enter_context(tipg(peers, server))]
        results, rounds = measure_rounds(contenders, server, tiles, until)
        print_results(results, rounds)
        print_table(["memory after the run", "MB"], [[c.name, f"{resident_mb(c.pids[0]):.0f}"] for c in contenders])


def draw_tiles(server: Database, layer: str, levels: Sequence[int], count: int) -> dict[int, list[Tile]]:
    """Tiles round random features, so that dense quarters come up as often as people look at them."""
    draw = random.Random(SEED)
    table = f"{PEER_SCHEMA}.{layer}"
    ((rows,),) = execute(server.url, f"SELECT count(*) FROM {table}")
    fids = sorted(draw.sample(range(1, int(str(rows)) + 1), min(int(str(rows)), 40 * count)))
    centres = execute(
        server.url,
        f"SELECT ST_X(c), ST_Y(c) FROM (SELECT fid, ST_Centroid(geom) AS c FROM {table} WHERE fid = ANY('{{{','.join(map(str, fids))}}}')) AS t"
        " ORDER BY fid",
    )
    draw.shuffle(centres)
    found: dict[int, list[Tile]] = {}
    for level in levels:
        tiles = dict.fromkeys(WEB_MERCATOR_QUAD.tile_at(float(str(x)), float(str(y)), level) for x, y in centres)
        found[level] = list(tiles)[:count]
    return found


def measure_rounds(
    contenders: Sequence[Contender], server: Database, tiles: Tiles, until: float
) -> tuple[Results, int]:
    """Rounds until the time is up: in each every cell, in each cell everybody in turn."""
    cells = [Cell(coding, layer, level) for coding in CODINGS for layer in tiles for level in tiles[layer]]
    results: Results = {cell: defaultdict(Figures) for cell in cells}
    counts: dict[tuple[Cell, str], int] = {}
    rounds, took = 0, 0.0
    while rounds == 0 or time.monotonic() + took < until:
        began = time.monotonic()
        for cell in cells:
            chosen = tiles[cell.layer][cell.level]
            for contender in contenders:
                key = (cell, contender.name)
                if key not in counts:
                    counts[key] = how_many(contender, cell, chosen)
                measure_one(results[cell][contender.name], contender, cell, chosen, counts[key])
            if cell.coding == "no compression":
                results[cell][_SQL].cpu_ms.append(st_asmvt(server, cell.layer, chosen))
        rounds, took = rounds + 1, time.monotonic() - began
        print(f"round {rounds}: {took:.0f} s", flush=True)
    return results, rounds


def how_many(contender: Contender, cell: Cell, tiles: Sequence[Tile]) -> int:
    """Requests that take about `_CELL_S` in all; those that tell it warm the server, too."""
    times = []
    for tile in tiles[:4]:
        began = time.perf_counter()
        ask(contender.address(cell.layer, tile), CODINGS[cell.coding])
        times.append(time.perf_counter() - began)
    return max(_FEWEST, min(_MOST, int(_CELL_S / statistics.median(times))))


def measure_one(figures: Figures, contender: Contender, cell: Cell, tiles: Sequence[Tile], count: int) -> None:
    """One round of one contender in one cell."""
    places = addresses(contender, cell.layer, tiles)
    wanted = [places[number % len(places)] for number in range(count)]
    before = cpu_seconds(*contender.pids)
    seen = drive_from_outside(wanted, min(CONNECTIONS, count), 1, CODINGS[cell.coding])
    figures.cpu_ms.append((cpu_seconds(*contender.pids) - before) / seen.requests * 1000)
    figures.rate.append(seen.requests / seen.seconds)
    figures.p99_ms.append(seen.p99_ms)
    figures.kb = seen.bytes / seen.requests / 1000


def st_asmvt(server: Database, layer: str, tiles: Sequence[Tile]) -> float:
    """CPU milliseconds of PostgreSQL for one tile by one statement, prepared."""
    statement = mvt_statement(server.url, layer)
    with closing(psycopg.connect(server.url, autocommit=True)) as connection:
        before, began, count = cpu_seconds(server.postmaster), time.perf_counter(), 0
        while time.perf_counter() - began < _CELL_S:
            tile = tiles[count % len(tiles)]
            connection.execute(statement.encode(), {"z": tile.z, "x": tile.x, "y": tile.y}, prepare=True).fetchone()
            count += 1
        return (cpu_seconds(server.postmaster) - before) / count * 1000


def print_results(results: Results, rounds: int) -> None:
    """A table of figures and one of ratios for each coding."""
    for coding in CODINGS:
        rows, ratios = [], []
        for cell, by_name in results.items():
            if cell.coding != coding:
                continue
            where = f"{cell.layer} z{cell.level}"
            for name, figures in by_name.items():
                if name != _SQL:
                    rows.append(
                        [
                            f"{where} ({figures.kb:.0f} kB)",
                            name,
                            spread(figures.cpu_ms),
                            spread(figures.rate, 0),
                            spread(figures.p99_ms, 0),
                        ]
                    )
            ratios.append([where, *ratios_of(by_name)])
        print_table([f"not cached, {coding}, {rounds} rounds", "", "CPU ms/tile", "tiles/s", "p99 ms"], rows)
        heads = ["TiPg / GeoPackage", "TiPg / PostGIS", "ST_AsMVT / GeoPackage", "ST_AsMVT / PostGIS"]
        print_table([f"times less CPU, {coding}", *heads], ratios)


def ratios_of(by_name: Mapping[str, Figures]) -> list[str]:
    """TiPg and the statement alone, over us on either store, round by round."""
    told = []
    for peer in ("TiPg", _SQL):
        for ours in ("One Map, GeoPackage", "One Map, PostGIS"):
            pairs = zip(by_name[ours].cpu_ms, by_name[peer].cpu_ms if peer in by_name else [], strict=False)
            ratio = [theirs / mine for mine, theirs in pairs if mine > 0]
            told.append(spread(ratio, 1) if ratio else "")
    return told


def cached(work: Path, server: Database, tiles: Tiles, rounds: int = 3) -> None:
    """One Map's answers at hand beside a file in nginx, by wrk; and the memory of a server that has the Tokyo layer open."""
    missing = [program for program in ("nginx", "wrk") if shutil.which(program) is None]
    if missing:
        print(f"NOT MEASURED: cached tiles; remedy: apt-get install {' '.join(missing)}")
        return
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    layer = "tokyo" if "tokyo" in tiles else "buildings"
    levels = tiles[layer]
    with (
        one_map("One Map, GeoPackage", work, None, cached=True) as here,
        one_map("One Map, PostGIS", work, server, cached=True) as there,
    ):
        for contender in (here, there):
            wait_for_snapshots(contender, {layer: levels[max(levels)][0]})
        sizes = {tile: len(ask(here.address(layer, tile))[1]) for level in levels for tile in levels[level]}
        print(f"server with the layer {layer} open, after {len(sizes)} tiles: {resident_mb(here.pids[0]):.0f} MB")
        tile = min(sizes, key=lambda tile: abs(sizes[tile] - 20_000))
        body = ask(here.address(layer, tile))[1]
        time.sleep(4)  # from then on the layer is believed to have settled
        with nginx(work, body) as (file_address, master):
            for _ in range(rounds):
                for contender in (here, there):
                    found[contender.name].append(_wrk(contender.address(layer, tile), contender.pids))
                found["nginx"].append(_wrk(file_address, (master,)))
    rows = [
        [name, spread([us for us, _ in runs], 1), spread([rate for _, rate in runs], 0)] for name, runs in found.items()
    ]
    print_table([f"cached, {len(body) / 1000:.0f} kB, 32 connections", "CPU us/request", "requests/s"], rows)
    ratios = [
        [name, spread([mine[0] / theirs[0] for mine, theirs in zip(runs, found["nginx"], strict=True)])]
        for name, runs in found.items()
    ]
    print_table(["CPU a request", "times nginx"], ratios)


def _wrk(address: str, pids: tuple[int, ...], seconds: int = 3) -> tuple[float, float]:
    """CPU microseconds a request, and requests a second."""
    before = cpu_seconds(*pids)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", "Accept-Encoding: gzip", address]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    count = int(next(line for line in said.splitlines() if " requests in " in line).split()[0])
    return (cpu_seconds(*pids) - before) / count * 1e6, count / seconds


if __name__ == "__main__":
    main()
