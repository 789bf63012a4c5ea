"""The drawing board agrees with PROJ on where things are and how large they are."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from data_samples.town.frame import geometries_to_lon_lat, to_lon_lat, to_metres
from twin.crs import parse_crs, transform_geometries

CORNERS = np.array([(119.63, 36.01), (120.21, 36.01), (120.21, 36.50), (119.63, 36.50), (120.0, 36.25)])


def test_degrees_to_metres_and_back():
    assert np.abs(to_lon_lat(to_metres(CORNERS)) - CORNERS).max() < 1e-7


def test_areas_are_those_of_the_national_grid():
    square = shapely.box(2000, 3000, 12_000, 13_000)
    placed = geometries_to_lon_lat(np.array([shapely.segmentize(square, 500)], dtype=object))
    measured = transform_geometries(placed, parse_crs("EPSG:4490"), parse_crs("EPSG:4549"))[0].area
    assert measured == pytest.approx(square.area, rel=2e-5)


def test_a_ring_folded_by_rounding_is_mended():
    sliver = shapely.Polygon([(0, 0), (1000, 0), (1000, 1000), (500, 0.0001), (0, 1000)])
    mended = geometries_to_lon_lat(np.array([sliver], dtype=object))[0]
    assert mended.is_valid
    assert mended.geom_type == "Polygon"
