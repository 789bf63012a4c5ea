"""Copying a layer out of the store. As a program it does so for a server (`tiles.snapshot.making`): the order comes on standard input."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tiles.features import StoreTileSource
from tiles.snapshot.building import build_columns
from tiles.snapshot.files import Snapshot, write_snapshot
from tiles.snapshot.making import FollowedStore
from tiles.source import TileLayer
from twin.errors import OneMapError
from twin.query import FeatureQuery
from twin.store import open_store
from twin.store.port import Store

# Of two things to do at once, tiles come before copies.
_NICE = 10


def copied(
    store: Store, layer: TileLayer, progress: Callable[[int], None] = lambda _: None, as_of: int | None = None
) -> Snapshot:
    """A snapshot of a layer, in memory, in one pass over its rows.

    Args:
        store: Where it lives.
        layer: Says which properties travel.
        progress: Told the number of features read so far.
        as_of: Version it is to show exactly; None for what stands now, where rows written meanwhile may be among them.

    Raises:
        UnknownLayerError: if it has gone.
    """
    # The version is read before the rows: whatever is written meanwhile is among the next changes once more.
    version = store.version(layer.id) if as_of is None else as_of
    query = FeatureQuery(properties=layer.schema.names, as_of=as_of)
    with closing(store.iterate(layer.id, query)) as batches:
        return Snapshot(
            layer.make, version, build_columns(batches, layer.schema, progress, layer.classes, layer.blocks)
        )


def make_snapshot(
    store: FollowedStore, layer: TileLayer, path: Path, progress: Callable[[int], None] = lambda _: None
) -> Snapshot:
    """A snapshot of a layer on disk; see `copied`.

    Raises:
        UnknownLayerError: if the layer has gone.
        OSError: if it cannot be written.
    """
    store.follow(layer.id)
    snapshot = copied(store, layer, progress)
    write_snapshot(path, snapshot)
    return snapshot


class MakerHere:
    """Makes snapshots in the thread that asks."""

    def __init__(self, store: FollowedStore) -> None:
        self._store = store

    def make(self, layer: TileLayer, path: Path) -> None:
        make_snapshot(self._store, layer, path)

    def close(self) -> None:
        """Nothing is under way when nobody asks."""


def _main() -> None:
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    order = json.load(sys.stdin)
    store = open_store(order["location"])
    try:
        make_snapshot(store, StoreTileSource(store).describe(order["layer"]), Path(order["path"]))  # type: ignore[arg-type]
    except (OneMapError, OSError) as error:
        sys.exit(str(error))
    finally:
        store.close()


if __name__ == "__main__":
    _main()
