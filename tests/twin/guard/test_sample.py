"""The sample stays small, spread over the whole stream, and the same whatever the batches are."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin.guard import sample
from twin.guard.sample import SampleTaker


def test_a_long_stream_leaves_a_small_sample_from_all_of_it() -> None:
    taker = SampleTaker()
    for start in range(0, 100_000, 7000):
        stop = min(start + 7000, 100_000)
        taker.take(shapely.points(np.arange(start, stop), 0))
    kept = shapely.get_x(taker.geometries())
    assert taker.seen == 100_000
    assert 1000 < len(kept) <= sample.MOST_GEOMETRIES
    assert len(np.unique(np.diff(kept))) == 1, "every k-th"
    assert kept[-1] > 99_000


@given(sizes=st.lists(st.integers(0, 900), max_size=20))
def test_batches_do_not_matter(sizes: list[int]) -> None:
    points = shapely.points(np.arange(sum(sizes)), 0)
    taker, whole = SampleTaker(), SampleTaker()
    whole.take(points)
    for start, stop in zip(np.cumsum([0, *sizes]), np.cumsum(sizes), strict=False):
        taker.take(points[start:stop])
    assert shapely.equals(taker.geometries(), whole.geometries()).all()


def test_missing_and_empty_places_are_passed_over() -> None:
    taker = SampleTaker()
    taker.take(np.array([None, shapely.Point(), shapely.Point(1, 2)], dtype=object))
    assert (taker.seen, len(taker.geometries())) == (1, 1)


def test_many_vertices_count_too() -> None:
    taker = SampleTaker()
    circle = shapely.Point(0, 0).buffer(1, quad_segs=5000)
    for _ in range(40):
        taker.take(np.array([circle] * 10, dtype=object))
    kept = taker.geometries()
    assert shapely.get_num_coordinates(kept).sum() <= sample.MOST_COORDINATES
    assert len(kept) > 5
