"""There and back is the same place, in every datum and projection the platform takes in."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin.crs import from_cgcs2000, parse_crs, to_cgcs2000, transform_points
from twin.datums.gcj02 import REGION
from twin.datums.offset_datums import OFFSET_DATUMS

WEST, SOUTH, EAST, NORTH = REGION
inside_lon, inside_lat = st.floats(WEST + 0.05, EAST - 0.05), st.floats(SOUTH + 0.05, NORTH - 0.05)
anywhere = st.floats(-180, 180), st.floats(-85, 85)


@pytest.mark.parametrize(("datum", "tolerance_deg"), [*((d, 3e-6 if d.metres else 1e-10) for d in OFFSET_DATUMS)])
@given(lon=inside_lon, lat=inside_lat)
def test_offset_datums_inside_the_region(datum, tolerance_deg: float, lon: float, lat: float) -> None:
    """10 micrometres in degrees; in Baidu's Mercator, whose two polynomials are fits, 0.3 m."""
    back = datum.to_wgs84(*datum.from_wgs84(lon, lat))
    assert (back[0][0], back[1][0]) == pytest.approx((lon, lat), abs=tolerance_deg)


@pytest.mark.parametrize("datum", [d for d in OFFSET_DATUMS if not d.metres])
@given(lon=anywhere[0], lat=anywhere[1])
def test_offset_datums_backwards_anywhere(datum, lon: float, lat: float) -> None:
    """Whatever the inverse gives, the forward move leads back to what was written, at the region's edge, too."""
    forth = datum.from_wgs84(*datum.to_wgs84(lon, lat))
    assert (forth[0][0], forth[1][0]) == pytest.approx((lon, lat), abs=1e-10)


@given(
    points=st.lists(
        st.tuples(st.floats(117.2, 122.8), st.floats(25, 53), st.floats(-500, 8000)), min_size=3, max_size=8
    )
)
@pytest.mark.parametrize("name", ["EPSG:4549", "EPSG:4528", "EPSG:4509", "EPSG:4510", "EPSG:3857", "EPSG:4549+5737"])
def test_projections_with_heights(name: str, points: list[tuple[float, float, float]]) -> None:
    line = np.array([shapely.LineString(points)])
    system = parse_crs(name)
    back = to_cgcs2000(from_cgcs2000(line, system), system)
    found = shapely.get_coordinates(back, include_z=True)
    np.testing.assert_allclose(found[:, :2], np.array(points)[:, :2], atol=1e-9)
    np.testing.assert_array_equal(found[:, 2], np.array(points)[:, 2])


@given(lon=st.floats(118.6, 121.4), lat=st.floats(25, 53))
def test_columns_of_points_take_the_same_way_as_geometries(lon: float, lat: float) -> None:
    for name in ("GCJ-02", "BD-09"):
        x, y = transform_points([lon], [lat], parse_crs(name), parse_crs("EPSG:4549"))
        moved = from_cgcs2000(to_cgcs2000(np.array([shapely.Point(lon, lat)]), parse_crs(name)), parse_crs("EPSG:4549"))
        assert (moved[0].x, moved[0].y) == pytest.approx((x[0], y[0]), abs=1e-9)
