"""Rings that touch become rings that may be written: GEOS finds them valid, and finds the same area by its own mending."""

from __future__ import annotations

import random

import numpy as np
import pytest
import shapely

from tile_rings import Ring, arrays_of, box, tidied
from tiles.kernel.judging import are_sound
from tiles.kernel.settling import settled


def mended(polygons: list[list[Ring]]) -> shapely.MultiPolygon | None:
    """What the kernel makes of polygons of a shell and holes each; None where it leaves them to GEOS."""
    rings, starts, shells, count = settled(*arrays_of(polygons))
    if count < 0:
        return None
    made: list[list[shapely.LinearRing]] = []
    for r in range(count):
        if shells[r]:
            made.append([])
        made[-1].append(rings[starts[r] : starts[r + 1]])
    return shapely.MultiPolygon([(shell, holes) for shell, *holes in made])


PINCH = [(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)]
RING_OF_ONE_LINE = [(0, 0), (9, 0), (9, 9), (0, 9), (0, 0), (3, 3), (3, 6), (6, 6), (6, 3), (3, 3)]
COMB = [(0, 0), (9, 0), (9, 9), (6, 9), (6, 0), (3, 0), (3, 9), (0, 9)]


@pytest.mark.parametrize(
    ("polygons", "parts", "holes", "area"),
    [
        ([[PINCH]], 2, 0, 50),
        ([[PINCH[::-1]]], 2, 0, 50),  # whichever way it runs
        ([[COMB]], 2, 0, 54),  # pieces that the cut leaves joined along an edge
        ([[RING_OF_ONE_LINE]], 1, 1, 72),  # a slit to a hole
        ([[box(0, 0, 10), [(0, 5), (4, 3), (4, 7)]]], 1, 1, 92),  # a hole that touches the edge of its shell
        ([[box(0, 0, 10), [(0, 2), (4, 2), (4, 6), (0, 6)]]], 1, 0, 84),  # a hole cut at the same edge as its shell
        ([[box(0, 0, 10), [(0, 4), (10, 4), (10, 6), (0, 6)]]], 2, 0, 80),  # one from edge to edge
        ([[box(0, 0, 12), box(2, 2, 4), box(6, 6, 4)]], 1, 2, 112),  # holes that touch in a corner
        ([[box(0, 0, 12), box(2, 2, 4), box(6, 2, 4)]], 1, 1, 112),  # holes with an edge in common
        ([[box(0, 0, 10)], [box(10, 0, 10)]], 1, 0, 200),  # parts with a common edge
        ([[box(0, 0, 10)], [box(10, 10, 10)]], 2, 0, 200),  # parts with a common corner
        ([[box(0, 0, 4)], [box(10, 0, 9), box(12, 3, 2), [(10, 5), (12, 5), (11, 7)]]], 2, 2, 16 + 81 - 4 - 2),
    ],
)
def test_plain_cases(polygons: list[list[Ring]], parts: int, holes: int, area: float) -> None:
    made = mended(polygons)
    assert made is not None
    assert shapely.is_valid(made), shapely.is_valid_reason(made)
    found = len(made.geoms), sum(len(part.interiors) for part in made.geoms), made.area
    assert found == (parts, holes, area)


@pytest.mark.parametrize(
    "polygons",
    [
        [[[(0, 0), (10, 10), (10, 0), (0, 10)]]],  # a bow tie of no area
        [[[(0, 0), (10, 10), (10, 0), (0, 12)]]],  # edges that cross
        [[box(0, 0, 10), box(5, 5, 10)]],  # a hole over the edge
        [[box(0, 0, 10)], [box(0, 0, 10)]],  # the same twice
        [[box(0, 0, 10)], [box(0, 0, 5)]],  # covered twice from a corner on
        [[box(0, 0, 10), box(20, 0, 3)]],  # a hole beside its shell
        [[[(x, y) for x in range(300) for y in ((0, 1) if x % 2 else (1, 0))] + [(299, 9), (0, 9)]]],  # too many edges
    ],
)
def test_what_takes_more_is_left_to_geos(polygons: list[list[Ring]]) -> None:
    assert mended(polygons) is None


def test_random_rings_on_a_coarse_grid_have_the_area_that_geos_finds() -> None:
    """Few cells, so that vertices meet vertices and edges all the time; star shapes, so that not everything crosses."""
    chance, done = random.Random(20261129), 0
    for _ in range(4000):
        side, n = chance.choice([4, 6, 8, 12]), chance.randint(4, 10)
        turn = 2 * np.pi * np.arange(n) / n
        drawn = []
        for reach, middle in [
            (side / 2, (side / 2, side / 2)),
            (side / 5, (side * chance.random(), side * chance.random())),
        ]:
            far = [reach * chance.uniform(0.2, 1) for _ in range(n)]
            drawn.append(tidied(np.column_stack([middle[0] + far * np.cos(turn), middle[1] + far * np.sin(turn)])))
        rings = [ring for ring in drawn[: chance.randint(1, 2)] if ring]
        if not drawn[0] or are_sound(*arrays_of([rings])):
            continue
        made = mended([rings])
        if made is None:
            continue
        wanted = shapely.make_valid(shapely.Polygon(rings[0], rings[1:]), method="structure", keep_collapsed=False)
        assert shapely.is_valid(made), (shapely.is_valid_reason(made), rings)
        assert shapely.symmetric_difference(made, wanted).area == pytest.approx(0), rings
        done += 1
    assert done > 100
