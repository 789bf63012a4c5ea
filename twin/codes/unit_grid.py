"""Identifiers of unit grid cells (单元网格): 15 digits for county, town, community and the cell's number within it.

The structure is known from secondary sources (a Beijing local standard, notes on GB/T 47678.3): county 6, town or subdistrict 3,
community 3, sequence 3, numbered from 001.
"""

from __future__ import annotations

from dataclasses import dataclass

from twin.codes.digit_codes import field_digits, split_digits
from twin.errors import BadCodeError

WIDTHS = (6, 3, 3, 3)
LENGTH = sum(WIDTHS)
SYSTEM = "unit grid"


@dataclass(frozen=True, slots=True)
class UnitGridId:
    """One cell's identifier, field by field, leading zeros kept."""

    county: str
    town: str
    community: str
    sequence: str

    @property
    def town_code(self) -> str:
        """The nine digits of the town or subdistrict."""
        return self.county + self.town

    @property
    def community_code(self) -> str:
        """The twelve digits of the community."""
        return self.town_code + self.community

    def __str__(self) -> str:
        return self.community_code + self.sequence


def parse_unit_grid_id(text: str) -> UnitGridId:
    """An identifier from its text.

    Raises:
        BadCodeError: if it is not 15 digits, or a field that counts from 001 is zero.

    >>> parse_unit_grid_id("370281001001001").community_code
    '370281001001'
    """
    made = UnitGridId(*split_digits(text, WIDTHS, SYSTEM))
    for name, value in (("county", made.county), ("town", made.town), ("sequence", made.sequence)):
        if not value.strip("0"):
            raise BadCodeError(
                f"'{text}' names no cell: its {name} is zero.",
                value=text,
                limit="county, town and sequence above zero",
                remedy="Take the identifier from the grid layer.",
            )
    return made


def compose_unit_grid_id(county: str | int, town: str | int, community: str | int, sequence: int) -> str:
    """The identifier of these fields. Raises BadCodeError if one does not fit, or as `parse_unit_grid_id`.

    >>> compose_unit_grid_id(370281, 1, 1, 1)
    '370281001001001'
    """
    names = ("county", "town", "community", "sequence")
    values = (county, town, community, sequence)
    text = "".join(field_digits(v, w, n) for v, w, n in zip(values, WIDTHS, names, strict=True))
    return str(parse_unit_grid_id(text))
