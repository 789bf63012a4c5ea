"""CPU of one uncached tile, no HTTP: the encoder beside ST_AsMVT and beside the same kernel in C.

The made-up city of `tiles_data` and 1,277,744 real buildings of Tokyo, every attribute, buffer 64 of 4096, nothing compressed. The tiles are
drawn round random features, so that dense quarters come up as often as people look at them. CPU is that of the thread that works, from
the scheduler (PostgreSQL: the backend of the connection). Contenders take turns within each round. Before anything is timed the kernel's
bytes are compared with those of the C kernel (`tiles_encoder.c`, compiled here with cc), which must be the same in tiles without
polygons whose rings meet: those are mended by ours and left out in C.

    python benchmarks/tiles_encoder.py --work DIR [--scale 1] [--tiles 24] [--rounds 3] [--only tokyo buildings] [--postgis URL]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
from import_tokyo import TOKYO
from machine import print_machine
from measure import CHECKOUT, print_table, spread
from services import Database, database
from tiles_data import copy_for_peers, load, mvt_statement, write_city
from tiles_kernel_c import CKernel, compiled

sys.path.insert(0, str(CHECKOUT))

from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.grids import WEB_MERCATOR_QUAD
from tiles.kernel.encoding import encode_features
from tiles.kernel.layer import Part, encode_columns
from tiles.kernel.search import search
from tiles.kernel.window import TileWindow
from tiles.kernel.writing import gather_values
from tiles.snapshot.copying import copied
from tiles.snapshot.files import read_snapshot, write_snapshot
from tiles.snapshot.layout import Columns
from twin.store import open_store

SEED = 20261129
CITY_LEVELS, TOKYO_LEVELS = (12, 13, 14, 15, 16), (13, 14, 15, 16)
Maker = Callable[[Tile], object]


def main() -> None:
    """Prepare, compare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the data (3 GB)")
    parser.add_argument("--postgis", help="database to use; without it a private cluster is started")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the city's rows")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tiles", type=int, default=24, help="tiles of each layer and level")
    parser.add_argument("--only", nargs="*", help="layers: buildings, roads, points, tokyo")
    arguments = parser.parse_args()
    print_machine()
    work = arguments.work.resolve()
    files = {**write_city(work, arguments.scale), "tokyo": TOKYO.resolve()}
    if not TOKYO.exists():
        print(f"NOT MEASURED: Tokyo; remedy: put {TOKYO.name} into {TOKYO.parent}")
    wanted = {layer: file for layer, file in files.items() if file.exists() and layer in (arguments.only or files)}
    library = compiled(work)
    if library is None:
        print("NOT MEASURED: the kernel in C; remedy: apt-get install gcc")
    rows: list[list[str]] = []
    with database(arguments.postgis, work) as server:
        load(server.url, wanted)
        copy_for_peers(server.url, tuple(wanted))
        for layer in wanted:
            columns = columns_of(server, layer, work)
            c_kernel = CKernel(library, columns) if library is not None else None
            for level in TOKYO_LEVELS if layer == "tokyo" else CITY_LEVELS:
                tiles = draw_tiles(columns, level, arguments.tiles)
                rows.append(compared(server, layer, columns, c_kernel, tiles, arguments.rounds))
                print(" | ".join(rows[-1]), flush=True)
    print_table(
        ["", "features", "kB", "ST_AsMVT ms", "encoder ms", "times less", "its kernel ms", "C kernel ms", "kernel / C"], rows
    )  # fmt: skip


def columns_of(server: Database, layer: str, work: Path) -> Columns:
    """Every attribute of a layer, from which level on whatever; kept on disk for the next run."""
    path = work / f"{layer}.snapshot"
    with closing(open_store(server.url)) as store:
        described = replace(StoreTileSource(store).describe(layer), classes=None, blocks=None)
        snapshot = copied(store, described)
    write_snapshot(path, snapshot)
    return read_snapshot(path).columns


def draw_tiles(columns: Columns, level: int, count: int) -> list[Tile]:
    """Different tiles round random features."""
    chosen = random.Random(SEED).sample(range(len(columns)), min(len(columns), 50 * count))
    places = columns.centres[chosen].astype(np.int64) >> (32 - level)
    return [Tile(z=level, x=int(x), y=int(y)) for x, y in dict.fromkeys(map(tuple, places.tolist()))][:count]


