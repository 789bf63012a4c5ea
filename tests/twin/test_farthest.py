"""How far shapes lie apart: many vertices through an index give what every pair gives, and at once."""

from __future__ import annotations

import time

import numpy as np
import pytest
import shapely

from twin import farthest
from twin.farthest import farthest_apart

COAST = shapely.Polygon(
    [(500_000 + r * np.cos(t), 4_000_000 + r * np.sin(t)) for t, r in zip(np.linspace(0, 6.28, 300), np.tile([90, 100, 95], 100), strict=True)]
)  # fmt: skip
HOLED = shapely.MultiPolygon([COAST.difference(shapely.box(499_990, 3_999_990, 500_010, 4_000_010)), shapely.box(500_200, 4_000_000, 500_210, 4_000_010)])  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (COAST, shapely.affinity.translate(COAST, 3, -4)),
        (HOLED, COAST),
        (HOLED, COAST.exterior),
        (shapely.Point(500_000, 4_000_000), HOLED),
        (shapely.MultiPoint([(500_000, 4_000_000), (500_300, 4_000_000)]), COAST),
        (shapely.GeometryCollection([HOLED, shapely.Point(0, 0)]), COAST),
    ],
)
def test_the_index_says_what_every_pair_says(a, b, monkeypatch):
    """Second opinion: GEOS, which looks at every pair."""
    monkeypatch.setattr(farthest, "_PAIRS", 0)
    assert farthest_apart(a, b) == pytest.approx(shapely.hausdorff_distance(a, b), abs=1e-9)
    assert farthest_apart(b, a) == farthest_apart(a, b)


def test_coasts_of_a_hundred_thousand_vertices_take_seconds_not_minutes():
    turns = np.linspace(0, 2 * np.pi, 100_000, endpoint=False)
    reach = 10_000 + 50 * np.sin(turns * 400)
    coast = shapely.Polygon(np.column_stack([reach * np.cos(turns), reach * np.sin(turns)]))
    started = time.perf_counter()
    assert farthest_apart(coast, shapely.affinity.translate(coast, 7, 0)) == pytest.approx(7, abs=0.5)
    assert time.perf_counter() - started < 20
