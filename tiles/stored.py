"""A tile as it is kept and goes out."""

from __future__ import annotations

from dataclasses import dataclass

from tiles.compression import Coding, decompressed


@dataclass(frozen=True, slots=True)
class StoredTile:
    """A tile as it is kept.

    Attributes:
        body: Compressed bytes; empty for a tile without features.
        coding: How they are compressed.
        features: Features drawn, all layers together.
        left_out: Features inside the tile that are not drawn.
        provisional: See `TileBytes`.
    """

    body: bytes
    coding: Coding
    features: int
    left_out: int
    provisional: bool = False

    @property
    def size(self) -> int:
        return len(self.body)

    def plain(self) -> bytes:
        """The bytes without compression."""
        return decompressed(self.body, self.coding)
