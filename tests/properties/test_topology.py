"""Laws of the topology checks: what is whole has no fault, and one cut has exactly one, of its own size."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from drawn_sheets import EAST, NORTH, by_kind, sheet_of
from twin.topology.coverage import check_coverage
from twin.topology.network import check_network
from twin.topology.rules import CoverageCheck, NetworkCheck

seeds = st.integers(0, 2**32 - 1)


def middles(seed: int, count: int) -> shapely.Geometry:
    points = np.random.default_rng(seed).uniform(0, 1000, (count, 2)) + np.array([EAST, NORTH])
    return shapely.multipoints(points)


def cells(seed: int, count: int) -> list[shapely.Geometry]:
    """A rectangle cut into Voronoi cells whose edges match vertex by vertex."""
    whole = shapely.box(EAST, NORTH, EAST + 1000, NORTH + 1000)
    raw = shapely.get_parts(shapely.voronoi_polygons(middles(seed, count), extend_to=whole))
    edges = shapely.union_all(shapely.boundary(np.append(raw, whole)), grid_size=0.001)
    tiles = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    return [tile for tile in tiles if shapely.contains(whole, shapely.point_on_surface(tile))]


def triangulation(seed: int, count: int) -> np.ndarray:
    """Edges of a triangulation in which no end lies within 2.5 m of an edge that it does not belong to."""
    mesh = shapely.get_parts(shapely.delaunay_triangles(middles(seed, count), only_edges=True))
    assume(shapely.minimum_clearance(shapely.multilinestrings(mesh)) > 2.5)
    return mesh


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(3, 40))
def test_a_whole_coverage_has_no_fault_and_without_a_cell_one_gap(seed, count):
    tiles = cells(seed, count)
    check = CoverageCheck(min_area_m2=0.01, sliver_width_m=0.0)
    boundary = shapely.union_all(tiles)
    assert by_kind(check_coverage(sheet_of(tiles), check, boundary)) == {}
    removed = seed % len(tiles)
    rest = tiles[:removed] + tiles[removed + 1 :]
    found = by_kind(check_coverage(sheet_of(rest), check, boundary))
    assert [measure for _, _, measure in found.get("gap", ())] == [pytest.approx(shapely.area(tiles[removed]), abs=0.1)]
    assert "overlap" not in found


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(3, 40), st.floats(0.6, 5))
def test_a_cell_that_grew_overlaps_its_neighbours_by_what_they_share(seed, count, by_m):
    tiles = cells(seed, count)
    grown = list(tiles)
    grown[0] = shapely.buffer(tiles[0], by_m)
    check = CoverageCheck(min_area_m2=0.001, sliver_width_m=0.0)
    found = by_kind(check_coverage(sheet_of(grown), check, None)).get("overlap", [])
    shared = sum(shapely.area(shapely.intersection(grown[0], tile)) for tile in tiles[1:])
    assert sum(measure for _, _, measure in found) == pytest.approx(shared, abs=0.1)
    assert {feature for feature, _, _ in found} <= {"1"}


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(4, 25))
def test_a_network_cut_at_every_node_has_no_fault_and_no_end_but_true_ones(seed, count):
    mesh = triangulation(seed, count)
    outcome = check_network(sheet_of(list(mesh)), NetworkCheck(snap_m=0.5), None)
    assert by_kind(outcome.faults) == {}
    assert outcome.dead_ends == 0, "every edge of a triangulation meets others at both ends"


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(4, 25), st.floats(0.1, 1.9))
def test_a_line_that_was_shortened_is_the_only_undershoot(seed, count, short_m):
    """One more line runs from the middle of the longest edge's triangle towards that edge, and stops before it."""
    mesh = triangulation(seed, count)
    edge = int(np.argmax(shapely.length(mesh)))
    (x0, y0), (x1, y1) = shapely.get_coordinates(mesh[edge])
    length = float(shapely.length(mesh[edge]))
    normal = np.array([-(y1 - y0), x1 - x0]) / length
    target = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    added = shapely.linestrings([target + normal * short_m, target + normal * (short_m + 0.05 * length)])
    others = np.delete(mesh, edge)
    if shapely.distance(shapely.multilinestrings(others), added) < 5:
        return
    outcome = check_network(sheet_of([*mesh, added]), NetworkCheck(snap_m=2.0), None)
    found = by_kind(outcome.faults)
    assert found == {"undershoot": [(str(len(mesh) + 1), str(edge + 1), pytest.approx(short_m, abs=1e-6))]}
    assert outcome.dead_ends == 1
