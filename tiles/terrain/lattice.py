"""Places of the samples of a tile, from world-wide sample numbers alone: the same number is the same place in every tile."""

from __future__ import annotations

import numpy as np

from tiles.address import Tile
from tiles.grids import MERCATOR_EDGE_M, Grid
from tiles.terrain.elevation import Floats


def pixel_centres(grid: Grid, tile: Tile, size: int) -> tuple[Floats, Floats]:
    """Longitudes and latitudes (size, size) of the pixel centres of a tile, the northernmost row first.

    Raises:
        TileOutsideGridError: if the grid has no such tile.
    """
    grid.check(tile)
    samples = size << tile.z
    steps = np.arange(size) + 0.5
    lon = -180.0 + (tile.x * size + steps) / samples * (360.0 / grid.columns)
    lat = np.array([grid.latitude(row) for row in ((tile.y * size + steps) / samples).tolist()])
    return np.broadcast_to(lon, (size, size)), np.broadcast_to(lat[:, None], (size, size))


def spacing_m(grid: Grid, z: int, size: int) -> float:
    """Metres between samples along the equator: it depends on the level alone, so neighbours choose the same resolution."""
    return 2.0 * MERCATOR_EDGE_M / ((grid.columns << z) * size)
