"""The eleven scales of the national map sheets. The table itself is `sheets.json`.

Source: GB/T 13989-2012, table 1 and annex A.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from twin.codes.angles import UNITS_PER_DEGREE
from twin.codes.lonlat_grid import LonLatGrid
from twin.errors import BadCodeError

MILLIONTH = "A"


@dataclass(frozen=True, slots=True)
class Scale:
    """One scale.

    Attributes:
        letter: Its letter in sheet numbers; A is 1:1 000 000, whose own numbers do not write it.
        denominator: 10000 for 1:10 000.
        divisions: Rows, and columns, of such sheets in a sheet of 1:1 000 000.
        digits: Digits of a row or column number.
        grid: The sheets as cells.
    """

    letter: str
    denominator: int
    divisions: int
    digits: int
    grid: LonLatGrid

    @property
    def length(self) -> int:
        """Characters of a sheet number."""
        return 3 if self.letter == MILLIONTH else 4 + 2 * self.digits

    @property
    def title(self) -> str:
        """The scale as it is printed, `1:10 000`."""
        return f"1:{self.denominator:,}".replace(",", " ")


@dataclass(frozen=True)
class ScaleTable:
    """All scales by letter, and the latitudes that have sheets."""

    standard: str
    scales: Mapping[str, Scale]
    latitudes: tuple[float, float]

    @property
    def lengths(self) -> Mapping[int, tuple[Scale, ...]]:
        """The scales whose numbers have so many characters."""
        lengths = sorted({scale.length for scale in self.scales.values()})
        return {n: tuple(s for s in self.scales.values() if s.length == n) for n in lengths}

    def find(self, wanted: str | int) -> Scale:
        """The scale called by its letter (`G`), its denominator (`10000`) or as printed (`1:10 000`).

        Raises:
            BadCodeError: if there is none.
        """
        text = str(wanted).strip().upper()
        digits = re.sub(r"[\s,_\u2009]", "", text).removeprefix("1:")
        for scale in self.scales.values():
            if text == scale.letter or digits == str(scale.denominator):
                return scale
        raise BadCodeError(
            f"{self.standard} has no such scale.",
            value=str(wanted),
            limit=", ".join(f"{scale.letter} = 1:{scale.denominator}" for scale in self.scales.values()),
            remedy="Name a scale by its letter or its denominator.",
        )


@lru_cache(maxsize=1)
def scale_table() -> ScaleTable:
    """The table as shipped."""
    return parse_scales(json.loads(files("twin.codes").joinpath("sheets.json").read_text("utf-8")))


def parse_scales(document: Mapping[str, Any]) -> ScaleTable:
    """A table from its JSON document."""
    whole, standard = document["millionth"], document["standard"]
    south, north = document["latitude_deg"]
    width, height = whole["width_deg"] * UNITS_PER_DEGREE, whole["height_deg"] * UNITS_PER_DEGREE

    def scale(entry: Mapping[str, Any]) -> Scale:
        divisions = entry.get("divisions", 1)
        grid = LonLatGrid(width // divisions, height // divisions, south, north, f"{standard} {entry['letter']}")
        return Scale(entry["letter"], entry["denominator"], divisions, entry.get("digits", 0), grid)

    scales = {entry["letter"]: scale(entry) for entry in (whole, *document["scales"])}
    return ScaleTable(standard, MappingProxyType(scales), (float(south), float(north)))
