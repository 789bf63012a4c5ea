"""GCJ-02 inverse and 4490→4549 on 10 million points: points a second beside pyproj and beside scalar loops.

    python benchmarks/coordinates.py [--points 10000000] [--peer PACKAGE_FOLDER]

The scalar loops run over a thousandth of the points: they are slow, and their speed does not depend on how many there are.
A published scalar implementation is measured beside our own loop where one is at hand: `pip install --target FOLDER eviltransform`.
All results are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import importlib
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pyproj

from twin.crs import parse_crs, transform_points
from twin.datums.gcj02 import gcj02_to_wgs84, wgs84_to_gcj02

ROUNDS = 3
SHARE_OF_SCALARS = 1000
A, E2 = 6378245.0, 0.00669342162296594323


def scalar_offset(lon: float, lat: float) -> tuple[float, float]:
    """The formula as it is written everywhere, one point at a time."""
    x, y, pi, sin = lon - 105.0, lat - 35.0, math.pi, math.sin
    both = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + both
    north += (20 * sin(y * pi) + 40 * sin(y / 3 * pi)) * 2 / 3 + (
        160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)
    ) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + both
    east += (20 * sin(x * pi) + 40 * sin(x / 3 * pi)) * 2 / 3 + (
        150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)
    ) * 2 / 3
    shrink = 1 - E2 * sin(lat / 180 * pi) ** 2
    root = math.sqrt(shrink)
    return (
        east * 180 / (A / root * math.cos(lat / 180 * pi) * pi),
        north * 180 / (A * (1 - E2) / (shrink * root) * pi),
    )


def scalar_inverse(lon: float, lat: float) -> tuple[float, float]:
    x, y = lon, lat
    for _ in range(4):
        east, north = scalar_offset(x, y)
        x, y = lon - east, lat - north
    return x, y


def timed(call: Callable[[], Any], points: int) -> float:
    """Points a second, the median of the rounds."""
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return points / statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--peer", type=Path, help="folder with the package eviltransform")
    asked = parser.parse_args()
    rng = np.random.default_rng(2026)
    lon, lat = rng.uniform(119.0, 121.0, asked.points), rng.uniform(35.5, 37.0, asked.points)
    few = max(1000, asked.points // SHARE_OF_SCALARS)
    places = list(zip(lon[:few].tolist(), lat[:few].tolist(), strict=True))
    rows = [*inverse_rows(lon, lat, places, asked.peer), *projection_rows(lon, lat, places)]
    print(f"{asked.points:,} points, scalar loops over {few:,}; median of {ROUNDS} rounds\n")
    print("| what | by | points/s |\n| --- | --- | ---: |")
    for what, by, speed in rows:
        print(f"| {what} | {by} | {speed:,.0f} |")


def inverse_rows(
    lon: Any, lat: Any, places: list[tuple[float, float]], peer: Path | None
) -> list[tuple[str, str, float]]:
    g_lon, g_lat = wgs84_to_gcj02(lon, lat)
    few = len(places)
    g_places = list(zip(g_lon[:few].tolist(), g_lat[:few].tolist(), strict=True))
    back = gcj02_to_wgs84(g_lon[:few], g_lat[:few])
    assert np.abs(np.array(back) - np.array(places).T).max() < 1e-10, "ours comes back"
    scalar = np.array([scalar_inverse(x, y) for x, y in g_places[:1000]]).T
    assert np.abs(np.array(back)[:, :1000] - scalar).max() < 1e-12, "the loop says the same"
    what = "GCJ-02 to WGS 84, four steps"
    rows = [(what, "One Map", timed(lambda: gcj02_to_wgs84(g_lon, g_lat), len(lon)))]
    rows.append((what, "scalar loop", timed(lambda: [scalar_inverse(x, y) for x, y in g_places], few)))
    published = find_peer(peer)
    if published is not None:
        theirs = np.array([published(y, x)[::-1] for x, y in g_places[:1000]]).T
        assert np.abs(np.array(back)[:, :1000] - theirs).max() < 5e-5, (
            "the peer, which stops early, says the same to metres"
        )
        speed = timed(lambda: [published(y, x) for x, y in g_places], few)
        rows.append((what, "eviltransform gcj2wgs_exact (scalar)", speed))
    return rows


def find_peer(folder: Path | None) -> Callable[[float, float], Any] | None:
    if folder is not None:
        sys.path.append(str(folder))
    try:
        return importlib.import_module("eviltransform").gcj2wgs_exact  # type: ignore[no-any-return]
    except ImportError:
        return None


def projection_rows(lon: Any, lat: Any, places: list[tuple[float, float]]) -> list[tuple[str, str, float]]:
    source, target = parse_crs("EPSG:4490"), parse_crs("EPSG:4549")
    plain = pyproj.Transformer.from_crs(4490, 4549, always_xy=True)
    few = len(places)
    ours, theirs = transform_points(lon[:few], lat[:few], source, target), plain.transform(lon[:few], lat[:few])
    assert np.abs(np.array(ours) - np.array(theirs)).max() < 1e-6, "to a micrometre"
    what = "EPSG:4490 to EPSG:4549"
    return [
        (what, "One Map", timed(lambda: transform_points(lon, lat, source, target), len(lon))),
        (what, "pyproj", timed(lambda: plain.transform(lon, lat), len(lon))),
        (what, "pyproj, scalar loop", timed(lambda: [plain.transform(x, y) for x, y in places], few)),
    ]


if __name__ == "__main__":
    main()
