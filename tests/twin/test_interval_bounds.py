"""Times and boxes as they are written by people and clients."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from twin.bounds import Bounds
from twin.errors import BadBoundsError, BadIntervalError
from twin.interval import Interval


def test_a_day_lasts_until_its_last_moment() -> None:
    day = Interval.parse("2024-05-01")
    assert day.start == datetime(2024, 5, 1, tzinfo=UTC)
    assert day.end == datetime(2024, 5, 1, 23, 59, 59, 999999, tzinfo=UTC)


def test_open_ends_and_zones() -> None:
    assert Interval.parse("../2024-05-01T08:00:00+08:00") == Interval(None, datetime(2024, 5, 1, tzinfo=UTC))
    assert Interval.parse("2024-05-01T00:00:00Z/") == Interval(datetime(2024, 5, 1, tzinfo=UTC), None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "../..",
        "/",
        "yesterday",
        "2024-13-01",
        "2024-05-02/2024-05-01",
        "a/b/c",
        "2024-05-01T25:00:00Z",
        "2024",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadIntervalError) as caught:
        Interval.parse(text)
    assert caught.value.remedy


def test_a_box_across_the_antimeridian_has_two_parts() -> None:
    box = Bounds(170, -10, -170, 10)
    assert box.parts() == (Bounds(170, -10, 180, 10), Bounds(-180, -10, -170, 10))
    assert box.intersects(Bounds(-175, 0, -174, 1))
    assert not box.intersects(Bounds(0, 0, 1, 1))


def test_an_impossible_box_is_refused() -> None:
    with pytest.raises(BadBoundsError, match="upside down"):
        Bounds(0, 2, 1, 1)
    with pytest.raises(BadBoundsError, match="finite"):
        Bounds(float("nan"), 0, 1, 1)


def test_union_and_containment() -> None:
    a, b = Bounds(0, 0, 1, 1), Bounds(2, 2, 3, 3)
    assert a.union(b) == Bounds(0, 0, 3, 3)
    assert a.union(None) == a
    assert a.union(b).contains(b)
    assert not a.contains(b)
    assert a.buffered(0.5) == Bounds(-0.5, -0.5, 1.5, 1.5)
