"""Where the base map has something, and in which directions it runs: one byte a cell, one bit a sector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.guard.pieces import EVERY_DIRECTION, SECTORS, Box, Floats, Pieces


@dataclass(frozen=True)
class DirectionRaster:
    """Cells of a plane.

    Attributes:
        bits: uint8 (rows, columns); row 0 is the southernmost.
        west_m, south_m: Lower left corner, metres in the plane of the pieces.
        cell_m: Edge of a cell, metres.
    """

    bits: npt.NDArray[np.uint8]
    west_m: float
    south_m: float
    cell_m: float

    def cells(self, xy: Floats, reach: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Flat cell numbers of places, and whether they and all cells within `reach` of them lie in the raster."""
        rows, columns = self.bits.shape
        column = np.floor((xy[:, 0] - self.west_m) / self.cell_m)
        row = np.floor((xy[:, 1] - self.south_m) / self.cell_m)
        inside = (column >= reach) & (column < columns - reach) & (row >= reach) & (row < rows - reach)
        number = np.where(inside, row * columns + column, 0).astype(np.intp)
        return number, inside


def bits_of(sector: npt.NDArray[np.int8]) -> npt.NDArray[np.uint8]:
    """The bit of each sector; all bits for points."""
    return np.where(sector < 0, EVERY_DIRECTION, np.left_shift(1, np.maximum(sector, 0))).astype(np.uint8)


def draw(reference: Pieces, box: Box, cell_m: float) -> DirectionRaster:
    """The reference as a raster, each piece wider by one cell on every side and by one sector either way.

    Args:
        reference: Pieces no longer than a cell.
        box: West, south, east, north in metres: what to cover.
        cell_m: Edge of a cell.
    """
    west, south, east, north = box
    shape = max(1, int((north - south) / cell_m) + 1), max(1, int((east - west) / cell_m) + 1)
    bits = np.zeros(shape, dtype=np.uint8)
    raster = DirectionRaster(bits, west, south, cell_m)
    number, inside = raster.cells(reference.xy, 1)
    wide = np.zeros(int(inside.sum()), dtype=np.uint8)
    sector = reference.sector[inside]
    for turn in (-1, 0, 1):
        wide |= bits_of(np.where(sector < 0, -1, (sector + turn) % SECTORS).astype(np.int8))
    number = number[inside]
    # Pieces of the same cell and direction once: writing is what costs.
    keys = np.unique(number.astype(np.int64) * 256 + wide)
    number, wide = (keys // 256).astype(np.intp), (keys % 256).astype(np.uint8)
    flat = bits.reshape(-1)
    for up in (-1, 0, 1):
        for along in (-1, 0, 1):
            np.bitwise_or.at(flat, number + up * shape[1] + along, wide)
    return raster
