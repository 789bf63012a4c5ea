"""Features that strain an encoder: very many vertices or parts, the edge of the world, coordinates that are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from shapely import LineString, MultiPoint, MultiPolygon, Point, Polygon, box

from memory_layers import Drawn, batch_of, decode, schema_of
from tiles.address import Tile
from tiles.grids import GRIDS, WEB_MERCATOR_QUAD, Grid
from tiles.kernel import layer as layer_module
from tiles.kernel.aside import Pile
from tiles.kernel.encoding import _MOST_MENDED
from tiles.kernel.layer import Part, encode_columns
from tiles.kernel.window import TileWindow
from tiles.snapshot.building import build_columns
from tiles.snapshot.layout import Columns
from twin.feature import Feature
from twin.geometry import check_geometries
from twin.schema import GeometryType

SCHEMA = schema_of("Geometry")
IN_DEGREES = [grid for grid in GRIDS.values() if grid is not WEB_MERCATOR_QUAD]


def columns_of(*shapes: shapely.Geometry | None) -> Columns:
    return build_columns([batch_of(SCHEMA, [Feature(None, shape) for shape in shapes])], SCHEMA)


def drawn(columns: Columns, grid: Grid, tile: Tile) -> dict[int, Drawn]:
    data = encode_columns("t", [Part(columns)], TileWindow(grid, tile)).data
    return {feature.id: feature for feature in decode(data)["t"]} if data else {}


@pytest.fixture
def piles(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Polygons, rings and vertices of what goes to GEOS, for each tile that has something to mend."""
    seen: list[list[int]] = []
    mend = layer_module.mended_columns

    def watched(columns: Columns, pile: Pile, window: TileWindow) -> tuple[Columns, int]:
        seen.append(pile.sizes.tolist())
        return mend(columns, pile, window)

    monkeypatch.setattr(layer_module, "mended_columns", watched)
    return seen


def test_a_polygon_of_a_million_vertices_is_drawn_with_a_bounded_part_of_them(piles: list[list[int]]) -> None:
    turn = np.linspace(0, 2 * math.pi, 1_000_000, endpoint=False)
    reach = 0.5 * (1 + 0.01 * np.sin(turn * 5000) + 0.0005 * np.sin(turn * 130_000))
    columns = columns_of(Polygon(np.column_stack([119 + reach * np.cos(turn), 36 + reach * np.sin(turn)])))
    for z in (0, 6, 9, 12, 14, 16):
        tile = WEB_MERCATOR_QUAD.tile_at(119.5, 36, z)
        shape = drawn(columns, WEB_MERCATOR_QUAD, tile)[1].geometry
        assert shape.is_valid
        assert shapely.get_num_coordinates(shape) < 4 * _MOST_MENDED
        if z < 10:  # all of it, or a half of it, without its teeth
            bounds = WEB_MERCATOR_QUAD.lonlat_bounds(tile, 64 / 4096)
            seen = Point(119, 36).buffer(0.5, 256).intersection(box(*bounds.as_tuple()))
            degrees = shape.area * (360 / 2**z / 4096) ** 2 * math.cos(math.radians(36))
            assert degrees == pytest.approx(seen.area, rel=0.02, abs=0.002)
    assert piles  # the kernel parts none of more than some hundred edges
    assert max(vertices for _, _, vertices in piles) <= _MOST_MENDED


def test_a_line_of_a_million_vertices_and_many_points_are_drawn_without_repeats() -> None:
    turn = np.linspace(0, 2 * math.pi, 1_000_000)
    ring = np.column_stack([119 + 0.5 * np.cos(turn), 36 + 0.5 * np.sin(turn)])
    columns = columns_of(LineString(ring), MultiPoint(ring[::10]))
    found = drawn(columns, WEB_MERCATOR_QUAD, WEB_MERCATOR_QUAD.tile_at(119, 36, 6))
    circle = Point(0, 0).buffer(0.5 / 360 * 64 * 4096, 256)  # as wide as the ring, and less high than it
    assert circle.length < found[1].geometry.length < 1.3 * circle.length
    assert shapely.get_num_coordinates(found[1].geometry) < 2_000
    assert shapely.get_num_coordinates(found[2].geometry) < 2 * found[1].geometry.length


