"""When a feature or a layer goes, its links are ended, hold it, or are left for the report, as their type says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import shapely

from quarter import CLERK, NAMED, ref, tie
from twin.errors import LinkedFeatureError
from twin.feature import Feature, FeatureBatch
from twin.relations.opening import open_relations
from twin.relations.port import LinkQuery
from twin.relations.sql import SqlRelations
from twin.schema import GeometryType, Schema
from twin.store.port import Store


def delete(store: Store, layer: str, *ids: str) -> None:
    with store.write(layer, CLERK) as writer:
        for id_ in ids:
            writer.delete(id_)


def replace_with(store: Store, layer: str, *ids: str) -> None:
    """A delivery in mode replace that brings these buildings only."""
    schema = Schema(GeometryType.POLYGON, NAMED)
    features = [Feature(id_, shapely.box(120, 36, 120.1, 36.1), {"name": "new"}) for id_ in ids]
    with store.write(layer, CLERK) as writer:
        writer.upsert(FeatureBatch.of(schema, features))
        writer.delete_absent(ids)


def clear_and_insert(store: Store, layer: str, *ids: str) -> None:
    """All features go, and these come back in the same write."""
    with store.write(layer, CLERK) as writer:
        writer.clear()
        for id_ in ids:
            writer.insert(Feature(id_, None, {"name": "anew"}))


def test_a_building_with_floors_cannot_be_deleted(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("floors/B1-1", "floor-of", "buildings/B1")], CLERK)
    with pytest.raises(LinkedFeatureError, match="tied") as refusal:
        delete(store, "buildings", "B1")
    assert refusal.value.findings[0].value == "floors/B1-1 floor-of buildings/B1"
    assert store.get("buildings", "B1").version == 1
    delete(store, "buildings", "B2")


def test_a_deleted_floor_takes_its_link_along(store: Store, relations: SqlRelations) -> None:
    (made,) = relations.record([tie("floors/B1-1", "floor-of", "buildings/B1")], CLERK).ids
    delete(store, "floors", "B1-1")
    assert relations.links(LinkQuery()) == []
    assert relations.history(made)[0].superseded == 2
    newest = relations.changes()[0]
    assert (newest.author.name, newest.author.reason, newest.ended) == ("clerk", "feature deleted: floors", 1)


def test_a_cascade_is_undone_with_the_write_that_caused_it(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("floors/B1-1", "floor-of", "buildings/B1")], CLERK)

    class Stop:
        def before_removal(self, connection, removal) -> None:
            raise RuntimeError("somebody behind us objects")

    store.watchers.append(Stop())
    with pytest.raises(RuntimeError):
        delete(store, "floors", "B1-1")
    store.watchers.pop()
    assert len(relations.links(LinkQuery())) == 1
    assert relations.version() == 1


def test_a_dangling_link_stays_for_the_report(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("sensors/S1", "in-grid-cell", "cells/C1")], CLERK)
    delete(store, "cells", "C1")
    assert [link.target for link in relations.links(LinkQuery())] == [ref("cells/C1")]


def test_a_delivery_that_brings_the_building_again_disturbs_nothing(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("floors/B1-1", "floor-of", "buildings/B1")], CLERK)
    replace_with(store, "buildings", "B1", "B2")
    assert len(relations.links(LinkQuery())) == 1
    with pytest.raises(LinkedFeatureError):
        replace_with(store, "buildings", "B2")
    assert store.layer("buildings").feature_count == 2


@pytest.mark.parametrize("deliver", [replace_with, clear_and_insert])
def test_of_two_linked_features_of_one_layer_only_those_that_go_count(
    store: Store, relations: SqlRelations, deliver: Callable[..., None]
) -> None:
    relations.record([tie("buildings/B1", "part-of", "buildings/B2")], CLERK)
    deliver(store, "buildings", "B1", "B2")
    with pytest.raises(LinkedFeatureError):
        deliver(store, "buildings", "B1")
    assert len(relations.links(LinkQuery())) == 1
    deliver(store, "buildings", "B2")
    assert relations.links(LinkQuery()) == []
    assert store.layer("buildings").feature_count == 1


def test_a_whole_and_its_part_that_go_together_hold_nothing(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("buildings/B1", "part-of", "buildings/B2")], CLERK)
    replace_with(store, "buildings", "B3")
    assert relations.links(LinkQuery()) == []


def test_a_feature_deleted_and_made_again_in_one_write_was_never_gone(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("floors/B1-1", "floor-of", "buildings/B1")], CLERK)
    with store.write("buildings", CLERK) as writer:
        writer.delete("B1")
        writer.insert(Feature("B1", None, {"name": "anew"}))
    assert len(relations.links(LinkQuery())) == 1


def test_a_building_whose_successor_is_declared_may_go(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("floors/B1-1", "floor-of", "buildings/B1")], CLERK)
    relations.record([tie("buildings/B1", "replaced-by", "buildings/B2")], CLERK)
    delete(store, "buildings", "B1")
    assert {link.type for link in relations.links(LinkQuery())} == {"floor-of", "replaced-by"}


def test_a_dropped_layer_takes_its_own_links_along_and_is_held_by_others(store: Store, relations: SqlRelations) -> None:
    relations.record(
        [
            tie("floors/B1-1", "floor-of", "buildings/B1"),
            tie("sensors/S1", "located-in", "buildings/B1"),
            tie("buildings/B1", "part-of", "buildings/B2"),
        ],
        CLERK,
    )
    with pytest.raises(LinkedFeatureError):
        store.drop_layer("buildings")
    store.drop_layer("floors")
    assert {link.type for link in relations.links(LinkQuery())} == {"located-in", "part-of"}
    store.drop_layer("buildings")
    assert [link.type for link in relations.links(LinkQuery())] == ["located-in"]


def test_a_refusal_names_no_layer_that_the_author_may_not_see(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("floors/B1-1", "floor-of", "buildings/B1")], CLERK)
    open_relations(store, may_see=lambda author, layer: layer != "floors")
    with pytest.raises(LinkedFeatureError) as refusal:
        delete(store, "buildings", "B1")
    assert "floors" not in f"{refusal.value} {refusal.value.value} {refusal.value.limit} {refusal.value.findings}"


def test_two_views_of_one_store_watch_once(store: Store, relations: SqlRelations) -> None:
    again = open_relations(store)
    again.record([tie("floors/B1-1", "floor-of", "buildings/B1")], CLERK)
    delete(store, "floors", "B1-1")
    assert relations.changes()[0].ended == 1
    assert len(relations.changes()) == 2
