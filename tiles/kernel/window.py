"""A tile as the kernels see it: integers in world units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiles.address import Tile
from tiles.grids import WEB_MERCATOR_QUAD, Grid
from tiles.snapshot.layout import WORLD_BITS
from tiles.snapshot.world import world_y

_WORLD = 1 << WORLD_BITS


@dataclass(frozen=True, slots=True)
class TileWindow:
    """A tile's own coordinates: 0 to `extent` from its west and north edge, growing east and south.

    Attributes:
        grid, tile: Which square of the world it is.
        extent: Units along a side.
        buffer: Units that geometry may reach beyond the edges.
    """

    grid: Grid
    tile: Tile
    extent: int = 4096
    buffer: int = 64

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
        margin = -(-(self.buffer << self.bits) // self.extent) + 1
        west, north = self.origin
        side = 1 << self.bits
        box = [west - margin, north - margin, west + side + margin, north + side + margin]
        if not self.is_mercator:
            box[1], box[3] = _y_of_row(box[1]) - 1, _y_of_row(box[3]) + 1
        cut = [min(max(edge, 0), _WORLD - 1) for edge in box]
        return cut[0], cut[1], cut[2], cut[3]

    def inner_box(self) -> tuple[int, int, int, int]:
        """West, north, east, south in `x` and `y`: what lies within needs no cut. Never wider than tile and buffer."""
        margin = max(0, (self.buffer << self.bits) // self.extent - 1)
        west, north = self.origin
        side = 1 << self.bits
        box = [west - margin, north - margin, west + side + margin, north + side + margin]
        if not self.is_mercator:
            box[1], box[3] = _y_of_row(box[1]) + 1, _y_of_row(box[3]) - 1
        return box[0], box[1], box[2], box[3]


def _y_of_row(row: int) -> int:
    """The Mercator ordinate of a parallel given by its row on the grid of degrees; far outside beyond the poles."""
    latitude = 90.0 - row * 360.0 / _WORLD
    if abs(latitude) >= 90.0:
        return 2 * _WORLD if latitude < 0 else -_WORLD
    return int(world_y(np.array([latitude]), clamp=False)[0])
