"""A window into the past beside the plain one: 300,000 squares, 10 % of them edited once, in either store.

Every answer of either kind is compared with a brute-force one over arrays before anything is timed. Target: a window `as_of` the
first version takes less than twice what the plain one takes.

    python benchmarks/as_of.py --work DIR [--postgis postgresql://user@host:port/database] [--features 300000] [--windows 60]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from machine import print_machine
from measure import print_table, spread
from services import database

from twin.bounds import Bounds
from twin.feature import FeatureBatch
from twin.query import FeatureQuery
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

SCHEMA = Schema(
    GeometryType.POLYGON, (Property("name", PropertyType.STRING), Property("height_m", PropertyType.NUMBER))
)
AREA = Bounds(119.6, 35.9, 120.3, 36.5)
SIDE_DEG = 0.0004
EDITED = 0.1
ROUNDS = 7
LAYER = "benchmark-as-of"


@dataclass(frozen=True)
class Squares:
    """Where every square is at each version: float64 (n, 2) west and south edges."""

    first: npt.NDArray[np.float64]
    second: npt.NDArray[np.float64]
    edited: npt.NDArray[np.int64]

    def meeting(self, corners: npt.NDArray[np.float64], window: Bounds) -> set[str]:
        """Ids of the squares that meet a window, by looking at every one."""
        west, south = corners[:, 0], corners[:, 1]
        inside = (west <= window.east) & (west + SIDE_DEG >= window.west)
        inside &= (south <= window.north) & (south + SIDE_DEG >= window.south)
        return set(map(str, np.flatnonzero(inside).tolist()))


def main() -> None:
    """Fill, compare, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="folder for the stores; without it a temporary one")
    parser.add_argument("--postgis", help="an empty database to use; without it a private cluster is started")
    parser.add_argument("--features", type=int, default=300_000)
    parser.add_argument("--windows", type=int, default=60)
    arguments = parser.parse_args()
    print_machine()
    rng = np.random.default_rng(20240501)
    squares, windows = some_squares(rng, arguments.features), some_windows(rng, arguments.windows)
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        (work / "as-of.gpkg").unlink(missing_ok=True)
        with database(arguments.postgis, work) as server:
            for name, target in (("GeoPackage", str(work / "as-of.gpkg")), ("PostGIS", server.url)):
                with closing(open_store(target)) as store:
                    rows += measured(name, store, squares, windows)
    print_table(["ms a window, median (least-most)", "plain", "as_of", "as_of / plain", "features found"], rows)


def some_squares(rng: np.random.Generator, count: int) -> Squares:
    low, high = (AREA.west, AREA.south), (AREA.east, AREA.north)
    first, second = rng.uniform(low, high, (count, 2)), rng.uniform(low, high, (count, 2))
    edited = rng.choice(count, int(count * EDITED), replace=False)
    after = first.copy()
    after[edited] = second[edited]
    return Squares(first, after, edited)


def some_windows(rng: np.random.Generator, count: int) -> list[Bounds]:
    """Windows of a screen: some 500 of the features each."""
    width, height = 0.0286, 0.0245
    corners = rng.uniform((AREA.west, AREA.south), (AREA.east - width, AREA.north - height), (count, 2))
    return [Bounds(west, south, west + width, south + height) for west, south in corners.tolist()]


def measured(name: str, store: Store, squares: Squares, windows: list[Bounds]) -> list[list[object]]:
    fill(store, squares)
    settle(store)
    found = compare(store, squares, windows)
    rows: list[list[object]] = []
    for what, boxes_only in (("features", False), ("tiles", True)):

        def read(window: Bounds, as_of: int | None, boxes_only: bool = boxes_only) -> None:
            store.select(LAYER, FeatureQuery(bounds=window, boxes_only=boxes_only, as_of=as_of))

        # Turn by turn, so that whatever else the machine does falls on both.
        plain, past = zip(*((timed(read, windows, None), timed(read, windows, 1)) for _ in range(ROUNDS)), strict=True)
        ratio = statistics.median(past) / statistics.median(plain)
        rows.append([f"{name}, {what}", spread(plain), spread(past), f"{ratio:.2f}", found])
    return rows


def fill(store: Store, squares: Squares) -> None:
    """Version 1: every square. Version 2: a tenth of them moved and renamed."""
    author = Author("benchmark")
    everything = np.arange(len(squares.first))
    with store.write(LAYER, author, create=LayerSpec(LAYER, SCHEMA)) as writer:
        for part in np.array_split(everything, max(1, len(everything) // 10_000)):
            writer.upsert(batch(part, squares.first, "built"))
    with store.write(LAYER, author) as writer:
        for part in np.array_split(squares.edited, max(1, len(squares.edited) // 10_000)):
            writer.upsert(batch(part, squares.second, "moved"))


def settle(store: Store) -> None:
    """What a database does by itself some minutes after a load."""
    engine = getattr(store, "engine", None)
    if engine is not None and engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def batch(rows: npt.NDArray[np.int64], corners: npt.NDArray[np.float64], word: str) -> FeatureBatch:
    west, south = corners[rows, 0], corners[rows, 1]
    return FeatureBatch(
        schema=SCHEMA,
        fids=np.zeros(len(rows), dtype=np.int64),
        ids=list(map(str, rows.tolist())),
        wkb=list(shapely.to_wkb(shapely.box(west, south, west + SIDE_DEG, south + SIDE_DEG), flavor="iso")),
        columns={"name": [f"{word} {row}" for row in rows.tolist()], "height_m": [12.5] * len(rows)},
    )


def compare(store: Store, squares: Squares, windows: list[Bounds]) -> int:
    """Both versions of every window against brute force; how many features were found in all."""
    total = 0
    for window in windows:
        for as_of, corners in ((1, squares.first), (2, squares.second), (None, squares.second)):
            found = list(store.select(LAYER, FeatureQuery(bounds=window, as_of=as_of)).ids)
            expected = squares.meeting(corners, window)
            if set(found) != expected or len(found) != len(expected):
                raise SystemExit(f"{window} as of {as_of}: {len(found)} features, brute force has {len(expected)}")
            total += len(found)
    return total


def timed(read: Callable[[Bounds, int | None], None], windows: list[Bounds], as_of: int | None) -> float:
    """Milliseconds a window, over all of them."""
    started = time.perf_counter()
    for window in windows:
        read(window, as_of)
    return (time.perf_counter() - started) / len(windows) * 1000


if __name__ == "__main__":
    main()
