"""Water, earth and heaps with closed forms: a bowl, two bowls, a cone; sections."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from analysis_scenes import blocks_on, flat, ground_of
from scenes3d.analysis.earthwork import cells_within, stockpile, volumes_between
from scenes3d.analysis.flood import Ending, cells_at, flood_by_inflow, flood_to_level
from scenes3d.analysis.profile import profile
from twin.errors import BadAnalysisError


def bowl(x, y):
    """A paraboloid: r² / 100, so that water of depth h has the volume 50·pi·h²."""
    return (x * x + y * y) / 100


def two_bowls(x, y):
    """Bowls at -25 and 25 with a saddle of 6.25 between them; the right one 3 m lower; rims far higher."""
    left, right = bowl(x + 25, y), bowl(x - 25, y) - 3 * (x > 0)
    return np.minimum(left, right)


def middle(ground, x=0.0, y=0.0):
    return cells_at(ground, np.array([[x, y]]))


def test_a_bowl_filled_to_a_level_holds_what_it_must():
    ground = ground_of(bowl, cell=0.5)
    flood = flood_to_level(ground, middle(ground), 9.0)
    assert flood.volume_m3 == pytest.approx(50 * np.pi * 81, rel=1e-3)
    assert flood.area_m2 == pytest.approx(np.pi * 900, rel=5e-3)
    assert flood.ending is Ending.HELD
    assert flood.depth_m.max() == 9.0


def test_a_bowl_filled_by_a_volume_stands_at_the_level_it_must():
    ground = ground_of(bowl, cell=0.5)
    volume = 50 * np.pi * 81
    flood = flood_by_inflow(ground, int(middle(ground)[0]), volume)
    assert flood.volume_m3 == pytest.approx(volume, rel=1e-6)
    assert float(flood.depth_m.max()) == pytest.approx(9.0, abs=5e-3)
    assert (flood.ending, flood.surplus_m3) == (Ending.HELD, 0.0)


def test_water_does_not_jump_over_a_ridge():
    ground = ground_of(two_bowls)
    flood = flood_to_level(ground, middle(ground, -25), 6.0)
    assert flood.wet[60, 35]
    assert not flood.wet[:, 61:].any()
    joined = flood_to_level(ground, middle(ground, -25), 7.0)
    assert joined.wet[60, 35]
    assert joined.wet[60, 85]


def test_what_spills_runs_into_the_next_hollow_and_comes_back_when_that_is_full():
    ground = ground_of(two_bowls)
    start = int(middle(ground, -25)[0])
    rim = float(ground.heights[60, 60])
    left = float(np.maximum(rim - ground.heights[:, :61], 0).sum())
    some = flood_by_inflow(ground, start, left * 0.5)
    assert not some.wet[:, 61:].any()
    spilt = flood_by_inflow(ground, start, left + 500)
    assert float((ground.heights + spilt.depth_m)[60, 35]) == pytest.approx(rim, abs=1e-6)
    assert spilt.depth_m[:, 61:].sum() == pytest.approx(500, abs=1)
    assert spilt.volume_m3 == pytest.approx(left + 500, rel=1e-6)
    right = float(np.maximum(rim - ground.heights[:, 61:], 0).sum())
    both = flood_by_inflow(ground, start, left + right + 300)
    surface = (ground.heights + both.depth_m)[both.wet]
    assert surface.max() - surface.min() < 1e-4
    assert surface.max() > rim
    assert both.volume_m3 == pytest.approx(left + right + 300, rel=1e-6)


def test_water_that_leaves_the_area_or_meets_unknown_ground_is_said_and_not_invented():
    slope = ground_of(lambda x, y: x * 0.1)
    gone = flood_by_inflow(slope, int(middle(slope)[0]), 1_000)
    assert (gone.ending, gone.surplus_m3, gone.volume_m3) == (Ending.LEFT_THE_AREA, 1_000, 0.0)
    hole = ground_of(lambda x, y: np.where((x > 20) & (x < 30), np.nan, bowl(x, y)))
    partly = flood_to_level(hole, middle(hole), 9.0)
    assert partly.ending is Ending.MET_UNKNOWN_GROUND
    assert np.isnan(partly.depth_m[60, 85])
    assert flood_by_inflow(hole, int(middle(hole)[0]), 1e6).ending is Ending.MET_UNKNOWN_GROUND
    for x, message in ((25, "unknown"), (500, "outside")):
        with pytest.raises(BadAnalysisError, match=message):
            middle(hole, x)


def test_cut_and_fill_of_a_tilted_plane():
    ground = ground_of(lambda x, y: x * 0.1, half=50, cell=1)
    area = shapely.box(-40.5, -20.5, 40.5, 20.5)
    found = volumes_between(ground.heights, 0.0, cells_within(ground, area), 1.0)
    # Each side: a wedge of 40.5 m by 41 m that rises to 4.05 m, in cells of a metre: sum of 0.1 to 4.0 times 41.
    assert found.above_m3 == pytest.approx(82.0 * 41, rel=1e-9)
    assert found.net_m3 == pytest.approx(0, abs=1e-6)
    assert found.area_m2 == 81 * 41
    assert found.error_m3(0.1) == pytest.approx(np.hypot(0.1 * np.sqrt(81 * 41), 0.01 * 81 * 41))
    ground.heights[50, 50:60] = np.nan
    holed = volumes_between(ground.heights, 0.0, cells_within(ground, area), 1.0)
    assert (holed.unknown_m2, holed.area_m2) == (10.0, 81 * 41 - 10)


def heap_points(count=200_000):
    """A cone 10 m high with a foot of 15 m radius on ground that is tilted."""
    x, y = np.random.default_rng(5).uniform(-20, 20, (2, count))
    cone = np.maximum(10 * (1 - np.hypot(x, y) / 15), 0)
    return np.column_stack([x, y, cone + 100 + 0.05 * x])


def test_the_volume_of_a_cone_on_tilted_ground():
    area = shapely.Point(0, 0).buffer(17, quad_segs=32)
    volumes, heap = stockpile(heap_points(), area, 0.5)
    assert volumes.net_m3 == pytest.approx(np.pi * 15**2 * 10 / 3, rel=2e-3)
    assert volumes.unknown_m2 == 0
    assert heap.used < heap.points == 200_000
    level, _ = stockpile(heap_points(), area, 0.5, base_m=99.0)
    assert level.net_m3 == pytest.approx(np.pi * 15**2 * 10 / 3 + area.area, rel=5e-3)


def test_a_heap_with_holes_says_how_much_nobody_saw_and_an_empty_one_is_refused():
    points = heap_points()
    seen = points[np.abs(points[:, 0] - 3) > 1]
    volumes, _ = stockpile(np.vstack([seen, [[np.nan, 0, 0]]]), shapely.Point(0, 0).buffer(17), 0.5)
    assert volumes.unknown_m2 > 20
    with pytest.raises(BadAnalysisError, match="No plane"):
        stockpile(points[:0], shapely.Point(0, 0).buffer(17), 0.5)


def test_a_section_knows_the_ground_the_houses_and_what_is_unknown():
    ground = ground_of(lambda x, y: np.where(x > 40, np.nan, x * 0.1))
    blocks = blocks_on(ground, [(shapely.box(0, -5, 10, 5), 12.0), (shapely.box(5, -5, 15, 5), 6.0)])
    cut = profile(ground, blocks, shapely.LineString([(-20, 0), (50, 0)]), 0.5)
    assert cut.distance_m[[0, -1]].tolist() == [0, 70]
    assert cut.ground_m[60] == pytest.approx(1.0)
    assert np.isnan(cut.ground_m[-1])
    assert (cut.building[40 + 14], cut.top_m[40 + 14]) == (0, 12.0)
    assert (cut.building[40 + 24], cut.top_m[40 + 24]) == (1, 6.5)
    assert cut.building[0] == -1
    assert cut.gain_loss_m() == pytest.approx((6.0, 0.0))
    assert profile(flat(), blocks_on(flat(), []), shapely.LineString([(0, 0), (1, 0)]), 5).building.tolist() == [-1, -1]
