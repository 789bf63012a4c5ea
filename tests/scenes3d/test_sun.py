"""The sun against published vectors, shadows against their closed form, the rules for sunlight, sky and skyline."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
import shapely

from analysis_scenes import flat, scene_of, wall
from scenes3d.analysis.scene import BLOCKED, CLEAR
from scenes3d.analysis.sky import sky_view, skyline
from scenes3d.analysis.sun import refraction_deg, solar_term_instant, sun_positions, true_solar_offset, unit_vectors
from scenes3d.analysis.sunlight import shaded, sun_through_the_day, sunlight, sunlight_rule
from scenes3d.rays.opening import open_rays
from scenes3d.rays.port import Triangles
from twin.errors import BadAnalysisError

BEIJING = timezone(timedelta(hours=8))


def test_the_example_of_the_solar_position_algorithm_of_nrel():
    # I. Reda, A. Andreas, NREL/TP-560-34302, appendix A.5: zenith 50.11162°, azimuth 194.34024°, with refraction.
    instant = datetime(2003, 10, 17, 12, 30, 30, tzinfo=timezone(timedelta(hours=-7)))
    sun = sun_positions([instant], -105.1786, 39.742476)
    assert sun.azimuth_deg == pytest.approx([194.34024], abs=0.01)
    assert 90 - sun.altitude_deg - refraction_deg(sun.altitude_deg) == pytest.approx([50.11162], abs=0.01)


@pytest.mark.parametrize(
    ("year", "longitude", "published"),
    [
        # Purple Mountain Observatory and USNO, Beijing time to the minute.
        (2024, 270, datetime(2024, 12, 21, 17, 21, tzinfo=BEIJING)),
        (2024, 300, datetime(2024, 1, 20, 22, 7, tzinfo=BEIJING)),
        (2025, 270, datetime(2025, 12, 21, 23, 3, tzinfo=BEIJING)),
    ],
)
def test_solar_terms_fall_when_they_are_published(year, longitude, published):
    assert abs(solar_term_instant(year, longitude) - published) < timedelta(minutes=15)


def test_true_solar_noon_is_when_the_sun_is_in_the_meridian():
    for day in (date(2026, 1, 20), date(2026, 11, 3)):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - true_solar_offset(day, 120.03)
        assert sun_positions([noon], 120.03, 36.26).azimuth_deg == pytest.approx([180], abs=0.01)


def test_the_tip_of_the_shadow_of_a_box_lies_where_it_must():
    height, altitude, azimuth = 30.0, 30.33, 200.0
    scene = scene_of(flat(), [(shapely.box(-5, -5, 5, 5), height)])
    sun = unit_vectors(np.array([azimuth]), np.array([altitude]))[0]
    length = height / math.tan(math.radians(altitude))
    assert length == pytest.approx(51.28, abs=0.01)
    # The sun in the south-south-west throws the shadow of the north-eastern corner farthest.
    away = np.radians(azimuth - 180)
    reach = length + np.array([-0.05, 0.05])
    tip = np.column_stack([5 + np.sin(away) * reach, 5 + np.cos(away) * reach, np.zeros(2)])
    tip[:, :2] -= [0.001, 0.001]
    assert shaded(scene, tip, sun).tolist() == [BLOCKED, CLEAR]


def test_hours_of_sunlight_behind_a_wall_are_those_of_its_profile_angle():
    # A long wall in the south, from west to east: it hides the sun while tan(altitude) < cos(azimuth from south)·h/d.
    scene = scene_of(flat(half=5000, cell=100), [(shapely.box(-5000, -30, 5000, -20), 12.0)])
    rule = sunlight_rule("great-cold-2h")
    day = rule.day(2026)
    assert day == date(2026, 1, 20)
    sun = sun_through_the_day(day, (120.0, 36.28), (rule.from_hour, rule.to_hour), 2.0)
    assert len(sun.instants) == 240
    points = np.array([[0.0, 0.0, rule.sill_m], [0.0, 15.0, rule.sill_m], [0.0, 0.0, np.nan], [0.0, -10.0, 0.9]])
    found = sunlight(scene, points, sun, step_min=2.0)
    for row, y in ((0, 0.0), (1, 15.0), (3, -10.0)):
        angle = np.degrees(np.arctan((12 - 0.9) / (20 + y) * np.cos(np.radians(sun.azimuth_deg - 180))))
        assert found.minutes[row] == pytest.approx(2.0 * (sun.altitude_deg > angle).sum(), abs=2.0)
    assert 60 < found.minutes[0] < found.minutes[1] <= 480
    assert np.isnan(found.minutes[2])


def test_stretches_that_are_too_short_do_not_count():
    # Two posts leave the sun alone for a while three times; only stretches of half an hour are asked for.
    posts = [(shapely.box(x, -31, x + 4, -30), 60.0) for x in (-22, -12, 6)]
    scene = scene_of(flat(), posts)
    sun = sun_through_the_day(date(2026, 1, 20), (120.0, 36.28), (9, 15), 1.0)
    point = np.array([[0.0, 0.0, 0.0]])
    every = sunlight(scene, point, sun, step_min=1.0)
    longer = sunlight(scene, point, sun, step_min=1.0, shortest_stretch_min=40)
    assert 0 < longer.minutes[0] < every.minutes[0]
    assert longer.longest_min[0] == every.longest_min[0] >= 40


def test_rules_are_found_by_name_and_others_refused_with_the_list():
    assert sunlight_rule("winter-solstice-1h").day(2026) == date(2026, 12, 22)
    with pytest.raises(BadAnalysisError) as caught:
        sunlight_rule("solstice")
    assert "great-cold-2h" in caught.value.limit


def test_the_sky_over_the_middle_of_a_round_court_is_the_square_of_a_cosine():
    ring = shapely.Point(0, 0).buffer(25, quad_segs=64).difference(shapely.Point(0, 0).buffer(20, quad_segs=64))
    scene = scene_of(flat(), [(ring, 15.0)])
    view = sky_view(scene, np.array([[0.0, 0.0, 0.0], [0.0, 0.0, np.nan], [0.0, 0.0, 15.1]]), rings=50)
    assert view.factor[0] == pytest.approx(20**2 / (20**2 + 15**2), abs=0.015)
    assert np.isnan(view.factor[1])
    assert view.factor[2] == 1.0


def test_the_skyline_of_a_wall():
    scene = scene_of(flat(), [(wall(10, 1), 8.0)])
    line = skyline(scene, np.array([0.0, 0.0, 2.0]), azimuth_step_deg=5)
    east = np.sin(np.radians(line.azimuth_deg))
    assert np.abs(line.altitude_deg - np.degrees(np.arctan(0.6 * east)))[east > 0.2].max() < 0.01
    assert (line.altitude_deg[east < -0.01] == 0).all()


def sphere(centre, radius):
    """A finely cut ball."""
    rows, columns = 90, 180
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, rows + 1), np.arange(columns) * 2 * np.pi / columns, indexing="ij"
    )
    points = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1)
    i, j = (part.ravel() for part in np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"))
    a, b = i * columns + j, i * columns + (j + 1) % columns
    faces = np.concatenate([np.column_stack([a, b, b + columns]), np.column_stack([a, b + columns, a + columns])])
    return Triangles(points.reshape(-1, 3) * radius + centre, faces.astype(np.int32))


def test_the_skyline_of_a_ball_is_that_of_its_tangent_cone():
    ball = sphere(np.array([0.0, 50.0, 20.0]), 15.0)
    empty = scene_of(flat())
    scene = replace(empty, rays=open_rays(ball), owners=np.zeros(len(ball.faces), dtype=np.int32))
    line = skyline(scene, np.zeros(3), azimuth_step_deg=2)
    distance = np.hypot(50, 20)
    cone, up = np.arcsin(15 / distance), np.arctan2(20, 50)
    # cos(e)·cos(A)·cos(up) + sin(e)·sin(up) = cos(cone), solved for the larger e.
    across = np.cos(np.radians(line.azimuth_deg)) * np.cos(up)
    size = np.hypot(across, np.sin(up))
    inside = (np.cos(cone) <= size) & (across > 0)
    expected = np.degrees(np.arctan2(np.sin(up), across) + np.arccos(np.clip(np.cos(cone) / size, -1, 1)))
    assert 15 < inside.sum() < 25
    assert np.abs(line.altitude_deg - expected)[inside].max() < 0.05
    assert (line.altitude_deg[~inside] == 0).all()
