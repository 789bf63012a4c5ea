"""Releases: written once, readable for ever, and no pinned layer goes."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Thread

import pytest
import sqlalchemy as sa

from twin.basemap import release_book
from twin.basemap.checksum import layer_checksum
from twin.basemap.release import Release, ReleasedLayer, check_name
from twin.basemap.release_book import open_releases, watch_pins
from twin.basemap.verification import verify_release
from twin.errors import (
    BadReleaseError,
    DuplicateReleaseError,
    PinnedLayerError,
    ReleaseBlockedError,
    StoreBusyError,
    UnknownReleaseError,
)
from twin.store.port import LayerSpec
from twin.text import LocalText
from two_layers import EDITOR, edit, fill

AT = datetime(2026, 11, 1, 8, tzinfo=UTC)


def release_of(store, name, previous=None, layers=("blocks", "sights")) -> Release:
    pinned = []
    for layer_id in layers:
        version = store.version(layer_id)
        found = layer_checksum(store, layer_id, version)
        pinned.append(
            ReleasedLayer(
                layer_id, LocalText("层", layer_id), version, found.feature_count, found.bounds,
                "EPSG:4490", "EPSG:4549", "EPSG:5737", 0.5, None, found.sha256, {"owner": "Survey"},
            )
        )  # fmt: skip
    return Release(name, AT, "王工", "first", previous, tuple(pinned), {"errors": 0})


def test_a_release_comes_back_as_it_was_written(store, reopen):
    book = open_releases(store)
    assert (book.releases(), book.current(), book.last_check()) == ([], None, None)
    release = release_of(store, "2026.11")
    book.add(release, {"summary": {"zh": "首次发布", "en": "First"}})
    again = open_releases(reopen())
    assert again.release("2026.11") == release
    assert again.current() == release
    assert again.report("2026.11")["summary"]["zh"] == "首次发布"
    assert again.written_sha256("2026.11") == release.sha256
    assert again.version_of("2026.11", "sights") == store.version("sights")


@pytest.mark.parametrize("how", ["edited", "dropped", "made anew"])
def test_a_layer_that_another_server_changes_after_the_check_blocks_the_release(store, reopen, how):
    book, other = open_releases(store), reopen()
    checked, release = store.layers(), release_of(store, "2026.11")
    sights = next(record for record in checked if record.id == "sights")
    if how == "edited":
        edit(other)
    else:
        other.drop_layer("sights")
        if how == "made anew":
            other.create_layer(LayerSpec("sights", sights.schema, sights.document), EDITOR)
    with pytest.raises(ReleaseBlockedError, match="while they were checked") as caught:
        book.add(release, {}, checked)
    assert "sights" in str(caught.value.value)
    assert book.releases() == []


def test_while_a_release_is_written_no_other_server_drops_its_layers(store, reopen, monkeypatch):
    """The drop comes between the comparison and the pins; it waits, and then finds them."""
    book, other = open_releases(store), reopen()
    open_releases(other)
    met: list[Exception] = []

    def drop() -> None:
        try:
            other.drop_layer("sights")
        except (PinnedLayerError, StoreBusyError) as refused:
            met.append(refused)

    dropping = Thread(target=drop)
    hold = release_book._hold

    def hold_then_drop(*held):
        hold(*held)
        dropping.start()
        dropping.join(0.5)

    monkeypatch.setattr(release_book, "_hold", hold_then_drop)
    book.add(release_of(store, "2026.11"), {}, store.layers())
    dropping.join(30)
    assert [type(refused) for refused in met] == [PinnedLayerError]
    assert verify_release(store, book, "2026.11").holds


def test_releases_follow_each_other_newest_first(store):
    book = open_releases(store)
    book.add(release_of(store, "2026.10"), {})
    book.add(release_of(store, "2026.11", "2026.10"), {})
    assert [release.name for release in book.releases()] == ["2026.11", "2026.10"]


def test_a_name_is_given_once_and_a_release_knows_the_one_before(store):
    book = open_releases(store)
    book.add(release_of(store, "2026.10"), {})
    with pytest.raises(DuplicateReleaseError, match="never change"):
        book.add(release_of(store, "2026.10", "2026.10"), {})
    with pytest.raises(DuplicateReleaseError, match="meanwhile"):
        book.add(release_of(store, "2026.11"), {})
    assert [release.name for release in book.releases()] == ["2026.10"]


def test_what_is_not_there_is_named(store):
    book = open_releases(store)
    book.add(release_of(store, "2026.10", layers=("sights",)), {})
    for ask in (book.release, book.report, book.written_sha256):
        with pytest.raises(UnknownReleaseError, match=r"no release '2026\.11'"):
            ask("2026.11")
    with pytest.raises(UnknownReleaseError, match="does not hold the layer 'blocks'"):
        book.version_of("2026.10", "blocks")
    with pytest.raises(UnknownReleaseError, match="no release"):
        book.version_of("2026.11", "blocks")


@pytest.mark.parametrize("name", ["", "unreleased", "-a", "a b", "a/b", "二〇二六", "x" * 41, "a\n"])
def test_a_name_that_does_not_fit_an_address_is_refused(name):
    with pytest.raises(BadReleaseError):
        check_name(name)
    assert check_name("2026.11-rc_1") == "2026.11-rc_1"


def test_a_pinned_layer_cannot_be_dropped(store, reopen):
    book = open_releases(store)
    book.add(release_of(store, "2026.10", layers=("sights",)), {})
    with pytest.raises(PinnedLayerError, match="part of 1 release of the base map") as caught:
        store.drop_layer("sights")
    assert caught.value.value == "2026.10"
    store.drop_layer("blocks")
    other = reopen()
    watch_pins(other)
    with pytest.raises(PinnedLayerError):
        other.drop_layer("sights")
    assert verify_release(other, open_releases(other), "2026.10").holds


def test_a_store_without_releases_lets_layers_go(reopen):
    bare = reopen()
    fill(bare)
    watch_pins(bare)
    bare.drop_layer("sights")
    assert [record.id for record in bare.layers()] == ["blocks"]


def test_a_release_holds_through_edits_replacements_and_clearing(store):
    book = open_releases(store)
    book.add(release_of(store, "2026.10"), {})
    edit(store)
    with store.write("sights", EDITOR) as writer:
        writer.clear()
    outcome = verify_release(store, book, "2026.10")
    assert outcome.holds
    assert [layer.layer for layer in outcome.layers] == ["blocks", "sights"]


def test_history_that_was_tampered_with_is_found_by_its_layer(store):
    book = open_releases(store)
    book.add(release_of(store, "2026.10"), {})
    edit(store)
    schema = "" if store.dialect.db_schema is None else f"{store.dialect.db_schema}."
    with store.writing() as connection:
        connection.execute(sa.text(f"UPDATE {schema}sights__history SET name = 'forged' WHERE om_id = 'S2'"))
    outcome = verify_release(store, book, "2026.10")
    assert not outcome.holds
    assert outcome.document_holds
    assert [layer.layer for layer in outcome.layers if not layer.holds] == ["sights"]


def test_an_entry_that_was_tampered_with_is_found(store):
    book = open_releases(store)
    book.add(release_of(store, "2026.10"), {})
    with store.writing() as connection:
        t = book.tables.releases
        document = connection.execute(sa.select(t.c.document)).scalar_one()
        connection.execute(sa.update(t).values(document=document.replace("first", "last")))
    outcome = verify_release(store, book, "2026.10")
    assert (outcome.holds, outcome.document_holds) == (False, False)
    assert all(layer.holds for layer in outcome.layers)


def test_a_geopackage_lists_the_tables_of_releases(tmp_path):
    from twin.store import open_store

    store = open_store(str(tmp_path / "twin.gpkg"))
    open_releases(store)
    open_releases(store)
    with store.reading() as connection:
        listed = connection.execute(sa.text("SELECT table_name FROM gpkg_contents ORDER BY table_name")).scalars().all()
    assert {"om_releases", "om_release_layers", "om_basemap_checks"} <= set(listed)
    store.close()


def test_the_last_check_is_kept_with_its_author(store):
    book = open_releases(store)
    book.add_check({"at": "2026-11-01T08:00:00+00:00", "errors": 3}, "李工")
    book.add_check({"at": "2026-11-02T08:00:00+00:00", "errors": 1}, "王工")
    assert book.last_check() == {"at": "2026-11-02T08:00:00+00:00", "errors": 1, "author": "王工"}
