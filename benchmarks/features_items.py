"""`GET items?bbox&limit=1000` on 1,277,744 buildings: One Map on PostGIS and on GeoPackage, beside TiPg and pygeoapi.

All on one machine, in one run, in turn, one worker each, the same boxes, no compression, loopback. The boxes are drawn with
a fixed seed round random buildings, so that dense quarters come up as often as people look at them: city blocks with 300
to 3,000 hits and large boxes with 20,000 to 80,000. CPU is that of the server's process tree plus PostgreSQL's, from
/proc; before anything is timed, the ids in the answers are compared.

TiPg reads the very table that One Map reads, and a second time a copy of it in EPSG:4326, where it need not transform;
pygeoapi is given that copy, because it asks in EPSG:4326 whatever the table's system is.

    python benchmarks/features_items.py --work DIR --peers DIR [--postgis postgresql://…] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from import_tokyo import LAYER, TOKYO
from load import drive_from_outside
from machine import print_machine
from measure import CHECKOUT, cpu_seconds, print_table, resident_mb, run_program, spread
from peers import start_pygeoapi, start_tipg
from services import Database, Spawned, database, execute, free_port, seconds_until_answer

Box = tuple[float, float, float, float]
SEED = 20261122
LIMIT = 1000
CONNECTIONS = 2
BLOCK_HITS, LARGE_HITS = (300, 3_000), (20_000, 80_000)
# Features whose box meets the window while they themselves do not may be in one answer and not in the other.
_SHARE_OF_FOREIGN_IDS = 0.05


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server; `items` is the address of its items, `pids` are the roots of all processes that work for it."""

    name: str
    items: str
    process: Spawned
    pids: tuple[int, ...]


@dataclass(slots=True)
class Figures:
    """What the rounds of one contender and one kind of box gave, a value per round."""

    cpu_ms: list[float] = field(default_factory=list)
    database_ms: list[float] = field(default_factory=list)
    per_second: list[float] = field(default_factory=list)
    median_ms: list[float] = field(default_factory=list)
    kilobytes: float = 0.0


def main() -> None:
    """Prepare, compare answers, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the stores (2 GB)")
    parser.add_argument("--peers", type=Path, required=True, help="folder for the peers' environments")
    parser.add_argument("--postgis", help="database to use; without it a private cluster is started")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--blocks", type=int, default=24, help="number of city-block boxes")
    parser.add_argument("--large", type=int, default=4, help="number of large boxes")
    parser.add_argument("--repeats", type=int, default=4, help="how often each box is asked for in a round")
    parser.add_argument("--only", nargs="*", help="contenders whose name holds one of these words")
    arguments = parser.parse_args()
    print_machine()
    work, peers = arguments.work.resolve(), arguments.peers.resolve()
    work.mkdir(parents=True, exist_ok=True)
    peers.mkdir(parents=True, exist_ok=True)
    with database(arguments.postgis, work) as server:
        prepare(server, work)
        blocks = draw_boxes(server, arguments.blocks, BLOCK_HITS, (0.0008, 0.008))
        large = draw_boxes(server, arguments.large, LARGE_HITS, (0.02, 0.08))
        with running(server, work, peers, arguments.only) as contenders:
            compare_answers(contenders, [*blocks, *large])
            for title, boxes in (("city blocks", blocks), ("large boxes", large)):
                figures = measure(contenders, server, boxes, arguments.rounds, arguments.repeats)
                report(f"{title} ({len(boxes)} boxes, {arguments.repeats} times, {arguments.rounds} rounds)", figures)
            print_table(
                ["memory after the run", "MB, without PostgreSQL"],
                [[c.name, f"{resident_mb(c.process.pid):.0f}"] for c in contenders],
            )


def prepare(server: Database, work: Path) -> None:
    """The layer in both stores, and the peers' copy in EPSG:4326; what is there already is taken as it stands."""
    program = Path(sys.executable).with_name("onemap")
    data = work / "features-data"
    if not (data / "onemap.gpkg").exists():
        run_program([program, "import", TOKYO.resolve(), "--layer", LAYER, "--data", data], {"ONEMAP_STORE": ""})
    if not _exists(server, f'onemap."{LAYER}"'):
        run_program([program, "import", TOKYO.resolve(), "--layer", LAYER], {"ONEMAP_STORE": server.url})
    typed = f"SELECT atttypmod FROM pg_attribute WHERE attrelid = 'onemap.\"{LAYER}\"'::regclass AND attname = 'geom'"
    if execute(server.url, typed) == [(-1,)]:
        # TiPg and pygeoapi learn the CRS from the column's type alone.
        execute(server.url, f'ALTER TABLE onemap."{LAYER}" ALTER COLUMN geom TYPE geometry(Geometry, 4490)')
    if not _exists(server, "peer.tokyo"):
        execute(server.url, "CREATE SCHEMA IF NOT EXISTS peer")
        execute(
            server.url,
            "CREATE TABLE peer.tokyo AS SELECT fid, mvt_id, building_id, ward_code, town_code, height_m, roof_area_m2, "
            f'flood_depth_m, ST_SetSRID(geom, 4326)::geometry(Geometry, 4326) AS geom FROM onemap."{LAYER}" ORDER BY fid',
        )
        execute(server.url, "ALTER TABLE peer.tokyo ADD PRIMARY KEY (fid)")
        execute(server.url, "CREATE INDEX ON peer.tokyo USING gist (geom)")
    for table in (f'onemap."{LAYER}"', "peer.tokyo"):
        execute(server.url, f"VACUUM ANALYZE {table}")


