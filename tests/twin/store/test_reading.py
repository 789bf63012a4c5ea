"""Reads: windows, filters, order, pages, grids; the same answers from both stores."""

from __future__ import annotations

import contextlib
import itertools
from datetime import UTC, datetime

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from street_lights import CLERK, NORTH, SCHEMA, SPEC, with_three_lights
from twin.bounds import Bounds
from twin.cql2 import parse_filter
from twin.errors import BadFilterError, UnknownFeatureError, UnknownPropertyError
from twin.feature import Feature, FeatureBatch
from twin.interval import Interval
from twin.query import FeatureQuery, Position, SortKey
from twin.schema import GeometryType, Schema
from twin.store.port import GridCount, LayerSpec, Store

FILTERS = {
    "name = '北路灯'": ["north"],
    "name LIKE '%路灯'": ["north", "south"],
    "name LIKE '_路%'": ["north", "south"],
    "name LIKE '北'": [],
    "CASEI(name) LIKE CASEI('üNKNOWN%')": ["lost"],
    "ACCENTI(name) = 'Unknown place'": ["lost"],
    "lamps = 2": ["north", "lost"],
    "lamps <> 2": ["south"],
    "lamps IN (1, 7)": ["south"],
    "power_kw BETWEEN 0.3 AND 0.5": ["south"],
    "power_kw IS NULL": ["lost"],
    "power_kw IS NOT NULL": ["north", "south"],
    "lamps + 1 = 3": ["north", "lost"],
    "lamps * power_kw > 0.49": ["north", "south"],
    "lamps / 0 = 1": [],
    "lamps DIV 2 = 0": ["south"],
    "lamps % 2 = 1": ["south"],
    "lamps ^ 2 = 4": ["north", "lost"],
    "lit": ["north"],
    "lit = FALSE": ["south"],
    "NOT lit": ["south"],
    "built = DATE('2019-06-01')": ["north"],
    "built < DATE('2019-06-02')": ["north"],
    "checked_at > TIMESTAMP('2024-05-01T08:30:00Z')": ["north"],
    "checked_at = TIMESTAMP('2024-05-01T16:30:00.123+08:00')": ["north"],
    "T_AFTER(checked_at, DATE('2024-04-30'))": ["north"],
    "T_DURING(checked_at, INTERVAL('2024-05-01', '..'))": ["north"],
    "T_INTERSECTS(built, DATE('2019-06-01'))": ["north"],
    "T_BEFORE(built, TIMESTAMP('2019-06-01T00:00:01Z'))": ["north"],
    "S_INTERSECTS(geometry, BBOX(120.0, 36.2, 120.02, 36.4))": ["north"],
    "S_WITHIN(geometry, POLYGON((120.04 36, 120.1 36, 120.1 36.2, 120.04 36.2, 120.04 36)))": ["south"],
    "S_CONTAINS(POLYGON((120.04 36, 120.1 36, 120.1 36.2, 120.04 36.2, 120.04 36)), geometry)": ["south"],
    "S_DISJOINT(geometry, BBOX(120.0, 36.2, 120.02, 36.4))": ["south"],
    "S_EQUALS(geometry, POINT(120.01 36.3))": ["north"],
    "id = 'south'": ["south"],
    "geom LIKE 'a property%'": ["north"],
    "lamps = 2 AND NOT (name LIKE '北%' OR id = 'south')": ["lost"],
}


def ids(store: Store, **query: object) -> list[str | None]:
    return list(store.select(SPEC.id, FeatureQuery(**query)).ids)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "expected"), FILTERS.items(), ids=FILTERS)
def test_a_filter_keeps_the_features_it_names(store: Store, text: str, expected: list[str]) -> None:
    with_three_lights(store)
    query = FeatureQuery(filter=parse_filter(text, SCHEMA))
    assert list(store.select(SPEC.id, query).ids) == expected
    assert store.count(SPEC.id, query) == len(expected)


def test_a_number_too_large_for_the_database_is_a_bad_filter_or_no_answer(store: Store) -> None:
    with_three_lights(store)
    query = FeatureQuery(filter=parse_filter("(lamps + 9) ^ 4000 > 1", SCHEMA))
    with contextlib.suppress(BadFilterError):
        assert list(store.select(SPEC.id, query).ids) == []


