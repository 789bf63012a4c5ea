"""Laws of the encoder over made-up geometry."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_layers import batch_of, decode, schema_of
from tiles.address import Tile
from tiles.grids import CGCS2000_QUAD, WEB_MERCATOR_QUAD, Grid
from tiles.mvt.encode import encode_layer
from tiles.mvt.window import Window
from twin.feature import Feature

GRIDS = st.sampled_from(
    [(WEB_MERCATOR_QUAD, Tile(z=14, x=13654, y=6418)), (CGCS2000_QUAD, Tile(z=13, x=13654, y=2445))]
)
SHARE = st.floats(-0.4, 1.4, allow_nan=False)
PLACES = st.tuples(SHARE, SHARE)


def lonlat(grid: Grid, tile: Tile, shares: list[tuple[float, float]]) -> list[tuple[float, float]]:
    box = grid.lonlat_bounds(tile)
    return [(box.west + a * (box.east - box.west), box.south + b * (box.north - box.south)) for a, b in shares]


def draw(grid: Grid, tile: Tile, geometry: shapely.Geometry) -> tuple[shapely.Geometry, shapely.Geometry]:
    """What should be seen (cut in floating point) and what was decoded."""
    window = Window(grid, tile)
    placed = window.place(np.array([geometry], dtype=object))
    sound = shapely.make_valid(placed, method="structure", keep_collapsed=False)[0]  # slivers turn over on the way
    seen = sound.intersection(shapely.box(window.low, window.low, window.high, window.high))
    return seen, decoded(grid, tile, geometry)


def decoded(grid: Grid, tile: Tile, geometry: shapely.Geometry) -> shapely.Geometry:
    batch = batch_of(schema_of("Geometry"), [Feature(None, geometry)])
    found = decode(encode_layer("t", batch, Window(grid, tile)).data).get("t", [])
    return found[0].geometry if found else shapely.GeometryCollection()


@given(GRIDS, PLACES)
def test_a_point_comes_back_within_half_a_unit(grid: tuple[Grid, Tile], place: tuple[float, float]) -> None:
    seen, found = draw(*grid, shapely.Point(lonlat(*grid, [place])[0]))
    assert seen.is_empty == found.is_empty
    if not seen.is_empty:
        assert abs(found.x - seen.x) <= 0.5 + 1e-6
        assert abs(found.y - seen.y) <= 0.5 + 1e-6


@given(GRIDS, st.lists(PLACES, min_size=2, max_size=12))
def test_a_line_comes_back_within_a_unit_or_two(grid: tuple[Grid, Tile], places: list[tuple[float, float]]) -> None:
    seen, found = draw(*grid, shapely.LineString(lonlat(*grid, places)))
    if seen.length > 4:
        # Half a unit of thinning and the diagonal half of rounding.
        assert shapely.hausdorff_distance(seen, found) <= 2.0
    assert found.is_empty or found.length > 0


@settings(max_examples=200)
@given(GRIDS, st.lists(st.lists(PLACES, min_size=3, max_size=9), min_size=1, max_size=4))
def test_areas_come_back_valid_and_of_their_size(
    grid: tuple[Grid, Tile], rings: list[list[tuple[float, float]]]
) -> None:
    hulls = [shapely.MultiPoint(lonlat(*grid, ring)).convex_hull for ring in rings]
    area = hulls[0]
    for hull in hulls[1:]:
        area = area.symmetric_difference(hull)
    if area.geom_type not in ("Polygon", "MultiPolygon") or not area.is_valid:
        return
    seen, found = draw(*grid, area)
    assert found.is_valid
    assert found.is_empty or found.geom_type in ("Polygon", "MultiPolygon")
    # Each edge moves by less than a unit and a bit.
    assert seen.symmetric_difference(found).area <= 2.0 * seen.length + 4.0


def test_a_sliver_beside_a_gap_does_not_fill_the_gap() -> None:
    grid = (CGCS2000_QUAD, Tile(z=13, x=13654, y=2445))
    rings = [
        [(0.0, 0.0), (0.0, 1.0), (1.0066786505192673, 0.5)],
        [(0.0, 0.0), (0.0, 1.0), (0.5937086470620891, 0.0)],
        [(0.0, 0.0), (0.0, 1.25), (1.0066786505192673, 0.5)],
    ]
    first, second, third = (shapely.MultiPoint(lonlat(*grid, ring)).convex_hull for ring in rings)
    seen, found = draw(*grid, first.symmetric_difference(second).symmetric_difference(third))
    assert found.is_valid
    assert abs(found.area - seen.area) < 2.0 * seen.length


def test_a_ring_that_turns_over_on_its_way_into_the_tile_does_not_fill_it() -> None:
    grid = (WEB_MERCATOR_QUAD, Tile(z=14, x=13654, y=6418))
    rings = [
        [(0.0, 0.0), (0.0, 0.0), (0.5625, 1.25)],
        [(0.0, 0.0), (0.0, 0.125), (0.75, 1.0)],
        [(0.0, 0.0), (1.0, 0.0), (0.5625, 1.25)],
    ]
    first, second, third = (shapely.MultiPoint(lonlat(*grid, ring)).convex_hull for ring in rings)
    seen, found = draw(*grid, first.symmetric_difference(second).symmetric_difference(third))
    assert abs(found.area - seen.area) < 2.0 * seen.length


@settings(max_examples=200)
@given(GRIDS, st.lists(st.tuples(st.integers(-8, 8), st.integers(-8, 8)), min_size=3, max_size=30))
def test_tiny_tangled_rings_never_give_an_invalid_polygon(
    grid: tuple[Grid, Tile], steps: list[tuple[int, int]]
) -> None:
    """Rings on a lattice of thirds of a unit, self-crossing and degenerate ones too."""
    shares = [(0.5 + x / 3 / 4096, 0.5 + y / 3 / 4096) for x, y in steps]
    assert decoded(*grid, shapely.Polygon(lonlat(*grid, shares))).is_valid
