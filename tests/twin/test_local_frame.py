"""The local frame against PROJ's orthographic projection, and its round trip."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from twin.local_frame import LocalFrame


@pytest.mark.parametrize("place", [(120.0335, 36.2645), (119.62, 36.1), (0.0, 0.0), (-70.0, -54.9)])
def test_it_is_the_orthographic_projection_of_proj_and_comes_back(place):
    random = np.random.default_rng(1)
    lon, lat = place[0] + random.uniform(-0.4, 0.4, 200), place[1] + random.uniform(-0.4, 0.4, 200)
    frame = LocalFrame(*place)
    east, north = frame.to_local(lon, lat)
    peer = pyproj.Proj(f"+proj=ortho +ellps=WGS84 +lon_0={place[0]} +lat_0={place[1]}")
    assert np.abs(np.subtract((east, north), peer(lon, lat))).max() < 1e-6
    assert np.abs(np.subtract(frame.to_geodetic(east, north), (lon, lat))).max() < 1e-12


def test_distances_and_bearings_from_the_place_are_those_of_the_geodesic():
    frame, geod = LocalFrame(120.0, 36.3), pyproj.Geod(ellps="WGS84")
    for bearing in (0.0, 77.0, 200.0):
        lon, lat, _ = geod.fwd(120.0, 36.3, bearing, 10_000.0)
        east, north = frame.to_local(lon, lat)
        assert np.hypot(east, north) == pytest.approx(10_000.0 - 10_000.0**3 / 6 / frame.radius_m**2, abs=1e-3)
        assert np.degrees(np.arctan2(east, north)) % 360 == pytest.approx(bearing, abs=1e-4)
