"""The square a tile is drawn in, and the way of lon/lat geometries into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from tiles.address import Tile
from tiles.grids import Grid

Geometries = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Window:
    """A tile's own coordinates: 0 to `extent` from its west and north edge, growing east and south.

    Attributes:
        grid, tile: Which square of the world it is.
        extent: Units along a side.
        buffer: Units that geometry may reach beyond the edges, so that outlines of cut shapes stay out of sight.
    """

    grid: Grid
    tile: Tile
    extent: int = 4096
    buffer: int = 64

    @property
    def low(self) -> float:
        return float(-self.buffer)

    @property
    def high(self) -> float:
        return float(self.extent + self.buffer)

    @property
    def margin(self) -> float:
        """The buffer in tiles."""
        return self.buffer / self.extent

    def place(self, geometries: Geometries) -> Geometries:
        """Lon/lat geometries (degrees) in tile units, in floating point, height left behind.

        A coordinate that is not finite stays so: the caller has left such geometries out.
        """

        def into_tile(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            columns, rows = self.grid.forward(lonlat[:, 0], lonlat[:, 1])
            scale = float(1 << self.tile.z)
            return np.column_stack(
                [(columns * scale - self.tile.x) * self.extent, (rows * scale - self.tile.y) * self.extent]
            )

        return np.asarray(shapely.transform(geometries, into_tile), dtype=object)