def test_a_window_takes_what_it_touches_and_nothing_without_a_place(store: Store) -> None:
    with_three_lights(store)
    assert ids(store, bounds=Bounds(120.0, 36.25, 120.02, 36.35)) == ["north"]
    assert ids(store, bounds=Bounds(120.01, 36.30, 120.01, 36.30)) == ["north"]
    assert ids(store, bounds=Bounds(-180, -90, 180, 90)) == ["north", "south"]
    assert ids(store, bounds=Bounds(170, 30, 120.02, 40)) == ["north"], "across the antimeridian"
    assert ids(store, bounds=Bounds(0, 0, 1, 1)) == []
    assert ids(store) == ["north", "south", "lost"]


def test_a_window_asks_the_geometry_and_not_its_box(store: Store) -> None:
    corner = shapely.Polygon(
        [(120.0, 36.0), (120.1, 36.0), (120.1, 36.01), (120.01, 36.01), (120.01, 36.1), (120.0, 36.1)]
    )
    polygons = LayerSpec("corners", Schema(GeometryType.POLYGON))
    with store.write("corners", CLERK, create=polygons) as writer:
        writer.insert(Feature("corner", corner, {}))
    in_the_notch = Bounds(120.05, 36.05, 120.09, 36.09)
    assert list(store.select("corners", FeatureQuery(bounds=in_the_notch)).ids) == []
    assert list(store.select("corners", FeatureQuery(bounds=in_the_notch, boxes_only=True)).ids) == ["corner"]
    assert store.count("corners", FeatureQuery(bounds=in_the_notch)) == 0
    assert list(store.select("corners", FeatureQuery(bounds=Bounds(120.05, 36.01, 120.09, 36.09))).ids) == ["corner"]


@pytest.mark.parametrize(("offset", "found"), [(-1e-6, []), (0.0, ["edge"]), (1e-6, ["edge"])])
@pytest.mark.parametrize("size", [1e-6, 0.01])
def test_a_window_is_exact_to_a_decimetre(store: Store, offset: float, found: list[str], size: float) -> None:
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        writer.insert(Feature("edge", shapely.Point(120.0 + offset, 36.0), {}))
        writer.insert(Feature("far", shapely.Point(119.0, 35.0), {}))
    assert ids(store, bounds=Bounds(120.0, 36.0 - size / 2, 120.0 + size, 36.0 + size / 2)) == found


def test_columns_come_in_the_order_asked_for(store: Store) -> None:
    with_three_lights(store)
    batch = store.select(SPEC.id, FeatureQuery(properties=("lit", "name"), geometry=False))
    assert list(batch.columns) == ["lit", "name"]
    assert list(batch.columns["lit"]) == [True, False, None]
    assert list(batch.wkb) == [None, None, None]
    with pytest.raises(UnknownPropertyError, match="wattage"):
        store.select(SPEC.id, FeatureQuery(properties=("wattage",)))


def test_valid_time_narrows_and_unknown_ends_count_as_open(store: Store) -> None:
    def day(month: int) -> datetime:
        return datetime(2024, month, 1, tzinfo=UTC)

    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        writer.insert(Feature("spring", None, {}, valid_from=day(3), valid_to=day(5)))
        writer.insert(Feature("since-may", None, {}, valid_from=day(5)))
        writer.insert(Feature("always", None, {}))
    assert ids(store, interval=Interval(day(4), day(4))) == ["spring", "always"]
    assert ids(store, interval=Interval(day(6), None)) == ["since-may", "always"]
    assert ids(store, interval=Interval(None, day(2))) == ["always"]
    assert store.get(SPEC.id, "spring").valid_to == day(5)


def test_small_features_can_be_left_out(store: Store) -> None:
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        writer.insert(Feature("dot", shapely.Point(120, 36), {}))
    assert ids(store, bounds=Bounds(119, 35, 121, 37), min_extent_deg=0.001) == []
    assert ids(store, bounds=Bounds(119, 35, 121, 37), min_extent_deg=0.0) == ["dot"]


