"""A layer of random features in a store, and tiles of it cut from snapshots."""

from __future__ import annotations

from pathlib import Path

from tiles.features import StoreTileSource
from tiles.snapshot.keeping import SnapshotKeeper
from tiles.snapshot.source import SnapshotTileSource
from twin.feature import FeatureBatch
from twin.store.port import Author, LayerSpec
from twin.store.sql import SqlStore

AUTHOR = Author("test")


def source_over(store: SqlStore, folder: Path, batch: FeatureBatch) -> SnapshotTileSource:
    """The source over a new layer `town` that holds a batch."""
    with store.write("town", AUTHOR, create=LayerSpec("town", batch.schema)) as writer:
        writer.upsert(batch)
    return SnapshotTileSource(StoreTileSource(store), SnapshotKeeper(store, folder))
