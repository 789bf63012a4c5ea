"""The sample town as files: draw the plan, write each layer in its format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data_samples.town.base_map import base_map_tables
from data_samples.town.cameras import cameras_table
from data_samples.town.chance import Chance
from data_samples.town.facilities import facilities_table
from data_samples.town.grid_cells import grid_cells
from data_samples.town.places import places_table, poi_table
from data_samples.town.plan import draw_plan
from data_samples.town.pollution import pollution_table
from data_samples.town.sensors import sensors_table
from data_samples.town.table import Table
from data_samples.town.writing import WRITERS

SEED = 370281
SOURCE_ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "districts": ("districts.parquet", "layers/basemap/districts.json"),
    "landuse": ("landuse.parquet", "layers/basemap/landuse.json"),
    "water": ("water.parquet", "layers/basemap/water.json"),
    "rivers": ("rivers.parquet", "layers/basemap/rivers.json"),
    "roads": ("roads.parquet", "layers/basemap/roads.json"),
    "railways": ("railways.fgb", "layers/basemap/railways.json"),
    "buildings": ("buildings.parquet", "layers/basemap/buildings.json"),
    "places": ("places.parquet", "layers/basemap/places.json"),
    "poi": ("poi.parquet", "layers/basemap/poi.json"),
    "grid-cells": ("grid-cells.gpkg", "layers/departments/grid-governance/grid-cells.json"),
    "facilities": ("facilities.parquet", "layers/departments/municipal-works/facilities.json"),
    "cameras": ("cameras.csv", "layers/departments/public-security/cameras.json"),
    "sensors": ("sensors.geojson", "layers/departments/iot/sensors.json"),
    "pollution-sources": ("pollution-sources.zip", "layers/departments/ecology/pollution-sources.json"),
}
"""Layer id → file name, and manifest below the root of the source tree."""
DRAWING = ("outline", "rivers", "streets", "villages", "crossings", "blocks", "fields", "buildings")
"""Parts of the plan, in the order in which they are drawn."""


@dataclass(frozen=True, slots=True)
class SampleFile:
    """One written file and the manifest that describes it."""

    layer_id: str
    path: Path
    rows: int
    manifest: Path


def generate(
    out_dir: Path, *, seed: int = SEED, progress: Callable[[str, int, int], None] | None = None
) -> list[SampleFile]:
    """Draw the sample town and write its files; the same seed gives the same rows and bytes.

    Args:
        out_dir: Folder for the files; made where it is missing, files of the same names are replaced.
        seed: Another number draws another town on the same hand-placed bones.
        progress: Called with what begins now, its number, and the number of all steps.

    Returns:
        The files in drawing order, lowest layer first.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    tell = progress or (lambda what, done, total: None)
    total = len(DRAWING) + len(FILES)
    chance = Chance(seed)
    plan = draw_plan(chance, lambda part: tell(part, DRAWING.index(part), total))
    cells, cell_table = grid_cells(plan, chance)
    tables = [*base_map_tables(plan, chance), places_table(plan), poi_table(plan, chance), cell_table]
    tables += [
        facilities_table(plan, chance, cells),
        cameras_table(plan, chance),
        sensors_table(plan, chance),
        pollution_table(plan, chance),
    ]
    files = []
    for number, table in enumerate(tables, len(DRAWING)):
        tell(table.layer_id, number, total)
        files.append(_write(table, out_dir))
    tell("done", total, total)
    return files


def _write(table: Table, out_dir: Path) -> SampleFile:
    name, manifest = FILES[table.layer_id]
    path = out_dir / name
    WRITERS[path.suffix](table, path)
    return SampleFile(table.layer_id, path, len(table), SOURCE_ROOT / manifest)
