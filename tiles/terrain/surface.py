"""The ground as it is drawn: everywhere a height, and a count of those that nobody measured.

Three kinds of height, each a function of the place alone, so that neighbours agree:

* measured: of the raster, voids up to `REACH` pixels wide bridged (`tiles.terrain.elevation`);
* filled: in wider voids, from a coarse copy of the raster whose voids are filled from coarser and coarser averages;
* outside the raster: its ground level, the lowest height of that copy, rounded down to whole metres.

Filled and outside heights are for drawing. They are counted in every tile and never given as an answer to "how high is it?".

Source: S. Gortler et al., "The Lumigraph", SIGGRAPH 1996, 3.4 (push and pull).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tiles.terrain.elevation import Elevation, Floats, Heights, between

# The copy from which wide voids are filled is held in memory.
_COPY_PIXELS = 1_000_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """Heights for drawing.

    Attributes:
        heights: float64 metres, everywhere finite.
        filled: bool, in a wide void of the raster.
        outside: bool, beyond the raster.
    """

    heights: Floats
    filled: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    outside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Surface:
    """The drawn ground of an elevation raster. Thread-safe: what it works out twice comes out the same."""

    elevation: Elevation
    copy_pixels: int = field(default=_COPY_PIXELS)

    @property
    def ground_m(self) -> float:
        """The height drawn outside the raster, metres in its vertical datum."""
        return self._copy[1]

    def drawn(self, lon: Floats, lat: Floats, level: int = 0) -> Drawn:
        """Heights at places (any shape, degrees) of a resolution level of the raster."""
        heights = self.elevation.heights(lon, lat, level)
        unknown = ~np.isfinite(heights)
        result = heights.astype(np.float64)
        filled = np.zeros(heights.shape, dtype=np.bool_)
        if unknown.any():
            rows, columns, inside = self.elevation.shares(lon, lat)
            filled = unknown & inside
            result[unknown] = self.ground_m
            if filled.any():
                result[filled] = _sample(self._copy[0], rows[filled], columns[filled])
        return Drawn(result, filled, unknown & ~filled)

    @cached_property
    def _copy(self) -> tuple[Heights, float]:
        pixels = self.elevation.whole(self.copy_pixels)
        known = np.isfinite(pixels)
        ground = float(math.floor(float(pixels[known].min()))) if known.any() else 0.0
        return _without_voids(pixels, ground), ground


def _without_voids(pixels: Heights, otherwise: float) -> Heights:
    """Voids from the average of the known quarter-resolution pixels around them, and those from coarser ones."""
    known = np.isfinite(pixels)
    if known.all():
        return pixels
    if not known.any():
        return np.full_like(pixels, otherwise)
    rows, columns = pixels.shape
    padded = np.full((rows + rows % 2, columns + columns % 2), np.nan, dtype=np.float32)
    padded[:rows, :columns] = pixels
    blocks = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2)
    count = np.isfinite(blocks).sum(axis=(1, 3))
    total = np.nansum(blocks, axis=(1, 3), dtype=np.float64)
    coarse = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    full = _without_voids(coarse, otherwise)
    row, column = np.nonzero(~known)
    out = pixels.copy()
    out[row, column] = _sample(full, (row + 0.5) / padded.shape[0], (column + 0.5) / padded.shape[1])
    return out


def _sample(grid: Heights, row_share: Floats, column_share: Floats) -> Floats:
    """Bilinear between pixel centres at shares 0 to 1 of the grid's height and width."""
    row = np.clip(row_share * grid.shape[0] - 0.5, 0.0, grid.shape[0] - 1.0)
    column = np.clip(column_share * grid.shape[1] - 0.5, 0.0, grid.shape[1] - 1.0)
    top, left = row.astype(np.int64), column.astype(np.int64)
    below, beside = np.minimum(top + 1, grid.shape[0] - 1), np.minimum(left + 1, grid.shape[1] - 1)
    values = grid.astype(np.float64)
    north = between(values[top, left], values[top, beside], column - left)
    south = between(values[below, left], values[below, beside], column - left)
    return between(north, south, row - top)
