"""Topology of whole layers: the check and a release of the sample base map; overlaps of Tokyo's buildings, beside PostGIS.

The overlap check reads a layer from the store, finds every pair of buildings that shares more than a square metre, and writes
the findings as a layer. PostGIS is asked the same in SQL, over the very same table, with its spatial index: pairs that meet
and do not merely touch, the area of what they share in metres (`fid + 0`, because the planner would else scan the key for each row). Both must find as many pairs, or nothing is reported.
Every figure is that of a whole process; where PostgreSQL works, its CPU is added.

    python benchmarks/topology.py --work DIR [--rounds 3] [--rows 1300000] [--postgis postgresql://…]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from machine import print_machine
from measure import CHECKOUT, Run, cpu_seconds, median_run, print_table, run_program, spread
from services import Database, database, execute

TOKYO = CHECKOUT / "../shared/data/vector/tokyo-buildings-east-south.parquet"
TOWN = CHECKOUT / "data_samples/jiaozhou"
LAYER = "tokyo-buildings"
LIMIT_M2 = 1.0
UTM_54N = 32654
_SQL = f"""
import sys, psycopg
with psycopg.connect(sys.argv[1]) as connection:
    connection.execute("SET max_parallel_workers_per_gather = 0")
    connection.execute("SET jit = off")
    print(connection.execute('''
        SELECT count(*) FROM (
            SELECT ST_Area(ST_Transform(ST_Intersection(a.geom, b.geom), {UTM_54N})) AS area
            FROM onemap."{LAYER}" a JOIN onemap."{LAYER}" b
              ON a.fid + 0 < b.fid + 0 AND ST_Intersects(a.geom, b.geom) AND NOT ST_Touches(a.geom, b.geom)) pairs
        WHERE area > {LIMIT_M2}''').fetchone()[0])
"""
_SEED = """
import sys
from pathlib import Path
from layers.seeding import seed_layers
from twin.store import open_store
store = open_store(sys.argv[1])
seed_layers(store, Path(sys.argv[2]))
store.close()
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """One program; `found` reads from what it printed how many pairs it found."""

    name: str
    run: Callable[[], Run]
    found: Callable[[str], int]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for scratch files (3 GB)")
    parser.add_argument("--file", type=Path, default=TOKYO)
    parser.add_argument("--rows", type=int, default=1_300_000, help="the first so many buildings of the file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgis", help="database to use; without it a private cluster is started")
    arguments = parser.parse_args()
    print_machine()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    with database(arguments.postgis, work) as server:
        sample_town(work, server, arguments.rounds)
        tokyo(_rows_of(arguments.file, arguments.rows, work), work, server, arguments.rounds)


def sample_town(work: Path, server: Database, rounds: int) -> None:
    """The base map of the sample town: a check, and a release with its check, checksums and report."""
    table = []
    for name, data, env in _stores(work / "town", server):
        _fresh(data, env)
        run_program([sys.executable, "-c", _SEED, env.get("ONEMAP_STORE", data / "onemap.gpkg"), TOWN])
        checks = [_onemap(server, env, data, "check", may_fail=True) for _ in range(rounds)]
        forced = ("--force", "--reason", "benchmark")
        releases = [_onemap(server, env, data, "release", f"r{number}", *forced) for number in range(rounds)]
        for what, runs in (("check", checks), ("release", releases)):
            middle = median_run(runs)
            table.append([f"{what}, {name}", f"{middle.wall_s:.1f}", f"{middle.cpu_s:.1f}", f"{middle.peak_mb:.0f}"])
    print_table(["sample base map, 90,696 features, median", "wall s", "CPU s", "peak MB"], table)


