"""Features found by a property: the index answers, in both stores, for what is now and for what was."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from street_lights import CLERK, SPEC, with_three_lights
from street_lights import NORTH as NORTH_LIGHT
from twin.errors import UnknownLayerError, UnknownPropertyError
from twin.feature import Feature
from twin.query import FeatureQuery
from twin.store.lookups import property_indexes
from twin.store.sql import SqlStore

NORTH = {"op": "=", "args": [{"property": "name"}, "北路灯"]}
FROM_NORTH = {
    "op": "and",
    "args": [
        {"op": ">=", "args": [{"property": "name"}, "北"]},
        {"op": "<", "args": [{"property": "name"}, chr(ord("北") + 1)]},
    ],
}


def plan_of(store: SqlStore, ask: Callable[[], object], words: str, *, by_size: bool = False) -> str:
    """How the database reads the first statement with some words in it, as if the layer were too large to be read whole.

    With `by_size` the size of the layer decides.
    """
    asked: list[tuple[str, Any]] = []

    def note(connection: object, cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    sa.event.listen(store.engine, "before_cursor_execute", note)
    ask()
    sa.event.remove(store.engine, "before_cursor_execute", note)
    statement, parameters = next(entry for entry in asked if words in entry[0])
    with store.reading() as connection:
        if connection.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        else:
            connection.exec_driver_sql(f"SET enable_seqscan = {'on' if by_size else 'off'}")
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).fetchall()
    return "\n".join(str(row[-1]) for row in rows)


def plan_of_query(store: SqlStore, query: FeatureQuery) -> str:
    return plan_of(store, lambda: store.select(SPEC.id, query), "om_valid_from")


@pytest.mark.parametrize("wanted", [NORTH, FROM_NORTH], ids=["a value", "a beginning"])
def test_a_value_and_a_beginning_are_looked_up_in_the_index(store, wanted):
    with_three_lights(store)
    for query in (FeatureQuery(filter=wanted), FeatureQuery(filter=wanted, as_of=1)):
        assert "om_by_" not in plan_of_query(store, query)
        expected = store.select(SPEC.id, query).ids
        assert list(expected) == ["north"]
    store.index(SPEC.id, ["name"])
    for query in (FeatureQuery(filter=wanted), FeatureQuery(filter=wanted, as_of=1)):
        plan = plan_of_query(store, query)
        assert len(set(re.findall(r"om_by_\w+", plan))) == (1 if query.as_of is None else 2), plan
        assert store.select(SPEC.id, query).ids == expected


def test_what_has_changed_is_looked_up_in_the_index_as_soon_as_a_layer_is_loaded(store):
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        for number in range(5000):
            writer.insert(Feature(f"light-{number}", NORTH_LIGHT.geometry, NORTH_LIGHT.properties))
    store.follow(SPEC.id)
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("light-17")
    plan = plan_of(store, lambda: store.changes_since(SPEC.id, 1, most=100), "om_version >", by_size=True)
    assert "om_by_" in plan, plan


def test_indexing_again_or_from_another_process_changes_nothing(store, reopen):
    with_three_lights(store)
    for each in (store, reopen(), store):
        each.index(SPEC.id, ["name", "lamps"])
    with store.reading() as connection:
        tables = store.catalogue.known(connection, SPEC.id).tables
        wanted = property_indexes(tables, ["name", "lamps"])
        assert len({index.name for index in wanted}) == 4
        assert all(index.is_made(connection) for index in wanted)


def test_an_index_keeps_up_with_writes_and_goes_with_its_layer(store):
    with_three_lights(store)
    store.index(SPEC.id, ["name"])
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("north")
    assert list(store.select(SPEC.id, FeatureQuery(filter=NORTH)).ids) == []
    store.drop_layer(SPEC.id)
    with_three_lights(store)
    assert list(store.select(SPEC.id, FeatureQuery(filter=NORTH)).ids) == ["north"]
    store.index(SPEC.id, ["name"])


def test_what_is_not_there_is_not_indexed(store):
    with pytest.raises(UnknownLayerError):
        store.index(SPEC.id, ["name"])
    with_three_lights(store)
    with pytest.raises(UnknownPropertyError):
        store.index(SPEC.id, ["nothing"])


def test_who_stops_reading_early_leaves_no_cursor_open(store):
    with_three_lights(store)
    reading = store.iterate(SPEC.id, FeatureQuery(), rows=1)
    assert len(next(reading)) == 1
    reading.close()
    gc.collect()  # a cursor that was left open warns here, and a warning is a failure
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("north")
