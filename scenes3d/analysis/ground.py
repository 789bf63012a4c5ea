"""The ground as a lattice of heights in a local frame. A height that nobody measured is NaN and stays so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scenes3d.rays.port import Floats
from twin.local_frame import LocalFrame


class Elevations(Protocol):
    """Where heights come from: an elevation raster. `tiles.terrain.elevation.Elevation` is one."""

    @property
    def vertical_datum(self) -> str: ...

    @property
    def pixel_m(self) -> float: ...

    def level_for(self, spacing_m: float) -> int: ...

    def heights(self, lon: Floats, lat: Floats, level: int = 0) -> npt.NDArray[np.float32]:
        """Metres at places (any shape, degrees), NaN where unknown."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Heights at the nodes of a lattice; between four nodes the ground is bilinear.

    Attributes:
        heights: float64 (rows, columns), metres; row 0 is the southernmost, column 0 the westernmost. NaN: unknown.
        west, south: Metres east and north of the frame's place, of node (0, 0).
        cell_m: Side of a cell.
    """

    heights: Floats
    west: float
    south: float
    cell_m: float

    def at(self, east: Floats, north: Floats) -> Floats:
        """Heights at points, any shape; NaN where a node with a share in it is unknown, and outside."""
        column = (np.asarray(east, dtype=np.float64) - self.west) / self.cell_m
        row = (np.asarray(north, dtype=np.float64) - self.south) / self.cell_m
        rows, columns = self.heights.shape
        # Rounding at the rim is no reason to know nothing there.
        inside = (column >= -1e-9) & (row >= -1e-9) & (column <= columns - 1 + 1e-9) & (row <= rows - 1 + 1e-9)
        column, row = np.clip(column, 0, columns - 1), np.clip(row, 0, rows - 1)
        left, below = np.minimum(column.astype(np.int64), columns - 2), np.minimum(row.astype(np.int64), rows - 2)
        x, y = column - left, row - below
        lower = _between(self.heights[below, left], self.heights[below, left + 1], x)
        upper = _between(self.heights[below + 1, left], self.heights[below + 1, left + 1], x)
        return np.where(inside, _between(lower, upper, y), np.nan)

    def nodes(self) -> tuple[Floats, Floats]:
        """East and north of every node, each (rows, columns)."""
        rows, columns = self.heights.shape
        east, north = np.meshgrid(
            self.west + np.arange(columns) * self.cell_m, self.south + np.arange(rows) * self.cell_m
        )
        return east, north

    @property
    def unknown_share(self) -> float:
        return float(np.isnan(self.heights).mean())


def lattice(west: float, south: float, east: float, north: float, cell_m: float) -> tuple[float, float, int, int]:
    """West, south, rows and columns of a lattice over a box, its nodes at multiples of the cell size."""
    first_column, first_row = np.floor(west / cell_m), np.floor(south / cell_m)
    columns = int(np.ceil(east / cell_m) - first_column) + 1
    rows = int(np.ceil(north / cell_m) - first_row) + 1
    return float(first_column * cell_m), float(first_row * cell_m), max(rows, 2), max(columns, 2)


def sampled_ground(
    source: Elevations, frame: LocalFrame, box: tuple[float, float, float, float], cell_m: float
) -> Ground:
    """The ground over a box (west, south, east, north in metres of the frame), sampled from an elevation raster."""
    west, south, rows, columns = lattice(*box, cell_m)
    blank = Ground(np.zeros((rows, columns)), west, south, cell_m)
    lon, lat = frame.to_geodetic(*blank.nodes())
    heights = source.heights(lon, lat, source.level_for(cell_m)).astype(np.float64)
    return Ground(heights, west, south, cell_m)


def level_ground(height_m: float, box: tuple[float, float, float, float], cell_m: float) -> Ground:
    """Ground of one height that somebody states."""
    west, south, rows, columns = lattice(*box, cell_m)
    return Ground(np.full((rows, columns), height_m), west, south, cell_m)


def _between(first: Floats, second: Floats, share: Floats) -> Floats:
    """Linear; an unknown neighbour of no weight does not make a place unknown."""
    mixed = first * (1 - share) + second * share
    return np.where(share == 0, first, np.where(share == 1, second, mixed))