def _exists(server: Database, table: str) -> bool:
    return execute(server.url, f"SELECT to_regclass('{table}') IS NOT NULL") == [(True,)]


def draw_boxes(server: Database, count: int, hits: tuple[int, int], width_deg: tuple[float, float]) -> list[Box]:
    """Boxes round random buildings whose number of hits is within `hits`."""
    draw = random.Random(SEED)
    boxes: list[Box] = []
    with closing(psycopg.connect(server.url)) as connection:
        rows = connection.execute(f'SELECT max(fid) FROM onemap."{LAYER}"'.encode()).fetchone()
        assert rows is not None
        while len(boxes) < count:
            place = connection.execute(
                f'SELECT ST_X(ST_Centroid(geom)), ST_Y(ST_Centroid(geom)) FROM onemap."{LAYER}" WHERE fid = %s'.encode(),
                [draw.randint(1, rows[0])],
            ).fetchone()
            half = draw.uniform(*width_deg) / 2
            if place is None:
                continue
            x, y = place
            box = (round(x - half, 6), round(y - half * 0.8, 6), round(x + half, 6), round(y + half * 0.8, 6))
            found = connection.execute(
                f'SELECT count(*) FROM onemap."{LAYER}" WHERE geom && ST_MakeEnvelope(%s, %s, %s, %s, 4490)'.encode(),
                box,
            ).fetchone()
            if found is not None and hits[0] <= found[0] <= hits[1]:
                boxes.append(box)
    return boxes


@contextmanager
def running(server: Database, work: Path, peers: Path, only: Sequence[str] | None) -> Iterator[list[Contender]]:
    """All contenders, started and answering; idle ones cost nothing while another one is measured."""
    starts: dict[str, Callable[[], Spawned]] = {
        "One Map on PostGIS": lambda: _onemap(work, server.url),
        "One Map on GeoPackage": lambda: _onemap(work, ""),
        "TiPg, same table": lambda: start_tipg(peers, server.url, "onemap", LAYER),
        "TiPg, copy in EPSG:4326": lambda: start_tipg(peers, server.url, "peer", "tokyo"),
        "pygeoapi, copy in EPSG:4326": lambda: start_pygeoapi(peers, server.url, "peer", "tokyo"),
    }
    with ExitStack() as stack:
        contenders = []
        for name, start in starts.items():
            if only and not any(word in name for word in only):
                continue
            process = start()
            stack.callback(process.stop)
            items: str = process.items  # type: ignore[attr-defined]
            try:
                seconds_until_answer(f"{items}?limit=1")
            except TimeoutError as error:
                sys.exit(f"{name}: {error}\n{process.log()[-3000:]}")
            pids = (process.pid,) if "GeoPackage" in name else (process.pid, server.postmaster)
            contenders.append(Contender(name, items, process, pids))
        yield contenders


