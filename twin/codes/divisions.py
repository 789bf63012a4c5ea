"""Administrative divisions: what a code says by itself, and one division as it stood for a stretch of time.

Codes change every year, so nothing here is a name without dates: a `Division` holds from one day up to, not including, another. How
many digits a level has, and which numbers of towns are statistical only, is data (`division_structure.json`).

Source: GB/T 2260 (six digits); statistical codes (nine digits, twelve with the community).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from twin.errors import BadCodeError
from twin.text import LocalText


@dataclass(frozen=True, slots=True)
class DivisionCode:
    """A code and what its digits say.

    Attributes:
        code: 6, 9 or 12 digits.
        level: province, prefecture, county, town or community.
        kind: Words for a town by its series (街道, 镇, …), else for the level.
        statistical: Whether its series is one of statistical units: no division under the law, never the key of a boundary.
    """

    code: str
    level: str
    kind: LocalText
    statistical: bool

    @property
    def chain(self) -> tuple[str, ...]:
        """The codes from the province down to this one."""
        return tuple(self.code[:digits].ljust(6, "0") for digits in (2, 4, 6, 9, 12) if self._has(digits))

    def _has(self, digits: int) -> bool:
        length = 2 if self.level == "province" else 4 if self.level == "prefecture" else len(self.code)
        return digits <= length

    @property
    def parent(self) -> str | None:
        """The code one level up; None for a province."""
        return self.chain[-2] if len(self.chain) > 1 else None


@dataclass(frozen=True, slots=True)
class Division:
    """One division from `valid_from` up to, not including, `valid_to` (None: until further notice).

    Attributes:
        pinyin: Latin spelling without tones, "" where it is not known.
        edition: The list it stands in.
    """

    code: str
    name: LocalText
    pinyin: str
    valid_from: date
    valid_to: date | None
    edition: str

    def holds(self, day: date) -> bool:
        """Whether it stood on that day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def to_dict(self) -> dict[str, Any]:
        known = parse_division_code(self.code)
        return {
            "code": self.code,
            "level": known.level,
            "kind": known.kind.to_dict(),
            "name": self.name.to_dict(),
            "pinyin": self.pinyin,
            "parent": known.parent,
            "statistical": known.statistical,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": None if self.valid_to is None else self.valid_to.isoformat(),
            "edition": self.edition,
        }


def parse_division_code(text: str) -> DivisionCode:
    """A code from its text.

    Raises:
        BadCodeError: if it is not 6, 9 or 12 digits, or a level is missing in the middle.

    >>> parse_division_code("370281001").chain
    ('370000', '370200', '370281', '370281001')
    """
    if not (text.isascii() and text.isdigit() and len(text) in (6, 9, 12) and text[:2] >= "11"):
        raise _bad(text, "6 digits (province, prefecture, county), 9 (town) or 12 (community)")
    if text[2:4] == "00" and text[4:6] != "00":
        raise _bad(text, "a county within a prefecture")
    structure = division_structure()
    if len(text) == 6:
        level = "province" if text[2:] == "0000" else "prefecture" if text[4:] == "00" else "county"
        return DivisionCode(text, level, structure.levels[level], statistical=False)
    if text[6:9] == "000" or text[9:] == "000":
        raise _bad(text, "numbers of towns and communities from 001")
    kind, legal = structure.town_kind(int(text[6:9]))
    if len(text) == 9:
        return DivisionCode(text, "town", kind, statistical=not legal)
    return DivisionCode(text, "community", structure.levels["community"], statistical=not legal)


@dataclass(frozen=True)
class DivisionStructure:
    """Names of the levels, and the series of town numbers as (first, last, kind, whether under the law)."""

    levels: Mapping[str, LocalText]
    town_series: tuple[tuple[int, int, LocalText, bool], ...]

    def town_kind(self, number: int) -> tuple[LocalText, bool]:
        """Kind of a town of that number, and whether the law knows it."""
        for first, last, kind, legal in self.town_series:
            if first <= number <= last:
                return kind, legal
        return self.levels["town"], True


@lru_cache(maxsize=1)
def division_structure() -> DivisionStructure:
    """The structure as shipped."""
    document = json.loads(files("twin.codes").joinpath("division_structure.json").read_text("utf-8"))
    return DivisionStructure(
        {entry["level"]: LocalText.parse(entry["name"]) for entry in document["levels"]},
        tuple((s["from"], s["to"], LocalText.parse(s["kind"]), s["legal"]) for s in document["town_series"]),
    )


def _bad(text: str, limit: str) -> BadCodeError:
    return BadCodeError(
        f"'{text}' is not the code of a division.",
        value=text,
        limit=limit,
        remedy="Write all digits: 370281 is Jiaozhou, 370281001 its first subdistrict.",
    )
