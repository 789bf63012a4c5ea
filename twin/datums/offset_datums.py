"""The offset datums by name: what they are called, and how their coordinates become WGS 84 ones and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy.typing as npt

from twin.datums.baidu_mercator import from_baidu_mercator, to_baidu_mercator
from twin.datums.bd09 import bd09_to_wgs84, wgs84_to_bd09
from twin.datums.gcj02 import Floats, gcj02_to_wgs84, wgs84_to_gcj02

Move = Callable[[npt.ArrayLike, npt.ArrayLike], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class OffsetDatum:
    """One way in which Chinese map services write a place.

    Attributes:
        name: As users write it.
        to_wgs84, from_wgs84: Coordinates (n,), (n,), east first, to degrees of WGS 84 and back.
        metres: Whether its coordinates are metres of Baidu's Mercator instead of degrees.
    """

    name: str
    to_wgs84: Move
    from_wgs84: Move
    metres: bool = False


def find_offset_datum(name: str) -> OffsetDatum | None:
    """The datum of that name, however it is spelled: `GCJ-02`, `gcj02`, `GCJ_02`, `BD09MC`; None for any other name.

    >>> find_offset_datum("gcj02").name
    'GCJ-02'
    """
    if len(name) > 60:
        return None
    return _BY_SPELLING.get("".join(c for c in name.upper() if c.isalnum()))


def _gcj02mc_to_wgs84(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    return gcj02_to_wgs84(*from_baidu_mercator(x, y))


def _wgs84_to_gcj02mc(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    return to_baidu_mercator(*wgs84_to_gcj02(lon, lat))


def _bd09mc_to_wgs84(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    return bd09_to_wgs84(*from_baidu_mercator(x, y))


def _wgs84_to_bd09mc(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    return to_baidu_mercator(*wgs84_to_bd09(lon, lat))


GCJ02 = OffsetDatum("GCJ-02", gcj02_to_wgs84, wgs84_to_gcj02)
BD09 = OffsetDatum("BD-09", bd09_to_wgs84, wgs84_to_bd09)
GCJ02MC = OffsetDatum("GCJ02MC", _gcj02mc_to_wgs84, _wgs84_to_gcj02mc, metres=True)
BD09MC = OffsetDatum("BD09MC", _bd09mc_to_wgs84, _wgs84_to_bd09mc, metres=True)
OFFSET_DATUMS = (GCJ02, BD09, GCJ02MC, BD09MC)
_BY_SPELLING = {datum.name.replace("-", ""): datum for datum in OFFSET_DATUMS}