class OneMap(Spawned):
    """Our server as its users start it."""

    def __init__(self, data: Path, store: str) -> None:
        port = free_port()
        self.items = f"http://127.0.0.1:{port}/collections/{LAYER}/items"
        program = str(Path(sys.executable).with_name("onemap"))
        command = [program, "serve", "--port", str(port), "--data", str(data)]
        super().__init__(command, {"ONEMAP_STORE": store, "ONEMAP_LOG_LEVEL": "warning"}, CHECKOUT)


def _onemap(work: Path, store: str) -> Spawned:
    return OneMap(work / "features-data", store)


def _address(contender: Contender, box: Box) -> str:
    return f"{contender.items}?limit={LIMIT}&bbox={','.join(str(v) for v in box)}"


def compare_answers(contenders: Sequence[Contender], boxes: Sequence[Box]) -> None:
    """End the run unless all do the same job: as many features, the same ids where the whole selection fits on the page."""
    answers: dict[str, list[set[str]]] = {}
    for contender in contenders:
        answers[contender.name] = [_ids(_address(contender, box)) for box in boxes]
    first = answers[contenders[0].name]
    for name, given in answers.items():
        for box, mine, theirs in zip(boxes, first, given, strict=True):
            whole = max(len(mine), len(theirs)) < LIMIT
            apart = len(mine ^ theirs) if whole else abs(len(mine) - len(theirs))
            if apart > _SHARE_OF_FOREIGN_IDS * len(mine):
                sys.exit(
                    f"{name} answers otherwise in {box}: {len(theirs)} features against {len(mine)}, {apart} apart"
                )
        foreign = sum(len(mine ^ theirs) for mine, theirs in zip(first, given, strict=True) if len(mine) < LIMIT)
        print(f"{name}: {sum(map(len, given))} features in {len(boxes)} boxes, {foreign} ids apart", flush=True)


def _ids(address: str) -> set[str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(address, headers={"Accept": "application/geo+json"})
    with opener.open(request, timeout=120) as answer:
        features = json.load(answer)["features"]
    if any(feature["geometry"] is None for feature in features):
        sys.exit(f"{address} gave features without geometry")
    return {str(feature["id"]) for feature in features}


def measure(
    contenders: Sequence[Contender], server: Database, boxes: Sequence[Box], rounds: int, repeats: int
) -> dict[str, Figures]:
    """Every contender in turn, round after round."""
    figures = {contender.name: Figures() for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            addresses = [_address(contender, box) for box in boxes]
            before, before_database = cpu_seconds(*contender.pids), cpu_seconds(server.postmaster)
            load = drive_from_outside(addresses, CONNECTIONS, repeats)
            count = load.requests
            own = figures[contender.name]
            own.cpu_ms.append((cpu_seconds(*contender.pids) - before) / count * 1000)
            own.database_ms.append((cpu_seconds(server.postmaster) - before_database) / count * 1000)
            own.per_second.append(count / load.seconds)
            own.median_ms.append(load.median_ms)
            own.kilobytes = load.bytes / count / 1000
    return figures


def report(title: str, figures: dict[str, Figures]) -> None:
    """The tables of one kind of box: absolute figures, then how many times more each peer needs."""
    print_table(
        [title, "CPU ms/request", "of it PostgreSQL", "requests/s", "median ms", "kB"],
        [
            [name, *(spread(v, 1) for v in (f.cpu_ms, f.database_ms, f.per_second, f.median_ms)), f"{f.kilobytes:.0f}"]
            for name, f in figures.items()
        ],
    )
    rows = []
    for ours in [name for name in figures if name.startswith("One Map")]:
        for peer in [name for name in figures if not name.startswith("One Map")]:
            a, b = figures[ours], figures[peer]
            cpu = [y / x for x, y in zip(a.cpu_ms, b.cpu_ms, strict=True)]
            speed = [x / y for x, y in zip(a.per_second, b.per_second, strict=True)]
            rows.append([f"{peer} against {ours}", spread(cpu, 1), spread(speed, 1)])
    if rows:
        print_table(["times less, round by round", "CPU per request", "requests/s"], rows)


if __name__ == "__main__":
    main()
