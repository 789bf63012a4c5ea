"""What heights along lines of sight are good to, in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from analysis_scenes import PLACE, flat, ground_of
from scenes3d.analysis.accuracy import (
    curvature_drop_m,
    interpolation_m,
    plane_error_m,
    refraction_error_m,
    together_m,
)


def test_a_parabola_lies_off_its_chords_by_an_eighth_of_its_second_difference():
    bowl = ground_of(lambda east, north: 0.01 * east**2, cell=2.0)
    # Between samples 2 m apart the parabola is deepest below its chord halfway: 0.01 · 1².
    east = np.array([-1.0, 0.0, 1.0])
    assert interpolation_m(bowl) == pytest.approx(0.01, abs=1e-9)
    chord = (0.01 * 2**2 + 0.0) / 2
    assert chord - 0.01 * east[2] ** 2 == pytest.approx(0.01)
    # A terrain of 6 m says nothing of what lies within: nine times as much.
    assert interpolation_m(bowl, 6.0) == pytest.approx(0.09, abs=1e-9)
    assert interpolation_m(flat()) == 0
    unknown = flat()
    unknown.heights[:] = np.nan
    assert interpolation_m(unknown) is None
    assert interpolation_m(flat(half=1), 500.0) is None


def test_the_earth_falls_away_by_the_square_and_planes_are_short_by_the_cube():
    assert curvature_drop_m(1_000, 6_371_000, 0.0) == pytest.approx(0.0785, abs=1e-4)
    assert curvature_drop_m(10_000, 6_371_000, 0.13) == pytest.approx(6.83, abs=0.01)
    assert refraction_error_m(10_000, 6_371_000) == pytest.approx(0.785, abs=1e-3)
    # A sphere and the frame's plane: R·sin(d/R) falls short of d.
    d = 20_000.0
    assert plane_error_m(d, 6_371_000) == pytest.approx(d - 6_371_000 * np.sin(d / 6_371_000), rel=1e-4)
    lon, lat = PLACE.to_geodetic(d, 0.0)
    _, _, along = Geod(ellps="GRS80").inv(PLACE.lon, PLACE.lat, float(lon), float(lat))
    assert along - d == pytest.approx(plane_error_m(d, PLACE.radius_m), rel=0.02)
    assert together_m(3.0, None, 4.0) == 5.0
