"""Writes are transactions: all or nothing, one version each, the past kept."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from street_lights import CLERK, LOST, NORTH, SCHEMA, SOUTH, SPEC, with_three_lights
from twin.bounds import Bounds
from twin.errors import (
    DuplicateFeatureError,
    DuplicateLayerError,
    UnknownFeatureError,
    UnknownLayerError,
    VersionConflictError,
)
from twin.feature import Feature, FeatureBatch
from twin.query import FeatureQuery
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import LayerSpec, Store, Tally


def batch_of(*features: Feature) -> FeatureBatch:
    return FeatureBatch.of(SCHEMA, features)


def test_a_feature_comes_back_as_it_went_in(store: Store) -> None:
    with_three_lights(store)
    north = store.get(SPEC.id, "north")
    assert north.properties == NORTH.properties
    assert north.geometry == NORTH.geometry
    assert north.version == 1
    assert store.get(SPEC.id, "lost").geometry is None
    assert store.get(SPEC.id, "south").properties["built"] is None


def test_layers_survive_a_restart(store: Store, reopen) -> None:
    with_three_lights(store)
    store.close()
    again = reopen()
    record = again.layer(SPEC.id)
    assert record.document["title"]["zh"] == "路灯"
    assert (record.version, record.feature_count) == (1, 3)
    assert record.bounds == Bounds(120.01, 36.10, 120.05, 36.30)
    assert again.layer(SPEC.id).schema == SCHEMA


def test_each_write_moves_the_version_by_one_and_leaves_a_changeset(store: Store) -> None:
    with_three_lights(store)
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("lost")
        writer.replace(Feature("south", SOUTH.geometry, {"name": "South"}))
    assert store.version(SPEC.id) == 2
    newest, first = store.changesets(SPEC.id)
    assert (newest.version, newest.inserted, newest.updated, newest.deleted) == (2, 0, 1, 1)
    assert (first.version, first.inserted, first.author) == (1, 3, CLERK)
    assert store.layer(SPEC.id).feature_count == 2


def test_a_write_that_changes_nothing_leaves_no_trace(store: Store) -> None:
    with_three_lights(store)
    with store.write(SPEC.id, CLERK) as writer:
        assert writer.upsert(batch_of(NORTH, SOUTH)) == Tally()
    assert store.version(SPEC.id) == 1
    assert len(store.changesets(SPEC.id)) == 1


def test_an_exception_undoes_the_write_and_the_birth_of_the_layer(store: Store) -> None:
    def pull_the_plug() -> None:
        with store.write(SPEC.id, CLERK, create=SPEC) as writer:
            writer.upsert(batch_of(NORTH))
            raise RuntimeError("plug pulled")

    with pytest.raises(RuntimeError, match="plug pulled"):
        pull_the_plug()
    assert store.layers() == []
    with_three_lights(store)

    def delete_one_too_many() -> None:
        with store.write(SPEC.id, CLERK) as writer:
            writer.delete("north")
            writer.delete("nobody")

    with pytest.raises(UnknownFeatureError):
        delete_one_too_many()
    assert store.get(SPEC.id, "north").version == 1
    assert store.version(SPEC.id) == 1


def test_an_id_is_given_out_once(store: Store) -> None:
    with_three_lights(store)
    with pytest.raises(DuplicateFeatureError), store.write(SPEC.id, CLERK) as writer:
        writer.insert(NORTH)
    with pytest.raises(DuplicateLayerError):
        store.create_layer(SPEC, CLERK)


def test_the_store_gives_ids_that_nobody_has_used(store: Store) -> None:
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        writer.insert(Feature("2", None, {"name": "named 2 by its owner"}))
        given = [writer.insert(Feature(None, None, {"name": f"n{i}"})) for i in range(3)]
    assert len({"2", *given}) == 4
    assert store.layer(SPEC.id).feature_count == 4


def test_a_deleted_row_number_is_never_given_again(store: Store) -> None:
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        first = writer.insert(Feature(None, None, {}))
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete(first)
    with store.write(SPEC.id, CLERK) as writer:
        assert writer.insert(Feature(None, None, {})) != first


def test_upsert_tells_new_changed_and_unchanged_apart(store: Store) -> None:
    with_three_lights(store)
    moved = Feature("south", shapely.Point(120.06, 36.11), SOUTH.properties)
    fresh = Feature("east", shapely.Point(120.2, 36.2), {"name": "东"})
    with store.write(SPEC.id, CLERK) as writer:
        assert writer.upsert(batch_of(NORTH, moved, fresh)) == Tally(inserted=1, updated=1)
    assert store.get(SPEC.id, "south").geometry == moved.geometry
    assert store.get(SPEC.id, "north").version == 1
    assert store.get(SPEC.id, "east").version == 2


def test_of_rows_that_share_an_id_in_one_batch_the_last_stays(store: Store) -> None:
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        writer.upsert(batch_of(NORTH, Feature("north", None, {"name": "second"})))
        writer.upsert(batch_of(Feature("north", None, {"name": "third"})))
    assert store.get(SPEC.id, "north").properties["name"] == "third"
    assert store.layer(SPEC.id).feature_count == 1


def test_a_stale_version_is_refused(store: Store) -> None:
    with_three_lights(store)
    with store.write(SPEC.id, CLERK) as writer:
        writer.replace(Feature("south", None, {}), if_version=1)
    with pytest.raises(VersionConflictError, match="changed meanwhile"), store.write(SPEC.id, CLERK) as writer:
        writer.delete("south", if_version=1)
    assert store.get(SPEC.id, "south").version == 2


def test_every_state_of_a_feature_is_kept(store: Store) -> None:
    with_three_lights(store)
    with store.write(SPEC.id, CLERK) as writer:
        writer.replace(Feature("south", SOUTH.geometry, {"name": "renamed"}))
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("south")
    last, first = store.history(SPEC.id, "south")
    assert first.feature.properties["name"] == "南路灯"
    assert first.feature.geometry == SOUTH.geometry
    assert first.superseded_at == last.recorded_at
    assert last.feature.properties["name"] == "renamed"
    assert last.superseded_at == store.changesets(SPEC.id)[0].at
    with pytest.raises(UnknownFeatureError):
        store.history(SPEC.id, "never-was")


def test_clearing_keeps_the_past_and_empties_the_extent(store: Store) -> None:
    with_three_lights(store)
    with store.write(SPEC.id, CLERK) as writer:
        assert writer.clear() == 3
        writer.insert(Feature("new", shapely.Point(119.9, 36.0), {}))
    record = store.layer(SPEC.id)
    assert (record.feature_count, record.bounds) == (1, Bounds(119.9, 36.0, 119.9, 36.0))
    assert store.history(SPEC.id, "north")[0].superseded_at is not None


def test_the_extent_shrinks_exactly_when_the_outermost_feature_goes(store: Store) -> None:
    with_three_lights(store)
    with store.write(SPEC.id, CLERK) as writer:
        writer.insert(Feature("middle", shapely.Point(120.0333333333, 36.2777777777), {}))
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("south")
    assert store.layer(SPEC.id).bounds == Bounds(120.01, 36.2777777777, 120.0333333333, 36.30)
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("north")
        writer.delete("middle")
    assert store.layer(SPEC.id).bounds is None


def test_a_dropped_layer_is_gone_and_its_successor_never_repeats_a_version(store: Store) -> None:
    with_three_lights(store)
    store.drop_layer(SPEC.id)
    with pytest.raises(UnknownLayerError):
        store.select(SPEC.id, FeatureQuery())
    other = LayerSpec(SPEC.id, type(SCHEMA)(SCHEMA.geometry_type, SCHEMA.properties[:1]), {"id": SPEC.id})
    with store.write(SPEC.id, CLERK, create=other) as writer:
        writer.insert(Feature("x", None, {"name": "x"}))
    assert store.version(SPEC.id) > 1
    assert store.get(SPEC.id, "x").properties == {"name": "x"}
    assert [c.inserted for c in store.changesets(SPEC.id)] == [1]


def test_a_new_manifest_changes_neither_data_nor_version(store: Store, reopen) -> None:
    with_three_lights(store)
    other = reopen()
    assert other.layer(SPEC.id).document["title"]["en"] == "Street lights"
    store.describe_layer(SPEC.id, {"title": {"zh": "灯", "en": "Lamps"}})
    assert other.layer(SPEC.id).document["title"]["en"] == "Lamps"
    assert store.version(SPEC.id) == 1


def test_another_server_sees_a_write_at_once(store: Store, reopen) -> None:
    with_three_lights(store)
    other = reopen()
    assert other.version(SPEC.id) == 1
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("lost")
    assert other.version(SPEC.id) == 2
    assert list(other.select(SPEC.id, FeatureQuery()).ids) == ["north", "south"]


def test_heights_are_kept(store: Store) -> None:
    with_three_lights(store)
    with store.write(SPEC.id, CLERK) as writer:
        writer.insert(Feature("high", shapely.Point(120.0, 36.2, 81.5), {}))
    assert shapely.get_z(store.get(SPEC.id, "high").geometry) == 81.5


def test_many_rows_stream_in_and_later_rows_find_them(store: Store) -> None:
    count = 5_000
    rng = np.random.default_rng(7)
    points = shapely.points(rng.uniform(119.7, 120.2, count), rng.uniform(36.0, 36.5, count))
    features = [Feature(None, point, {"lamps": i}) for i, point in enumerate(points)]
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        for start in range(0, count, 1_000):
            writer.upsert(batch_of(*features[start : start + 1_000]))
        writer.upsert(batch_of(Feature("5", None, {"name": "fifth, renamed"}), Feature("own", None, {})))
    assert store.layer(SPEC.id).feature_count == count + 1
    assert store.get(SPEC.id, "5").properties["name"] == "fifth, renamed"
    window = Bounds(119.9, 36.2, 120.0, 36.3)
    inside = sum(
        1
        for i, p in enumerate(points)
        if i != 4 and window.west <= p.x <= window.east and window.south <= p.y <= window.north
    )
    assert store.count(SPEC.id, FeatureQuery(bounds=window)) == inside
    assert LOST.geometry is None


def test_a_document_changes_with_the_write_that_brings_it_or_not_at_all(store: Store, reopen) -> None:
    with_three_lights(store)
    other = reopen()
    before = other.layer(SPEC.id)
    with pytest.raises(UnknownFeatureError), store.write(SPEC.id, CLERK) as writer:  # noqa: PT012
        writer.describe({**writer.document, "standing": {"state": "held"}})
        writer.delete("nobody")
    assert other.layer(SPEC.id).document == before.document
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("lost")
        writer.describe({**writer.document, "standing": {"state": "held"}})
        assert "standing" not in other.layer(SPEC.id).document, "nobody sees it before the commit"
    after = other.layer(SPEC.id)
    assert (after.document["standing"], after.version) == ({"state": "held"}, before.version + 1)


def test_a_document_may_change_alone_without_a_new_version(store: Store, reopen) -> None:
    with_three_lights(store)
    with store.write(SPEC.id, CLERK) as writer:
        writer.describe({"title": "x"})
    record = reopen().layer(SPEC.id)
    assert (record.document, record.version) == ({"title": "x"}, 1)


def test_a_layer_is_born_with_the_document_its_writer_leaves(store: Store, reopen) -> None:
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        writer.upsert(batch_of(NORTH, SOUTH))
        writer.describe({**writer.document, "standing": {"state": "held"}})
    assert reopen().layer(SPEC.id).document["standing"]["state"] == "held"


# Words that either database keeps for itself, among them some that SQLAlchemy does not know for SQLite.
WORDS = (
    *("all", "always", "analyze", "array", "between", "check", "collate", "column", "current", "default", "do", "end"),
    *(
        "exclude",
        "generated",
        "group",
        "index",
        "lateral",
        "limit",
        "materialized",
        "nothing",
        "null",
        "offset",
        "order",
    ),
    *(
        "over",
        "primary",
        "returning",
        "rowid",
        "select",
        "table",
        "trigger",
        "user",
        "values",
        "where",
        "window",
    ),
)


def test_words_of_sql_are_good_names_of_layers_and_properties(store: Store) -> None:
    for word in WORDS:
        schema = Schema(GeometryType.POINT, (Property(word, PropertyType.INTEGER),))
        with store.write(word, CLERK, create=LayerSpec(word, schema)) as writer:
            writer.upsert(FeatureBatch.of(schema, [Feature("1", shapely.Point(120, 36), {word: 1})]))
        with store.write(word, CLERK) as writer:
            writer.replace(Feature("1", shapely.Point(121, 36), {word: 2}))
        assert store.get(word, "1").properties == {word: 2}
        assert store.get(word, "1", as_of=1).properties == {word: 1}
        assert [t.what for t in store.touched(word, 2)] == ["updated"]
        assert len(store.history(word, "1")) == 2
        store.drop_layer(word)
    assert store.layers() == []
