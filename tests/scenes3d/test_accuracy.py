"""Residuals at surveyed points in closed form: what a known shift of a cloud, a roof or a measurement must give."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scenes3d.accuracy.clouds import cloud_heights
from scenes3d.accuracy.points import ControlPoints, Found
from scenes3d.accuracy.summary import Limits, summarise
from scenes3d.accuracy.surfaces import surface_heights
from scenes3d.frames import Frame
from scenes3d.tileset.finest import Patch

LON, LAT, HEIGHT = 120.03, 36.26, 41.5
NAN = math.nan


def control(lon, lat, height, measured=None) -> ControlPoints:
    count = len(lon)
    seen = np.full((count, 3), NAN) if measured is None else np.asarray(measured, dtype=float)
    ids = tuple(f"P{row}" for row in range(count))
    return ControlPoints(ids, ("",) * count, np.array(lon), np.array(lat), np.array(height), seen)


def one_point(height: float = HEIGHT) -> ControlPoints:
    return control([LON], [LAT], [height])


def cloud(slope=(0.0, 0.0), shift=(0.0, 0.0, 0.0), seed: int = 1, count: int = 400) -> np.ndarray:
    """Points of a plane through the surveyed point, up to 3 m from it, moved as a whole; Earth-centred."""
    chance = np.random.default_rng(seed)
    flat = chance.uniform(-3, 3, (count, 2))
    local = np.column_stack([flat, flat @ np.array(slope)]) + np.array(shift)
    return Frame(LON, LAT, HEIGHT).earth(local)


@pytest.mark.parametrize("shift", [(0.0, 0.0, 0.137), (0.4, -0.3, 0.0), (1.0, 2.0, -0.25)])
@pytest.mark.parametrize("slope", [(0.0, 0.0), (0.2, -0.1)])
def test_a_shifted_cloud_gives_exactly_its_shift(slope, shift):
    found = cloud_heights(one_point(), [cloud(slope, shift)], 1.0, 3.0)
    expected = shift[2] - shift[0] * slope[0] - shift[1] * slope[1]
    assert found.above_m[0] == pytest.approx(expected, abs=1e-8)
    assert found.fit_m[0] == pytest.approx(0.0, abs=1e-8)
    assert found.found == (Found.FITTED,)


def test_leaves_over_the_ground_are_left_out_and_what_is_out_of_reach_too():
    leaves = cloud(shift=(0, 0, 1.4), seed=2, count=240)
    tree = cloud(shift=(0, 0, 9.0), seed=3)
    whole = np.concatenate([cloud(shift=(0, 0, 0.05)), leaves, tree])
    found = cloud_heights(one_point(), np.array_split(whole, 7), 1.0, 3.0)
    assert found.above_m[0] == pytest.approx(0.05, abs=1e-8)
    near = np.hypot(*Frame(LON, LAT, HEIGHT).local(cloud())[:, :2].T) <= 1.0
    assert found.points[0] == near.sum()


def test_in_the_crown_of_a_tree_no_height_is_told():
    chance = np.random.default_rng(7)
    crown = Frame(LON, LAT, HEIGHT).earth(
        np.column_stack([chance.uniform(-1, 1, (300, 2)), chance.uniform(-2.5, 2.5, 300)])
    )
    found = cloud_heights(one_point(), [crown], 1.0, 3.0)
    assert found.found == (Found.ROUGH,)
    assert math.isnan(found.above_m[0])
    assert found.fit_m[0] > 0.25


def test_noise_of_a_scanner_is_averaged():
    noisy = np.column_stack([np.zeros((400, 2)), np.random.default_rng(8).normal(0, 0.03, 400)])
    local = Frame(LON, LAT, HEIGHT).local(cloud(shift=(0, 0, 0.1)))
    found = cloud_heights(one_point(), [Frame(LON, LAT, HEIGHT).earth(local + noisy)], 2.0, 3.0)
    assert found.above_m[0] == pytest.approx(0.1, abs=4 * 0.03 / math.sqrt(found.points[0]))
    assert found.fit_m[0] == pytest.approx(0.03, rel=0.3)


def test_where_a_cloud_says_nothing_nothing_is_said():
    line = Frame(LON, LAT, HEIGHT).earth(np.column_stack([np.linspace(-1, 1, 50), np.zeros(50), np.zeros(50)]))
    assert cloud_heights(one_point(), [line], 1.0, 3.0).found == (Found.FEW,)
    assert cloud_heights(one_point(), [cloud(count=3)[:3]], 5.0, 3.0).found == (Found.FEW,)
    assert cloud_heights(one_point(HEIGHT + 50), [cloud()], 1.0, 3.0).found == (Found.NOTHING,)
    far = cloud_heights(control([LON + 1], [LAT], [HEIGHT]), [cloud()], 1.0, 3.0)
    assert far.found == (Found.NOTHING,)
    assert math.isnan(far.above_m[0])
    assert cloud_heights(one_point(NAN), [cloud()], 1.0, 3.0).found == (Found.NO_HEIGHT,)


def slab(lon: float, lat: float, height: float, slope=(0.0, 0.0), size: float = 20.0) -> Patch:
    """A square of two triangles, tangent to the place but for its slope."""
    corner = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * size / 2
    local = np.column_stack([corner, corner @ np.array(slope)])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return Patch(Frame(lon, lat, height).earth(local), faces, np.full(2, -1), ())


def test_the_vertical_of_a_point_meets_the_nearest_surface_wherever_it_stands():
    """Points 30 km apart: each has a vertical of its own, and single precision of the engine does not show."""
    lon, lat = np.array([LON, LON + 0.3, LON, LON - 0.2]), np.array([LAT, LAT, LAT + 0.2, LAT])
    surveyed = np.array([HEIGHT, 12.0, 80.0, 5.0])
    above = np.array([0.137, -0.052, 0.0, 2.5])
    patches = [slab(lon[row], lat[row], surveyed[row] + above[row], (0.3, -0.2)) for row in range(4)]
    patches += [slab(LON, LAT, HEIGHT + 1.2), slab(LON, LAT, HEIGHT - 30)]  # a ceiling, and the floor below
    wall = np.array([(0.0, -9, -9), (0, 9, -9), (0, 0, 9)])
    patches.append(Patch(Frame(LON, LAT, HEIGHT).earth(wall), np.array([[0, 1, 2]]), np.array([-1]), ()))
    found = surface_heights(control(lon, lat, surveyed), patches, 3.0)
    assert found.above_m == pytest.approx(above, abs=2e-5)
    short = surface_heights(control(lon, lat, surveyed), patches, 1.0)
    assert [told is Found.NOTHING for told in short.found] == [False, False, False, True]


def test_a_place_without_triangles_or_height_is_told_apart():
    found = surface_heights(control([LON, LON + 0.1], [LAT, LAT], [NAN, 3.0]), [slab(LON, LAT, 3.0)], 3.0)
    assert found.found == (Found.NO_HEIGHT, Found.NOTHING)
    assert surface_heights(one_point(), [], 3.0).found == (Found.NOTHING,)


def test_what_was_measured_less_what_was_surveyed_in_metres_of_the_place():
    frame = Frame(LON, LAT)
    lon, lat, _ = frame.places(np.array([[0.3, -0.4, 0.0]]))
    points = control([LON, LON], [LAT, LAT], [10.0, 10.0], [[lon[0], lat[0], 9.75], [NAN, NAN, NAN]])
    assert points.offsets()[0] == pytest.approx([0.3, -0.4, -0.25], abs=1e-7)
    assert np.isnan(points.offsets()[1]).all()


def test_mean_square_errors_are_those_of_the_formula():
    table = np.array([(0.3, 0.4, 0.1), (-0.3, 0.4, -0.1), (0.3, -0.4, 0.1), (NAN, NAN, -0.1), (0.0, 0.0, NAN)])
    said = summarise(table, Limits()).figures
    assert said["plane"]["count"] == 4
    assert said["plane"]["rmse_x_m"] == pytest.approx(math.sqrt(3 * 0.09 / 4))
    assert said["plane"]["rmse_y_m"] == pytest.approx(math.sqrt(3 * 0.16 / 4))
    assert said["plane"]["rmse_m"] == pytest.approx(math.sqrt(3 * 0.25 / 4))
    assert said["plane"]["max_m"] == pytest.approx(0.5)
    assert (said["height"]["count"], said["height"]["mean_m"]) == (4, pytest.approx(0.0))
    assert said["height"]["rmse_m"] == pytest.approx(0.1)
    assert "within" not in said["height"]
    equal = summarise(table, Limits(equal_accuracy=True)).figures
    assert equal["height"]["rmse_m"] == pytest.approx(0.1 / math.sqrt(2))


def test_a_gross_error_is_counted_and_no_part_of_the_mean():
    table = np.array([(0.0, 0.0, 0.1)] * 9 + [(0.0, 0.0, 0.201), (0.0, 0.0, 0.2)])
    told = summarise(table, Limits(height_m=0.1))
    assert told.figures["height"]["gross"] == 1
    assert np.flatnonzero(told.gross).tolist() == [9]
    assert told.figures["height"]["rmse_m"] == pytest.approx(math.sqrt((9 * 0.01 + 0.04) / 10))
    assert told.figures["height"]["within"] is False
    assert summarise(table[:9], Limits(height_m=0.1001)).figures["height"]["within"] is True
    assert summarise(np.full((2, 3), NAN), Limits(1.0, 1.0)).figures["plane"]["within"] is None
