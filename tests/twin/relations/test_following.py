"""An entity is followed through splits, merges and new ids, now and as of an instant or of pinned versions."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
import shapely

from api.relation_query import parse_moment
from layers.policy import OpenPolicy
from layers.relating import RelationDesk
from quarter import CLERK, ref, tie
from twin.basemap.release import Release, ReleasedLayer
from twin.basemap.release_book import open_releases
from twin.crs import parse_crs
from twin.errors import UnknownFeatureError, UnknownReleaseError
from twin.feature import Feature
from twin.relations.following import Moment, Outcome, predecessors, resolve, standing_at
from twin.relations.link import Ref
from twin.relations.report import check_integrity
from twin.relations.sql import SqlRelations
from twin.store.port import Store
from twin.text import LocalText

METRES = parse_crs("EPSG:4549")


def split_b1(store: Store, relations: SqlRelations) -> None:
    """B1 becomes B5 and B6: brought first, declared, then the old one goes."""
    with store.write("buildings", CLERK) as writer:
        for id_ in ("B5", "B6"):
            writer.insert(Feature(id_, shapely.box(120, 36.27, 120.0002, 36.2702), {"name": id_}))
    relations.record(
        [tie("buildings/B1", "replaced-by", f"buildings/{id_}", event="split") for id_ in ("B5", "B6")], CLERK
    )
    with store.write("buildings", CLERK) as writer:
        writer.delete("B1")


def names(refs: tuple[Ref, ...] | list[Ref]) -> list[str]:
    return [end.id for end in refs]


def test_what_stands_is_itself(store: Store, relations: SqlRelations) -> None:
    found = resolve(store, relations, ref("buildings/B1"))
    assert (found.outcome, names(found.entities), found.chain) == (Outcome.STANDING, ["B1"], ())


def test_a_split_building_is_both_parts_and_back_then_it_was_one(store: Store, relations: SqlRelations) -> None:
    before = store.layer("buildings").updated_at
    time.sleep(0.005)  # the next changeset falls into another millisecond
    split_b1(store, relations)
    now = resolve(store, relations, ref("buildings/B1"))
    assert (now.outcome, names(now.entities)) == (Outcome.REPLACED, ["B5", "B6"])
    assert [link.properties["event"] for link in now.chain] == ["split", "split"]
    then = resolve(store, relations, ref("buildings/B1"), Moment(before))
    assert (then.outcome, names(then.entities)) == (Outcome.STANDING, ["B1"])
    back = resolve(store, relations, ref("buildings/B6"), Moment(before))
    assert (back.outcome, names(back.entities)) == (Outcome.PRECEDED, ["B1"])
    pinned = resolve(store, relations, ref("buildings/B6"), Moment(versions={"buildings": 1}))
    assert names(pinned.entities) == ["B1"]


def test_a_merge_over_two_steps_is_followed_to_its_end(store: Store, relations: SqlRelations) -> None:
    steps = [("B1", "B3"), ("B2", "B3"), ("B3", "B4")]
    relations.record([tie(f"buildings/{a}", "replaced-by", f"buildings/{b}") for a, b in steps], CLERK)
    with store.write("buildings", CLERK) as writer:
        for id_ in ("B1", "B2", "B3"):
            writer.delete(id_)
    for old in ("B1", "B2", "B3"):
        assert names(resolve(store, relations, ref(f"buildings/{old}")).entities) == ["B4"]

    def stands(ends):
        return standing_at(store, ends)

    assert sorted(names(predecessors(relations, ref("buildings/B4"), stands))) == ["B1", "B2", "B3"]
    back = resolve(store, relations, ref("buildings/B4"), Moment(versions={"buildings": 1}))
    assert back.outcome is Outcome.STANDING


def test_what_went_without_a_successor_is_gone_and_what_never_was_is_unknown(
    store: Store, relations: SqlRelations
) -> None:
    with store.write("buildings", CLERK) as writer:
        writer.delete("B1")
    assert resolve(store, relations, ref("buildings/B1")).outcome is Outcome.GONE
    with pytest.raises(UnknownFeatureError):
        resolve(store, relations, ref("buildings/B77"))


def test_a_successor_can_be_declared_after_the_entity_has_gone(store: Store, relations: SqlRelations) -> None:
    with store.write("buildings", CLERK) as writer:
        writer.delete("B1")
    relations.record([tie("buildings/B1", "replaced-by", "buildings/B2")], CLERK)
    assert names(resolve(store, relations, ref("buildings/B1")).entities) == ["B2"]


def test_the_report_tells_followed_links_from_orphans(store: Store, relations: SqlRelations) -> None:
    relations.record(
        [tie("sensors/S1", "located-in", "buildings/B1"), tie("sensors/S2", "located-in", "buildings/B3")], CLERK
    )
    split_b1(store, relations)
    with store.write("buildings", CLERK) as writer:
        writer.delete("B3")
    report = check_integrity(store, relations, METRES)
    assert report.counts == {"followed": 1, "orphan": 1}
    assert not report.sound
    (followed,) = report.examples["followed"]
    assert "buildings/B5, buildings/B6" in followed.text
    assert report.examples["orphan"][0].link.source == ref("sensors/S2")


def test_a_release_of_the_base_map_is_a_moment(store: Store, relations: SqlRelations) -> None:
    record = store.layer("buildings")
    at = datetime(2026, 11, 1, tzinfo=UTC)
    pinned = ReleasedLayer(
        *("buildings", LocalText("楼", "Buildings"), record.version, record.feature_count, record.bounds),
        *("EPSG:4490", "EPSG:4490", None, None, None, "0" * 64),
    )
    open_releases(store).add(Release("autumn", at, "clerk", "first", None, (pinned,), {}), {})
    split_b1(store, relations)
    desk = RelationDesk.open(store, OpenPolicy())
    for name in ("autumn", "release:autumn"):
        moment = parse_moment(name, "buildings", desk)
        assert (moment.instant, moment.versions) == (at, {"buildings": 1})
        assert names(resolve(store, relations, ref("buildings/B5"), moment).entities) == ["B1"]
    with pytest.raises(UnknownReleaseError):
        parse_moment("winter", "buildings", desk)
