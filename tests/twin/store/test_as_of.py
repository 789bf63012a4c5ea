"""System time: a layer as it stood at a version, through every part of a query; the same answers from both stores."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta

import pytest
import shapely
import sqlalchemy as sa

from street_lights import CLERK, LOST, NORTH, SCHEMA, SOUTH, SPEC, with_three_lights
from twin.bounds import Bounds
from twin.cql2 import parse_filter
from twin.errors import UnknownFeatureError, UnknownLayerError
from twin.feature import Feature
from twin.query import FeatureQuery, Position, SortKey
from twin.store.gpkg import GeoPackageStore
from twin.store.port import GridCount, Store
from twin.store.sql import SqlStore

EVERYWHERE = Bounds(119, 35, 121, 37)
AROUND_SOUTH = Bounds(120.04, 36.05, 120.06, 36.15)


def with_a_past(store: Store) -> Store:
    """1: three lights · 2: south moved east, new lamp count · 3: north deleted · 4: west added, south renamed."""
    with_three_lights(store)
    with store.write(SPEC.id, CLERK) as writer:
        writer.replace(Feature("south", shapely.Point(120.5, 36.5), SOUTH.properties | {"lamps": 9}))
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("north")
    with store.write(SPEC.id, CLERK) as writer:
        writer.insert(Feature("west", shapely.Point(119.5, 36.2), {"name": "西", "lamps": 0}))
        writer.replace(Feature("south", shapely.Point(120.5, 36.5), {"name": "renamed"}))
    return store


def ids(store: Store, **query: object) -> list[str | None]:
    return list(store.select(SPEC.id, FeatureQuery(**query)).ids)  # type: ignore[arg-type]


def test_the_layer_as_it_stood_at_every_version(store: Store) -> None:
    with_a_past(store)
    assert [ids(store, as_of=v) for v in range(6)] == [
        [],
        ["north", "south", "lost"],
        ["north", "south", "lost"],
        ["south", "lost"],
        ["south", "lost", "west"],
        ["south", "lost", "west"],
    ]
    assert store.get(SPEC.id, "north", as_of=2) == Feature("north", NORTH.geometry, NORTH.properties, version=1)
    assert [store.get(SPEC.id, "south", as_of=v).properties["lamps"] for v in (1, 2, 3, 4)] == [1, 9, 9, None]
    assert [store.get(SPEC.id, "south", as_of=v).version for v in (1, 2, 3, 4)] == [1, 2, 2, 4]
    with pytest.raises(UnknownFeatureError):
        store.get(SPEC.id, "west", as_of=3)


def test_a_window_into_the_past_finds_things_where_they_were(store: Store) -> None:
    with_a_past(store)
    for boxes_only in (False, True):
        assert ids(store, as_of=1, bounds=AROUND_SOUTH, boxes_only=boxes_only) == ["south"]
        assert ids(store, as_of=2, bounds=AROUND_SOUTH, boxes_only=boxes_only) == []
    assert ids(store, as_of=2, bounds=EVERYWHERE) == ["north", "south"]
    assert ids(store, as_of=3, bounds=Bounds(-180, -90, 180, 90), boxes_only=True) == ["south"]
    assert ids(store, as_of=1, bounds=AROUND_SOUTH, geometry=False) == ["south"]
    assert ids(store, as_of=1, bounds=Bounds(120.05, 36.1, 120.05, 36.1)) == ["south"], "a window without an inside"
    assert ids(store, as_of=1, bounds=Bounds(170, 30, 120.02, 40)) == ["north"], "across the antimeridian"


def test_a_window_round_the_present_does_not_take_what_was_outside_it(store: Store) -> None:
    with_a_past(store)
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("west")
    present = store.layer(SPEC.id).bounds
    assert present is not None
    assert ids(store, as_of=4, bounds=present) == ["south"]


def test_filter_ids_and_properties_go_by_the_values_of_then(store: Store) -> None:
    with_a_past(store)
    nine = parse_filter("lamps = 9 AND S_INTERSECTS(geometry, BBOX(120.4, 36.4, 120.6, 36.6))", SCHEMA)
    assert [ids(store, as_of=v, filter=nine) for v in (1, 2, 4)] == [[], ["south"], []]
    apart = parse_filter("S_DISJOINT(geometry, BBOX(120.4, 36.4, 120.6, 36.6))", SCHEMA)
    assert [ids(store, as_of=v, filter=apart) for v in (1, 2, 4)] == [["north", "south"], ["north"], ["west"]]
    assert ids(store, as_of=2, ids=("north", "west")) == ["north"]
    batch = store.select(SPEC.id, FeatureQuery(as_of=1, properties=("lamps", "name"), geometry=False))
    assert {name: list(column) for name, column in batch.columns.items()} == {
        "lamps": [2, 1, 2],
        "name": ["北路灯", "南路灯", "Ünknown place"],
    }
    assert list(batch.wkb) == [None, None, None]


@pytest.mark.parametrize("descending", [False, True])
def test_sorted_pages_of_the_past_never_repeat_or_miss_a_row(store: Store, descending: bool) -> None:
    with_a_past(store)
    order = (SortKey("lamps", descending=descending), SortKey("name"))
    whole = ids(store, as_of=2, sort=order)
    assert whole == (["south", "lost", "north"] if descending else ["lost", "north", "south"])
    seen: list[str | None] = []
    after: Position | None = None
    while True:
        query = FeatureQuery(as_of=2, sort=order, limit=1, after=after, properties=("name", "lamps"))
        page = store.select(SPEC.id, query)
        if not len(page):
            break
        seen += page.ids
        after = Position((page.columns["lamps"][-1], page.columns["name"][-1]), int(page.fids[-1]))
    assert seen == whole
    assert ids(store, as_of=2, sort=order, properties=(), limit=2) == whole[:2]


def test_plain_pages_of_the_past_follow_each_other(store: Store) -> None:
    with_a_past(store)
    for bounds, expected in ((None, ["north", "south", "lost"]), (EVERYWHERE, ["north", "south"])):
        seen: list[str | None] = []
        after: Position | None = None
        while True:
            page = store.select(SPEC.id, FeatureQuery(as_of=2, bounds=bounds, limit=1, after=after))
            if not len(page):
                break
            seen += page.ids
            after = Position((), int(page.fids[-1]))
        assert seen == expected


def test_counts_and_grids_of_the_past(store: Store) -> None:
    with_a_past(store)
    assert [store.count(SPEC.id, FeatureQuery(as_of=v)) for v in range(5)] == [0, 3, 3, 2, 3]
    assert store.count(SPEC.id, FeatureQuery(as_of=1, bounds=AROUND_SOUTH)) == 1
    assert store.count_grid(SPEC.id, EVERYWHERE, 1.0, as_of=1) == [GridCount(300, 126, 2)]
    assert store.count_grid(SPEC.id, EVERYWHERE, 0.25, as_of=2) == [
        GridCount(1200, 505, 1),
        GridCount(1202, 506, 1),
    ]
    assert store.count_grid(SPEC.id, EVERYWHERE, 0.25, as_of=0) == []


def test_the_past_streams_in_batches(store: Store) -> None:
    with_a_past(store)
    batches = list(store.iterate(SPEC.id, FeatureQuery(as_of=2), rows=2))
    assert [list(batch.ids) for batch in batches] == [["north", "south"], ["lost"]]


def test_what_a_write_made_and_changed_itself_leaves_no_trace(store: Store) -> None:
    with_three_lights(store)
    with store.write(SPEC.id, CLERK) as writer:
        writer.replace(Feature("lost", None, {"name": "first"}))
        writer.replace(Feature("lost", None, {"name": "second"}))
    assert [v.feature.properties["name"] for v in store.history(SPEC.id, "lost")] == ["second", "Ünknown place"]
    assert store.get(SPEC.id, "lost", as_of=1) == Feature(
        "lost", None, LOST.properties | dict.fromkeys(set(SCHEMA.names) - LOST.properties.keys()), version=1
    )


def test_the_version_of_an_instant_is_the_last_committed_by_then(store: Store) -> None:
    with_a_past(store)
    changes = store.changesets(SPEC.id)[::-1]
    for change in changes:
        at_once = [c.version for c in changes if c.at == change.at]
        assert store.version_at(SPEC.id, change.at) == at_once[-1]
    assert store.version_at(SPEC.id, changes[0].at - timedelta(milliseconds=1)) == 0
    assert store.version_at(SPEC.id, changes[-1].at + timedelta(days=365)) == 4
    with pytest.raises(UnknownLayerError):
        store.version_at("no-such-layer", changes[0].at)


def test_the_clock_of_a_layer_never_runs_backwards(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with_three_lights(store)
    (first,) = store.changesets(SPEC.id)
    monkeypatch.setattr("twin.store.writing.now", lambda: first.at - timedelta(hours=1))
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("lost")
    assert store.changesets(SPEC.id)[0].at == store.layer(SPEC.id).updated_at >= first.at
    assert store.version_at(SPEC.id, first.at - timedelta(minutes=1)) == 0


def test_a_new_manifest_does_not_set_the_clock_of_a_layer_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with_three_lights(store)
    (first,) = store.changesets(SPEC.id)
    for module in ("catalogue", "writing"):
        monkeypatch.setattr(f"twin.store.{module}.now", lambda: first.at - timedelta(hours=1))
    store.describe_layer(SPEC.id, {"title": "again"})
    assert store.layer(SPEC.id).updated_at >= first.at
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("lost")
    assert store.changesets(SPEC.id)[0].at >= first.at
    assert store.version_at(SPEC.id, first.at - timedelta(minutes=1)) == 0


def test_what_a_write_did_is_found_by_index_in_older_stores_too(
    store: SqlStore, reopen: Callable[[], SqlStore]
) -> None:
    def indexes(of: SqlStore) -> dict[str, str | None]:
        plain = sa.create_engine(of.engine.url, poolclass=sa.NullPool)
        found = sa.inspect(plain).get_indexes(f"{SPEC.id}__history", schema=of.dialect.db_schema)
        return {entry["column_names"][0]: entry["name"] for entry in found if len(entry["column_names"]) == 1}

    with_a_past(store)
    made = indexes(store)
    schema = "" if store.dialect.db_schema is None else f'"{store.dialect.db_schema}".'
    with store.writing() as connection:
        for column in ("om_version", "om_superseded"):
            connection.exec_driver_sql(f'DROP INDEX {schema}"{made[column]}"')
    again = reopen()
    assert {"om_version", "om_superseded"} <= indexes(again).keys()
    assert [t.what for t in again.touched(SPEC.id, 3)] == ["deleted"]


def test_a_store_from_before_there_was_a_past_is_brought_up_to_date(
    store_target: str, reopen: Callable[[], Store]
) -> None:
    store = with_a_past(reopen())
    assert isinstance(store, SqlStore)
    history = f"{SPEC.id}__history"
    if isinstance(store, GeoPackageStore):
        old = [f'DROP INDEX "{history}_slices"', f'DROP TABLE "rtree_{history}_geom"']
    else:
        old = []
    table = history if isinstance(store, GeoPackageStore) else f'onemap"."{history}'
    with store.engine.begin() as connection:
        for statement in (*old, f'ALTER TABLE "{table}" DROP COLUMN om_slice'):
            connection.execute(sa.text(statement))
    store.close()
    again = reopen()
    assert ids(again, as_of=1, bounds=AROUND_SOUTH) == ["south"]
    with again.write(SPEC.id, CLERK) as writer:
        writer.delete("south")
    assert ids(again, as_of=4, bounds=Bounds(120.4, 36.4, 120.6, 36.6)) == ["south"]
    if isinstance(again, GeoPackageStore):
        with sqlite3.connect(store_target) as file:
            assert file.execute("SELECT rtreecheck(?)", (f"rtree_{history}_geom",)).fetchone() == ("ok",)
