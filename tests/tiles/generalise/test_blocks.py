"""Houses grow together to blocks: what is built up stays to be seen on every level, an edit shows at once, and nothing is invented."""

from __future__ import annotations

import random
from pathlib import Path

import mapbox_vector_tile
import numpy as np
import pytest
import shapely

from snapshot_town import AUTHOR
from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.generalise.block_columns import encode_blocks
from tiles.generalise.blocks import COVER, Blocks, blocks_of
from tiles.grids import GRIDS, WEB_MERCATOR_QUAD, Grid
from tiles.kernel.contours import outlines
from tiles.kernel.cover import CELL_BITS, cells, with_cover
from tiles.kernel.layer import Part
from tiles.kernel.window import TileWindow
from tiles.snapshot.building import build_columns
from tiles.snapshot.files import Snapshot, read_snapshot, write_snapshot
from tiles.snapshot.keeping import SnapshotKeeper
from tiles.snapshot.layout import WORLD_BITS, Columns
from tiles.snapshot.source import SnapshotTileSource
from twin.feature import Feature, FeatureBatch
from twin.schema import GeometryType, Schema
from twin.store.port import LayerSpec
from twin.store.sql import SqlStore

SCHEMA = Schema(GeometryType.POLYGON, ())
WEST, SOUTH = 119.95, 36.20
BELOW = 14
WISH = Blocks(BELOW)


def house(lon: float, lat: float, size: float = 1.2e-4) -> shapely.Geometry:
    return shapely.box(lon, lat, lon + size, lat + size * 0.8)


def village(columns: int = 60, rows: int = 60) -> list[shapely.Geometry]:
    """Rows of houses, half of the ground covered, over some 1.4 by 1.2 km."""
    return [house(WEST + 1.6e-4 * i, SOUTH + 1.4e-4 * j) for i in range(columns) for j in range(rows)]


def columns_of(shapes: list[shapely.Geometry], below: int | None = BELOW) -> Columns:
    numbers = np.arange(1, len(shapes) + 1, dtype=np.int64)
    batch = FeatureBatch(SCHEMA, numbers, [None] * len(shapes), [shape.wkb for shape in shapes], {})
    return build_columns([batch], SCHEMA, blocks=None if below is None else Blocks(below))


def drawn(data: bytes) -> tuple[list[shapely.Geometry], list[dict]]:
    """Shapes and features; those with the id 0, which is none, are blocks."""
    features = (
        mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})["town"]["features"] if data else []
    )
    return [shapely.geometry.shape(f["geometry"]) for f in features], features


def of_the_tile(shape: shapely.Geometry, tile: Tile, grid: Grid) -> shapely.Geometry:
    """A shape in degrees, in tile units, by the formula of the grid."""

    def place(xy: np.ndarray) -> np.ndarray:
        x, y = grid.forward(xy[:, 0], xy[:, 1])
        return 4096.0 * np.column_stack(
            [x * (grid.columns << tile.z) / grid.columns - tile.x, y * (1 << tile.z) - tile.y]
        )

    return shapely.transform(shape, place)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_a_village_is_one_block_on_every_level_where_it_can_be_seen(grid: Grid) -> None:
    columns = columns_of(village())
    outline = shapely.box(WEST, SOUTH, WEST + 60 * 1.6e-4, SOUTH + 60 * 1.4e-4)
    for zoom in range(9, BELOW):
        z = zoom - grid.zoom_offset
        tile = grid.tile_at(WEST + 0.005, SOUTH + 0.004, z)
        shapes, features = drawn(encode_blocks("town", [Part(columns)], WISH, TileWindow(grid, tile)).data)
        window = shapely.box(-64, -64, 4160, 4160)
        expected = of_the_tile(outline, tile, grid).intersection(window)
        found = shapely.union_all(shapes)
        assert found.is_valid
        # Within one and a half cells of the outline, which is what a block knows of it.
        assert shapely.hausdorff_distance(found, expected) <= 40
        assert {feature["id"] for feature in features} == {0}  # none
        assert all(20 <= feature["properties"][COVER] <= 60 for feature in features)


def test_a_lonely_house_is_left_out_and_a_large_one_stays_itself() -> None:
    hall = shapely.box(WEST + 0.2, SOUTH, WEST + 0.24, SOUTH + 0.03)
    columns = columns_of([house(WEST + 0.1, SOUTH), hall])
    for z in (10, 13):
        tile = WEB_MERCATOR_QUAD.tile_at(WEST + 0.22, SOUTH + 0.015, z)
        data = encode_blocks("town", [Part(columns)], WISH, TileWindow(WEB_MERCATOR_QUAD, tile)).data
        shapes, features = drawn(data)
        assert len(shapes) == 1
        assert features[0]["id"] == (2 if z == 13 else 0)  # wider than a quarter of the tile there
    lonely = WEB_MERCATOR_QUAD.tile_at(WEST + 0.1, SOUTH, 12)
    assert encode_blocks("town", [Part(columns)], WISH, TileWindow(WEB_MERCATOR_QUAD, lonely)).features == 0


