"""What an archive is cut from: columns of each layer at one version, found as a snapshot or copied out of the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.grids import WEB_MERCATOR_QUAD
from tiles.kernel.layer import Part
from tiles.kernel.search import meets_any
from tiles.kernel.window import TileWindow
from tiles.snapshot.copying import copied
from tiles.snapshot.drawing import draw
from tiles.snapshot.files import BrokenSnapshotError, Snapshot, read_snapshot, write_snapshot
from tiles.source import TileLayer
from twin.store.port import Store
from twin.store.sql import SqlStore

Copied = Callable[[str, int], None]
"""Id of a layer that is being copied, rows of it that are."""


class Pyramid(Protocol):
    """Tiles of some layers, in WebMercatorQuad, as they stood at one moment."""

    def tile(self, tile: Tile) -> bytes:
        """All layers of one tile; empty where nothing is drawn. Called from several threads."""

    def holds_anything(self, tile: Tile) -> bool:
        """Whether a tile, or one below it, may hold something, however small it is drawn."""


class PyramidSource(Protocol):
    """Gives pyramids of layers."""

    def describe(self, layer_id: str) -> TileLayer:
        """The layer as it stands. Raises UnknownLayerError."""

    def pyramid(self, layers: Sequence[TileLayer], folder: Path, told: Copied) -> Pyramid:
        """The tiles of layers at the versions that were described.

        Args:
            layers: As `describe` gave them, whatever has been written since.
            folder: Where copies may be kept for the next call.
            told: Told how far the copying is.
        """


@dataclass(frozen=True, slots=True)
class ColumnsPyramid:
    """A pyramid cut from columns.

    Attributes:
        sheets: Layers, each with its columns.
    """

    sheets: tuple[tuple[TileLayer, Part], ...]

    def tile(self, tile: Tile) -> bytes:
        return b"".join(draw(layer, [part], tile, WEB_MERCATOR_QUAD).data for layer, part in self.sheets)

    def holds_anything(self, tile: Tile) -> bool:
        box = np.array(TileWindow(WEB_MERCATOR_QUAD, tile).mercator_box(), dtype=np.int64)
        columns = (part.columns for _, part in self.sheets)
        return any(meets_any(each.tree_boxes, each.tree_levels, each.boxes, box) for each in columns)


class SnapshotPyramids:
    """Pyramids of the layers of a store.

    Args:
        store: Where they live.
        snapshots: Folder in which servers keep snapshots of them.
    """

    def __init__(self, store: Store, snapshots: Path) -> None:
        self._store = store
        self._stored = StoreTileSource(store)
        self._snapshots = snapshots

    def layer_ids(self) -> tuple[str, ...]:
        """Every layer that has tiles."""
        return self._stored.layer_ids()

    def describe(self, layer_id: str) -> TileLayer:
        return self._stored.describe(layer_id)

    def pyramid(self, layers: Sequence[TileLayer], folder: Path, told: Copied) -> ColumnsPyramid:
        """Raises also OSError if a copy cannot be written."""
        return ColumnsPyramid(tuple((layer, Part(self._snapshot(layer, folder, told).columns)) for layer in layers))

    def _snapshot(self, layer: TileLayer, folder: Path, told: Copied) -> Snapshot:
        """The layer at exactly its version."""
        served = _opened(self._snapshots / f"{layer.id}.snapshot", layer)
        # A server's snapshot may hold rows that were written behind its version; while that version stands there are none.
        if served is not None and self._store.version(layer.id) == layer.version:
            return served
        path = folder / f"{layer.id}.snapshot"
        found = _opened(path, layer)
        if found is not None:
            return found
        if isinstance(self._store, SqlStore):
            self._store.follow(layer.id)  # who lays edits over the archive asks for what has changed since
        write_snapshot(path, copied(self._store, layer, lambda rows: told(layer.id, rows), as_of=layer.version))
        # From here on its pages are the file's, and not this process's memory.
        return read_snapshot(path)


def _opened(path: Path, layer: TileLayer) -> Snapshot | None:
    try:
        snapshot = read_snapshot(path)
    except (FileNotFoundError, BrokenSnapshotError):
        return None
    return snapshot if (snapshot.make, snapshot.version) == (layer.make, layer.version) else None
