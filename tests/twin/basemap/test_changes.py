"""What changed between two versions, against edits done by hand."""

from __future__ import annotations

import pytest

from twin.basemap.changes import layer_changes
from twin.basemap.report import change_summary
from twin.bounds import Bounds
from twin.crs import parse_crs
from two_layers import EDITOR, edit

PLANE = parse_crs("EPSG:4549")


def test_every_kind_of_change_is_counted_and_shown(store):
    before = store.version("sights")
    edit(store)
    changes = layer_changes(store, "sights", before, store.version("sights"), PLANE)
    assert (changes.added, changes.removed, changes.changed, changes.unchanged) == (1, 1, 2, 0)
    assert (changes.geometry_changed, changes.attributes_changed) == (1, 1)
    assert (changes.added_ids, changes.removed_ids) == (("S4",), ("S3",))
    assert sorted(changes.changed_ids) == ["S1", "S2"]
    assert changes.attributes == {
        "name": (1, (("S2", "塔", "新塔"),)),
        "floors": (1, (("S2", None, 9),)),
    }
    assert changes.moves.count == 1
    assert changes.moves.largest_m == pytest.approx(89.9, abs=0.2), "0.001 degree of longitude at 36.25 north"
    assert changes.bounds == Bounds(120.0, 36.25, 120.02, 36.27)


def test_a_feature_written_again_as_it_was_is_no_change(store):
    before = store.version("blocks")
    edit(store)
    assert store.version("blocks") > before
    changes = layer_changes(store, "blocks", before, store.version("blocks"), PLANE)
    assert (changes.added, changes.removed, changes.changed, changes.unchanged) == (0, 0, 0, 4)


def test_later_edits_do_not_reach_into_the_comparison(store):
    before = store.version("sights")
    edit(store)
    after = store.version("sights")
    told = layer_changes(store, "sights", before, after, PLANE)
    with store.write("sights", EDITOR) as writer:
        writer.clear()
    assert layer_changes(store, "sights", before, after, PLANE) == told


def test_backwards_is_the_mirror_image(store):
    before = store.version("sights")
    edit(store)
    back = layer_changes(store, "sights", store.version("sights"), before, PLANE)
    assert (back.added_ids, back.removed_ids) == (("S3",), ("S4",))
    assert back.attributes["name"] == (1, (("S2", "新塔", "塔"),))


def test_a_layer_that_was_not_there_is_all_new(store):
    changes = layer_changes(store, "sights", None, store.version("sights"), PLANE)
    assert (changes.added, changes.removed, changes.changed) == (3, 0, 0)
    assert change_summary(changes).en == "New layer with 3 features."
    gone = layer_changes(store, "sights", store.version("sights"), None, PLANE)
    assert (gone.added, gone.removed) == (0, 3)
    assert change_summary(gone).zh == "不再属于基准底图。"


def test_changes_are_said_in_both_languages(store):
    before = store.version("sights")
    edit(store)
    summary = change_summary(layer_changes(store, "sights", before, store.version("sights"), PLANE))
    assert summary.en.startswith("1 added, 1 removed, 2 changed (1 in shape or place, by up to 89.")
    assert summary.en.endswith("; attributes: floors 1, name 1.")
    assert summary.zh.startswith("新增 1，删除 1，变更 2")
