"""3D scenes of buildings: from a layer of the store to 3D Tiles on disk, whole processes; and one edit to new tiles.

`city` is 50,000 made-up buildings (boxes, L-shapes, courtyards) over 13.4 by 13.4 km; `tokyo` the 1,277,744 real footprints
with measured heights. Reading the store is part of every build. py3dtiles and the other open tools make no 3D Tiles 1.1 of
footprints without .NET or Java, so there is no peer in the run; what is written is checked instead, every vertex of it.

    python benchmarks/scenes3d_buildings.py --work DIR [--rounds 3] [--no-tokyo] [--tasks 2]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path

from machine import print_machine
from measure import CHECKOUT, Run, print_table, run_program

TOKYO = CHECKOUT / "../shared/data/vector/tokyo-buildings-east-south.parquet"
SERVICES = CHECKOUT / "tests/services"
CITY_COUNT = 50_000
_MAKE_CITY = """
import sys; sys.path.insert(0, sys.argv[2])
from box_town import SCHEMA, box_town
from twin.store import open_store
from twin.store.port import Author, LayerSpec
store = open_store(sys.argv[1])
document = {"id": "city", "title": {"zh": "城市", "en": "City"}, "department": "basemap"}
with store.write("city", Author("benchmark"), create=LayerSpec("city", SCHEMA, document)) as writer:
    for batch in box_town(int(sys.argv[3])):
        writer.upsert(batch)
store.close()
"""
_BUILD = """
import sys, time
from pathlib import Path
from layers.policy import Actor
from layers.scenes.desk import SceneDesk, SceneWish
from tiles.terrain.shelf import TerrainShelf
from twin.store import open_store
folder, layer = Path(sys.argv[1]), sys.argv[2]
store = open_store(folder / "onemap.gpkg")
desk = SceneDesk(store, folder / "scenes", TerrainShelf(folder / "terrain"))
at = time.process_time()
desk.build(layer, SceneWish(terrain="none"), Actor())
print(time.process_time() - at)
"""
_EDIT = """
import json, sys, time
from dataclasses import replace
from pathlib import Path
from layers.policy import Actor
from layers.scenes.desk import SceneDesk
from tiles.terrain.shelf import TerrainShelf
from twin.query import FeatureQuery
from twin.store import open_store
from twin.store.port import Author
folder, layer, column = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
store = open_store(folder / "onemap.gpkg")
desk = SceneDesk(store, folder / "scenes", TerrainShelf(folder / "terrain"))
desk.served(desk.scene(layer, Actor())).edition.tileset().to_json()
cpu, wall, rewritten = [], [], []
features = list(store.select(layer, FeatureQuery(every=max(store.layer(layer).feature_count // 30, 1), limit=22)).features())
for number, feature in enumerate(features):
    with store.write(layer, Author("benchmark")) as writer:
        writer.replace(replace(feature, properties={**feature.properties, column: 21.5 + number}))
    before = {entry.content for entry in desk.scene(layer, Actor()).folder.edition(store.version(layer) - 1).entries}
    at, since = time.process_time(), time.perf_counter()
    edition = desk.served(desk.scene(layer, Actor())).edition
    edition.tileset().to_json()
    cpu.append(time.process_time() - at)
    wall.append(time.perf_counter() - since)
    rewritten.append(sum(entry.content not in before for entry in edition.entries))
store.close()
print(json.dumps({"cpu": cpu[2:], "wall": wall[2:], "rewritten": rewritten[2:]}))
"""


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for scratch files (4 GB with Tokyo)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-tokyo", action="store_true")
    parser.add_argument(
        "--tasks", default="1", help="who makes the tiles of the whole program, as ONEMAP_TASKS says it"
    )
    arguments = parser.parse_args()
    os.environ["ONEMAP_TASKS"] = arguments.tasks
    print_machine()
    work = arguments.work.resolve()
    city = work / "city"
    if not (city / "onemap.gpkg").exists():
        city.mkdir(parents=True, exist_ok=True)
        run_program([sys.executable, "-c", _MAKE_CITY, city / "onemap.gpkg", SERVICES, str(CITY_COUNT)])
    alone = build_alone(city, "city", arguments.rounds)
    made = builds(city, "city", [], arguments.rounds)
    report("city", alone, made, edits(city, "city", "height"), checked(city, "city"))
    if not arguments.no_tokyo:
        tokyo = work / "tokyo"
        if not (tokyo / "onemap.gpkg").exists():
            tokyo.mkdir(parents=True, exist_ok=True)
            run_program([*onemap(), "import", TOKYO.resolve(), "--layer", "tokyo", "--data", tokyo])
        alone = build_alone(tokyo, "tokyo", 1)
        made = builds(tokyo, "tokyo", [], 1)
        report("tokyo", alone, made, edits(tokyo, "tokyo", "height_m"), checked(tokyo, "tokyo"))


def onemap() -> list[str]:
    return [sys.executable, "-P", "-m", "api.cli"]


def builds(folder: Path, layer: str, options: list[str], rounds: int) -> list[Run]:
    """The whole program `onemap scenes build`, into an empty folder each time."""
    runs = []
    for _ in range(rounds):
        shutil.rmtree(folder / "scenes", ignore_errors=True)
        command = [*onemap(), "scenes", "build", layer, *options, "--terrain", "none", "--data", folder]
        runs.append(run_program(command, timeout_s=3_600))
    return runs


def build_alone(folder: Path, layer: str, rounds: int) -> list[float]:
    """CPU seconds of the build without the start of a program: reading, raising, cutting and writing."""
    found = []
    for _ in range(rounds):
        shutil.rmtree(folder / "scenes", ignore_errors=True)
        output = run_program([sys.executable, "-P", "-c", _BUILD, folder, layer], timeout_s=3_600).output
        found.append(float(output.strip().splitlines()[-1]))
    return found


def edits(folder: Path, layer: str, column: str) -> dict[str, list[float]]:
    """Twenty edits all over the layer, each from its commit to the new tileset.json; the first two warm up."""
    output = run_program([sys.executable, "-P", "-c", _EDIT, folder, layer, column], timeout_s=1_800).output
    found: dict[str, list[float]] = json.loads(output.strip().splitlines()[-1])
    return found


def checked(folder: Path, layer: str) -> Run:
    """Every vertex against the volumes of its tile and all above."""
    return run_program([*onemap(), "scenes", "check", layer, "--data", folder], timeout_s=3_600)


def report(name: str, alone: list[float], made: list[Run], edited: dict[str, list[float]], check: Run) -> None:
    print(f"\n{name}: {made[-1].output.strip().splitlines()[0]}\n  {check.output.strip()}\n")
    cpu = [run.cpu_s for run in made]
    print_table(
        ("what", "CPU", "by the clock", "peak memory"),
        [
            ("the build alone", f"{statistics.median(alone):.2f} s ({min(alone):.2f}-{max(alone):.2f})", "", ""),
            (
                "onemap scenes build, whole program",
                f"{statistics.median(cpu):.2f} s ({min(cpu):.2f}-{max(cpu):.2f})",
                f"{statistics.median(run.wall_s for run in made):.1f} s",
                f"{max(run.peak_mb for run in made):,.0f} MB",
            ),
            (
                f"one edit to new tiles ({statistics.mean(edited['rewritten']):.1f} tiles)",
                f"{statistics.median(edited['cpu']) * 1e3:.0f} ms ({max(edited['cpu']) * 1e3:.0f} at most)",
                f"{statistics.median(edited['wall']) * 1e3:.0f} ms",
                "",
            ),
        ],
    )


if __name__ == "__main__":
    main()
