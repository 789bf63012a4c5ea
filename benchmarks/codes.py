"""Codes of a million points: BeiDou cells (levels 5, 8, 10 and with height) and map sheets, beside one point at a time.

The peer is plain Python over `math`, the way open codecs do it (a loop over levels with floor and remainder), written out in this
file; it is given the points it can do in a few seconds, and rates are compared. Before anything is timed the codes of both are compared: they
must be the same for every point that does not lie within a billionth of a degree of an edge, where the peer's floats may not tell.

    python benchmarks/codes.py [--points 1000000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from machine import print_machine
from measure import print_table, spread

from twin.codes import beidou, beidou_3d, sheets

SEED = 20261128
PEER_POINTS = 20_000
_HEX = "0123456789ABCDEF"
# Width and height in seconds, and whether a fragment has two digits.
_LEVELS = (
    (21600.0, 14400.0, True),
    (1800.0, 1800.0, True),
    (900.0, 600.0, False),
    (60.0, 60.0, True),
    (4.0, 4.0, True),
    (2.0, 2.0, False),
    (1 / 4, 1 / 4, True),
    (1 / 32, 1 / 32, True),
    (1 / 256, 1 / 256, True),
    (1 / 2048, 1 / 2048, True),
)
_BITS = (6, 3, 1, 4, 4, 1, 3, 3, 3, 3)
_DIVISIONS = {"B": 2, "C": 4, "D": 12, "E": 24, "F": 48, "G": 96, "H": 192, "I": 576, "J": 1152, "K": 2304}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of code: `whole` takes arrays, `single` one point."""

    name: str
    whole: Callable[[Floats, Floats, Floats], npt.NDArray[np.str_]]
    single: Callable[[float, float, float], str]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print_machine()
    rng = np.random.default_rng(SEED)
    lon, lat = rng.uniform(-180, 180, arguments.points), rng.uniform(-88, 88, arguments.points)
    height = rng.uniform(-500, 9000, arguments.points)
    few = min(PEER_POINTS, arguments.points)
    rows = []
    for task in TASKS:
        _compare(task, lon[:few], lat[:few], height[:few])
        ours, theirs = [], []
        for _ in range(arguments.rounds):
            ours.append(_seconds(lambda task=task: task.whole(lon, lat, height)))
            points = list(zip(lon[:few].tolist(), lat[:few].tolist(), height[:few].tolist(), strict=True))
            theirs.append(_seconds(lambda task=task, points=points: [task.single(*point) for point in points]))
        rates = [(few / single) / (arguments.points / whole) for whole, single in zip(ours, theirs, strict=True)]
        rows.append((
            task.name,
            spread([s * 1e6 / arguments.points for s in ours]),
            f"{arguments.points / statistics.median(ours):,.0f}",
            f"{few / statistics.median(theirs):,.0f}",
            spread([1 / rate for rate in rates], 0),
        ))  # fmt: skip
    print_table(
        ("codes", "CPU s for a million points", "points per CPU s", "scalar Python, points per CPU s", "times as fast"),
        rows,
    )
    codes = beidou.encode(lon, lat, 10)
    back = [_seconds(lambda: beidou.bounds(codes)) for _ in range(arguments.rounds)]
    print(f"back from {arguments.points:,} codes of level 10 to their boxes: {spread(back)} CPU s")


def _compare(task: Task, lon: Floats, lat: Floats, height: Floats) -> None:
    """Leave with an error where the two differ for a point that is not on an edge."""
    whole = task.whole(lon, lat, height).tolist()
    single = [task.single(*point) for point in zip(lon.tolist(), lat.tolist(), height.tolist(), strict=True)]
    different = [i for i, (a, b) in enumerate(zip(whole, single, strict=True)) if a != b]
    nudged = 1e-9
    for i in different:
        around = {
            task.single(float(lon[i] + dx), float(lat[i] + dy), float(height[i] + dz))
            for dx in (-nudged, 0, nudged)
            for dy in (-nudged, 0, nudged)
            for dz in (-1e-4, 0, 1e-4)
        }
        if whole[i] not in around:
            sys.exit(f"{task.name}: {whole[i]} here, {single[i]} by the peer, at {lon[i]}, {lat[i]}, {height[i]}")


def _seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one call; everything here runs in one thread."""
    started = time.process_time()
    work()
    return time.process_time() - started


def plane_fragments(lon: float, lat: float, level: int) -> list[str]:
    """Hemisphere and fragments of a BeiDou code, one level after the other."""
    x, y = abs(lon) * 3600, abs(lat) * 3600
    made = ["S" if lat < 0 else "N"]
    for number, (width, height, pair) in enumerate(_LEVELS[:level]):
        column, row = math.floor(x / width), math.floor(y / height)
        x, y = x - column * width, y - row * height
        if number == 0:
            zone = 30 - column if lon < 0 else 31 + column
            made.append(f"{zone:02d}{chr(65 + row)}")
        elif pair:
            made.append(_HEX[column] + _HEX[row])
        else:
            made.append(_HEX[row * 2 + column])
    return made


def space_code(lon: float, lat: float, height_m: float) -> str:
    """A BeiDou code of 32 characters."""
    hemisphere, *plane = plane_fragments(lon, lat, 10)
    step = math.pi / 180
    layer = math.floor(3600 * 2048 * math.log((height_m + 6_378_137.0) / 6_378_137.0) / math.log(1 + step))
    bits = f"{abs(layer):031b}"
    made, start = [hemisphere, "1" if layer < 0 else "0"], 0
    for number, (fragment, width) in enumerate(zip(plane, _BITS, strict=True)):
        value = int(bits[start : start + width], 2)
        made.append(fragment + (f"{value:02d}" if number == 0 else _HEX[value]))
        start += width
    return "".join(made)


def sheet_code(lon: float, lat: float, letter: str) -> str:
    """A sheet number below 1:1 000 000."""
    n, digits = _DIVISIONS[letter], 4 if letter in "JK" else 3
    column, row = math.floor(lon / 6), math.floor(lat / 4)
    inner_row = n - math.floor((lat % 4) / (4 / n))
    inner_column = math.floor((lon % 6) / (6 / n)) + 1
    return f"{chr(65 + row)}{column + 31:02d}{letter}{inner_row:0{digits}d}{inner_column:0{digits}d}"


TASKS = (
    *(
        Task(
            f"BeiDou level {level}",
            lambda lon, lat, _, level=level: beidou.encode(lon, lat, level),
            lambda lon, lat, _, level=level: "".join(plane_fragments(lon, lat, level)),
        )
        for level in (5, 8, 10)
    ),
    Task(
        "BeiDou with height, 32 characters",
        beidou_3d.encode,
        space_code,
    ),
    *(
        Task(
            f"sheets {title}",
            lambda lon, lat, _, letter=letter: sheets.encode(lon, np.abs(lat) % 60, letter),
            lambda lon, lat, _, letter=letter: sheet_code(lon, abs(lat) % 60, letter),
        )
        for letter, title in (("G", "1:10 000"), ("K", "1:500"))
    ),
)


if __name__ == "__main__":
    main()
