"""Every department layer says which release of the base map its data were judged by; none of the base map does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from layers.base_map.reading import ReleaseDesk
from layers.base_map.releasing import ReleaseRequest, make_release
from layers.catalogue import layer_entry
from layers.city import read_city
from layers.importing import ImportOptions
from layers.policy import Actor
from layers.reviewing import parse_decision, review_layer
from layers.sources import Upload
from twin.basemap.checked import current_release_name

ACTOR = Actor("王工")
AT = datetime(2026, 11, 1, tzinfo=UTC)


def release(registry, name):
    make_release(registry, read_city(), ACTOR, ReleaseRequest(name, max_errors=1), at=AT)


def deliver(registry, folder: Path, *lons: float):
    features = [
        {"type": "Feature", "id": f"L{i}", "geometry": {"type": "Point", "coordinates": [lon, 36.28]}, "properties": {}}
        for i, lon in enumerate(lons)
    ]
    file = folder / "lamps.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return registry.load(Upload(file, file.name), ImportOptions("lamps"), ACTOR)


def stamp(registry, layer_id="lamps"):
    return layer_entry(registry.layer(layer_id, ACTOR))["checked_against"]


def test_before_the_first_release_a_layer_is_checked_against_none(registry):
    assert current_release_name(registry.store) is None
    assert stamp(registry)["release"] == "unreleased"
    assert stamp(registry)["at"]


def test_a_delivery_is_checked_against_the_newest_release_and_its_lineage_says_so(registry, tmp_path):
    release(registry, "2026.10")
    release(registry, "2026.11")
    assert stamp(registry)["release"] == "unreleased", "a release does not check layers"
    deliver(registry, tmp_path, 120.005, 120.006)
    assert stamp(registry)["release"] == "2026.11"
    entries = registry.layer("lamps", ACTOR).document["lineage"]
    assert [entry["checked_against"]["release"] for entry in entries] == ["unreleased", "2026.11"]


def test_a_delivery_that_changes_nothing_was_checked_all_the_same(registry, tmp_path):
    deliver(registry, tmp_path, 120.005)
    version, entries = registry.store.version("lamps"), len(registry.layer("lamps", ACTOR).document["lineage"])
    release(registry, "2026.11")
    deliver(registry, tmp_path, 120.005)
    assert stamp(registry)["release"] == "2026.11"
    assert registry.store.version("lamps") == version
    assert len(registry.layer("lamps", ACTOR).document["lineage"]) == entries


def test_layers_of_the_base_map_are_what_others_are_checked_against(registry):
    for layer_id in ("districts", "roads", "buildings"):
        record = registry.layer(layer_id, ACTOR)
        assert layer_entry(record)["checked_against"] is None
        assert all("checked_against" not in entry for entry in record.document["lineage"])


def test_a_layer_without_data_was_never_checked(registry):
    registry.register(
        {
            "id": "signs", "title": "Signs", "department": "traffic", "owner": "o", "licence": "l",
            "geometry_type": "Point", "schema": [],
        },
        ACTOR,
    )  # fmt: skip
    assert stamp(registry, "signs") is None


def test_a_change_of_the_manifest_keeps_the_stamp(registry, tmp_path):
    release(registry, "2026.11")
    deliver(registry, tmp_path, 120.005)
    before = stamp(registry)
    registry.describe("lamps", {"owner": "Somebody else"}, ACTOR)
    assert stamp(registry) == before


def test_a_person_s_decision_is_a_check_too(registry):
    release(registry, "2026.11")
    decision = parse_decision({"decision": "accept", "reason": "looked at on the map"})
    review_layer(registry.store, "lamps", decision, ACTOR.author("review"), read_city())
    assert stamp(registry)["release"] == "2026.11"
    assert registry.layer("lamps", ACTOR).document["lineage"][-1]["checked_against"]["release"] == "2026.11"


def test_layers_that_are_behind_are_listed_until_they_are_delivered_again(registry, tmp_path):
    desk = ReleaseDesk.open(registry, ACTOR, "EPSG:4549")
    assert desk.stale() == []
    release(registry, "2026.10")
    assert [(entry["layer"], entry["release"], entry["behind"]) for entry in desk.stale()] == [
        ("lamps", "unreleased", 1)
    ]
    deliver(registry, tmp_path, 120.005)
    assert desk.stale() == []
    release(registry, "2026.11")
    assert [(entry["layer"], entry["release"], entry["behind"]) for entry in desk.stale()] == [("lamps", "2026.10", 1)]


@pytest.mark.parametrize("registry", ["geopackage"], indirect=True)
def test_an_importer_that_only_tries_leaves_no_stamp(registry, tmp_path):
    release(registry, "2026.11")
    file = tmp_path / "lamps.geojson"
    file.write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    registry.load(Upload(file, file.name), ImportOptions("lamps", dry_run=True), ACTOR)
    assert stamp(registry)["release"] == "unreleased"
