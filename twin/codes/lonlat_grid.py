"""A regular grid of cells in longitude and latitude, addressed by whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.bounds import Bounds
from twin.codes.angles import UNITS_PER_DEGREE, Floats, Whole, degrees_of, sizes_of, units_of


@dataclass(frozen=True, slots=True)
class LonLatGrid:
    """Cells of one size, aligned to the prime meridian and the equator.

    Column 0 begins at the prime meridian, row 0 at the equator; both count east and north, and are negative on the other side.

    Attributes:
        width, height: Size of a cell in units of 1/2048 arc-second.
        south_deg, north_deg: Latitudes that have cells; multiples of the height.
        name: What a message calls the grid.
        mirrored: Whether a cell owns the edges nearer to the prime meridian and the equator (BeiDou), not the western and southern.
    """

    width: int
    height: int
    south_deg: int
    north_deg: int
    name: str
    mirrored: bool = False

    @property
    def columns(self) -> int:
        """Cells round the earth."""
        return 360 * UNITS_PER_DEGREE // self.width

    @property
    def column_range(self) -> tuple[int, int]:
        """First column, and the one behind the last."""
        return -self.columns // 2, self.columns // 2

    @property
    def row_range(self) -> tuple[int, int]:
        """First row, and the one behind the last."""
        return self.south_deg * UNITS_PER_DEGREE // self.height, self.north_deg * UNITS_PER_DEGREE // self.height

    def cells_of(self, lon: Floats, lat: Floats) -> tuple[Whole, Whole]:
        """Columns and rows (n,) of the cells that hold the points; the outermost edges belong to the outermost cells."""
        first, behind = self.column_range
        low, high = self.row_range
        columns, rows = self._numbers(lon, self.width), self._numbers(lat, self.height)
        return np.clip(columns, first, behind - 1), np.clip(rows, low, high - 1)

    def _numbers(self, degrees: Floats, size: int) -> Whole:
        if not self.mirrored:
            return units_of(degrees) // size
        units, negative = sizes_of(degrees)
        numbers = units.astype(np.int64) // size
        return np.where(negative, -numbers - 1, numbers)

    def edges(self, columns: Whole, rows: Whole) -> Floats:
        """West, south, east, north of the cells in degrees, (n, 4): the doubles nearest to the true edges."""
        return np.column_stack([
            degrees_of(columns * self.width),
            degrees_of(rows * self.height),
            degrees_of((columns + 1) * self.width),
            degrees_of((rows + 1) * self.height),
        ])  # fmt: skip

    def bounds(self, column: int, row: int) -> Bounds:
        """The box of one cell, CGCS2000 lon/lat degrees."""
        (box,) = self.edges(np.array([column]), np.array([row])).tolist()
        return Bounds(*box)

    def around(self, column: int, row: int) -> dict[str, tuple[int, int]]:
        """The up to eight cells that touch one, by compass direction; there is nothing beyond the last row.

        The antimeridian is no edge: east of the last column lies the first.
        """
        first, behind = self.column_range
        lowest, above = self.row_range
        found = {}
        for direction, (step_x, step_y) in _COMPASS.items():
            x, y = column + step_x, row + step_y
            if lowest <= y < above:
                found[direction] = ((x - first) % (behind - first) + first, y)
        return found


_COMPASS = {
    "n": (0, 1),
    "ne": (1, 1),
    "e": (1, 0),
    "se": (1, -1),
    "s": (0, -1),
    "sw": (-1, -1),
    "w": (-1, 0),
    "nw": (-1, 1),
}
