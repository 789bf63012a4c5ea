"""Roofs and ground out of clouds: by the formula, beside shapely on towns of any shape, and with memory that does not grow."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from box_town import batch_of, metres
from scenes3d.buildings import cloud_heights
from scenes3d.buildings.cleaning import outlines_of
from scenes3d.buildings.cloud_heights import CloudRule, heights_from_cloud
from scenes3d.buildings.faults import BuildReport
from scenes3d.points.records import Chunk
from twin.ellipsoid import metres_per_degree
from twin.errors import BadCall

SQUARE = shapely.Polygon(metres((0, 0), (20, 0), (20, 10), (0, 10)), [metres((5, 3), (5, 7), (15, 7), (15, 3))])


def outlines(shapes):
    rows, found = outlines_of(batch_of(shapes, height=[1.0] * len(shapes)), BuildReport())
    assert rows.tolist() == list(range(len(shapes)))
    return found


def cloud(places, heights, classes) -> Chunk:
    """Points by metres from the town's corner."""
    lon, lat = np.array(metres(*places)).T
    count = len(lon)
    codes = np.broadcast_to(np.array(classes, dtype=np.uint8), count)
    return Chunk(lon, lat, np.array(heights, dtype=float), None, np.zeros(count, dtype=np.uint16), codes)


def test_percentiles_are_heights_that_were_measured():
    spots = [(1 + 0.01 * k, 1) for k in range(100)]
    roof = cloud(spots, [10 + k / 10 for k in range(100)], 6)
    ground = cloud([(-1, k / 20) for k in range(100)], [3 + k / 100 for k in range(100)], 2)
    found = heights_from_cloud(outlines([SQUARE]), [roof, ground], 200, CloudRule())
    assert (found.roof_m.tolist(), found.ground_m.tolist(), found.height_m.tolist()) == ([19.0], [3.1], [15.9])
    assert (found.roof_points.tolist(), found.ground_points.tolist()) == ([100], [100])
    ends = CloudRule(roof_percentile=100, ground_percentile=0)
    found = heights_from_cloud(outlines([SQUARE]), [roof, ground], 200, ends)
    assert (found.roof_m.tolist(), found.ground_m.tolist()) == ([19.9], [3.0])


def test_what_lies_in_a_court_or_beside_or_has_no_number_does_not_count():
    spots = [(10, 5), (21, 5), (10, 5.5), (2, 2), (2, 2.5)]
    roof = cloud(spots, [50, 60, 70, np.nan, 9.0], 6)
    found = heights_from_cloud(outlines([SQUARE]), [roof], 5, CloudRule(least_points=1))
    assert (found.roof_m.tolist(), found.roof_points.tolist()) == ([9.0], [1])
    assert np.isnan(found.ground_m).all()
    # One metre beside is within a reach of 1.1 m, the middle of the court is 1.5 m and 2 m away from its walls.
    found = heights_from_cloud(outlines([SQUARE]), [roof], 5, CloudRule(least_points=1, roof_reach_m=1.1))
    assert found.roof_points.tolist() == [2]
    found = heights_from_cloud(outlines([SQUARE]), [roof], 5, CloudRule(least_points=3, roof_reach_m=1.6))
    assert (found.roof_points.tolist(), found.roof_m.tolist()) == ([3], [70.0])
    assert np.isnan(heights_from_cloud(outlines([SQUARE]), [roof], 5, CloudRule()).roof_m).all()


def test_classes_are_those_that_are_named_and_none_stands_for_all():
    spots = [(2, 2), (2, 2.1), (2, 2.2)]
    mixed = [cloud([spot], [height], code) for spot, height, code in zip(spots, (5, 6, 7), (1, 6, 26), strict=True)]
    for classes, expected in (((1,), 1), ((6, 26), 2), ((), 3), ((99,), 0)):
        rule = CloudRule(roof_classes=classes, least_points=1)
        assert heights_from_cloud(outlines([SQUARE]), mixed, 3, rule).roof_points.tolist() == [expected]


@pytest.mark.parametrize("small", [False, True], ids=["at once", "in small pieces"])
def test_any_town_agrees_with_shapely(monkeypatch, small):
    if small:  # many work files, and a buffer that is full again and again
        monkeypatch.setattr(cloud_heights, "BIN_BYTES", 4_000)
        monkeypatch.setattr(cloud_heights, "_OUT_WORDS", 100)
    random = np.random.default_rng(5)
    angles = np.sort(random.uniform(0, 2 * np.pi, (60, 9)), axis=1)
    radii = random.uniform(3, 30, (60, 9))
    middles = random.uniform(0, 300, (60, 1, 2))
    stars = middles + np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=2)
    plane = [shapely.Polygon(star) for star in stars]
    spots, heights = random.uniform(-20, 320, (4_000, 2)), np.round(random.uniform(-5, 80, 4_000), 3)
    codes = random.choice(np.array([2, 6], dtype=np.uint8), 4_000)
    chunks = [cloud(spots[part], heights[part], codes[part]) for part in np.array_split(np.arange(4_000), 3)]
    rule = CloudRule(80, 25, roof_reach_m=2.0, ground_reach_m=4.0, least_points=2)
    town = [shapely.Polygon(metres(*star)) for star in stars]
    found = heights_from_cloud(outlines(town), chunks, 4_000, rule)
    for kind, reach, percentile, values, counts in (
        (6, 2.0, 80, found.roof_m, found.roof_points),
        (2, 4.0, 25, found.ground_m, found.ground_points),
    ):
        points = shapely.points(spots[codes == kind])
        for number, shape in enumerate(plane):
            near = np.sort(heights[codes == kind][shapely.distance(points, shape) <= reach])
            assert counts[number] == len(near)
            if len(near) >= 2:
                assert values[number] == pytest.approx(near[int(len(near) * percentile / 100)], abs=1e-9)
            else:
                assert np.isnan(values[number])


@pytest.mark.parametrize(
    "wrong",
    [
        {"roof_percentile": 101},
        {"ground_percentile": -1},
        {"roof_reach_m": 51},
        {"roof_classes": (256,)},
        {"least_points": 0},
    ],
)
def test_rules_that_make_no_sense_are_refused(wrong):
    with pytest.raises(BadCall, match="cannot be taken so"):
        CloudRule(**wrong)


def test_metres_of_the_town_are_those_of_the_kernel():
    # What the other tests count in, to a thousandth over 300 m.
    (west, south), (east, north) = metres((0, 0), (300, 300))
    lengths = np.array(metres_per_degree(south)) * (east - west, north - south)
    assert lengths == pytest.approx((300, 300), rel=1e-3)
