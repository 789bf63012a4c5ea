"""Local frames against PROJ, and there and back."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest

from scenes3d.frames import Frame
from twin.ellipsoid import earth_centred, geodetic


@pytest.fixture(scope="module")
def places() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(5)
    return chance.uniform(-180, 180, 20_000), chance.uniform(-90, 90, 20_000), chance.uniform(-11_000, 100_000, 20_000)


def test_earth_centred_coordinates_are_those_of_proj(places):
    way = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    assert np.abs(earth_centred(*places) - np.column_stack(way.transform(*places))).max() < 1e-8


def test_the_way_back_is_that_of_proj_and_exact(places):
    lon, lat, height = geodetic(earth_centred(*places))
    assert np.abs(height - places[2]).max() < 1e-8
    assert np.abs(lat - places[1]).max() * 111_000 < 1e-8
    assert (np.abs(lon - places[0]) * np.cos(np.radians(places[1]))).max() * 111_000 < 1e-8


def test_cgcs2000_and_wgs84_are_one_to_a_tenth_of_a_millimetre(places):
    way = pyproj.Transformer.from_crs("EPSG:4480", "EPSG:4479", always_xy=True)
    assert np.abs(earth_centred(*places) - np.column_stack(way.transform(*places))).max() < 1.2e-4


def test_a_frame_is_the_topocentric_frame_of_proj():
    frame = Frame(120.03, 36.26, 12.5)
    chance = np.random.default_rng(6)
    lon, lat, height = 120.03 + chance.uniform(-0.2, 0.2, 500), 36.26 + chance.uniform(-0.2, 0.2, 500), np.arange(500.0)
    way = pyproj.Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=WGS84 "
        "+step +proj=topocentric +ellps=WGS84 +lon_0=120.03 +lat_0=36.26 +h_0=12.5"
    )
    assert np.abs(frame.place(lon, lat, height) - np.column_stack(way.transform(lon, lat, height))).max() < 1e-6


def test_single_precision_in_a_frame_is_a_millimetre_at_a_city_s_end():
    frame = Frame(120.0, 36.3)
    local = frame.place(np.array([120.2]), np.array([36.4]), np.array([50.0]))
    lon, lat, height = frame.places(local.astype(np.float32).astype(np.float64))
    again = earth_centred(lon, lat, height)
    assert np.linalg.norm(again - earth_centred(120.2, 36.4, 50.0)) < 0.002


def test_a_child_s_matrix_leads_through_its_parent_to_the_globe():
    parent, child = Frame(119.9, 36.1, 3.0), Frame(120.1, 36.4, 40.0)
    assert np.abs(parent.matrix @ child.within(parent) - child.matrix).max() < 1e-6
