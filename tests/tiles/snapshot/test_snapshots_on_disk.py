"""Snapshots on disk: made by another process, checked when opened, made anew when broken or written over."""

from __future__ import annotations

import random
from dataclasses import fields
from pathlib import Path
from time import sleep

import numpy as np
import pytest
import shapely

from random_town import SCHEMA, SOUTH, WEST, decoded, random_batch
from snapshot_town import AUTHOR, source_over
from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.grids import WEB_MERCATOR_QUAD, Grid
from tiles.snapshot import files, keeping
from tiles.snapshot.building import build_columns
from tiles.snapshot.files import BrokenSnapshotError, Snapshot, read_snapshot, write_snapshot
from tiles.snapshot.keeping import SnapshotKeeper
from tiles.snapshot.layout import Columns
from tiles.snapshot.making import MakerProcess
from tiles.snapshot.source import SnapshotTileSource
from tiles.snapshot.state import State
from tiles.source import TileBytes, TileLayer
from twin.feature import Feature
from twin.store.sql import SqlStore


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every layer is a large one."""
    monkeypatch.setattr(keeping, "_COPIED_AT_ONCE", 10)


def waited(source: SnapshotTileSource) -> State:
    """The state of the town, once it has been copied."""
    layer = source.describe("town")
    for _ in range(600):
        state = source._keeper.state(layer)
        if state is not None:
            return state
        sleep(0.1)
    raise AssertionError("no snapshot in a minute")


def shown(source: SnapshotTileSource) -> dict[int, dict]:
    return decoded(source.tile(source.describe("town"), Tile(z=0, x=0, y=0), WEB_MERCATOR_QUAD).data)


@pytest.mark.usefixtures("large")
def test_a_large_layer_is_copied_to_disk_by_another_process(store: SqlStore, store_target: str, folder: Path) -> None:
    source_over(store, folder, random_batch(random.Random(1), 50)).close()
    keeper = SnapshotKeeper(store, folder, MakerProcess(store_target))
    source = SnapshotTileSource(StoreTileSource(store), keeper)
    layer, tile = source.describe("town"), Tile(z=0, x=0, y=0)
    before = source.tile(layer, tile, WEB_MERCATOR_QUAD)
    assert before.provisional
    state = waited(source)
    after = source.tile(layer, tile, WEB_MERCATOR_QUAD)
    assert not after.provisional
    assert decoded(after.data).keys() == decoded(before.data).keys()
    with store.write("town", AUTHOR) as writer:
        writer.insert(Feature("late", shapely.Point(WEST, SOUTH), {"name": "晚"}))
    assert any(feature["properties"].get("_id") == "late" for feature in shown(source).values())
    assert source._keeper.state(layer).base.columns is state.base.columns
    source.close()
    # Another server finds the copy, and lays over it what was written since.
    other = SnapshotTileSource(StoreTileSource(store), SnapshotKeeper(store, folder))
    assert other._keeper.state(other.describe("town")) is not None
    assert shown(other) == shown(source)
    other.close()


@pytest.mark.usefixtures("large")
def test_a_snapshot_that_cannot_be_made_leaves_tiles_to_the_store(
    store: SqlStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be", "ascii")
    source = source_over(store, folder, random_batch(random.Random(1), 50))
    assert shown(source)
    source.close()
    last = source.tile(source.describe("town"), Tile(z=0, x=0, y=0), WEB_MERCATOR_QUAD)
    assert last.data
    assert not last.provisional
    assert "No snapshot of layer town" in caplog.text


def test_a_tile_that_the_store_draws_while_the_kernels_load_is_not_remembered(
    store: SqlStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_over(store, folder, random_batch(random.Random(1), 50))
    loading = [True]
    monkeypatch.setattr(keeping.readiness, "are_kernels_ready", lambda: not loading[0])
    monkeypatch.setattr(keeping.readiness, "are_kernels_loading", lambda: loading[0])
    draw = StoreTileSource.tile

    def draw_until_loaded(stored: StoreTileSource, layer: TileLayer, tile: Tile, grid: Grid) -> TileBytes:
        loading[0] = False
        return draw(stored, layer, tile, grid)

    monkeypatch.setattr(StoreTileSource, "tile", draw_until_loaded)
    tile = (source.describe("town"), Tile(z=0, x=0, y=0), WEB_MERCATOR_QUAD)
    assert source.tile(*tile).provisional
    assert not source.tile(*tile).provisional
    source.close()


@pytest.mark.usefixtures("large")
def test_many_edits_have_the_copy_made_anew_while_tiles_go_on(
    store: SqlStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_MANY_EDITED", 20)
    source = source_over(store, folder, random_batch(random.Random(1), 100))
    first = waited(source)
    with store.write("town", AUTHOR) as writer:
        writer.upsert(random_batch(random.Random(2), 60))
    state = source._keeper.state(source.describe("town"))
    assert state is not None
    assert state.version == store.version("town")
    for _ in range(600):
        if waited(source).base_version > first.base_version:
            break
        sleep(0.1)
    assert waited(source).edited == 0
    source.close()


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("damage", ["cut", "head", "array", "foreign", "empty"])
def test_a_broken_snapshot_is_never_served(
    store: SqlStore, folder: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = source_over(store, folder, random_batch(random.Random(1), 50))
    waited(source)
    want = shown(source)
    source.close()
    path = folder / "town.snapshot"
    whole = path.read_bytes()
    half = len(whole) // 2
    broken = {
        "cut": whole[:-200],
        "head": whole[:40] + bytes([whole[40] ^ 1]) + whole[41:],
        "array": whole[:half] + bytes([whole[half] ^ 1]) + whole[half + 1 :],
        "foreign": b"SQLite format 3\0" + whole[16:],
        "empty": b"",
    }[damage]
    path.write_bytes(broken)
    with pytest.raises(BrokenSnapshotError, match=r"town\.snapshot"):
        read_snapshot(path)
    again = SnapshotTileSource(StoreTileSource(store), SnapshotKeeper(store, folder))
    assert shown(again).keys() == want.keys()  # from the store, meanwhile
    waited(again)
    assert shown(again) == want
    assert path.read_bytes() == whole
    again.close()
    if damage != "empty":
        assert "town.snapshot" in caplog.text


def test_a_snapshot_comes_back_from_disk_as_it_went(tmp_path: Path) -> None:
    columns = build_columns([random_batch(random.Random(4), 300)], SCHEMA)
    path = tmp_path / "里" / "a.snapshot"
    for kept in (columns, build_columns([], SCHEMA)):
        write_snapshot(path, Snapshot("make", 7, kept))
        back = read_snapshot(path)
        assert (back.make, back.version, back.columns.keys) == ("make", 7, kept.keys)
        for field in fields(Columns):
            one, other = getattr(kept, field.name), getattr(back.columns, field.name)
            if field.name != "keys":
                assert one.dtype == other.dtype
                assert other.flags.writeable  # compiled code takes both for one type
                assert np.array_equal(one, other)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.snapshot"]


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = build_columns([random_batch(random.Random(4), 30)], SCHEMA)
    path = tmp_path / "a.snapshot"
    write_snapshot(path, Snapshot("make", 1, columns))
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_snapshot(path, Snapshot("make", 2, columns))
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
