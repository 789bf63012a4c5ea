"""Links are recorded whole or refused with value, limit and remedy; on both stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from quarter import CLERK, ref, tie
from twin.errors import (
    BadLinkError,
    LinkConflictError,
    UnknownRelationError,
    VersionConflictError,
)
from twin.interval import Interval
from twin.relations.link import Link, LinkSource, NewLink, Window
from twin.relations.opening import open_relations
from twin.relations.port import LinkQuery
from twin.relations.sql import SqlRelations


def day(year: int, month: int = 1) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


def ends(links: list[Link]) -> list[str]:
    return [f"{link.source} {link.type} {link.target}" for link in links]


def test_a_link_comes_back_as_it_went_in(relations: SqlRelations) -> None:
    window = Window(day(2020), day(2024))
    link = NewLink(
        "floor-of",
        ref("floors/B1-2"),
        ref("buildings/B1"),
        window,
        LinkSource.IMPORTED,
        0.75,
        {"floor_number": 2},
    )
    (made,) = relations.record([link], CLERK).ids
    found = relations.get(made)
    assert (found.source, found.target, found.window) == (link.source, link.target, window)
    assert (found.known_by, found.confidence, found.properties) == (LinkSource.IMPORTED, 0.75, {"floor_number": 2})
    assert (found.author, found.reason, found.version, found.superseded) == ("clerk", "survey", 1, None)
    assert relations.version() == 1


def test_the_clock_of_the_links_never_runs_backwards(relations: SqlRelations, monkeypatch: pytest.MonkeyPatch) -> None:
    relations.record([tie("floors/B1-1", "floor-of", "buildings/B1")], CLERK)
    (first,) = relations.changes()
    monkeypatch.setattr("twin.relations.writing.now", lambda: first.at - timedelta(hours=1))
    relations.record([tie("floors/B1-2", "floor-of", "buildings/B1")], CLERK)
    assert relations.changes()[0].at >= first.at
    assert relations.version_at(first.at - timedelta(minutes=1)) == 0


def test_links_are_found_from_either_end(relations: SqlRelations) -> None:
    relations.record([tie(f"floors/B1-{i}", "floor-of", "buildings/B1") for i in (1, 2, 3)], CLERK)
    relations.record([tie("buildings/B1", "on-parcel", "parcels/P1")], CLERK)
    assert len(relations.links(LinkQuery(end=ref("buildings/B1")))) == 4
    assert ends(relations.links(LinkQuery(end=ref("buildings/B1"), direction="out"))) == [
        "buildings/B1 on-parcel parcels/P1"
    ]
    assert len(relations.links(LinkQuery(end=ref("buildings/B1"), types=("floor-of",), direction="in"))) == 3
    assert relations.counts(LinkQuery(end=ref("buildings/B1"))) == {("floor-of", "in"): 3, ("on-parcel", "out"): 1}
    first = relations.links(LinkQuery(layer="floors", limit=2))
    rest = relations.links(LinkQuery(layer="floors", limit=2, after=first[-1].row))
    assert [link.source.id for link in (*first, *rest)] == ["B1-1", "B1-2", "B1-3"]


@pytest.mark.parametrize(
    ("link", "code_words"),
    [
        (tie("floors/B1-1", "nonsense", "buildings/B1"), "no such relation type"),
        (tie("floors/B1-1", "floor-of", "castles/B1"), "no such layer"),
        (tie("floors/B1-9", "floor-of", "buildings/B1"), "no such feature"),
        (tie("floors/B1-1", "floor-of", "buildings/B9"), "no such feature"),
        (tie("buildings/B1", "entrance-of", "buildings/B2"), "'from' end"),
        (tie("sensors/S1", "in-grid-cell", "parcels/P1"), "'to' end"),
        (tie("buildings/B1", "part-of", "buildings/B1"), "same feature"),
        (tie("floors/B1-1", "floor-of", "buildings/B1", Window(day(2021), day(2020))), "ends before it begins"),
        (tie("floors/B1-1", "floor-of", "buildings/B1", Window(day(1850), None)), "cannot be meant"),
        (tie("floors/B1-1", "floor-of", "buildings/B1", Window(day(2140), None)), "cannot be meant"),
        (tie("floors/B1-1", "floor-of", "buildings/B1", colour="red"), "no such property"),
        (tie("floors/B1-1", "floor-of", "buildings/B1", floor_number="two"), "of type integer"),
        (NewLink("monitors", ref("sensors/S1"), ref("buildings/B1"), confidence=1.5), "from 0 to 1"),
    ],
)
def test_a_link_that_cannot_be_is_refused_with_its_reason(
    relations: SqlRelations, link: NewLink, code_words: str
) -> None:
    with pytest.raises(BadLinkError, match=code_words) as refusal:
        relations.record([link], CLERK)
    assert refusal.value.remedy
    assert relations.version() == 0


def test_the_same_link_twice_is_refused_with_both_windows(relations: SqlRelations) -> None:
    relations.record([tie("sensors/S1", "monitors", "buildings/B1", Window(day(2020), day(2022)))], CLERK)
    again = tie("sensors/S1", "monitors", "buildings/B1", Window(day(2021), day(2023)))
    with pytest.raises(LinkConflictError, match="stands already") as refusal:
        relations.record([again], CLERK)
    assert "2021-01-01" in str(refusal.value.value)
    assert "2020-01-01" in str(refusal.value.value)
    relations.record([tie("sensors/S1", "monitors", "buildings/B1", Window(day(2022), day(2023)))], CLERK)
    assert len(relations.links(LinkQuery())) == 2


def test_same_as_is_the_same_link_from_either_side(relations: SqlRelations) -> None:
    relations.record([tie("parcels/P1", "same-as", "cells/C1")], CLERK)
    with pytest.raises(LinkConflictError, match="stands already"):
        relations.record([tie("cells/C1", "same-as", "parcels/P1")], CLERK)


def test_a_floor_has_one_building_at_a_time(relations: SqlRelations) -> None:
    relations.record([tie("floors/B1-1", "floor-of", "buildings/B1", Window(None, day(2022)))], CLERK)
    with pytest.raises(LinkConflictError, match="many-to-one"):
        relations.record([tie("floors/B1-1", "floor-of", "buildings/B2")], CLERK)
    relations.record([tie("floors/B1-1", "floor-of", "buildings/B2", Window(day(2022), None))], CLERK)
    at_2021 = relations.links(LinkQuery(end=ref("floors/B1-1"), holds=Interval(day(2021), day(2021))))
    now = relations.links(LinkQuery(end=ref("floors/B1-1"), holds=Interval(day(2022), day(2022))))
    assert [link.target.id for link in (*at_2021, *now)] == ["B1", "B2"]


def test_within_one_batch_the_first_of_two_that_exclude_each_other_is_good(relations: SqlRelations) -> None:
    report = relations.record(
        [
            tie("floors/B1-1", "floor-of", "buildings/B1"),
            tie("floors/B1-1", "floor-of", "buildings/B2"),
            tie("floors/B1-2", "floor-of", "buildings/B1"),
            tie("floors/B1-2", "floor-of", "buildings/B1"),
            tie("floors/B1-7", "floor-of", "buildings/B1"),
        ],
        CLERK,
        partial=True,
    )
    assert [(fault.row, fault.code) for fault in report.faults] == [
        (2, "cardinality"),
        (4, "overlap"),
        (5, "unknown-feature"),
    ]
    assert len(report.ids) == 2


def test_one_fault_refuses_all_unless_the_good_ones_were_asked_for(relations: SqlRelations) -> None:
    links = [tie("floors/B1-1", "floor-of", "buildings/B1"), tie("floors/B1-9", "floor-of", "buildings/B1")]
    with pytest.raises(BadLinkError, match="1 of 2 links") as refusal:
        relations.record(links, CLERK)
    assert [finding.where for finding in refusal.value.findings] == ["link 2"]
    assert relations.links(LinkQuery()) == []


def test_a_ring_of_parts_is_refused_over_several_steps(relations: SqlRelations) -> None:
    relations.record(
        [tie("buildings/B1", "part-of", "buildings/B2"), tie("buildings/B2", "part-of", "buildings/B3")], CLERK
    )
    with pytest.raises(LinkConflictError, match="back to itself"):
        relations.record([tie("buildings/B3", "part-of", "buildings/B1")], CLERK)
    relations.end([relations.links(LinkQuery(end=ref("buildings/B1")))[0].id], CLERK)
    relations.record([tie("buildings/B3", "part-of", "buildings/B1")], CLERK)


def test_an_ended_link_stays_readable_at_the_version_it_stood(relations: SqlRelations) -> None:
    (made,) = relations.record([tie("sensors/S1", "monitors", "buildings/B1")], CLERK).ids
    before = relations.changes()[0].at
    relations.end([made], CLERK)
    assert relations.links(LinkQuery()) == []
    with pytest.raises(UnknownRelationError):
        relations.get(made)
    assert [link.id for link in relations.links(LinkQuery(version=1))] == [made]
    assert relations.version_at(before) == 1
    assert relations.version_at(before - timedelta(days=1)) == 0
    assert relations.history(made)[0].superseded == 2
    assert [(c.added, c.ended) for c in relations.changes()] == [(0, 1), (1, 0)]


def test_a_link_gets_another_state_under_the_same_id(relations: SqlRelations) -> None:
    (made,) = relations.record([tie("floors/B1-1", "floor-of", "buildings/B1", floor_number=1)], CLERK).ids

    def until_2023(link: Link) -> NewLink:
        return NewLink(link.type, link.source, link.target, Window(None, day(2023)), properties={"floor_number": 2})

    state = relations.amend(made, until_2023, CLERK, if_version=1)
    assert (state.id, state.version, state.window.end, state.properties) == (made, 2, day(2023), {"floor_number": 2})
    with pytest.raises(VersionConflictError):
        relations.amend(made, until_2023, CLERK, if_version=1)
    assert [link.properties["floor_number"] for link in relations.history(made)] == [2, 1]
    assert [link.properties["floor_number"] for link in relations.links(LinkQuery(version=1))] == [1]


def test_links_survive_a_restart_and_an_older_store_opens_too(relations: SqlRelations, store, reopen) -> None:
    relations.record([tie("sensors/S1", "monitors", "buildings/B1")], CLERK)
    store.close()
    again = open_relations(reopen())
    assert ends(again.links(LinkQuery())) == ["sensors/S1 monitors buildings/B1"]


def test_only_links_between_visible_layers_are_shown(relations: SqlRelations) -> None:
    relations.record(
        [tie("sensors/S1", "monitors", "buildings/B1"), tie("sensors/S1", "in-grid-cell", "cells/C1")], CLERK
    )
    secret = frozenset({"buildings"})
    assert ends(relations.links(LinkQuery(end=ref("sensors/S1"), hidden=secret))) == [
        "sensors/S1 in-grid-cell cells/C1"
    ]
    assert relations.counts(LinkQuery(end=ref("sensors/S1"), hidden=secret)) == {("in-grid-cell", "out"): 1}
