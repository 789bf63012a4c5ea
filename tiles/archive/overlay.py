"""Where an archive is out of date: which of its tiles the edits touch that were made since it was cut.

A tile is touched by what an edit took away and by what it put there. Whatever else a tile is made of (clusters, a budget, squares) lies
in the tile or in the cells that meet it, so that one which is not touched would be cut the same today.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tiles.address import Tile
from tiles.density import cell_size_deg
from tiles.grids import WEB_MERCATOR_QUAD
from tiles.mvt.window import Window
from tiles.source import TileLayer
from twin.bounds import Bounds
from twin.store.changes import ChangedBoxes

LAYERS = "onemap:layers"
"""Member of an archive's metadata: version and edition of each layer in it."""

# Rows that have changed since an archive was cut, from which it is not looked at any more.
_MOST_CHANGED = 50_000
_MOST_FOLLOWED = 256
# What rounding to world units may move a vertex by, and more.
_HAIR_DEG = 1e-6

Boxes = npt.NDArray[np.float64]


class EditedStore(Protocol):
    """A store that tells where a layer has changed."""

    def changed_boxes(self, layer_id: str, version: int, *, most: int) -> ChangedBoxes | None:
        """Where, since a version; None where it is more than `most` rows. Raises UnknownLayerError."""


@dataclass(frozen=True, slots=True)
class ArchivedLayer:
    """What an archive says of a layer in it."""

    id: str
    version: int
    edition: str

    def is_drawn_as(self, layer: TileLayer) -> bool:
        """Whether only the data may differ from what would be cut today."""
        return self.edition.rpartition("-")[0] == layer.edition.rpartition("-")[0] and self.version <= layer.version


def archived_layers(metadata: Mapping[str, Any]) -> tuple[ArchivedLayer, ...]:
    """The layers that an archive was cut from; none of an archive that does not say."""
    told = metadata.get(LAYERS)
    if not isinstance(told, Mapping):
        return ()
    found = []
    for layer_id, said in told.items():
        version, edition = (said.get("version"), said.get("edition")) if isinstance(said, Mapping) else (None, None)
        if isinstance(version, int) and isinstance(edition, str):
            found.append(ArchivedLayer(layer_id, version, edition))
        else:
            found.append(ArchivedLayer(layer_id, 0, ""))  # of an edition that nothing is drawn by
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Edits:
    """What was edited between an archive's version and this one; None for too much to tell."""

    version: int
    boxes: Boxes | None


class Overlay:
    """Follows the edits of layers that archives were cut from.

    Args:
        store: Where the layers live.
    """

    def __init__(self, store: EditedStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[ArchivedLayer, _Edits] = {}

    def is_touched(self, archived: ArchivedLayer, layer: TileLayer, tile: Tile) -> bool:
        """Whether a tile may show the layer otherwise than the archive does.

        Args:
            archived: What the archive says of the layer.
            layer: The layer as it stands.
            tile: One of WebMercatorQuad.

        Raises:
            UnknownLayerError: if the layer has gone.
        """
        if not archived.is_drawn_as(layer):
            return True
        if archived.version == layer.version:
            return False
        boxes = self._edits(archived, layer).boxes
        return boxes is None or _meets_any(boxes, _reach(layer, tile))

    def _edits(self, archived: ArchivedLayer, layer: TileLayer) -> _Edits:
        known = self._known.get(archived)
        if known is not None and known.version >= layer.version:
            return known
        with self._lock:
            known = self._known.pop(archived, _Edits(archived.version, np.empty((0, 4))))
            if known.version < layer.version:
                known = self._followed(known, layer)
            while len(self._known) >= _MOST_FOLLOWED:
                self._known.pop(next(iter(self._known)))
            self._known[archived] = known
            return known

    def _followed(self, known: _Edits, layer: TileLayer) -> _Edits:
        if known.boxes is None:
            return _Edits(layer.version, None)
        changed = self._store.changed_boxes(layer.id, known.version, most=_MOST_CHANGED)
        if changed is None:
            return _Edits(layer.version, None)
        boxes = np.unique(np.concatenate([known.boxes, changed.boxes]), axis=0)
        return _Edits(changed.version, boxes if len(boxes) <= _MOST_CHANGED else None)


def _reach(layer: TileLayer, tile: Tile) -> Bounds:
    """What a tile is made of: the tile and its buffer, the cells that meet it, and beyond Mercator's edge all that is drawn on it."""
    box = WEB_MERCATOR_QUAD.lonlat_bounds(tile, Window(WEB_MERCATOR_QUAD, tile).margin)
    # Blocks are outlined from cells a quarter as wide as those of the density, and up to four of them beyond the buffer have a say.
    merged = layer.is_density(tile, WEB_MERCATOR_QUAD) or layer.blocks_of(tile, WEB_MERCATOR_QUAD) is not None
    more = _HAIR_DEG + (2 * cell_size_deg(tile, WEB_MERCATOR_QUAD) if merged else 0.0)
    last_row = (1 << tile.z) - 1
    return Bounds(
        west=max(-180.0, box.west - more),
        south=-90.0 if tile.y == last_row else box.south - more,
        east=min(180.0, box.east + more),
        north=90.0 if tile.y == 0 else box.north + more,
    )


def _meets_any(boxes: Boxes, box: Bounds) -> bool:
    west, south, east, north = boxes.T
    return bool(((west <= box.east) & (east >= box.west) & (south <= box.north) & (north >= box.south)).any())