def test_grid_counts_add_up_and_lie_in_their_cells(store: Store) -> None:
    with_three_lights(store)
    cells = store.count_grid(SPEC.id, Bounds(119, 35, 121, 37), 0.25)
    # (120.05 + 180) / 0.25 = 1200.2, (36.10 + 90) / 0.25 = 504.4; (36.30 + 90) / 0.25 = 505.2
    assert cells == [GridCount(1200, 504, 1), GridCount(1200, 505, 1)]


def test_iterating_gives_the_same_rows_in_bounded_batches(store: Store) -> None:
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        writer.upsert(FeatureBatch.of(SCHEMA, [Feature(None, None, {"lamps": i}) for i in range(25)]))
    batches = list(store.iterate(SPEC.id, FeatureQuery(), rows=10))
    assert [len(b) for b in batches] == [10, 10, 5]
    assert [v for b in batches for v in b.columns["lamps"]] == list(range(25))


def test_a_reading_is_not_disturbed_by_a_write_in_its_middle(store: Store) -> None:
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        writer.upsert(FeatureBatch.of(SCHEMA, [Feature(None, None, {"lamps": i}) for i in range(25)]))
    reading = store.iterate(SPEC.id, FeatureQuery(), rows=10)
    seen = len(next(reading))
    with store.write(SPEC.id, CLERK) as writer:
        writer.clear()
    assert seen + sum(len(b) for b in reading) == 25
    assert store.count(SPEC.id, FeatureQuery()) == 0


def test_an_unknown_feature_is_named(store: Store) -> None:
    with_three_lights(store)
    with pytest.raises(UnknownFeatureError, match="nobody"):
        store.get(SPEC.id, "nobody")


ROWS = st.lists(st.tuples(st.none() | st.integers(-2, 2), st.none() | st.sampled_from("aéB甲乙")), max_size=12)
KEYS = st.lists(
    st.builds(SortKey, st.sampled_from(["lamps", "name"]), st.booleans()), max_size=2, unique_by=lambda k: k.property
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, keys=KEYS, size=st.integers(1, 4))
def test_pages_give_each_feature_once_in_order(store: Store, rows: list, keys: list[SortKey], size: int) -> None:
    if any(layer.id == SPEC.id for layer in store.layers()):
        store.drop_layer(SPEC.id)
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        writer.upsert(FeatureBatch.of(SCHEMA, [Feature(None, None, {"lamps": n, "name": s}) for n, s in rows]))
    sort = tuple(keys)
    whole = store.select(SPEC.id, FeatureQuery(sort=sort))
    paged: list[int] = []
    position = None
    for _ in range(len(rows) + 1):
        page = store.select(SPEC.id, FeatureQuery(sort=sort, limit=size, after=position))
        if len(page) == 0:
            break
        paged += page.fids.tolist()
        position = Position(tuple(page.columns[k.property][-1] for k in sort), int(page.fids[-1]))
    assert paged == whole.fids.tolist()
    expected = list(range(len(rows)))
    for key in reversed(sort):
        column = 0 if key.property == "lamps" else 1
        known = sorted(
            (i for i in expected if rows[i][column] is not None), key=lambda i: rows[i][column], reverse=key.descending
        )
        if key.descending:  # a stable descending order keeps the order of arrival among equals
            known.sort(key=expected.index)
            known.sort(key=lambda i: rows[i][column], reverse=True)
        expected = known + [i for i in expected if rows[i][column] is None]
    assert [rows[i] for i in expected] == list(zip(whole.columns["lamps"], whole.columns["name"], strict=True))


def test_every_set_of_columns_is_answered_however_many_are_asked(store: Store) -> None:
    with_three_lights(store)
    orders = list(itertools.permutations(SCHEMA.names[:5], 4))
    assert len(orders) == 120
    for names in orders:
        batch = store.select(SPEC.id, FeatureQuery(properties=names, limit=1))
        assert list(batch.columns) == list(names)
        assert [batch.columns[name][0] for name in names] == [NORTH.properties[name] for name in names]
