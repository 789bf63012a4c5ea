"""Making releases: what is pinned, what holds one back, what the next one tells."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import shapely

from layers.base_map.releasing import ReleaseRequest, make_release
from layers.city import read_city
from layers.policy import Action, Actor, OpenPolicy
from layers.registry import Registry
from twin.basemap.release_book import open_releases
from twin.basemap.verification import verify_release
from twin.bounds import Bounds
from twin.errors import (
    BadReleaseError,
    DuplicateReleaseError,
    PinnedLayerError,
    PolicyError,
    ReleaseBlockedError,
    UnknownReleaseError,
)
from twin.feature import Feature

AT = datetime(2026, 11, 1, 8, 0, 0, 123_456, tzinfo=UTC)
ACTOR = Actor("王工")


def release(registry, name="2026.11", **how):
    how = {"max_errors": 1, **how}
    return make_release(registry, read_city(), ACTOR, ReleaseRequest(name, **how), at=AT)


def test_a_release_pins_every_layer_of_the_base_map_with_what_is_known_of_it(registry):
    made, report = release(registry, notes=" 首次发布 ")
    assert [layer.id for layer in made.layers] == ["buildings", "districts", "roads"]
    buildings, districts, roads = made.layers
    assert (buildings.feature_count, buildings.version) == (2, registry.store.version("buildings"))
    assert (buildings.vertical_datum, buildings.vertical_accuracy_m, buildings.accuracy_m) == ("EPSG:5737", 0.2, None)
    assert (roads.accuracy_m, roads.crs, roads.delivered_crs) == (0.5, "EPSG:4490", "OGC:CRS84")
    assert districts.bounds == Bounds(120.0046, 36.2788, 120.0076, 36.2818) == made.bounds
    assert roads.source["owner"] == "Survey"
    assert roads.source["last_change"]["author"] == "王工"
    assert (made.notes, made.author, made.previous, made.forced_reason) == ("首次发布", "王工", None, None)
    assert made.at == datetime(2026, 11, 1, 8, 0, 0, 123_000, tzinfo=UTC)
    assert made.topology["errors"] == 1
    assert report.summary.zh == "首次发布：新增 8，删除 0，变更 0 个要素。"
    book = open_releases(registry.store)
    assert book.current() == made
    assert verify_release(registry.store, book, "2026.11").holds


def test_errors_hold_a_release_back(registry):
    with pytest.raises(ReleaseBlockedError, match="found 1 error") as caught:
        release(registry, max_errors=0)
    assert caught.value.limit == "0 errors"
    assert open_releases(registry.store).releases() == []


def test_a_forced_release_carries_its_reason(registry):
    with pytest.raises(BadReleaseError, match="reason"):
        release(registry, force=True, max_errors=0)
    made, _ = release(registry, force=True, reason="汛期急用", max_errors=0)
    assert made.forced_reason == "汛期急用"
    again, _ = release(registry, "2026.12", force=True, reason="not needed", max_errors=5)
    assert again.forced_reason is None, "there was nothing to force"


def test_the_next_release_tells_what_changed(registry):
    release(registry)
    with registry.write("buildings", ACTOR, "survey") as writer:
        writer.delete("H2")
        writer.insert(Feature("H3", shapely.box(120.0070, 36.2790, 120.0072, 36.2792), {"name": "楼三"}))
        writer.replace(
            Feature("H1", shapely.box(120.0050, 36.2792, 120.0052, 36.2794), {"name": "一号楼", "height_m": 9.0})
        )
    made, report = release(registry, "2026.12", max_errors=0)
    assert made.previous == "2026.11"
    by_layer = {changes.layer: changes for _, changes in report.layers}
    buildings = by_layer["buildings"]
    assert (buildings.added, buildings.removed, buildings.changed) == (1, 1, 1)
    assert by_layer["roads"].unchanged == 2
    assert report.summary.en == "Since 2026.11: 1 features added, 1 removed, 1 changed."
    assert open_releases(registry.store).report("2026.12") == report.to_dict()
    assert verify_release(registry.store, open_releases(registry.store), "2026.11").holds


def test_a_layer_that_left_or_joined_is_told(registry):
    release(registry, layers=("roads", "buildings"))
    _, report = release(registry, "2026.12", layers=("roads", "districts"))
    told = {changes.layer: (changes.before is None, changes.after is None) for _, changes in report.layers}
    assert told == {"buildings": (False, True), "districts": (True, False), "roads": (False, False)}


def test_a_name_is_taken_once(registry):
    release(registry)
    with pytest.raises(DuplicateReleaseError):
        release(registry)


def test_a_pinned_layer_cannot_be_dropped_through_the_registry(registry):
    release(registry, layers=("roads",))
    with pytest.raises(PinnedLayerError):
        registry.drop("roads", ACTOR)
    registry.drop("lamps", ACTOR)
    assert open_releases(registry.store).version_of("2026.11", "roads") == registry.store.version("roads")
    with pytest.raises(UnknownReleaseError):
        open_releases(registry.store).version_of("2026.11", "lamps")


def test_the_policy_is_asked_for_each_layer(registry):
    asked = []

    class NoRoads(OpenPolicy):
        def authorise(self, actor, action, layer_id):
            if action is Action.RELEASE_BASE_MAP:
                asked.append(layer_id)
                if layer_id == "roads":
                    raise PolicyError("No.")

    with pytest.raises(PolicyError):
        release(Registry(registry.store, policy=NoRoads()))
    assert asked == ["buildings", "districts", "roads"]
    assert open_releases(registry.store).releases() == []


def test_a_layer_edited_during_the_check_blocks_the_release(registry):
    def edit(layer, check):
        if (layer, check) == ("roads", "checksum"):
            with registry.write("buildings", ACTOR, "in between") as writer:
                writer.delete("H1")

    with pytest.raises(ReleaseBlockedError, match="edited"):
        make_release(registry, read_city(), ACTOR, ReleaseRequest("2026.11", max_errors=9), at=AT, progress=edit)
    assert open_releases(registry.store).releases() == []


def test_notes_have_a_length(registry):
    with pytest.raises(BadReleaseError, match="too long"):
        release(registry, notes="长" * 4_001)
