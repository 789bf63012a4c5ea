"""Point clouds to 3D Tiles: a LAZ of 5 million points, beside py3dtiles on the same points as LAS; and 100 million within 2 GB.

The cloud is generated with a fixed seed: a district of Jiaozhou with ground, houses and trees, in EPSG:4549, with colours, classes and
intensity. Every run is a process of its own; CPU is that of the process and of all it started, memory is the largest of any of them.
py3dtiles hangs on LAZ (its parent starts lazrs' threads and then forks), so it gets the LAS; so do we, in a row of our own.

    python -m venv PEER && PEER/bin/pip install "py3dtiles[las]"
    python benchmarks/scenes3d_clouds.py --work DIR [--peer PEER/bin/py3dtiles] [--points 5000000] [--rounds 3]
    python benchmarks/scenes3d_clouds.py --work DIR --points 100000000 --rounds 1
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import laspy
import numpy as np
from machine import print_machine
from measure import CHECKOUT, Run, print_table, run_program, spread

from scenes3d.tileset.checking import check_tileset
from scenes3d.tileset.folder import folder_opener

SEED = 20261129
CHUNK = 1_000_000
EAST, NORTH = 500_000.0, 4_013_000.0
_OWN = """
import sys
from pathlib import Path
from scenes3d.points.building import build_cloud
from scenes3d.sources.clouds.source import open_clouds
from scenes3d.sources.reference import Stated
source = open_clouds([Path(sys.argv[1])], Stated("EPSG:4549", "EPSG:5737"), None)
print(build_cloud(source, Path(sys.argv[2])))
"""


def main() -> None:
    """Generate, measure, check, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for clouds and tilesets (100 bytes a point)")
    parser.add_argument("--peer", help="the program py3dtiles of an environment of its own")
    parser.add_argument("--points", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print_machine()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    laz, las = (work / f"cloud-{arguments.points}.{suffix}" for suffix in ("laz", "las"))
    for file in (laz, las):
        if not file.exists():
            generate(file, arguments.points)
    commands = {
        "One Map from LAZ": [sys.executable, "-c", _OWN, str(laz), str(work / "own-laz")],
        "One Map from LAS": [sys.executable, "-c", _OWN, str(las), str(work / "own-las")],
    }
    if arguments.peer:
        said = [
            "convert",
            "--srs_in",
            "4549",
            "--srs_out",
            "4978",
            "--overwrite",
            "--out",
            str(work / "peer"),
            str(las),
        ]
        commands["py3dtiles from LAS"] = [arguments.peer, *said]
    measured: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            measured[name].append(run_program(command, {"PYTHONPATH": str(CHECKOUT)}))
    report(measured, work)


def generate(file: Path, points: int) -> None:
    """Ground with waves, houses on a grid of 40 m, trees: 25 points a square metre, as a drone gives them."""
    draw = np.random.default_rng(SEED)
    header = laspy.LasHeader(version="1.4", point_format=7)
    header.scales, header.offsets = np.full(3, 0.001), np.array([EAST, NORTH, 0.0])
    edge = np.sqrt(points / 25)
    # A strip a chunk, as a flight would have it.
    strips = -(-points // CHUNK)
    with laspy.open(file, mode="w", header=header) as writer:
        for strip in range(strips):
            count = min(CHUNK, points - strip * CHUNK)
            x, y = draw.random(count) * edge, (strip + draw.random(count)) * edge / strips
            house = (x % 40 < 18) & (y % 40 < 12)
            tree = ~house & (x % 40 > 30) & (y % 40 > 25)
            z = 20 + 4 * np.sin(x / 90) + 3 * np.cos(y / 120) + draw.normal(0, 0.02, count)
            storeys = 3 + (x // 40 * 7 + y // 40 * 13) % 9
            z += np.where(house, 3.0 * storeys, 0) + np.where(tree, 8 * draw.random(count), 0)
            record = laspy.ScaleAwarePointRecord.zeros(count, header=header)
            record.x, record.y, record.z = EAST + x, NORTH + y, z
            record.classification = np.where(house, 6, np.where(tree, 5, 2)).astype(np.uint8)
            shade = 90 + 60 * draw.random(count)
            for band, share in zip(("red", "green", "blue"), (house * 0.9 + 0.6, tree * 0.8 + 0.7, 0.6), strict=True):
                record[band] = (shade * share * 257).clip(0, 65535).astype(np.uint16)
            record.intensity = (shade * 100).astype(np.uint16)
            writer.write_points(record)


def report(measured: dict[str, list[Run]], work: Path) -> None:
    """The table, what the check of the volumes found, and that LAZ and LAS gave the same bytes."""
    folders = {"One Map from LAZ": "own-laz", "One Map from LAS": "own-las", "py3dtiles from LAS": "peer"}
    own = [run.cpu_s for run in measured["One Map from LAS"]]
    rows = []
    for name, runs in measured.items():
        files = [file for file in (work / folders[name]).rglob("*") if file.is_file()]
        ratio = spread([run.cpu_s / mine for run, mine in zip(runs, own, strict=True)])
        size = sum(file.stat().st_size for file in files) / 1e6
        memory = max(run.peak_mb for run in runs)
        rows.append([name, spread([r.cpu_s for r in runs], 1), spread([r.wall_s for r in runs], 1), f"{memory:,.0f}", ratio,
                     f"{len(files):,}", f"{size:,.0f}"])  # fmt: skip
    heads = ["", "CPU s", "wall s", "memory MB", "times ours from LAS", "files", "MB"]
    print_table(heads, rows)
    checked = check_tileset("tileset.json", folder_opener(work / "own-laz"))
    print(
        f"\ncheck of volumes: {checked.vertices:,} points in {checked.contents:,} tiles, {len(checked.faults)} faults"
    )
    same = all(
        file.read_bytes() == (work / "own-las" / file.name).read_bytes() for file in (work / "own-laz").iterdir()
    )
    print(f"LAZ and LAS give the same bytes: {same}")


if __name__ == "__main__":
    main()
