"""From an edit to the tile that shows it, in a layer of a million features, on both stores; start with a warm snapshot; memory under edits.

A client moves one point of a million by PUT and asks for the tile it lies in (z14, gzip) until the tile shows the new value: the first
answer has to. Then edits go on, more than a copy bears (`tiles/snapshot/keeping.py`), while tiles are read, and memory is looked at before
and after. The start is timed from the start of the process until /health answers and until a tile is cut from the snapshot on disk.

    python benchmarks/tiles_fresh.py --work DIR [--edits 200] [--more 3000] [--scale 1]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import mapbox_vector_tile
import numpy as np
import pyarrow.parquet as pq
from isal import isal_zlib
from machine import print_machine
from measure import CHECKOUT, cpu_seconds, print_table, resident_mb
from services import Database, database
from tiles_data import load, make_table
from tiles_servers import GZIP, Contender, ask, one_map, wait_for_snapshots

sys.path.insert(0, str(CHECKOUT))

from tiles.address import Tile
from tiles.grids import WEB_MERCATOR_QUAD

LAYER, COUNT = "points", 1_000_000
PLACE = (119.9, 36.25)


@dataclass(frozen=True, slots=True)
class Fresh:
    """What one store did: seconds of each edit, of the tile after it, and of both; memory in MB before and after many edits."""

    put_s: list[float]
    tile_s: list[float]
    cpu_ms: float
    before_mb: float
    after_mb: float


def main() -> None:
    """Prepare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the data (2 GB)")
    parser.add_argument("--postgis", help="empty database to use; without it a private cluster is started")
    parser.add_argument("--edits", type=int, default=200, help="edits that are timed")
    parser.add_argument("--more", type=int, default=3000, help="edits that memory is watched over")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows")
    arguments = parser.parse_args()
    print_machine()
    work = arguments.work.resolve() / "fresh"
    work.mkdir(parents=True, exist_ok=True)
    file = work / f"million-{arguments.scale:g}.parquet"
    if not file.exists():
        pq.write_table(make_table(LAYER, round(COUNT * arguments.scale)), file)
    load(str(work / "data/onemap.gpkg"), {LAYER: file})
    with database(arguments.postgis, work) as server:
        load(server.url, {LAYER: file})
        starts, fresh = [], []
        for name, base in (("GeoPackage", None), ("PostGIS", server)):
            with one_map(name, work, base, cached=True) as contender:
                wait_for_snapshots(contender, {LAYER: _tile()})
            starts.append([name, *start(name, work, base)])
            fresh.append((name, edits(name, work, base, arguments.edits, arguments.more)))
    print_table(["start with a warm snapshot", "/health s", "first tile s", "CPU s", "MB"], starts)
    print_table(
        ["edit to visible tile", "PUT ms", "tile after it ms", "both ms", "most ms", "CPU ms"],
        [[name, _ms(f.put_s), _ms(f.tile_s), *_both(f), f"{f.cpu_ms:.1f}"] for name, f in fresh],
    )
    print_table(
        [f"memory, {arguments.more} edits more", "before MB", "after MB"],
        [[name, f"{f.before_mb:.0f}", f"{f.after_mb:.0f}"] for name, f in fresh],
    )


def start(name: str, work: Path, server: Database | None) -> list[str]:
    """Seconds until /health and until a tile of the snapshot, CPU seconds and MB by then."""
    began = time.perf_counter()
    with one_map(name, work, server, cached=True) as contender:
        healthy = time.perf_counter() - began
        while "etag" not in ask(contender.address(LAYER, _tile()))[0]:
            time.sleep(0.01)
        drawn = time.perf_counter() - began
        own = contender.pids[0]
        return [f"{healthy:.2f}", f"{drawn:.2f}", f"{cpu_seconds(own):.2f}", f"{resident_mb(own):.0f}"]


def edits(name: str, work: Path, server: Database | None, count: int, more: int) -> Fresh:
    """Edits one after the other, each followed by its tile."""
    with one_map(name, work, server, cached=True) as contender:
        wait_for_snapshots(contender, {LAYER: _tile()})
        place = urlsplit(contender.address(LAYER, _tile()))
        with closing(HTTPConnection(place.hostname or "", place.port, timeout=60)) as client:
            for n in range(20):
                edit(client, n)
                read(client, contender, n)
            put_s, tile_s, cpu = [], [], cpu_seconds(*contender.pids)
            for n in range(20, 20 + count):
                began = time.perf_counter()
                edit(client, n)
                told = time.perf_counter()
                read(client, contender, n)
                put_s.append(told - began)
                tile_s.append(time.perf_counter() - told)
            cpu_ms = (cpu_seconds(*contender.pids) - cpu) / count * 1000
            before = resident_mb(contender.pids[0])
            for n in range(more):
                edit(client, n)
                read(client, contender, n)
            return Fresh(put_s, tile_s, cpu_ms, before, resident_mb(contender.pids[0]))


def edit(client: HTTPConnection, n: int) -> None:
    """Give one point another value."""
    body = {
        "type": "Feature",
        "id": f"fresh-{n % 50}",
        "geometry": {"type": "Point", "coordinates": PLACE},
        "properties": {"name": "新", "levels": n},
    }
    path = f"/collections/{LAYER}/items"
    client.request("PUT", f"{path}/fresh-{n % 50}", json.dumps(body), {"Content-Type": "application/geo+json"})
    answer = client.getresponse()
    said = answer.read()
    if answer.status == 404:
        client.request("POST", path, json.dumps(body), {"Content-Type": "application/geo+json"})
        answer = client.getresponse()
        said = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{answer.status}: {said[:500]!r}")


def read(client: HTTPConnection, contender: Contender, n: int) -> None:
    """The tile after an edit. Raises RuntimeError if it does not show it."""
    client.request("GET", urlsplit(contender.address(LAYER, _tile())).path, headers=GZIP)
    answer = client.getresponse()
    body = answer.read()
    if n % 10 == 0:  # decoding takes the client longer than the server took
        shown = mapbox_vector_tile.decode(isal_zlib.decompress(body, wbits=31))[LAYER]["features"]
        values = {f["properties"].get("levels") for f in shown if f["properties"].get("name") == "新"}
        if n not in values:
            raise RuntimeError(f"edit {n} is not in the tile that was asked for after it")


def _tile() -> Tile:
    return WEB_MERCATOR_QUAD.tile_at(*PLACE, 14)


def _ms(seconds: Sequence[float]) -> str:
    return f"{np.median(seconds) * 1000:.1f} (p99 {np.percentile(seconds, 99) * 1000:.1f})"


def _both(fresh: Fresh) -> tuple[str, str]:
    both = [put + tile for put, tile in zip(fresh.put_s, fresh.tile_s, strict=True)]
    return _ms(both), f"{max(both) * 1000:.1f}"


if __name__ == "__main__":
    main()
