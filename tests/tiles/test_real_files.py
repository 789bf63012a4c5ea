"""Real files: what the tiles hold agrees with the file, counted and measured by a foreign decoder."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from memory_layers import MemoryStore, decode
from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.grids import CGCS2000_QUAD, GRIDS, WEB_MERCATOR_QUAD, Grid
from tiles.mvt.window import Window
from twin.feature import FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema


def batch_from(table: pa.Table, geometry: str, geometry_type: GeometryType) -> FeatureBatch:
    """Columns of a table as the store would give them."""
    kinds = {pa.int64(): PropertyType.INTEGER, pa.int32(): PropertyType.INTEGER, pa.float64(): PropertyType.NUMBER}
    names = [name for name in table.column_names if name not in (geometry, "ogc_fid")]
    schema = Schema(
        geometry_type,
        tuple(Property(n, kinds.get(table.schema.field(n).type, PropertyType.STRING)) for n in names),
    )
    fids = np.arange(1, len(table) + 1, dtype=np.int64)
    return FeatureBatch(
        schema=schema,
        fids=fids,
        ids=[str(fid) for fid in fids],
        wkb=table.column(geometry).to_pylist(),
        columns={n: table.column(n).to_pylist() for n in names},
    )


def read_file(path: Path, geometry_type: GeometryType) -> FeatureBatch:
    meta, table = pyogrio.read_arrow(path)
    return batch_from(table, meta["geometry_name"] or "wkb_geometry", geometry_type)


def source_of(batch: FeatureBatch) -> StoreTileSource:
    store = MemoryStore()
    store.put_batch("layer", batch, {"style": {"min_zoom": 0}})
    return StoreTileSource(store)


def agree(batch: FeatureBatch, tile: Tile, grid: Grid, *, least_units: float = 2.0) -> Counter[str]:
    """Check one tile against the geometries themselves: who is in it, how large, how valid, with which attributes.

    Features smaller than `least_units` may have vanished in rounding.
    """
    source = source_of(batch)
    window = Window(grid, tile)
    found = {f.id: f for f in decode(source.tile(source.describe("layer"), tile, grid).data).get("layer", [])}
    box = shapely.box(window.low, window.low, window.high, window.high)
    placed = window.place(batch.geometries)
    crossed = ~shapely.is_valid(placed)  # the files are as they were published
    placed[crossed] = shapely.make_valid(placed[crossed], method="structure", keep_collapsed=False)
    tally: Counter[str] = Counter()
    for row in np.flatnonzero(shapely.intersects(placed, box)):
        seen = shapely.intersection(placed[row], box)
        tally["seen"] += 1
        drawn = found.pop(int(batch.fids[row]), None)
        if drawn is None:
            assert min(seen.area / max(seen.length, 1e-9), seen.length) < least_units
            tally["too small"] += 1
            continue
        assert drawn.geometry.is_valid
        if batch.schema.geometry_type is GeometryType.LINESTRING:
            assert abs(drawn.geometry.length - seen.length) <= 0.02 * seen.length + 4.0
        assert abs(drawn.geometry.area - seen.area) <= 1.2 * seen.length + 4.0
        for name, column in batch.columns.items():
            value = column[row].isoformat() if isinstance(column[row], date) else column[row]
            assert drawn.properties.get(name) == value
    assert not found, "drawn, and not in the window"
    return tally


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
@pytest.mark.parametrize("z", [8, 10, 12])
def test_the_towns_of_jiaozhou_are_all_there_and_of_their_size(shared_data: Path, grid: Grid, z: int) -> None:
    batch = read_file(shared_data / "admin" / "jiaozhou-townships-osm.geojson", GeometryType.MULTIPOLYGON)
    tally = agree(batch, grid.tile_at(120.0335, 36.2645, z - grid.zoom_offset), grid)
    assert tally["too small"] == 0
    assert tally["seen"] == 12 if z == 8 else tally["seen"] >= 1


@pytest.mark.parametrize("z", [13, 15])
def test_the_buildings_of_boulder_agree_with_the_file(shared_data: Path, z: int) -> None:
    batch = read_file(shared_data / "vector" / "boulder-buildings.zip", GeometryType.POLYGON)
    middle = shapely.get_coordinates(shapely.centroid(batch.geometries[:1]))[0]
    tally = agree(batch, WEB_MERCATOR_QUAD.tile_at(*middle, z), WEB_MERCATOR_QUAD)
    assert tally["seen"] > 50
    assert tally["too small"] <= 0.01 * tally["seen"]


@pytest.mark.parametrize("z", [13, 15, 17])
def test_parcels_that_touch_one_another_agree_with_the_file(shared_data: Path, z: int) -> None:
    batch = read_file(shared_data / "vector" / "cambridge-parcels-2014.topojson", GeometryType.MULTIPOLYGON)
    middle = shapely.get_coordinates(shapely.centroid(batch.geometries[:1]))[0]
    tally = agree(batch, WEB_MERCATOR_QUAD.tile_at(*middle, z), WEB_MERCATOR_QUAD)
    assert tally["seen"] > 20


def test_streets_agree_with_the_file_in_length(shared_data: Path) -> None:
    batch = read_file(shared_data / "vector" / "cambridge-street-centerlines.geojson", GeometryType.LINESTRING)
    start = shapely.get_coordinates(batch.geometries[0])[0]
    assert agree(batch, WEB_MERCATOR_QUAD.tile_at(*start, 14), WEB_MERCATOR_QUAD)["seen"] > 50


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
def test_the_buildings_of_tokyo_agree_with_the_file(shared_data: Path, grid: Grid) -> None:
    file = pq.ParquetFile(shared_data / "vector" / "tokyo-buildings-east-south.parquet")
    batch = batch_from(file.read_row_group(0), "geometry", GeometryType.POLYGON)
    batch = batch.slice(0, 20_000)
    middle = shapely.get_coordinates(shapely.centroid(batch.geometries[:1]))[0]
    tally = agree(batch, grid.tile_at(*middle, 15 - grid.zoom_offset), grid)
    assert tally["seen"] > 500
    assert tally["too small"] <= 0.005 * tally["seen"]


def test_the_street_lights_of_cambridge_are_counted_in_both_grids(shared_data: Path) -> None:
    batch = read_file(shared_data / "vector" / "cambridge-street-lights.geojson", GeometryType.POINT)
    for grid in (WEB_MERCATOR_QUAD, CGCS2000_QUAD):
        tile = grid.tile_at(*shapely.get_coordinates(batch.geometries[0])[0], 14 - grid.zoom_offset)
        assert agree(batch, tile, grid)["seen"] > 100
