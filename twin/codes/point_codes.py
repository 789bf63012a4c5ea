"""The codes of one point that need no layer: sheets at every scale, BeiDou cells at every level, with a reason where there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twin.codes import beidou, beidou_3d, sheets
from twin.codes.beidou_levels import LEVELS, level_numbered
from twin.codes.sheet_scales import scale_table
from twin.errors import OutsideCodeSystemError
from twin.text import LocalText

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A place to be named.

    Attributes:
        lon, lat: CGCS2000 degrees.
        height_m: Above the ellipsoid; None where it is not known.
        scales: Letters of the map scales wanted; levels: BeiDou levels wanted.
    """

    lon: float
    lat: float
    height_m: float | None = None
    scales: tuple[str, ...] = tuple(scale_table().scales)
    levels: tuple[int, ...] = tuple(level.number for level in LEVELS)


def sheets_of(place: Place) -> Json:
    """Sheet numbers at the scales wanted. Raises BadCodeError if a scale is none."""
    scales = [scale_table().find(letter) for letter in place.scales]
    try:
        codes = [str(sheets.encode(place.lon, place.lat, scale.letter)[0]) for scale in scales]
    except OutsideCodeSystemError as error:
        return _outside(error)
    return {
        "status": "known",
        "codes": [
            {"scale": scale.title, "letter": scale.letter, "code": code}
            for scale, code in zip(scales, codes, strict=True)
        ],
    }


def beidou_of(place: Place) -> Json:
    """BeiDou codes in the plane at the levels wanted. Raises BadCodeError if a level is none."""
    levels = [level_numbered(number) for number in place.levels]
    try:
        codes = [str(beidou.encode(place.lon, place.lat, level.number)[0]) for level in levels]
    except OutsideCodeSystemError as error:
        return _outside(error)
    return {
        "status": "known",
        "codes": [
            {"level": level.number, "cell_size": level.size.zh, "code": code}
            for level, code in zip(levels, codes, strict=True)
        ],
    }


def beidou_3d_of(place: Place) -> Json:
    """BeiDou codes with height at the levels wanted. Raises BadCodeError if a level is none."""
    if place.height_m is None:
        return unknown(LocalText("未给出大地高。", "No height above the ellipsoid was given."))
    levels = [level_numbered(number) for number in place.levels]
    try:
        codes = [str(beidou_3d.encode(place.lon, place.lat, place.height_m, level.number)[0]) for level in levels]
    except OutsideCodeSystemError as error:
        return _outside(error)
    return {
        "status": "known",
        "codes": [{"level": level.number, "code": code} for level, code in zip(levels, codes, strict=True)],
    }


def unknown(reason: LocalText, **more: Any) -> Json:
    """What is said in place of a code that is not known."""
    return {"status": "unknown", "reason": reason.to_dict(), **more}


def _outside(error: OutsideCodeSystemError) -> Json:
    return unknown(LocalText(f"此处没有代码，范围：{error.limit}。", f"There is no code here. Limit: {error.limit}."))