def tokyo(file: Path, work: Path, server: Database, rounds: int) -> None:
    """Overlaps among the buildings of the file."""
    rules = work / "rules.json"
    check = {"check": "overlaps", "min_area_m2": LIMIT_M2, "sliver_width_m": 0.0}
    rules.write_text(json.dumps({LAYER: [check]}), encoding="utf-8")
    contenders = []
    for name, data, env in _stores(work / "tokyo", server):
        _fresh(data, env)
        run_program([_program(), "import", file, "--layer", LAYER, "--data", data], env)
        contenders.append(
            Contender(
                f"One Map, {name}",
                lambda env=env, data=data: _onemap(
                    server, env, data, "check", "--layer", LAYER, "--rules", rules, "--json", may_fail=True
                ),
                lambda printed: int(json.loads(printed)["errors"]),
            )
        )
    execute(server.url, f'ANALYZE onemap."{LAYER}"')  # autovacuum, which is off here, would have done it
    sql: list[str | Path] = [sys.executable, "-c", _SQL, server.url]
    contenders.append(Contender("PostGIS, SQL", lambda: _measured(server, sql, {}), int))
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    pairs = set()
    for _ in range(rounds):
        for contender in contenders:
            run = contender.run()
            runs[contender.name].append(run)
            pairs.add(contender.found(run.output.strip()))
            print(f"{contender.name}: {run.wall_s:.1f} s, CPU {run.cpu_s:.1f} s, {run.peak_mb:.0f} MB", flush=True)
    if len(pairs) != 1:
        sys.exit(f"the contenders did not find the same pairs: {sorted(pairs)}")
    _report(runs, next(iter(pairs)), pq.ParquetFile(file).metadata.num_rows)


def _report(runs: dict[str, list[Run]], pairs: int, rows: int) -> None:
    print(f"{pairs:,} overlapping pairs among {rows:,} buildings")
    middles = {name: median_run(own) for name, own in runs.items()}
    print_table(
        ["overlaps above 1 m², median", "buildings/s", "wall s", "CPU s", "peak MB"],
        [
            [name, f"{rows / run.wall_s:,.0f}", f"{run.wall_s:.1f}", f"{run.cpu_s:.1f}", f"{run.peak_mb:.0f}"]
            for name, run in middles.items()
        ],
    )
    peer = runs["PostGIS, SQL"]
    ratios = [
        [f"{name} / PostGIS, SQL", spread([a.wall_s / b.wall_s for a, b in zip(own, peer, strict=True)])]
        for name, own in runs.items()
        if name != "PostGIS, SQL"
    ]
    print_table(["ratio, round by round: median (least-most)", "wall"], ratios)


def _stores(folder: Path, server: Database) -> list[tuple[str, Path, dict[str, str]]]:
    """Name, data folder and environment of either store."""
    return [("GeoPackage", folder, {}), ("PostGIS", folder, {"ONEMAP_STORE": server.url})]


def _fresh(data: Path, env: dict[str, str]) -> None:
    data.mkdir(parents=True, exist_ok=True)
    if "ONEMAP_STORE" in env:
        execute(env["ONEMAP_STORE"], "DROP SCHEMA IF EXISTS onemap CASCADE")
        return
    for old in data.glob("onemap.gpkg*"):
        old.unlink()


def _onemap(
    server: Database, env: dict[str, str], data: Path, verb: str, *arguments: str | Path, may_fail: bool = False
) -> Run:
    command: list[str | Path] = [_program(), "basemap", verb, *arguments, "--data", data]
    if may_fail:  # a check that finds something ends with 1
        command = ["/bin/sh", "-c", '"$@"; test $? -le 1', "sh", *command]
    return _measured(server, command, env)


def _measured(server: Database, command: list[str | Path], env: dict[str, str]) -> Run:
    before = cpu_seconds(server.postmaster)
    run = run_program(command, env, timeout_s=3_600)
    return Run(run.wall_s, run.cpu_s + cpu_seconds(server.postmaster) - before, run.peak_mb, run.output)


def _program() -> Path:
    return Path(sys.executable).with_name("onemap")


def _rows_of(file: Path, rows: int, work: Path) -> Path:
    """The file, or its first rows as a file of their own."""
    whole = pq.ParquetFile(file)
    if whole.metadata.num_rows <= rows:
        return file.resolve()
    part = work / f"tokyo-{rows}.parquet"
    if not part.exists():
        pq.write_table(whole.read().slice(0, rows), part)
    return part


if __name__ == "__main__":
    main()
