"""Import of 1,277,744 real building polygons, beside GDAL on the same rows.

Every figure is that of a whole process from start to end, the programs in turn, round after round. Each program makes a
spatial index. Debian's ogr2ogr cannot read Parquet, so it is given the same rows as FlatGeobuf (written beforehand, in the
same order, without an index: the quickest source it can have); `GDAL from Parquet` is the newer GDAL inside the pyogrio
wheel, fed by pyarrow with the very same file.

    python benchmarks/import_tokyo.py --work DIR [--rounds 3] [--postgis postgresql://…] [--only NAME …]
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from machine import print_machine
from measure import CHECKOUT, Run, cpu_seconds, median_run, print_table, run_program, spread
from services import Database, database, execute

TOKYO = CHECKOUT / "../shared/data/vector/tokyo-buildings-east-south.parquet"
LAYER = "tokyo-buildings"
_TO_FLATGEOBUF = """
import sys, pyarrow.parquet as pq, pyogrio
table = pq.read_table(sys.argv[1])
pyogrio.write_arrow(table, sys.argv[2], driver="FlatGeobuf", geometry_name="geometry", geometry_type="Unknown",
                    crs="EPSG:4326", SPATIAL_INDEX="NO")
print(table.num_rows)
"""
_GDAL_FROM_PARQUET = """
import sys, pyarrow as pa, pyarrow.parquet as pq, pyogrio
file = pq.ParquetFile(sys.argv[1])
rows = pa.RecordBatchReader.from_batches(file.schema_arrow, file.iter_batches(batch_size=65536))
pyogrio.write_arrow(rows, sys.argv[2], layer="tokyo-buildings", driver="GPKG", geometry_name="geometry",
                    geometry_type="Unknown", crs="EPSG:4326")
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to import: `run` does it, `found` gives (rows, indexed rows, sum of heights) of what it left."""

    name: str
    run: Callable[[], Run]
    found: Callable[[], tuple[int, int, float]]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for scratch files (2 GB)")
    parser.add_argument("--file", type=Path, default=TOKYO)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgis", help="database to use; without it a private cluster is started")
    parser.add_argument("--only", nargs="*", help="contenders whose name holds one of these words")
    arguments = parser.parse_args()
    print_machine()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    flatgeobuf = work / "tokyo.fgb"
    if not flatgeobuf.exists():
        run_program([sys.executable, "-c", _TO_FLATGEOBUF, arguments.file.resolve(), flatgeobuf])
    with database(arguments.postgis, work) as server:
        contenders = [
            *_into_geopackage(arguments.file.resolve(), flatgeobuf, work),
            *_into_postgis(arguments.file.resolve(), flatgeobuf, work, server),
        ]
        if arguments.only:
            contenders = [c for c in contenders if any(word in c.name for word in arguments.only)]
        report(*race(contenders, arguments.rounds))


def race(contenders: list[Contender], rounds: int) -> tuple[dict[str, list[Run]], int]:
    """Every contender once per round, in turn; all must leave the same rows. Gives their runs and the number of rows."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    left: set[tuple[int, int, float]] = set()
    for number in range(rounds):
        for contender in contenders:
            run = contender.run()
            runs[contender.name].append(run)
            left.add(contender.found())
            print(
                f"round {number + 1}: {contender.name}: {run.wall_s:.1f} s, CPU {run.cpu_s:.1f} s, {run.peak_mb:.0f} MB",
                flush=True,
            )
    if len(left) != 1:
        sys.exit(f"the contenders did not leave the same rows: {sorted(left)}")
    return runs, next(iter(left))[0]


def report(runs: dict[str, list[Run]], rows: int) -> None:
    """The table: medians, and for ours the ratios to each peer of the same store, taken round by round."""
    table = []
    for name, own in runs.items():
        middle = median_run(own)
        table.append(
            [
                name,
                f"{rows / middle.wall_s:,.0f}",
                f"{middle.wall_s:.1f}",
                f"{middle.cpu_s:.1f}",
                f"{middle.peak_mb:.0f}",
            ]
        )
    print_table(["whole process, median", "rows/s", "wall s", "CPU s", "peak MB"], table)
    ratios = []
    for name, own in runs.items():
        for other, peer in runs.items():
            if name.startswith("One Map") and not other.startswith("One Map") and _store(name) == _store(other):
                wall = [a.wall_s / b.wall_s for a, b in zip(own, peer, strict=True)]
                cpu = [a.cpu_s / b.cpu_s for a, b in zip(own, peer, strict=True)]
                ratios.append([f"{name} / {other}", spread(wall), spread(cpu)])
    if ratios:
        print_table(["ratio, round by round: median (least-most)", "wall", "CPU"], ratios)


