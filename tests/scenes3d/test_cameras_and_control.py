"""Cameras: who sees what. Height control: where surfaces lie and what pierces them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from analysis_scenes import blocks_on, flat, scene_of, wall
from scenes3d.analysis.cameras import Cameras, coverage, rays_for_coverage, who_sees
from scenes3d.analysis.control import judge_heights, runway_dimensions, runway_kinds, runway_surfaces, view_cone
from scenes3d.analysis.optics import Optics, distance_for
from scenes3d.analysis.scene import BLOCKED, CLEAR


def cameras(*rows):
    """Rows of (east, north, height, azimuth, field of view, range)."""
    table = np.array(rows, dtype=float)
    return Cameras([f"C{i}" for i in range(len(rows))], table[:, :3], table[:, 3], table[:, 4], table[:, 5])


def test_a_camera_in_the_open_covers_its_sector():
    scene = scene_of(flat())
    eyes = cameras((0, 0, 6, 90, 60, 40))
    found = coverage(scene, eyes, np.ones((121, 121), dtype=bool))
    assert found.areas_m2()["covered"] == pytest.approx(np.pi * 1600 / 6, rel=0.02)
    assert found.seen_m2[0] == found.areas_m2()["covered"]
    assert found.seen_by[60, 80] == 1
    assert found.seen_by[60, 40] == 0
    assert rays_for_coverage(eyes, 1.0) == pytest.approx(np.pi * 1600 / 6, rel=0.01)


def test_blind_spots_lie_behind_walls_and_a_second_camera_fills_them():
    scene = scene_of(flat(), [(wall(10, 1), 4.0)])
    one = cameras((0, 0, 6, np.nan, 360, 50))
    area = np.zeros((121, 121), dtype=bool)
    area[55:66, 72:100] = True
    alone = coverage(scene, one, area)
    # Over the wall's far top edge (11, 4) the line from 6 m up comes down at 33.
    assert alone.blind[60, 72:93].all()
    assert not alone.blind[60, 94:].any()
    both = coverage(scene, cameras((0, 0, 6, np.nan, 360, 50), (58, 0, 6, 270, 120, 60)), area)
    assert not both.blind.any()
    assert both.areas_m2()["byTwoOrMore"] > 0


def test_a_camera_of_unknown_range_or_height_sees_nothing_and_is_no_number():
    eyes = cameras(
        (0, 0, 6, 90, 60, np.nan), (0, 0, np.nan, 90, 60, 40), (0, 0, 6, np.nan, 60, 40), (0, 0, 6, 90, 60, 9)
    )
    found = coverage(scene_of(flat()), eyes, np.ones((121, 121), dtype=bool))
    assert eyes.usable.tolist() == [False, False, False, True]
    assert np.isnan(found.seen_m2[:3]).all()
    assert found.seen_m2[3] > 0


def mast(pitch, fov, vertical_fov=np.nan, *, azimuth=90.0, disc=False):
    """One camera on a mast of 10 m in the middle of a square, and which nodes of 0.5 m its picture holds, (181, 181)."""
    optics = Optics(np.array([float(pitch)]), np.array([float(vertical_fov)]), disc)
    eye = Cameras(["C"], np.array([[0.0, 0.0, 10.0]]), np.array([azimuth]), np.array([fov]), np.array([40.0]), optics)
    ground = flat(half=45, cell=0.5)
    return eye, coverage(scene_of(ground), eye, np.ones(ground.heights.shape, dtype=bool))


def off_the_edge(shape, ground):
    """Nodes that lie clearly inside or outside of a shape, and which of them lie inside."""
    east, north = ground.nodes()
    points = shapely.points(east, north)
    return shapely.distance(shape.boundary, points) > 1e-6, shapely.contains(shape, points)


@pytest.mark.parametrize("azimuth", [90.0, 0.0])
def test_the_picture_of_a_camera_that_looks_down_is_a_rectangle(azimuth):
    _, found = mast(-90, 60, 40, azimuth=azimuth)
    wide, high = 10 * np.tan(np.radians([30, 20]))
    # The upper side of the picture points to where the camera would face if it were level.
    half = (high, wide) if azimuth == 90 else (wide, high)
    clear, inside = off_the_edge(shapely.box(-half[0], -half[1], half[0], half[1]), found.ground)
    assert ((found.seen_by == 1) == inside)[clear].all()


def test_the_picture_of_a_tilted_camera_is_a_trapezoid():
    _, found = mast(-45, 60, 30)
    corners = []
    for below in (60.0, 30.0):  # degrees under the horizon of the lower and the upper side of the picture
        out = 10 / np.tan(np.radians(below))
        half = 10 / np.sin(np.radians(below)) * np.cos(np.radians(15)) * np.tan(np.radians(30))
        corners.append((out, half))
    (near, narrow), (far, broad) = corners
    trapezoid = shapely.Polygon([(near, -narrow), (far, -broad), (far, broad), (near, narrow)])
    clear, inside = off_the_edge(trapezoid, found.ground)
    assert inside.sum() > 500
    assert ((found.seen_by == 1) == inside)[clear].all()
    assert found.seen_m2[0] == pytest.approx((far - near) * (narrow + broad), rel=0.02)


def test_a_round_picture_is_an_ellipse_and_straight_down_a_circle_without_any_azimuth():
    eye, found = mast(-60, 40, disc=True)
    near, far = 10 / np.tan(np.radians([80, 40]))
    centre, a = (near + far) / 2, (far - near) / 2
    # Across: where the plane through the middle of the ellipse meets the cone.
    axis = np.array([np.cos(np.radians(-60)), np.sin(np.radians(-60))])
    along = centre * axis[0] - 10 * axis[1]
    b = np.sqrt((along / np.cos(np.radians(20))) ** 2 - centre**2 - 100)
    east, north = found.ground.nodes()
    value = ((east - centre) / a) ** 2 + (north / b) ** 2
    clear = np.abs(value - 1) > 1e-6
    assert ((found.seen_by == 1) == (value < 1))[clear].all()
    eye, found = mast(-90, 90, azimuth=np.nan, disc=True)
    assert eye.usable.all()
    assert found.seen_m2[0] == pytest.approx(np.pi * 100, rel=0.02)


def test_a_panorama_sees_a_ring_and_a_tilt_without_a_picture_says_nothing():
    _, found = mast(-30, 360, 20, azimuth=np.nan)
    near, far = 10 / np.tan(np.radians([40, 20]))
    assert found.seen_m2[0] == pytest.approx(np.pi * (far**2 - near**2), rel=0.02)
    _, sector = mast(-30, 60)
    assert sector.seen_m2[0] == pytest.approx(np.pi * 40**2 / 6, rel=0.02)


def test_pixels_on_the_target_end_the_range():
    # 1920 pixels over 2·tan(45°)·d metres: 250 a metre at 3.84 m; a panorama of 180° has an arc of pi·d.
    metres = distance_for(250.0, np.array([1920.0, 1920.0, 1920.0]), np.array([90.0, 180.0, np.nan]))
    assert metres[:2] == pytest.approx([1920 / (2 * 250), 1920 / (np.pi * 250)])
    assert np.isnan(metres[2])


def test_who_sees_a_place_and_what_hides_it_from_the_others():
    scene = scene_of(flat(), [(wall(10, 1), 4.0)])
    eyes = cameras((0, 0, 6, 90, 60, 50), (40, 0, 6, 270, 60, 50), (0, 0, 6, 0, 60, 50))
    framed, between = who_sees(scene, eyes, np.array([20.0, 0.0, 0.0]))
    assert framed.tolist() == [True, True, False]
    assert between.verdict[:2].tolist() == [BLOCKED, CLEAR]
    assert between.building[0] == 0


def test_buildings_without_height_or_ground_are_counted_and_stand_in_nobody_s_way():
    blocks = blocks_on(flat(), [(shapely.box(0, 0, 1, 1), np.nan), (shapely.box(900, 0, 901, 1), 5.0)])
    assert blocks.counts() == {"buildings": 2, "withoutHeight": 1, "withoutGround": 1}


def lowest(surfaces, x, y):
    found = {s.name: float(s.limit(np.array([x]), np.array([y]))[0]) for s in surfaces}
    return {name: value for name, value in found.items() if np.isfinite(value)}


@pytest.fixture(scope="module")
def runway():
    # 3,000 m from west to east, thresholds at 10 m and 13 m.
    return runway_surfaces((np.array([0.0, 0.0]), np.array([3000.0, 0.0])), (10.0, 13.0), runway_dimensions())


def test_surfaces_of_a_runway_lie_where_the_table_puts_them(runway):
    datum = 11.5
    assert lowest(runway, 1500, 1000)["inner-horizontal"] == datum + 45
    assert lowest(runway, 1500, 4000 + 1000)["conical"] == pytest.approx(datum + 45 + 50)
    assert lowest(runway, 1500, 6100) == {}
    # Beside the strip: 100 m out at 14.3 % over the centre line's 11.5 m.
    assert lowest(runway, 1500, 240)["transitional"] == pytest.approx(11.5 + 14.3)
    # 1,060 m before the first threshold: 1,000 m into the approach surface at 2 %; half width 140 + 150.
    assert lowest(runway, -1060, 0)["approach-1"] == pytest.approx(10 + 20)
    assert "approach-1" in lowest(runway, -1060, 289)
    assert "approach-1" not in lowest(runway, -1060, 291)
    # Second section at 2.5 %, then level: 60 + 90 m above the threshold.
    assert lowest(runway, 3000 + 60 + 5000, 0)["approach-2"] == pytest.approx(13 + 60 + 50)
    assert lowest(runway, 3000 + 60 + 9000, 0)["approach-2"] == pytest.approx(13 + 150)


def test_every_kind_of_runway_holds_together():
    # Take-off and approach sections end where the tables say, and the conical surface begins where the horizontal one ends.
    for kind, size in runway_kinds().items():
        surfaces = runway_surfaces((np.array([0.0, 0.0]), np.array([1500.0, 0.0])), (0.0, 0.0), size)
        rise = sum(length * slope for length, slope in size.approach_sections)
        length = sum(part for part, _ in size.approach_sections)
        assert lowest(surfaces, -size.approach_start - length + 0.001, 0)["approach-1"] == pytest.approx(
            rise, abs=0.01
        ), kind
        assert "approach-1" not in lowest(surfaces, -size.approach_start - length - 0.001, 0), kind
        assert lowest(surfaces, 750, size.horizontal_radius)["inner-horizontal"] == 45, kind
        rim = size.horizontal_radius + size.conical_height / size.conical_slope
        assert lowest(surfaces, 750, rim - 0.001)["conical"] == pytest.approx(45 + size.conical_height, abs=0.01), kind
        assert size.weak
        assert size.source
    assert set(runway_kinds()) >= {f"non-instrument-{code}" for code in range(1, 5)}
    # The first slope of a code-4 visual runway is that of a precision one's second section, its cone as high.
    visual, precise = runway_dimensions("non-instrument-4"), runway_dimensions()
    assert visual.approach_sections[0][1] == precise.approach_sections[1][1]
    assert visual.conical_height == precise.conical_height


def test_buildings_are_held_against_the_lowest_surface_over_them(runway):
    ground = flat(half=6000, cell=500, height=10.0)
    blocks = blocks_on(
        ground, [(shapely.box(-1100, -20, -1060, 20), 25.0), (shapely.box(1500, 1000, 1520, 1020), 40.0),
                 (shapely.box(1500, 5990, 1510, 5999), np.nan)]
    )  # fmt: skip
    judged = judge_heights(blocks, runway)
    assert judged.surface[0] == "approach-1"
    assert judged.limit_m[0] == pytest.approx(30.0)
    assert judged.excess_m[0] == pytest.approx(5.0)
    assert (judged.surface[1], judged.excess_m[1]) == ("inner-horizontal", pytest.approx(-6.5))
    assert np.isnan(judged.excess_m[2])


def test_a_view_cone_allows_what_stays_below_the_line_of_sight():
    eye = np.array([0.0, 0.0, 2.0])
    cone = view_cone("pagoda", eye, np.array([-10.0, 100.0]), np.array([10.0, 100.0]), 22.0)
    assert cone.limit(np.array([0.0, 0.0]), np.array([50.0, 100.0])) == pytest.approx([12.0, 22.0])
    outside = cone.limit(np.array([0.0, 6.0, 0.0, 0.0]), np.array([101.0, 50.0, -1.0, 0.0]))
    assert np.isnan(outside).tolist() == [True, True, True, False]
    mirrored = view_cone("pagoda", eye, np.array([10.0, 100.0]), np.array([-10.0, 100.0]), 22.0)
    assert mirrored.limit(np.array([1.0]), np.array([50.0])) == cone.limit(np.array([1.0]), np.array([50.0]))
    blocks = blocks_on(flat(), [(shapely.box(-2, 40, 2, 50), 11.0), (shapely.box(20, 40, 30, 50), 40.0)])
    judged = judge_heights(blocks, [cone])
    assert judged.excess_m[0] == pytest.approx(1.0)
    assert judged.surface == ["pagoda", ""]