def compared(
    server: Database, layer: str, columns: Columns, c_kernel: CKernel | None, tiles: Sequence[Tile], rounds: int
) -> list[str]:
    """One row of the table."""
    kernel = Kernel(columns)
    windows = {tile: TileWindow(WEB_MERCATOR_QUAD, tile) for tile in tiles}
    own = [encode_columns(layer, [Part(columns)], window) for window in windows.values()]
    if c_kernel is not None:
        for window in windows.values():
            features, values, doubtful = c_kernel.draw(window)
            if not doubtful and (features, values) != kernel.draw(window):
                sys.exit(f"{layer} {window.tile}: the kernel in C gives other bytes")
    cpu: dict[str, list[float]] = {"sql": [], "own": [], "kernel": [], "c": []}
    with closing(psycopg.connect(server.url, autocommit=True)) as connection:
        make = st_asmvt(server, connection, layer)
        backend = connection.info.backend_pid
        make(tiles[0])
        for _ in range(rounds):
            cpu["sql"].append(mean_ms(make, tiles, lambda: scheduled(backend)))
            cpu["own"].append(mean_ms(lambda t: encode_columns(layer, [Part(columns)], windows[t]), tiles))
            cpu["kernel"].append(mean_ms(lambda t: kernel.draw(windows[t]), tiles))
            if c_kernel is not None:
                cpu["c"].append(mean_ms(lambda t: c_kernel.draw(windows[t]), tiles))
    return [
        f"{layer} z{tiles[0].z}",
        f"{sum(tile.features for tile in own) / len(tiles):,.0f}",
        f"{sum(len(tile.data) for tile in own) / len(tiles) / 1000:,.0f}",
        spread(cpu["sql"], 1),
        spread(cpu["own"], 3),
        spread([b / a for a, b in zip(cpu["own"], cpu["sql"], strict=True)], 1),
        spread(cpu["kernel"], 3),
        *([spread(cpu["c"], 3), spread([a / b for a, b in zip(cpu["kernel"], cpu["c"], strict=True)])] if cpu["c"] else ["", ""]),
    ]  # fmt: skip


class Kernel:
    """The compiled part of `tiles.kernel.layer`, without GEOS and without joining: what the kernel in C does."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._remap = np.full(len(columns.value_starts), -1, dtype=np.int32)

    def draw(self, window: TileWindow) -> tuple[bytes, bytes]:
        """Bytes of the features and of the table of values."""
        c = self._columns
        chosen = search(c.tree_boxes, c.tree_levels, c.boxes, np.array(window.mercator_box(), dtype=np.int64))
        edges = int(window.low), int(window.high)
        frame = np.array([window.zoom, window.bits, window.extent, *window.origin, *edges, 1, 1], dtype=np.int64)
        data, used, _ = encode_features(
            chosen, c.fids, c.kinds, c.first_zoom, c.boxes, c.feature_paths, c.path_vertices, c.path_roles, c.x, c.y,
            c.vertex_zoom, c.codes, self._remap, 0, np.empty(0, np.uint8), np.array(window.inner_box(), dtype=np.int64),
            frame, np.zeros(3, dtype=np.int64),
        )  # fmt: skip
        return data.tobytes(), gather_values(used, c.value_starts, c.value_bytes).tobytes()


def st_asmvt(server: Database, connection: psycopg.Connection, layer: str) -> Maker:
    """PostGIS makes the tile from the copy in EPSG:4326 that other tile servers would read."""
    statement = mvt_statement(server.url, layer).encode()
    return lambda t: connection.execute(statement, {"z": t.z, "x": t.x, "y": t.y}, prepare=True, binary=True).fetchone()


def mean_ms(make: Maker, tiles: Sequence[Tile], clock: Callable[[], int] = time.thread_time_ns) -> float:
    """CPU milliseconds of a tile; what takes microseconds is done often enough."""
    repeats = 1 if clock is not time.thread_time_ns else 3
    before = clock()
    for _ in range(repeats):
        for tile in tiles:
            make(tile)
    return (clock() - before) / len(tiles) / repeats / 1e6


def scheduled(pid: int) -> int:
    """Nanoseconds that a process has run, by the scheduler."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


if __name__ == "__main__":
    main()
