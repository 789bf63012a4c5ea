"""The ten levels of the BeiDou grid location code: how big cells are, how they are numbered, how many characters that takes.

Source: GB/T 39409-2020, chapters 5 (two dimensions) and 6 (three dimensions).
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.codes.angles import UNITS_PER_DEGREE, UNITS_PER_SECOND
from twin.codes.lonlat_grid import LonLatGrid
from twin.errors import BadCodeError
from twin.text import LocalText

# Beyond it the standard has other cells, round the poles; they are refused here.
LATITUDE_LIMIT_DEG = 88
SYSTEM = "GB/T 39409-2020"


@dataclass(frozen=True, slots=True)
class Level:
    """One level.

    Attributes:
        number: 1 to 10.
        width, height: Size of a cell in units of 1/2048 arc-second.
        columns, rows: How many of them lie in a cell of the level above (60 zones and 22 bands in each hemisphere at level 1).
        paired: Whether a fragment has a digit for each direction, or one digit row x columns + column.
        height_bits: How many bits of the layer number this level adds in three dimensions.
        length, length_3d: Characters of a code of this level.
        size: The cell as the standard writes it.
    """

    number: int
    width: int
    height: int
    columns: int
    rows: int
    paired: bool
    height_bits: int
    length: int
    length_3d: int
    size: LocalText

    @property
    def grid(self) -> LonLatGrid:
        """The cells of this level."""
        limit, name = LATITUDE_LIMIT_DEG, f"{SYSTEM} level {self.number}"
        return LonLatGrid(self.width, self.height, -limit, limit, name, mirrored=True)

    @property
    def height_shift(self) -> int:
        """Bits of the finest layer number that this level leaves out."""
        return sum(level.height_bits for level in LEVELS[self.number :])

    @property
    def height_characters(self) -> int:
        """Characters of this level's height fragment: two decimal digits at level 1, one digit below."""
        return 2 if self.number == 1 else 1


def _level(
    number: int, size: str, width: int, height: int, above: tuple[int, int], bits: int, ends: tuple[int, int]
) -> Level:
    columns, rows = above
    paired = number not in (3, 6)
    return Level(number, width, height, columns, rows, paired, bits, *ends, LocalText(size, size))


_DEGREE, _SECOND = UNITS_PER_DEGREE, UNITS_PER_SECOND
LEVELS: tuple[Level, ...] = (
    _level(1, "6° × 4°", 6 * _DEGREE, 4 * _DEGREE, (60, 22), 6, (4, 7)),
    _level(2, "30′ × 30′", 1800 * _SECOND, 1800 * _SECOND, (12, 8), 3, (6, 10)),
    _level(3, "15′ × 10′", 900 * _SECOND, 600 * _SECOND, (2, 3), 1, (7, 12)),
    _level(4, "1′ × 1′", 60 * _SECOND, 60 * _SECOND, (15, 10), 4, (9, 15)),
    _level(5, "4″ × 4″", 4 * _SECOND, 4 * _SECOND, (15, 15), 4, (11, 18)),
    _level(6, "2″ × 2″", 2 * _SECOND, 2 * _SECOND, (2, 2), 1, (12, 20)),
    _level(7, "1/4″ × 1/4″", _SECOND // 4, _SECOND // 4, (8, 8), 3, (14, 23)),
    _level(8, "1/32″ × 1/32″", _SECOND // 32, _SECOND // 32, (8, 8), 3, (16, 26)),
    _level(9, "1/256″ × 1/256″", _SECOND // 256, _SECOND // 256, (8, 8), 3, (18, 29)),
    _level(10, "1/2048″ × 1/2048″", 1, 1, (8, 8), 3, (20, 32)),
)
BY_LENGTH = {level.length: level for level in LEVELS}
BY_LENGTH_3D = {level.length_3d: level for level in LEVELS}
FINEST = LEVELS[-1].number


def level_numbered(number: int) -> Level:
    """The level of that number.

    Raises:
        BadCodeError: if it is not from 1 to 10.
    """
    if 1 <= number <= FINEST:
        return LEVELS[number - 1]
    raise BadCodeError(
        f"{SYSTEM} has no level {number}.",
        value=number,
        limit=f"1 to {FINEST}",
        remedy="Choose a level: 4 is about 1.8 km, 5 about 120 m, 7 about 8 m, 8 about 1 m.",
    )