def _store(name: str) -> str:
    return name.rsplit("→", 1)[1]


def _into_geopackage(parquet: Path, flatgeobuf: Path, work: Path) -> list[Contender]:
    data, peer = work / "onemap-data", work / "peer.gpkg"
    command: list[str | Path] = [Path(sys.executable).with_name("onemap"), "import"]

    def fresh(*arguments: str | Path) -> Run:
        for old in (*data.glob("onemap.gpkg*"), *work.glob("peer.gpkg*")):
            old.unlink()
        return run_program(arguments)

    def own(source: Path) -> Callable[[], Run]:
        return lambda: fresh(*command, source, "--layer", LAYER, "--data", data)

    gpkg: list[str | Path] = ["-f", "GPKG", peer, flatgeobuf, "-nln", LAYER]
    return [
        Contender("One Map, Parquet → GeoPackage", own(parquet), lambda: _geopackage(data / "onemap.gpkg")),
        Contender("One Map, FlatGeobuf → GeoPackage", own(flatgeobuf), lambda: _geopackage(data / "onemap.gpkg")),
        Contender("ogr2ogr, FlatGeobuf → GeoPackage", lambda: fresh("ogr2ogr", *gpkg), lambda: _geopackage(peer)),
        Contender(
            "GDAL from Parquet → GeoPackage",
            lambda: fresh(sys.executable, "-c", _GDAL_FROM_PARQUET, parquet, peer),
            lambda: _geopackage(peer),
        ),
    ]


def _into_postgis(parquet: Path, flatgeobuf: Path, work: Path, server: Database) -> list[Contender]:
    own_schema, peer_schema = "onemap", "peer"
    command: list[str | Path] = [Path(sys.executable).with_name("onemap"), "import"]

    def fresh(command: list[str | Path], env: dict[str, str]) -> Run:
        for schema in (own_schema, peer_schema):
            execute(server.url, f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        execute(server.url, f"CREATE SCHEMA {peer_schema}")
        execute(server.url, "CHECKPOINT")
        before = cpu_seconds(server.postmaster)
        run = run_program(command, env)
        return Run(run.wall_s, run.cpu_s + cpu_seconds(server.postmaster) - before, run.peak_mb, run.output)

    def own(source: Path) -> Callable[[], Run]:
        arguments: list[str | Path] = [*command, source, "--layer", LAYER, "--data", work / "onemap-data"]
        return lambda: fresh(arguments, {"ONEMAP_STORE": server.url})

    peer: list[str | Path] = ["ogr2ogr", "-f", "PostgreSQL", server.url, flatgeobuf, "-nln", f"{peer_schema}.{LAYER}"]
    peer += ["-lco", "LAUNDER=NO", "-lco", "GEOMETRY_NAME=geom"]
    return [
        Contender("One Map, Parquet → PostGIS", own(parquet), lambda: _postgis(server, own_schema)),
        Contender(
            "ogr2ogr, FlatGeobuf, COPY → PostGIS",
            lambda: fresh(peer, {"PG_USE_COPY": "YES"}),
            lambda: _postgis(server, peer_schema),
        ),
    ]


def _geopackage(file: Path) -> tuple[int, int, float]:
    with closing(sqlite3.connect(file)) as connection:
        (geometry,) = connection.execute("SELECT column_name FROM gpkg_geometry_columns").fetchone()
        rows, heights = connection.execute(f'SELECT count(*), sum(height_m) FROM "{LAYER}"').fetchone()
        (indexed,) = connection.execute(f'SELECT count(*) FROM "rtree_{LAYER}_{geometry}"').fetchone()
    return rows, indexed, round(heights / 1000)


def _postgis(server: Database, schema: str) -> tuple[int, int, float]:
    found = execute(server.url, f'SELECT count(*), count(geom), sum(height_m::float8) FROM {schema}."{LAYER}"')
    rows, placed, heights = found[0]
    return int(str(rows)), int(str(placed)), round(float(str(heights)) / 1000)


if __name__ == "__main__":
    main()
