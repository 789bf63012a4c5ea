"""The judge of geometries: what is refused, what is mended, what passes."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.geometry import check_geometries, repair_geometry
from twin.schema import GeometryType

BOW_TIE = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
SQUARE = shapely.box(0, 0, 1, 1)


def check(*geometries: shapely.Geometry | None, allowed: GeometryType = GeometryType.GEOMETRY, repair: bool = False):
    column = np.empty(len(geometries), dtype=object)
    column[:] = geometries
    return check_geometries(column, allowed, repair=repair)


def test_good_geometries_and_unknown_places_pass() -> None:
    result = check(SQUARE, None, shapely.Point(1, 2), shapely.Point())
    assert result.faults == ()
    assert list(result.geometries) == [SQUARE, None, shapely.Point(1, 2), None]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (shapely.Point(float("nan"), 1), "not-finite"),
        (shapely.from_wkt("LINESTRING (0 0, 1 -inf, 2 2)"), "not-finite"),
        (shapely.Point(float("inf"), 1), "not-finite"),
        (shapely.Point(503010.4, 4014892.5), "outside-world"),
        (shapely.Point(36.2, 120.0), "outside-world"),
        (BOW_TIE, "invalid"),
    ],
)
def test_a_bad_geometry_is_named_and_left_out(bad: shapely.Geometry, code: str) -> None:
    result = check(SQUARE, bad)
    (fault,) = result.faults
    assert (fault.row, fault.code) == (1, code)
    assert fault.remedy
    assert list(result.geometries) == [SQUARE, None]


def test_a_foreign_type_is_refused_but_a_lone_part_fits() -> None:
    lone, two = shapely.MultiPolygon([SQUARE]), shapely.MultiPolygon([SQUARE, shapely.box(2, 2, 3, 3)])
    result = check(shapely.Point(0, 0), lone, two, SQUARE, allowed=GeometryType.POLYGON)
    assert [(f.row, f.code) for f in result.faults] == [(0, "wrong-type"), (2, "wrong-type")]
    assert result.geometries[1] == SQUARE
    assert check(SQUARE, two, allowed=GeometryType.MULTIPOLYGON).faults == ()


def test_a_crossing_ring_is_mended_on_request_and_counted() -> None:
    result = check(BOW_TIE, allowed=GeometryType.MULTIPOLYGON, repair=True)
    assert result.repaired == (0,)
    assert result.geometries[0].is_valid
    assert result.geometries[0].area == pytest.approx(0.5)


def test_what_has_no_area_left_cannot_be_mended() -> None:
    flat = shapely.Polygon([(0, 0), (1, 1), (2, 2), (0, 0)])
    assert repair_geometry(flat, GeometryType.POLYGON) is None
    assert check(flat, repair=True).faults[0].code == "invalid"
    assert repair_geometry(BOW_TIE, GeometryType.POLYGON) is None, "two parts do not fit a single-polygon layer"
