"""Duplicates, bad shapes, and features that lie on others or outside."""

from __future__ import annotations

import pytest
import shapely

from drawn_sheets import box, by_kind, line, point, sheet_of
from twin.topology.conflicts import check_conflicts, check_inside
from twin.topology.duplicates import check_duplicates
from twin.topology.rules import ConflictsCheck, DuplicatesCheck, GeometryCheck, InsideCheck, Selection
from twin.topology.validity import check_geometry

NOTHING = pytest.approx(float("nan"), nan_ok=True)


def duplicates(shapes, digests, near_m=0.0):
    return by_kind(check_duplicates(sheet_of(shapes, digests=digests), DuplicatesCheck(near_m)))


def test_the_same_shape_twice_with_the_same_and_with_other_attributes():
    shapes = [box(0, 0, 10, 10), box(0, 0, 10, 10), shapely.reverse(box(0, 0, 10, 10)), box(0, 0, 10, 11)]
    assert duplicates(shapes, [5, 5, 6, 5]) == {
        "duplicate-feature": [("2", "1", NOTHING)],
        "duplicate-geometry": [("3", "1", NOTHING)],
    }


def test_points_nearer_than_the_limit_are_near_duplicates():
    points = [point(0, 0), point(0, 1.5), point(0, 3.4), point(0, 0)]
    found = duplicates(points, [1, 2, 3, 1], near_m=1.95)
    assert sorted(found["near-duplicate"]) == [
        ("2", "1", pytest.approx(1.5)),
        ("3", "2", pytest.approx(1.9)),
        ("4", "2", pytest.approx(1.5)),
    ]
    assert found["duplicate-feature"] == [("4", "1", NOTHING)]


def test_a_feature_without_a_place_duplicates_nothing():
    assert duplicates([None, None, shapely.Point()], [1, 1, 1]) == {}


def test_bad_shapes_are_told_apart():
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    crossing = shapely.LineString([(0, 0), (10, 10), (10, 0), (0, 10)])
    hole_outside = shapely.Polygon([(0, 0), (10, 0), (10, 10)], [[(20, 20), (21, 20), (21, 21)]])
    crumbs = shapely.multipolygons([box(0, 0, 10, 10), box(20, 0, 20.1, 0.1)])
    shapes = [bow, crossing, None, hole_outside, crumbs, line((0, 0), (0.5, 0)), box(0, 0, 1, 1), shapely.Point()]
    found = by_kind(check_geometry(sheet_of(shapes), GeometryCheck(min_part_m2=0.1, min_part_m=1.0)))
    assert found == {
        "self-crossing": [("1", None, NOTHING), ("2", None, NOTHING)],
        "empty-geometry": [("3", None, NOTHING), ("8", None, NOTHING)],
        "invalid-geometry": [("4", None, NOTHING)],
        "tiny-part": [("5", None, pytest.approx(0.01))],
        "tiny-line": [("6", None, pytest.approx(0.5))],
    }


def test_a_building_on_a_road_and_in_water_is_measured():
    houses = sheet_of([box(0, 0, 10, 10), box(20, 0, 30, 10)])
    road, pond = sheet_of([line((-5, 5), (15, 5))]), sheet_of([box(28, -5, 40, 5)])
    conflicts = by_kind(check_conflicts(houses, road, ConflictsCheck(other="roads")))
    assert conflicts == {"line-conflict": [("1", "1", pytest.approx(10))]}
    conflicts = by_kind(check_conflicts(houses, pond, ConflictsCheck(other="water")))
    assert conflicts == {"area-conflict": [("2", "1", pytest.approx(10))]}


def test_a_conflict_up_to_the_limit_is_let_pass():
    houses, pond = sheet_of([box(0, 0, 10, 10)]), sheet_of([box(9.9, 0, 20, 10)])
    assert by_kind(check_conflicts(houses, pond, ConflictsCheck(other="water", min_area_m2=1.01))) == {}


def test_a_bridge_on_either_side_excuses_a_conflict():
    check = ConflictsCheck(other="water", min_length_m=1, excuse={"bridge": (True,), "kind": ("wetland",)})
    road, pond = [line((0, 5), (50, 5))], [box(10, 0, 20, 10)]
    assert by_kind(check_conflicts(sheet_of(road, {"bridge": [None]}), sheet_of(pond, {"kind": ["pond"]}), check)) == {
        "line-conflict": [("1", "1", pytest.approx(10))]
    }
    assert by_kind(check_conflicts(sheet_of(road, {"bridge": [True]}), sheet_of(pond), check)) == {}
    assert by_kind(check_conflicts(sheet_of(road), sheet_of(pond, {"kind": ["wetland"]}), check)) == {}


def test_a_feature_outside_says_how_far():
    boundary = box(0, 0, 100, 100)
    shapes = [box(10, 10, 20, 20), box(90, 90, 100.5, 95), point(130, 50), line((50, 50), (50, 107)), None]
    found = by_kind(check_inside(sheet_of(shapes), boundary, InsideCheck(Selection("districts"), tolerance_m=1.0)))
    assert found == {"outside": [("3", None, pytest.approx(30)), ("4", None, pytest.approx(7))]}
