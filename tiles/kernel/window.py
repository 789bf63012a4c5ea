"""A tile as the kernels see it: integers in world units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiles.grids import WEB_MERCATOR_QUAD
from tiles.mvt.window import Window
from tiles.snapshot.layout import WORLD_BITS
from tiles.snapshot.world import WORLD


@dataclass(frozen=True, slots=True)
class TileWindow(Window):
    """The square a tile is drawn in, with its edges in world units."""

    @property
    def zoom(self) -> int:
        """The Web Mercator level whose tiles span as many degrees of longitude."""
        return self.tile.z + self.grid.zoom_offset

    @property
    def bits(self) -> int:
        """A tile is 2**bits world units wide."""
        return WORLD_BITS - self.zoom

    @property
    def is_mercator(self) -> bool:
        """Whether ordinates are `Columns.y`; else they are `Columns.row`."""
        return self.grid.id == WEB_MERCATOR_QUAD.id

    @property
    def origin(self) -> tuple[int, int]:
        """West and north edge in world units."""
        return self.tile.x << self.bits, self.tile.y << self.bits

    def mercator_box(self) -> tuple[int, int, int, int]:
        """West, north, east, south of tile and buffer in `x` and `y`, one unit wider than needed; cut at the world's edge."""
        west, north, east, south = (
            min(max(edge, 0), WORLD - 1) for edge in self._box(-(-(self.buffer << self.bits) // self.extent), 1)
        )
        return west, north, east, south

    def inner_box(self) -> tuple[int, int, int, int]:
        """West, north, east, south in `x` and `y`: what lies within needs no cut. Never wider than tile and buffer."""
        return self._box((self.buffer << self.bits) // self.extent, -1)

    def _box(self, margin: int, hair: int) -> tuple[int, int, int, int]:
        """The tile grown by `margin` and by a hair for what rounding may have moved, or drawn in by it."""
        west, north = self.origin
        side = 1 << self.bits
        grown = max(0, margin + hair)
        top, bottom = north - grown, north + side + grown
        if not self.is_mercator:
            top, bottom = self._y_of_row(top) - hair, self._y_of_row(bottom) + hair
        return west - grown, top, west + side + grown, bottom

    def _y_of_row(self, row: int) -> int:
        """The Mercator ordinate of a parallel given by its row on the grid of degrees; far outside beyond the poles."""
        latitude = self.grid.latitude(2 * row / WORLD)
        if abs(latitude) >= 90.0:
            return 2 * WORLD if latitude < 0 else -WORLD
        _, y = WEB_MERCATOR_QUAD.forward(np.zeros(1), np.array([latitude]))
        return round(float(y[0]) * WORLD)
