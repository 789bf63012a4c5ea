"""Geometry into a tile of the kernel and out again, by two foreign decoders: nothing moves by more than half a unit.

Stated in units of the tile: a vertex that is drawn lies within half a unit, along each axis, of a vertex of the feature; and the feature
lies nowhere further from what is drawn than thinning (half a unit) and the diagonal half of rounding make together. Where the tile's
edge cuts, the cut is made between rounded vertices, which moves it by as much again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree

from javascript_decoder import JavaScriptDecoder, read_by_both
from memory_layers import batch_of, schema_of
from tiles.grids import GRIDS, Grid
from tiles.kernel.layer import Part, encode_columns
from tiles.kernel.window import TileWindow
from tiles.mvt.window import Window
from tiles.snapshot.building import build_columns
from twin.feature import Feature

pytestmark = pytest.mark.usefixtures("javascript_decoder")

# World units are a 256th of a tile unit at level 12 and finer above it.
WORLD_UNIT = 1 / 256
HALF = 0.5 + WORLD_UNIT
THINNED = 0.5 + 0.5 * 2**0.5 + 2 * WORLD_UNIT
SCHEMA = schema_of("Geometry")

GRIDS_AND_LEVELS = st.tuples(st.sampled_from(list(GRIDS.values())), st.integers(5, 12))
PLACES = st.tuples(st.floats(-160.0, 160.0), st.floats(-70.0, 70.0))
WITHIN = st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
BEYOND = st.tuples(st.floats(-0.3, 1.3), st.floats(-0.3, 1.3))
SETTINGS = settings(max_examples=60)
Case = tuple[Grid, int]
Share = tuple[float, float]


def window_at(case: Case, place: Share) -> TileWindow:
    grid, level = case
    return TileWindow(grid, grid.tile_at(*place, level))


def placed(shares: list[Share], window: TileWindow) -> npt.NDArray[np.float64]:
    """Longitude and latitude of places given by shares of the tile's box."""
    box = window.grid.lonlat_bounds(window.tile)
    at = np.array(shares)
    return np.column_stack(
        [box.west + at[:, 0] * (box.east - box.west), box.south + at[:, 1] * (box.north - box.south)]
    )


def round_trip(
    geometry: shapely.Geometry, window: TileWindow, javascript: JavaScriptDecoder
) -> tuple[shapely.Geometry, shapely.Geometry | None]:
    """The feature in tile units, by arithmetic in floating point; and what both decoders read, None for nothing."""
    columns = build_columns([batch_of(SCHEMA, [Feature(None, geometry)])], SCHEMA)
    data = encode_columns("t", [Part(columns)], window).data
    true = Window(window.grid, window.tile).place(np.array([geometry], dtype=object))[0]
    found = read_by_both(data, javascript)["t"] if data else []
    return true, found[0].geometry if found else None


def furthest(vertices: shapely.Geometry, others: shapely.Geometry) -> float:
    """How far, along one axis, a vertex of the first is from the nearest one of the second."""
    tree = KDTree(shapely.get_coordinates(others))
    return float(tree.query(shapely.get_coordinates(vertices), p=np.inf)[0].max())


def farthest_from(line: shapely.Geometry, vertices: shapely.Geometry) -> float:
    return float(shapely.distance(shapely.points(shapely.get_coordinates(vertices)), line).max())


@SETTINGS
@given(case=GRIDS_AND_LEVELS, place=PLACES, shares=st.lists(WITHIN, min_size=1, max_size=8))
def test_points_come_back_within_half_a_unit(
    javascript_decoder: JavaScriptDecoder, case: Case, place: Share, shares: list[Share]
) -> None:
    window = window_at(case, place)
    true, found = round_trip(shapely.MultiPoint(placed(shares, window)), window, javascript_decoder)
    assert found is not None
    assert max(furthest(found, true), furthest(true, found)) <= HALF


@SETTINGS
@given(case=GRIDS_AND_LEVELS, place=PLACES, shares=st.lists(WITHIN, min_size=2, max_size=40))
def test_lines_come_back_within_half_a_unit(
    javascript_decoder: JavaScriptDecoder, case: Case, place: Share, shares: list[Share]
) -> None:
    window = window_at(case, place)
    true, found = round_trip(shapely.LineString(placed(shares, window)), window, javascript_decoder)
    if found is None:
        assert true.length <= 2 * len(shares)  # all of it on one place
        return
    assert furthest(found, true) <= HALF
    assert farthest_from(found, true) <= THINNED


@SETTINGS
@given(case=GRIDS_AND_LEVELS, place=PLACES, shares=st.lists(BEYOND, min_size=2, max_size=12))
def test_lines_that_leave_the_tile_come_back_within_a_unit_and_a_bit(
    javascript_decoder: JavaScriptDecoder, case: Case, place: Share, shares: list[Share]
) -> None:
    window = window_at(case, place)
    true, found = round_trip(shapely.LineString(placed(shares, window)), window, javascript_decoder)
    seen = true.intersection(shapely.box(*[window.low + 2] * 2, *[window.high - 2] * 2))
    if found is None:
        assert seen.length <= 2 * len(shares)
        return
    assert farthest_from(true, found) <= THINNED + 0.75
    low_x, low_y, high_x, high_y = found.bounds
    assert min(low_x, low_y) >= window.low
    assert max(high_x, high_y) <= window.high
    if not seen.is_empty:
        assert farthest_from(found, seen) <= THINNED + 0.75


@SETTINGS
@given(
    case=GRIDS_AND_LEVELS,
    place=PLACES,
    turns=st.lists(st.tuples(st.floats(0.1, 1.0), st.floats(0.15, 0.48)), min_size=3, max_size=24),
    court=st.booleans(),
)
def test_polygons_come_back_within_half_a_unit_and_valid(
    javascript_decoder: JavaScriptDecoder, case: Case, place: Share, turns: list[Share], court: bool
) -> None:
    window = window_at(case, place)
    angles = np.cumsum([step for step, _ in turns])
    angles *= 2 * np.pi / angles[-1]
    reach = np.array([radius for _, radius in turns])
    ring = np.column_stack([np.cos(angles), np.sin(angles)]) * reach[:, None]
    around = placed((0.5 + ring).tolist(), window)
    hole = placed((0.5 + 0.2 * ring[::-1]).tolist(), window)
    polygon = shapely.Polygon(around, [hole] if court else [])
    if not polygon.is_valid:  # three vertices on one side of the middle
        return
    true, found = round_trip(polygon, window, javascript_decoder)
    assert found is not None
    assert found.is_valid
    assert found.geom_type == "Polygon"
    assert len(found.interiors) == court
    assert found.exterior.is_ccw  # in a picture whose y points down that is clockwise
    assert furthest(found, true) <= HALF
    assert farthest_from(shapely.boundary(found), true) <= THINNED
