"""Wrong dates of a state put right: the head gets another validity, and the slice before it ends where it begins."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import shapely

from street_lights import CLERK
from twin.errors import OverlappingValidityError
from twin.feature import Feature
from twin.interval import Interval
from twin.query import FeatureQuery
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import LayerSpec, Store

SCHEMA = Schema(GeometryType.POINT, (Property("value", PropertyType.INTEGER),))


def state(value: int, start: int | None, end: int | None = None) -> Feature:
    ends = [None if year is None else datetime(year, 1, 1, tzinfo=UTC) for year in (start, end)]
    return Feature("a", shapely.Point(120, 36), {"value": value}, valid_from=ends[0], valid_to=ends[1])


def edit(store: Store, feature: Feature, *, redates: bool = False) -> None:
    with store.write("roads", CLERK) as writer:
        writer.replace(feature, redates=redates)


def value_in(store: Store, year: int, as_of: int | None = None) -> int | None:
    then = datetime(year, 7, 1, tzinfo=UTC)
    batch = store.select("roads", FeatureQuery(interval=Interval(then, then), as_of=as_of))
    return batch.columns["value"][0] if len(batch) else None


@pytest.fixture
def roads(store: Store) -> Store:
    with store.write("roads", CLERK, create=LayerSpec("roads", SCHEMA)) as writer:
        writer.insert(state(1, None))
    return store


def test_an_undated_feature_is_told_since_when_it_exists(roads: Store) -> None:
    edit(roads, state(1, 2020), redates=True)
    assert (value_in(roads, 2019), value_in(roads, 2021)) == (None, 1)
    assert value_in(roads, 2019, as_of=1) == 1, "what was known before the correction stays readable"


def test_a_boundary_between_two_states_is_moved_either_way(roads: Store) -> None:
    edit(roads, state(2, 2015))
    edit(roads, state(2, 2018), redates=True)
    assert [value_in(roads, year) for year in (2014, 2016, 2017, 2018)] == [1, 1, 1, 2]
    edit(roads, state(2, 2010), redates=True)
    assert [value_in(roads, year) for year in (2009, 2010, 2016)] == [1, 2, 2]
    assert [value_in(roads, year, as_of=3) for year in (2016, 2018)] == [1, 2]


def test_a_state_is_not_moved_over_an_earlier_one(roads: Store) -> None:
    edit(roads, state(2, 2010))
    edit(roads, state(3, 2015))
    with pytest.raises(OverlappingValidityError, match=r"2009-01-01T00:00:00Z/\.\. overlaps "):
        edit(roads, state(3, 2009), redates=True)
    assert [value_in(roads, year) for year in (2009, 2010, 2016)] == [1, 2, 3]