def test_cells_hold_the_area_of_the_polygons() -> None:
    rng = random.Random(5)
    shapes = [
        house(WEST + rng.random() * 0.05, SOUTH + rng.random() * 0.05, 10 ** rng.uniform(-4, -3)) for _ in range(500)
    ]
    yard = shapely.Polygon(house(WEST, SOUTH, 1e-3).exterior, [house(WEST + 2e-4, SOUTH + 2e-4, 5e-4).exterior])
    columns = columns_of([*shapes, yard])
    truth = sum(of_the_tile(shape, Tile(z=0, x=0, y=0), WEB_MERCATOR_QUAD).area for shape in (*shapes, yard)) / 4096**2
    for level in range(BELOW):
        kept = slice(*columns.cover_levels[level : level + 2])
        assert (np.diff(columns.cover_keys[kept].astype(np.int64)) > 0).all()
        side = 2.0 ** (-level - CELL_BITS)
        assert columns.cover_shares[kept].sum() * side**2 == pytest.approx(truth, rel=0.02)
    assert len(columns.cover_large) == 0
    keys, shares = cells(columns, np.arange(len(columns)), BELOW - 1)
    assert len(keys) == len(shares) >= columns.cover_levels[-1] - columns.cover_levels[-2]
    assert WORLD_BITS - CELL_BITS - (BELOW - 1) > 0


def test_outlines_agree_with_the_cells_they_go_round() -> None:
    rng = np.random.default_rng(9)
    for _ in range(20):
        field = rng.random((40, 50)).astype(np.float32)
        found = outlines(field, 0.55)
        rings = [
            shapely.LinearRing(np.column_stack([found.x[a:b], found.y[a:b]]))
            for a, b in zip(found.starts[:-1], found.starts[1:], strict=True)
        ]
        polygons = []
        for owner in np.unique(found.owners):
            own = [ring for ring, number in zip(rings, found.owners, strict=True) if number == owner]
            polygons.append(shapely.Polygon(own[0], own[1:]))
        assert all(polygon.is_valid for polygon in polygons)
        high = np.zeros(field.shape, dtype=bool)
        for polygon in polygons:
            rows, columns = np.indices(field.shape)
            high |= shapely.contains_xy(polygon, columns.astype(float), rows.astype(float))
        assert (high == (field > 0.55)).all()


def test_every_edit_is_in_the_next_block(store: SqlStore, folder: Path) -> None:
    shapes = village(40, 40)
    spec = LayerSpec("town", SCHEMA, {"tiles": {"blocks_below": BELOW}})
    batch = FeatureBatch(SCHEMA, np.arange(1, len(shapes) + 1), [None] * len(shapes), [s.wkb for s in shapes], {})
    with store.write("town", AUTHOR, create=spec) as writer:
        writer.upsert(batch)
    source = SnapshotTileSource(StoreTileSource(store), SnapshotKeeper(store, folder))
    tile = WEB_MERCATOR_QUAD.tile_at(WEST + 0.005, SOUTH + 0.004, 12)

    def area() -> float:
        layer = source.describe("town")
        assert layer.blocks == WISH
        return float(shapely.area(shapely.union_all(drawn(source.tile(layer, tile, WEB_MERCATOR_QUAD).data)[0])))

    before = area()
    rows = np.arange(len(shapes)) % 40
    with store.write("town", AUTHOR) as writer:  # the northern half is pulled down
        for number in (np.flatnonzero(rows >= 20) + 1).tolist():
            writer.delete(str(number))
    assert area() == pytest.approx(before / 2, rel=0.1)
    with store.write("town", AUTHOR) as writer:
        for shape, row in zip(shapes, rows, strict=True):
            if row >= 20:
                writer.insert(Feature(None, shape, {}))
    assert area() == pytest.approx(before, rel=1e-3)
    assert source._keeper._states["town"].base_version == 1  # no copy was made anew
    source.close()


def test_a_snapshot_on_disk_keeps_its_cover(folder: Path) -> None:
    columns = columns_of(village(10, 10))
    write_snapshot(folder / "town.snapshot", Snapshot("1-a", 1, columns))
    again = read_snapshot(folder / "town.snapshot").columns
    assert (again.cover_shares == columns.cover_shares).all()
    assert (with_cover(columns_of(village(10, 10), None), BELOW).cover_keys == again.cover_keys).all()


def test_who_has_blocks() -> None:
    lines = Schema(GeometryType.LINESTRING, ())
    assert blocks_of({}, SCHEMA, 0) is None
    assert blocks_of({}, SCHEMA, 14) == Blocks(14)
    assert blocks_of({"tiles": {"blocks_below": 12}}, SCHEMA, 14) == Blocks(14)
    assert blocks_of({"tiles": {"blocks_below": 12}}, SCHEMA, 0) == Blocks(12)
    assert blocks_of({"tiles": {"blocks_below": 0}}, SCHEMA, 14) is None
    assert blocks_of({}, SCHEMA, 22) == Blocks(15)
    assert blocks_of({"tiles": {"blocks_below": 12}}, lines, 14) is None
