"""Which mesh tiles an elevation raster has: at each level those that touch its box, down to the level of its pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tiles.address import Tile
from tiles.grids import WORLD_CRS84_QUAD, Grid
from tiles.terrain.elevation import Elevation
from tiles.terrain.lattice import spacing_m

MESH_GRID = WORLD_CRS84_QUAD
"""Degrees, two tiles at level 0: what renderers of quantized meshes call "geodetic" and `EPSG:4326`."""
SIDE = 64
"""Cells along a side of a mesh tile."""
_CELLS_PER_ERROR = 8.0
_SMALLEST_ERROR_M = 0.25


@dataclass(frozen=True, slots=True)
class TileRange:
    """Tiles of a level, both ends included; rows count from the north."""

    z: int
    west: int
    north: int
    east: int
    south: int

    def holds(self, tile: Tile) -> bool:
        return tile.z == self.z and self.west <= tile.x <= self.east and self.north <= tile.y <= self.south

    def to_dict(self) -> dict[str, int]:
        """As `available` of `layer.json` writes it: rows count from the south."""
        rows = MESH_GRID.matrix_size(self.z)[1]
        return {
            "startX": self.west,
            "startY": rows - 1 - self.south,
            "endX": self.east,
            "endY": rows - 1 - self.north,
        }


def error_m(z: int) -> float:
    """How far in metres the mesh of a level may pass from a sample: an eighth of the way between samples, 0.25 m at least."""
    return max(spacing_m(MESH_GRID, z, SIDE) / _CELLS_PER_ERROR, _SMALLEST_ERROR_M)


def deepest_level(grid: Grid, elevation: Elevation, size: int) -> int:
    """The first level whose samples, `size` along a tile, lie as close as the pixels of the raster."""
    level = math.ceil(math.log2(max(spacing_m(grid, 0, size) / elevation.pixel_m, 1.0)))
    return min(level, grid.max_zoom)


def mesh_range(elevation: Elevation, z: int) -> TileRange:
    """The tiles of a level; all of level 0, where renderers begin."""
    if z == 0:
        return TileRange(0, 0, 0, MESH_GRID.columns - 1, MESH_GRID.rows - 1)
    box = elevation.bounds
    first, last = MESH_GRID.tile_at(box.west, box.north, z), MESH_GRID.tile_at(box.east, box.south, z)
    return TileRange(z, first.x, first.y, last.x, last.y)


def mesh_ranges(elevation: Elevation, first_level: int = 0) -> Iterator[TileRange]:
    """The ranges of all levels from one on."""
    for z in range(first_level, deepest_level(MESH_GRID, elevation, SIDE) + 1):
        yield mesh_range(elevation, z)


def from_south(z: int, row: int) -> int:
    """A row counted from the other end of a mesh level: TMS rows to ours, and back."""
    return MESH_GRID.matrix_size(z)[1] - 1 - row if 0 <= z <= MESH_GRID.max_zoom else row
