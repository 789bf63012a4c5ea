"""Lines of sight and viewsheds against walls, ridges and the curve of the earth."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
import rasterio
import shapely
from rasterio import Affine

from analysis_scenes import PLACE, flat, ground_of, scene_of, wall
from loud_skips import skip_loudly
from scenes3d.analysis.scene import BLOCKED, CLEAR, GROUND, NOTHING, REFRACTION, UNKNOWN
from scenes3d.analysis.sight import above_ground, lines_of_sight, points_along, points_within, require_rays, viewshed
from twin.errors import BadAnalysisError


def test_a_wall_hides_what_lies_below_the_line_over_its_top():
    scene = scene_of(flat(), [(wall(10, 1), 8.0)])
    # From 2 m up, the line over the near edge of the top (10, 8) rises 0.6 per metre: 14 m at 20.
    targets = np.array([[20, 0, 13.99], [20, 0, 14.01], [9, 0, 1.0]])
    found = lines_of_sight(scene, np.tile([0.0, 0.0, 2.0], (3, 1)), targets)
    assert found.verdict.tolist() == [BLOCKED, CLEAR, CLEAR]
    assert found.building.tolist() == [0, NOTHING, NOTHING]
    assert found.distance_m[0] == pytest.approx(10 * np.hypot(1, 11.99 / 20), abs=1e-3)


def test_a_ridge_of_the_ground_hides_likewise_and_is_named_as_ground():
    scene = scene_of(ground_of(lambda x, y: np.where(x == 10, 8.0, 0.0)))
    targets = np.array([[20, 0.3, 13.9], [20, 0.3, 14.1]])
    found = lines_of_sight(scene, np.tile([0.0, 0.3, 2.0], (2, 1)), targets)
    assert found.verdict.tolist() == [BLOCKED, CLEAR]
    assert found.building.tolist() == [GROUND, NOTHING]
    assert found.distance_m[0] == pytest.approx(10 * np.hypot(1, 11.9 / 20), abs=1e-6)


def test_sight_and_blockers_agree_over_hills_and_houses():
    random = np.random.default_rng(3)
    ground = ground_of(lambda x, y: 6 * np.sin(x / 9) * np.cos(y / 11))
    houses = [(shapely.box(x, y, x + 6, y + 5), h) for x, y, h in random.uniform((-50, -50, 3), (45, 45, 12), (40, 3))]
    scene = scene_of(ground, houses)
    ends = random.uniform(-58, 58, (2, 3000, 2))
    first, second = (above_ground(ground, points, 1.7) for points in ends)
    verdict = scene.sight(first, second)
    assert 0.1 < (verdict == CLEAR).mean() < 0.8
    assert (scene.blockers(first, second).verdict == verdict).mean() > 0.999
    # What is seen sees back.
    assert (scene.sight(second, first) == verdict).mean() > 0.997


def test_ground_that_nobody_measured_is_neither_seen_through_nor_taken_for_a_wall():
    ground = ground_of(lambda x, y: np.where(np.abs(x - 10) < 2, np.nan, 0.0) + np.where(x == 30, 40.0, 0.0))
    scene = scene_of(ground)
    eye = np.array([0.0, 0.0, 2.0])
    targets = np.array([[5.0, 0, 1], [20, 0, 1], [40, 0, 1], [10, 0, np.nan]])
    assert scene.sight(np.tile(eye, (4, 1)), targets).tolist() == [CLEAR, UNKNOWN, BLOCKED, UNKNOWN]
    seen = viewshed(scene, eye[None], reach_m=25)
    areas = seen.areas_m2()
    assert seen.seen_by[60, 65] == 1
    assert seen.unknown[60, 80]
    assert not seen.within[60, 70]
    assert areas["visible"] + areas["hidden"] + areas["unknown"] == seen.within.sum()


def test_the_horizon_over_the_sea_lies_where_geometry_and_refraction_put_it():
    eye, distance = 20.0, np.sqrt(2 * PLACE.radius_m * 20 / (1 - REFRACTION))
    ground = ground_of(lambda x, y: 0 * x, half=40_000, cell=200)
    scene = scene_of(ground, refraction=REFRACTION)
    # The frame's place is not the observer's: the answer must not depend on where the frame has its middle.
    start = np.array([-7_000.0, 1_000.0])
    steps = np.array([distance - 300, distance + 300, distance + 9_000])
    targets = np.column_stack([start[0] + steps, np.full(3, start[1]), [0.0, 0.0, 4.0]])
    verdict = scene.sight(np.tile([*start, eye], (3, 1)), targets)
    hidden_height = (9_000**2) * (1 - REFRACTION) / (2 * PLACE.radius_m)
    assert hidden_height > 5.4
    assert verdict.tolist() == [CLEAR, BLOCKED, BLOCKED]
    targets[2, 2] = hidden_height + 0.5
    assert scene.sight(np.array([[*start, eye]]), targets[2:]).tolist() == [CLEAR]


def test_the_viewshed_behind_a_wall_is_exact_to_the_cell():
    scene = scene_of(flat(), [(wall(10, 1), 5.0)])
    seen = viewshed(scene, np.array([[0.0, 0.0, 10.2]]), reach_m=200)
    # Over the far edge of the top (11, 5) the line from 10.2 m up comes down at 21.6. The foot of the near face, at 10, is seen.
    row = seen.visible[60]
    assert row[:71].all()
    assert not row[71:82].any()
    assert row[82:].all()
    # Away from the axis the shadow ends on the same line, because the wall is straight.
    assert seen.visible[10:110, 82].all()
    assert not seen.visible[10:110, 81].any()


def test_paths_and_areas_count_how_many_places_see():
    scene = scene_of(flat(), [(wall(10, 1), 5.0)])
    path = points_along(shapely.LineString([(0, -20), (0, 20)]), 10)
    assert len(path) == 5
    seen = viewshed(scene, above_ground(scene.ground, path, 10), reach_m=200)
    assert (seen.seen_by[60, 85], seen.seen_by[60, 75], seen.viewpoints) == (5, 0, 5)
    assert len(points_within(shapely.box(0, 0, 10, 10), 2)) == 25
    assert len(points_within(shapely.box(0, 0, 1, 1), 20)) == 1


def test_what_costs_too_much_is_refused_with_both_numbers():
    require_rays(10, 10)
    with pytest.raises(BadAnalysisError) as caught:
        require_rays(2_000_000, 1_000_000)
    assert (caught.value.value, caught.value.limit) == ("2,000,000 rays", "1,000,000 rays")


def test_gdal_sees_the_same_hills(tmp_path):
    # GDAL goes from cell to cell outwards and interpolates (J. Wang and others, 2000): a few cells at the rims of shadows differ.
    program = shutil.which("gdal_viewshed")
    if program is None:
        skip_loudly("GDAL's command line tools", "sudo apt-get install gdal-bin (or let ./onemap test do it)")
    ground = ground_of(
        lambda x, y: 8 * np.sin(x / 23) * np.cos(y / 17) + 0.02 * x + 3 * np.sin(x / 7 + y / 9), half=100
    )
    side = len(ground.heights)
    north_west = Affine(1, 0, 500_000 - side / 2, 0, -1, 4_000_000 + side / 2)
    hills, theirs = tmp_path / "hills.tif", tmp_path / "seen.tif"
    with rasterio.open(
        hills,
        "w",
        driver="GTiff",
        height=side,
        width=side,
        count=1,
        dtype="float64",
        crs="EPSG:4549",
        transform=north_west,
    ) as out:
        out.write(ground.heights[::-1], 1)
    place = ["-ox", "500000", "-oy", "4000000", "-oz", "12", "-cc", "0"]
    subprocess.run([program, "-q", *place, str(hills), str(theirs)], check=True)
    with rasterio.open(theirs) as found:
        peer = found.read(1)[::-1] == 255
    eye = np.array([[0.0, 0.0, float(ground.heights[100, 100]) + 12]])
    ours = viewshed(scene_of(ground), eye, reach_m=300).visible
    assert 0.2 < peer.mean() < 0.8
    assert (peer == ours).mean() > 0.985