def test_of_forty_thousand_parts_those_in_the_tile_are_mended(piles: list[list[int]]) -> None:
    west, south = np.meshgrid(119 + np.arange(200) * 0.001, 36 + np.arange(200) * 0.001)
    squares = shapely.box(west, south, west + 0.0006, south + 0.0006).ravel()
    squares[0] = box(119, 36, 119.0013, 36.0006)  # it lies over its neighbour: not for the kernel to part
    columns = columns_of(MultiPolygon(list(squares)))
    tile = WEB_MERCATOR_QUAD.tile_at(119.0005, 36.0003, 15)
    shape = drawn(columns, WEB_MERCATOR_QUAD, tile)[1].geometry
    bounds = box(*WEB_MERCATOR_QUAD.lonlat_bounds(tile, 64 / 4096).as_tuple())
    there = squares[shapely.intersects(squares, bounds)]
    assert shape.is_valid
    assert len(shapely.get_parts(shape)) == len(there) - 1  # the two that overlap are one
    ((polygons, rings, _),) = piles
    assert (polygons, rings) == (1, len(there))
    far = drawn(columns, WEB_MERCATOR_QUAD, WEB_MERCATOR_QUAD.tile_at(119.15, 36.15, 15))[1].geometry
    assert len(shapely.get_parts(far)) > 50
    assert len(piles) == 1  # where no part overlaps another, nothing is mended


@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_each_side_of_the_antimeridian_is_drawn_where_it_is_written(grid: Grid) -> None:
    strait = MultiPolygon([box(179, 60, 180, 61), box(-180, 60, -179, 61)])
    columns = columns_of(strait, Point(180, 60.5), Point(-180, 60.5))
    east, west = (drawn(columns, grid, grid.tile_at(lon, 60.5, 6)) for lon in (179.9, -179.9))
    assert (east.keys(), west.keys()) == ({1, 2}, {1, 3})
    assert (east[2].geometry.x, west[3].geometry.x) == (4096, 0)
    assert east[1].geometry.bounds[2] == 4096
    assert west[1].geometry.bounds[0] == 0
    assert east[1].geometry.area == pytest.approx(west[1].geometry.area, rel=1e-3)
    assert set(drawn(columns, grid, grid.tile_at(0, 60.5, 6))) == set()


def test_what_is_written_beyond_180_degrees_never_reaches_a_tile() -> None:
    checked = check_geometries(np.array([box(179, 60, 181, 61)], dtype=object), GeometryType.POLYGON)
    assert [fault.code for fault in checked.faults] == ["outside-world"]


@pytest.mark.parametrize("side", [1, -1])
def test_web_mercator_ends_at_85_degrees_and_nothing_beyond_is_drawn_on_its_edge(side: int) -> None:
    beyond = [Point(120, side * 90), Point(120, side * 85.06), LineString([(0, side * 86), (90, side * 88)])]
    cap = Polygon([(-180, side * 80), (180, side * 80), (180, side * 90), (-180, side * 90)])
    columns = columns_of(*beyond, cap, MultiPoint([(120, side * 89), (120, side * 70)]))
    world = drawn(columns, WEB_MERCATOR_QUAD, Tile(z=0, x=0, y=0))
    assert world.keys() == {4, 5}
    assert world[4].geometry.is_valid
    assert world[4].geometry.bounds[1 if side > 0 else 3] == (0 if side > 0 else 4096)
    assert world[5].geometry.geom_type == "Point"


@pytest.mark.parametrize("grid", IN_DEGREES, ids=lambda grid: grid.id)
def test_grids_of_degrees_show_the_poles(grid: Grid) -> None:
    columns = columns_of(Point(120, 90), Point(120, -90), box(90, 80, 180, 90))
    found = drawn(columns, grid, Tile(z=0, x=1, y=0))
    assert [found[fid].geometry.y for fid in (1, 2)] == [0, 4096]
    assert found[3].geometry.bounds[1] == 0
    assert found[3].geometry.area == pytest.approx(2048 * 4096 / 18, rel=0.01)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_features_with_a_coordinate_that_is_not_finite_are_left_out_and_the_others_drawn(bad: float) -> None:
    with np.errstate(invalid="ignore"):  # GEOS remarks on NaN wherever it meets it
        columns = columns_of(
            LineString([(120, 36), (bad, 36), (120, 37)]), Point(bad, 36), Polygon([(0, 0), (1, bad), (1, 1)]), Point(120, 36)
        )  # fmt: skip
    assert columns.fids.tolist() == [4]
    assert drawn(columns, WEB_MERCATOR_QUAD, Tile(z=0, x=0, y=0)).keys() == {4}
