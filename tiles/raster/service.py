"""Tiles of rasters: the images of a moment, sampled, painted and encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tiles.address import Tile
from tiles.cache import SingleFlightCache
from tiles.grids import Grid
from tiles.raster.images import ImageKind, encode_image
from tiles.raster.look import Look, Range
from tiles.raster.measuring import found_ranges, statistics
from tiles.raster.placing import TileFrame
from tiles.raster.pool import CogPool
from tiles.raster.record import RasterRecord

Colours = npt.NDArray[np.uint8]
_Found = TypeVar("_Found")

# Measurements that are remembered, of each kind.
_MOST_REMEMBERED = 1000
# Goes up when the same raster is drawn otherwise than before.
DRAWING_EDITION = "1"


@dataclass(frozen=True, slots=True)
class RasterTile:
    """A tile as it goes out.

    Attributes:
        body: The image file; empty where nothing is known.
        kind: What it is.
    """

    body: bytes
    kind: ImageKind

    @property
    def size(self) -> int:
        return len(self.body)


@dataclass(frozen=True)
class RasterService:
    """Draws tiles and keeps them. Thread-safe.

    Attributes:
        pool: The open files.
    """

    pool: CogPool
    _cache: SingleFlightCache[RasterTile] = field(repr=False)
    _ranges: dict[tuple[str, Look], tuple[Range, ...]] = field(default_factory=dict, repr=False)
    _statistics: dict[tuple[str, Look], dict[str, Any]] = field(default_factory=dict, repr=False)

    def tile(
        self, images: Sequence[RasterRecord], look: Look, grid: Grid, tile: Tile, size: int, kind: ImageKind | None
    ) -> RasterTile:
        """A tile of some images, the first on top.

        Args:
            kind: Of file; None for what suits: JPEG for a picture without a hole, PNG otherwise.

        Raises:
            TileOutsideGridError: if the grid has no such tile.
            UnreadableFileError: if a file is gone or damaged.
            BadLookError: if an image lacks a band.
        """
        grid.check(tile)
        key = (edition_of(images), look, grid.id, tile, size, kind)
        return self._cache.get_or_make(
            key, lambda: self._drawn(images, look, TileFrame(grid, tile, size, look.margin), kind)
        )

    def ranges(self, images: Sequence[RasterRecord], look: Look) -> tuple[Range, ...]:
        """What becomes darkest and lightest: what the look says, or the range of most values of the first image."""
        if look.ranges:
            return look.ranges
        key = (images[0].sha256, replace(look, colormap=None, relief=None))
        found = self._ranges.get(key)
        return found if found is not None else _kept(self._ranges, key, found_ranges(self.pool, images[0], look))

    def statistics(self, record: RasterRecord, look: Look) -> dict[str, Any]:
        """Statistics of an image. Raises UnreadableFileError if its file is gone or damaged."""
        key = (record.sha256, look)
        found = self._statistics.get(key)
        return found if found is not None else _kept(self._statistics, key, statistics(self.pool, record, look))

    def palette(self, images: Sequence[RasterRecord], look: Look) -> Colours | None:
        """Colours (256, 4) of the first image's own table, for a look that wants them. Raises as `tile`."""
        if not look.palette:
            return None
        with self.pool.lent(images[0]) as cog:
            return cog.palette

    def close(self) -> None:
        self.pool.close()

    def _drawn(
        self, images: Sequence[RasterRecord], look: Look, frame: TileFrame, kind: ImageKind | None
    ) -> RasterTile:
        # Imported here: the compiler comes along, which must not delay the start of a server.
        from tiles.raster.painting import paint
        from tiles.raster.sampling import Wanted, sample_images

        sampled = sample_images(self.pool, images, frame, Wanted(look.bands, look.nodata, look.resampling))
        if sampled.is_empty:
            return RasterTile(b"", kind or "png")
        colours = paint(sampled, look, self.ranges(images, look), frame, self.palette(images, look))
        chosen = kind or ("jpg" if look.is_photo and bool((colours[..., 3] == 255).all()) else "png")
        return RasterTile(encode_image(colours, chosen), chosen)


def raster_service(room_bytes: int) -> RasterService:
    """A service with this much room for tiles; nothing is opened yet."""
    return RasterService(CogPool(), SingleFlightCache(room_bytes))


def edition_of(images: Sequence[RasterRecord]) -> str:
    """Another one for other images or another way of drawing them."""
    told = ",".join((DRAWING_EDITION, *(record.sha256 for record in images)))
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def _kept(remembered: dict[tuple[str, Look], _Found], key: tuple[str, Look], found: _Found) -> _Found:
    if len(remembered) >= _MOST_REMEMBERED:
        remembered.clear()
    remembered[key] = found
    return found
