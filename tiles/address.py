"""Where a tile sits in its grid."""

from __future__ import annotations

from dataclasses import dataclass

from twin.errors import TileOutsideGridError

_LONGEST_NUMBER = 12


@dataclass(frozen=True, slots=True)
class Tile:
    """Level, column and row of a tile; column 0 is the westernmost, row 0 the northernmost.

    Build it with keywords: plain map clients write x before y, OGC API Tiles writes the row before the column.
    """

    z: int
    x: int
    y: int

    @classmethod
    def parse(cls, *, z: str, x: str, y: str) -> Tile:
        """The address written in a path.

        Raises:
            TileOutsideGridError: if a part is not a whole number written in plain digits.

        >>> Tile.parse(z="14", x="13654", y="6418")
        Tile(z=14, x=13654, y=6418)
        """
        return cls(z=_whole("level", z), x=_whole("column", x), y=_whole("row", y))


def _whole(what: str, text: str) -> int:
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER:
        return int(text)
    raise TileOutsideGridError(
        f"The {what} of a tile is a whole number.",
        value=text,
        limit="0 or more, in plain digits",
        remedy="Fill {z}, {x} and {y} (or {tileMatrix}, {tileRow}, {tileCol}) of the template with whole numbers.",
    )
