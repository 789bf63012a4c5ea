"""Numbers read wrongly: what the guard makes of them, and of layers of other places."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import shapely

from twin.bounds import Bounds
from twin.crs import from_cgcs2000, parse_crs
from twin.guard.belief import Belief, Hypothesis, Verdict
from twin.guard.readings import CityFrame, judge_reading

CITY = CityFrame(Bounds(119.6317, 36.0102, 120.211, 36.4959), "EPSG:4549")
rng = np.random.default_rng(7)
LONLAT = np.column_stack([rng.uniform(119.7, 120.2, 100), rng.uniform(36.05, 36.45, 100)])
Numbers = npt.NDArray[np.float64]


def metres(code: int) -> Numbers:
    done: Numbers = shapely.get_coordinates(from_cgcs2000(shapely.points(LONLAT), parse_crs(f"EPSG:{code}")))
    return done


def packed(*, seconds: bool) -> Numbers:
    degrees = np.floor(LONLAT)
    minutes = (LONLAT - degrees) * 60
    if not seconds:
        return degrees * 100 + minutes
    return degrees + np.floor(minutes) / 100 + (minutes - np.floor(minutes)) * 60 / 1e4


def judged(numbers: Numbers, stated: str = "EPSG:4490", *, fits: bool = False) -> Belief | None:
    return judge_reading(shapely.points(numbers), parse_crs(stated), CITY, lambda _: fits)


@pytest.mark.parametrize(
    ("numbers", "stated", "hypothesis", "correction"),
    [
        (LONLAT[:, ::-1], "EPSG:4490", Hypothesis.SWAPPED, "swap-axes"),
        (metres(4549)[:, ::-1], "EPSG:4549", Hypothesis.SWAPPED, "swap-axes"),
        (metres(4528), "EPSG:4549", Hypothesis.PROJECTION, "EPSG:4528"),
        (metres(4549), "EPSG:4528", Hypothesis.PROJECTION, "EPSG:4549"),
        (metres(4499), "EPSG:4549", Hypothesis.PROJECTION, "EPSG:4499"),
        (metres(4498), "EPSG:4549", Hypothesis.PROJECTION, "EPSG:4498"),
        # The 6 degree zone without prefix is the same projection as the 3 degree zone of its meridian.
        (metres(4509), "EPSG:4549", Hypothesis.PROJECTION, "EPSG:4548"),
        (metres(4510), "EPSG:4549", Hypothesis.PROJECTION, "EPSG:4550"),
        (metres(3857), "EPSG:4490", Hypothesis.PROJECTION, "EPSG:3857"),
        (metres(4549), "EPSG:4490", Hypothesis.PROJECTION, "EPSG:4549"),
        (metres(4549)[:, ::-1], "EPSG:4490", Hypothesis.PROJECTION, None),
        (metres(4549) / 1000, "EPSG:4549", Hypothesis.UNIT, None),
        (metres(4549) / 0.3048, "EPSG:4549", Hypothesis.UNIT, None),
        (LONLAT, "EPSG:4549", Hypothesis.UNIT, "EPSG:4490"),
        (LONLAT * 1e6, "EPSG:4490", Hypothesis.UNIT, None),
        (LONLAT * 3600, "EPSG:4490", Hypothesis.UNIT, None),
        (packed(seconds=False), "EPSG:4490", Hypothesis.PACKED, None),
        (packed(seconds=True), "EPSG:4490", Hypothesis.PACKED, None),
        (LONLAT * 0, "EPSG:4490", Hypothesis.ORIGIN, None),
        (rng.uniform(-1e9, 1e9, (100, 2)), "EPSG:4490", Hypothesis.GARBAGE, None),
    ],
)
def test_mistakes_are_named(numbers: Numbers, stated: str, hypothesis: Hypothesis, correction: str | None) -> None:
    belief = judged(numbers, stated)
    assert belief is not None
    assert (belief.hypothesis, belief.correction) == (hypothesis, correction)
    assert belief.suspicious
    assert belief.text.zh
    assert belief.text.en
    assert belief.confidence > 0.9


@pytest.mark.parametrize(
    ("numbers", "stated", "hypothesis"),
    [
        (LONLAT * [-1, 1], "EPSG:4490", Hypothesis.HEMISPHERE),  # Hanford, California
        (LONLAT * [1, -1], "EPSG:4490", Hypothesis.HEMISPHERE),
        (np.radians(LONLAT), "EPSG:4490", Hypothesis.UNIT),
        (metres(4549), "EPSG:4510", Hypothesis.PROJECTION),  # in the Yellow Sea, where that zone is in use
        (metres(4549), "EPSG:4548", Hypothesis.PROJECTION),  # 3 degrees west of the city, where that zone is in use
    ],
)
def test_a_possible_place_elsewhere_is_accused_only_where_the_base_map_bears_witness(
    numbers: Numbers, stated: str, hypothesis: Hypothesis
) -> None:
    told, found = judged(numbers, stated), judged(numbers, stated, fits=True)
    assert told is not None
    assert found is not None
    assert (told.verdict, told.hypothesis, told.confidence, told.correction) == (Verdict.UNKNOWN, hypothesis, 0, None)
    assert "outside the city" in told.text.en
    assert (found.verdict, found.hypothesis) == (Verdict.SUSPICIOUS, hypothesis)


@pytest.mark.parametrize(
    ("numbers", "stated"),
    [
        (LONLAT, "EPSG:4490"),
        (np.round(LONLAT, 2), "EPSG:4490"),
        (np.round(LONLAT, 3), "EPSG:4490"),
        (LONLAT, "GCJ-02"),
        (metres(4549), "EPSG:4549"),
        (np.add(LONLAT, [1.5, -5]), "EPSG:4490"),  # Shanghai
        (np.add(LONLAT, [19.7, -0.5]), "EPSG:4490"),  # Tokyo
        (LONLAT - [191, -6], "EPSG:4490"),  # Boston
        (np.full((100, 2), np.nan), "EPSG:4490"),
        (np.vstack([LONLAT, LONLAT[:40] * 0]), "EPSG:4490"),  # some rows without coordinates are the report's business
    ],
)
def test_what_can_be_what_it_says_is_left_alone(numbers: Numbers, stated: str) -> None:
    assert judged(numbers, stated) is None


def test_a_handful_of_places_is_less_sure() -> None:
    one, many = judged(LONLAT[:1, ::-1]), judged(LONLAT[:, ::-1])
    assert one is not None
    assert many is not None
    assert one.confidence == pytest.approx(0.5)
    assert many.confidence > 0.98
