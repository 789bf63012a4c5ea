"""Coverages with one known fault each, of a size known by arithmetic."""

from __future__ import annotations

import pytest
import shapely

from drawn_sheets import box, by_kind, sheet_of, tiles
from twin.topology.coverage import check_coverage
from twin.topology.rules import CoverageCheck


def found(shapes, check=None, boundary=None):
    return by_kind(check_coverage(sheet_of(shapes), check or CoverageCheck(), boundary))


def test_tiles_that_fit_have_no_fault():
    assert found(tiles(4, 3), boundary=box(0, 0, 400, 300)) == {}


def test_a_missing_tile_is_a_gap_of_its_area_with_its_neighbours():
    shapes = tiles(3, 3)
    del shapes[4]
    faults = found(shapes)
    ((feature, other, area),) = faults.pop("gap")
    assert area == pytest.approx(10_000)
    assert {feature, other} <= {str(i) for i in range(1, 9)}
    assert faults == {}


def test_a_hole_above_the_largest_gap_is_meant():
    shapes = tiles(3, 3)
    del shapes[4]
    assert "gap" not in found(shapes, CoverageCheck(max_gap_m2=9_999))
    assert "gap" in found(shapes, CoverageCheck(max_gap_m2=10_001))


def test_a_missing_tile_at_the_edge_is_a_gap_only_against_a_boundary():
    shapes = tiles(3, 3)[1:]
    assert found(shapes) == {}
    ((_, _, area),) = found(shapes, boundary=box(0, 0, 300, 300))["gap"]
    assert area == pytest.approx(10_000)


def test_polygons_that_overlap_by_two_metres():
    shapes = [box(0, 0, 102, 100), box(100, 0, 200, 100)]
    faults = found(shapes)
    assert faults["overlap"] == [("1", "2", pytest.approx(200))]
    thin = found(shapes, CoverageCheck(sliver_width_m=3))
    assert thin["sliver-overlap"] == [("1", "2", pytest.approx(200))]
    assert "overlap" not in thin


def test_a_polygon_within_another_overlaps_with_its_whole_area():
    assert found([box(0, 0, 100, 100), box(10, 10, 30, 30)])["overlap"] == [("1", "2", pytest.approx(400))]


def test_a_crack_between_neighbours_is_a_thin_gap():
    """0.4 m wide and 98 m long, closed at both ends: 39.2 m², mean width 0.398 m."""
    west = shapely.difference(box(0, 0, 100, 100), box(99.6, 1, 100, 99))
    faults = found([west, box(100, 0, 200, 100)])
    assert faults["sliver-gap"] == [("1", "2", pytest.approx(39.2))]
    assert "gap" not in faults


def test_an_open_crack_shows_as_edges_that_do_not_match():
    faults = found([box(0, 0, 99.95, 100), box(100, 0, 200, 100)], CoverageCheck(edge_gap_m=0.1))
    assert sorted(feature for feature, _, _ in faults.pop("invalid-edge")) == ["1", "2"]
    assert faults == {}


def test_a_vertex_that_the_neighbour_lacks_is_an_edge_that_does_not_match():
    """The east side of 1 is one segment of 100 m; its neighbours have a vertex in the middle of it."""
    faults = found([box(0, 0, 100, 100), box(100, 0, 200, 50), box(100, 50, 200, 100)])
    assert ("1", None, pytest.approx(100)) in faults.pop("invalid-edge")
    assert faults == {}


def test_a_polygon_beyond_the_boundary_is_named_with_the_area_outside():
    faults = found([box(0, 0, 100, 100), box(100, 0, 205, 100)], boundary=box(0, 0, 200, 100))
    assert faults == {"beyond-boundary": [("2", None, pytest.approx(500))]}


def test_a_strip_is_a_sliver_by_its_mean_width():
    """1 m by 100 m: 2 × 100 m² / 202 m = 0.990 m."""
    faults = found([box(0, 0, 100, 100), box(100, 0, 101, 100)])
    assert faults == {"sliver-polygon": [("2", None, pytest.approx(200 / 202))]}
    assert found([box(0, 0, 100, 100), box(100, 0, 101.1, 100)]) == {}


def test_rounding_is_no_fault():
    assert found([box(0, 0, 100.005, 100), box(100, 0, 200, 100)], CoverageCheck(min_area_m2=1)).keys() == {
        "invalid-edge"
    }


def test_an_invalid_polygon_is_judged_by_its_mended_shape():
    bow = shapely.Polygon(
        [(c.x, c.y) for c in map(shapely.Point, shapely.get_coordinates(box(0, 0, 10, 10))[[0, 2, 1, 3]])]
    )
    assert not bow.is_valid
    assert found([bow, box(0, 0, 10, 10)])["overlap"] == [("1", "2", pytest.approx(50))]


def test_a_layer_without_polygons_has_no_coverage():
    assert found([shapely.Point(0, 0), None]) == {}


def test_a_spike_of_a_polygon_is_mended_away():
    """The mended shape is a polygon with a line: only the polygon takes part."""
    spike = shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10), (0, 5), (-5, 5), (0, 5)])
    assert shapely.make_valid(spike).geom_type == "GeometryCollection"
    faults = found([spike, shapely.box(-5, 0, 2, 10)])
    assert faults["overlap"] == [("1", "2", pytest.approx(20))]


def test_a_collection_takes_part_with_its_polygons():
    collection = shapely.GeometryCollection(
        [shapely.Point(50, 50), shapely.LineString([(0, 0), (5, 5)]), box(0, 0, 10, 10)]
    )
    assert found([collection, box(5, 0, 15, 10)])["overlap"] == [("1", "2", pytest.approx(50))]
