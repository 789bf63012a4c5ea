"""GCJ-02 as arithmetic: where it applies, how exact four steps are, what it does with what is no place."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twin.datums import gcj02
from twin.datums.bd09 import bd09_to_wgs84, wgs84_to_bd09
from twin.datums.gcj02 import gcj02_to_wgs84, wgs84_to_gcj02
from twin.datums.offset_datums import OFFSET_DATUMS, find_offset_datum

JIAOZHOU_LON, JIAOZHOU_LAT = np.meshgrid(np.linspace(119.6, 120.25, 40), np.linspace(36.0, 36.5, 40))


def scalar_offset(lon: float, lat: float) -> tuple[float, float]:
    """The formula as every other library writes it, one point at a time."""
    x, y, pi = lon - 105, lat - 35, math.pi
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += (20 * math.sin(6 * x * pi) + 20 * math.sin(2 * x * pi)) * 2 / 3
    north += (20 * math.sin(y * pi) + 40 * math.sin(y / 3 * pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * pi) + 320 * math.sin(y * pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east += (20 * math.sin(6 * x * pi) + 20 * math.sin(2 * x * pi)) * 2 / 3
    east += (20 * math.sin(x * pi) + 40 * math.sin(x / 3 * pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * pi) + 300 * math.sin(x / 30 * pi)) * 2 / 3
    a, e2 = 6378245.0, 0.00669342162296594323
    shrink = 1 - e2 * math.sin(math.radians(lat)) ** 2
    root = math.sqrt(shrink)
    return (
        east * 180 / (a / root * math.cos(math.radians(lat)) * pi),
        north * 180 / (a * (1 - e2) / (shrink * root) * pi),
    )


def test_saved_sines_change_nothing() -> None:
    lons, lats = JIAOZHOU_LON.ravel(), JIAOZHOU_LAT.ravel()
    east, north = gcj02.offset_deg(lons, lats)
    plain = np.array([scalar_offset(lon, lat) for lon, lat in zip(lons, lats, strict=True)])
    assert np.abs(east - plain[:, 0]).max() < 1e-14
    assert np.abs(north - plain[:, 1]).max() < 1e-14


@pytest.mark.parametrize(("steps", "metres"), [(1, 2.5), (2, 1e-2), (3, 4e-5), (4, 1e-6)])
def test_each_step_of_the_inverse_leaves_what_the_reference_says(
    monkeypatch: pytest.MonkeyPatch, steps: int, metres: float
) -> None:
    monkeypatch.setattr(gcj02, "INVERSE_STEPS", steps)
    lons, lats = JIAOZHOU_LON.ravel(), JIAOZHOU_LAT.ravel()
    lon, lat = gcj02_to_wgs84(*wgs84_to_gcj02(lons, lats))
    left = np.hypot((lon - lons) * 111_320 * np.cos(np.radians(lats)), (lat - lats) * 110_950)
    assert metres / 100 < left.max() < metres


def test_the_shift_over_jiaozhou_is_what_the_reference_says() -> None:
    lons, lats = JIAOZHOU_LON.ravel(), JIAOZHOU_LAT.ravel()
    for move, low, high in ((wgs84_to_gcj02, 450, 500), (wgs84_to_bd09, 1210, 1300)):
        lon, lat = move(lons, lats)
        metres = np.hypot((lon - lons) * 111_320 * np.cos(np.radians(lats)), (lat - lats) * 110_950)
        assert low < metres.min() < metres.max() < high


@pytest.mark.parametrize("place", [(139.7, 35.7), (-71.1, 42.4), (1.5, 42.5), (110.0, 0.5), (71.9, 40.0), (0.0, 0.0)])
def test_outside_china_nothing_moves(place: tuple[float, float]) -> None:
    for datum in OFFSET_DATUMS:
        if not datum.metres:
            for move in (datum.to_wgs84, datum.from_wgs84):
                lon, lat = move(*place)
                assert (lon[0], lat[0]) == place


def test_what_is_no_place_stays_what_it_is() -> None:
    odd_lon, odd_lat = [np.nan, 120.0, np.inf, -np.inf, 120.0], [36.0, np.nan, 36.0, 36.0, 36.0]
    for move in (wgs84_to_gcj02, gcj02_to_wgs84, wgs84_to_bd09, bd09_to_wgs84):
        lon, lat = move(odd_lon, odd_lat)
        np.testing.assert_array_equal(lon[:4], odd_lon[:4])
        np.testing.assert_array_equal(lat[:4], odd_lat[:4])
        assert 0.003 < abs(lon[4] - 120.0) < 0.02, "the good point among them has moved"


def test_the_given_columns_are_left_alone_and_no_points_are_no_trouble() -> None:
    lon, lat = np.full(20_000, 120.0), np.full(20_000, 36.0)
    moved = wgs84_to_gcj02(lon, lat)
    assert (lon == 120.0).all()
    assert moved[0].dtype == np.float64
    assert np.unique(moved[0]).size == 1, "every chunk gives the same digits"
    assert wgs84_to_gcj02([], [])[0].shape == (0,)


@pytest.mark.parametrize("text", ["GCJ-02", "gcj02", "Gcj_02", "BD-09", "bd09", "BD09MC", "gcj-02-mc"])
def test_every_spelling_is_understood(text: str) -> None:
    found = find_offset_datum(text)
    assert found is not None
    assert found.metres is text.lower().endswith("mc")


@pytest.mark.parametrize("text", ["", "EPSG:4490", "GCJ", "WGS 84", "GCJ-02" * 20])
def test_other_names_are_none(text: str) -> None:
    assert find_offset_datum(text) is None
