"""Free text of OpenStreetMap tags as numbers and flags: heights, floors, speeds, lanes, widths.

Source: OpenStreetMap wiki, "Map features/Units" and "Key:height" (metres unless a unit is given; feet and inches as 7'4").
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_METRES = re.compile(r"([+-]?\d+(?:[.,]\d+)?)\s*(m|metres?|meters?|米)?", re.IGNORECASE)
_FEET = re.compile(r"(\d+(?:\.\d+)?)\s*(?:'|ft|feet|foot)\s*(?:(\d+(?:\.\d+)?)\s*(?:\"|''|in))?", re.IGNORECASE)
_OTHER = {"km": 1000.0, "cm": 0.01, "mi": 1609.344}
_OTHER_UNIT = re.compile(r"(\d+(?:\.\d+)?)\s*(km|cm|mi)", re.IGNORECASE)
_PLAIN = re.compile(r"(\d{1,9}(?:[.,]\d{1,9})?)\s*°?")
_SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots)?", re.IGNORECASE)
_FOOT_M = 0.3048
_INCH_M = 0.0254
_SPEED_KMH = {"mph": 1.609344, "knots": 1.852}
_HIGHEST_M = 9000.0
_MOST_FLOORS = 200
_NO = {"no", "false", "0"}
_YES = {"yes", "true", "1", "-1"}


def parse_length_m(text: str | None) -> float | None:
    r"""A length in metres; None where the text is no length.

    >>> [parse_length_m(t) for t in ("12", "3.5 m", "3,5", "40'", "39'6\"", "40 ft", "tall")]
    [12.0, 3.5, 3.5, 12.192, 12.0396, 12.192, None]
    """
    text = (text or "").strip()
    if found := _FEET.fullmatch(text):
        value = float(found[1]) * _FOOT_M + float(found[2] or 0) * _INCH_M
    elif found := _METRES.fullmatch(text):
        value = float(found[1].replace(",", "."))
    elif found := _OTHER_UNIT.fullmatch(text):
        value = float(found[1]) * _OTHER[found[2].lower()]
    else:
        return None
    return round(value, 4) if 0 <= value < _HIGHEST_M else None


def parse_number(text: str | None) -> float | None:
    """A number that is not negative, with or without a sign of degrees; None for anything else.

    >>> [parse_number(t) for t in ("1.5", "30°", " 2 ", "-1", "steep", None)]
    [1.5, 30.0, 2.0, None, None, None]
    """
    found = _PLAIN.fullmatch((text or "").strip())
    return float(found[1].replace(",", ".")) if found else None


def parse_floors(text: str | None) -> int | None:
    """Floors above ground: "5", "5.5" (five and an attic), "3;5" and "3-5" (the highest counts); None for anything else."""
    parts = [part.strip() for part in re.split(r"[;\-~,]", text or "")]
    if not parts or not all(re.fullmatch(r"\d+(\.\d+)?", part) for part in parts):
        return None
    floors = int(max(float(part) for part in parts))
    return floors if floors <= _MOST_FLOORS else None


def parse_speed_kmh(text: str | None) -> int | None:
    """A speed limit in whole km/h; None for "none", "walk", or a country's implicit limit."""
    found = _SPEED.fullmatch((text or "").split(";")[0].strip())
    if not found:
        return None
    return round(float(found[1]) * _SPEED_KMH.get((found[2] or "").lower(), 1.0))


def parse_count(text: str | None) -> int | None:
    """A whole number such as lanes or inhabitants (thousands separators allowed)."""
    plain = (text or "").split(";")[0].replace(",", "").replace(" ", "")
    return int(plain) if re.fullmatch(r"\d{1,15}", plain, re.ASCII) else None


def parse_oneway(tags: Mapping[str, str]) -> bool | None:
    """Whether traffic goes one way; motorways and roundabouts do unless they say no; None where nobody says."""
    value = tags.get("oneway")
    if value in _NO:
        return False
    if value in _YES:
        return True
    implied = tags.get("highway") in {"motorway", "motorway_link"} or tags.get("junction") in {"roundabout", "circular"}
    return True if implied else None


def has_structure(tags: Mapping[str, str], key: str) -> bool:
    """Whether a way runs on a bridge or in a tunnel; without the tag it does not."""
    return tags.get(key, "no") not in _NO
