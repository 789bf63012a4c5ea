"""The integrity report finds what later edits broke, and what merely looks odd on the map."""

from __future__ import annotations

import shapely
import sqlalchemy as sa

from quarter import CLERK, ref, tie
from twin.crs import parse_crs
from twin.feature import Feature
from twin.relations.relation_type import RelationType
from twin.relations.report import check_integrity
from twin.relations.sql import SqlRelations
from twin.relations.type_reading import parse_relation_type
from twin.store.port import Store

METRES = parse_crs("EPSG:4549")


def added_type(**more: object) -> RelationType:
    names = {"title": {"zh": "照亮", "en": "Lights"}, "inverse": {"id": "lit-by", "title": {"en": "Lit by"}}}
    return parse_relation_type({"id": "lights", **names, **more})


def change_type(store: Store, relations: SqlRelations, **more: object) -> None:
    """What an operator does by hand in the database."""
    import json

    document = json.dumps(added_type(**more).to_dict())
    with store.writing() as connection:
        connection.execute(sa.update(relations.tables.types).values(document=document))


def test_a_sound_table_has_nothing_to_report(store: Store, relations: SqlRelations) -> None:
    relations.record(
        [tie("floors/B1-1", "floor-of", "buildings/B1"), tie("sensors/S1", "in-grid-cell", "cells/C1")], CLERK
    )
    report = check_integrity(store, relations, METRES)
    assert report.sound
    assert report.to_document() == {
        "version": 1,
        "links": 2,
        "types": {"floor-of": 1, "in-grid-cell": 1},
        "sound": True,
        "findings": [],
    }


def test_an_entrance_far_from_its_building_is_a_warning_in_metres(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("entrances/E1", "entrance-of", "buildings/B1")], CLERK)
    assert check_integrity(store, relations, METRES).counts == {}
    north = shapely.Point(120.0002, 36.27 + 0.0004 + 50 / 110_970)  # 50 m of meridian north of the building's edge
    with store.write("entrances", CLERK) as writer:
        writer.replace(Feature("E1", north, {"name": "moved"}))
    report = check_integrity(store, relations, METRES)
    assert report.counts == {"far-apart": 1}
    assert report.sound, "an odd place is a warning"
    text = report.examples["far-apart"][0].text
    assert 49.5 < float(text.split(" lie ")[1].split(" m ")[0]) < 50.5


def test_a_type_made_stricter_shows_what_breaks_it(store: Store, relations: SqlRelations) -> None:
    relations.add_type(added_type())
    relations.record(
        [
            tie("buildings/B1", "lights", "buildings/B2"),
            tie("buildings/B2", "lights", "buildings/B1"),
            tie("buildings/B1", "lights", "buildings/B3"),
        ],
        CLERK,
    )
    change_type(store, relations, cardinality="many-to-one")
    assert check_integrity(store, relations, METRES).counts == {"cardinality": 1}
    change_type(store, relations, acyclic=True)
    assert check_integrity(store, relations, METRES).counts == {"ring": 1}
    change_type(store, relations, to={"layers": ["parcels"]})
    assert check_integrity(store, relations, METRES).counts == {"layer-not-allowed": 3}
    with store.writing() as connection:
        connection.execute(sa.delete(relations.tables.types))
    assert check_integrity(store, relations, METRES).counts == {"unknown-type": 3}


def test_the_report_of_one_who_may_not_read_a_layer_says_nothing_of_it(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("sensors/S1", "located-in", "buildings/B1")], CLERK)
    with store.write("buildings", CLERK) as writer:
        writer.delete("B1")
    report = check_integrity(store, relations, METRES, hidden=frozenset({"buildings"}))
    assert (report.links, report.types, report.counts) == (0, {}, {})


def test_links_into_a_dropped_layer_are_orphans(store: Store, relations: SqlRelations) -> None:
    relations.record([tie("sensors/S1", "in-grid-cell", "cells/C1")], CLERK)
    store.drop_layer("cells")
    report = check_integrity(store, relations, METRES)
    assert report.counts == {"orphan": 1}
    assert report.examples["orphan"][0].link.target == ref("cells/C1")
