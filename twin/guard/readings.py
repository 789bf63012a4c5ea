"""What else the numbers of a file could mean: other axes, zones, units, signs. Judged by whether they land in the city.

Nothing is held against a layer of another place: a reading counts only when the stated one puts less than a tenth of the
sample near the city and the other nine tenths of it into it. Where the stated reading is a possible place elsewhere on earth
(Hanford in California is Jiaozhou with the other sign), landing in the city proves nothing: then the base map has to bear witness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from twin.bounds import Bounds
from twin.crs import (
    CGCS2000,
    CRS,
    is_same_place,
    offset_datum_of,
    parse_crs,
    short_name,
    to_cgcs2000,
    transform_points,
)
from twin.crs_area import are_within, valid_area
from twin.errors import OneMapError
from twin.guard.belief import Belief, Hypothesis, Verdict
from twin.text import LocalText

Floats = npt.NDArray[np.float64]
Reader = Callable[[Floats, Floats], tuple[Floats, Floats]]
Geometries = npt.NDArray[np.object_]
# Whether geometries, lon/lat degrees, lie on the base map.
Fits = Callable[[Geometries], bool]
_LEAST, _MOST_AS_STATED = 0.9, 0.1
# How far around the city its layers may reach before anything is made of it: the city's own size on every side.
_AROUND, _INTO = 1.0, 0.25


@dataclass(frozen=True, slots=True)
class CityFrame:
    """Where the city is: lon/lat box, and the projection its surveyors work in."""

    bounds: Bounds
    projected_crs: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the numbers.

    Attributes:
        text: What they would be.
        read: East and north (or x and y) as in the file to lon/lat degrees, (n,) each.
        correction: What mends a stored layer; None where only a new delivery does.
    """

    hypothesis: Hypothesis
    text: LocalText
    read: Reader
    correction: str | None = None


def judge_reading(delivered: Geometries, stated: CRS, city: CityFrame, fits: Fits | None = None) -> Belief | None:
    """What is believed of the numbers of a sample, None when they can be what they are said to be.

    Args:
        delivered: Geometries as in the file, object (n,), none missing or empty.
        stated: CRS they are said to be in.
        city: Where most layers are.
        fits: Asked about another reading where the stated one is a possible place too; None: nobody can tell.
    """
    box = shapely.bounds(delivered)
    x, y = (box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(x) == 0:
        return None
    zero = float(((x == 0) & (y == 0)).mean())
    if zero >= 0.5:
        text = LocalText("坐标全为 (0, 0)", "lies at 0, 0: the coordinates are missing")
        return _belief(Hypothesis.ORIGIN, text, zero, len(x), None)
    with np.errstate(all="ignore"):
        lon, lat = _as_stated(delivered[finite], stated)
        near = _share(lon, lat, city.bounds, _AROUND)
        if is_same_place(stated) and near > _MOST_AS_STATED and _is_packed(shapely.get_coordinates(delivered)):
            text = LocalText("疑似度分秒写法 (DDD.MMSS)", "looks like degrees, minutes and seconds packed as DDD.MMSS")
            return _belief(Hypothesis.PACKED, text, 1.0, len(x), None)
        if near > _MOST_AS_STATED:
            return None
        possible = float(_is_possible(stated, lon, lat).mean()) >= _LEAST
        for reading in readings(stated, city):
            share = _share(*_tried(reading, x, y), city.bounds, _INTO)
            if share < _LEAST:
                continue
            if possible and not (fits is not None and fits(_read_so(reading, delivered))):
                return _far_away(reading, stated, len(x))
            said = short_name(stated)
            text = LocalText(
                f"疑似{reading.text.zh}，却按 {said} 读取，{len(x)} 个要素中 {share:.0%} 支持",
                f"looks like {reading.text.en} read as {said}, {share:.0%} of {len(x)} features",
            )
            return _belief(reading.hypothesis, text, share, len(x), reading.correction)
        lost = 1 - float((np.isfinite(lon) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)).mean())
    if lost >= 0.5:
        text = LocalText(
            f"{lost:.0%} 的坐标不是 {short_name(stated)} 中的位置，也没有其他读法落在本市",
            f"{lost:.0%} of the numbers are no places in {short_name(stated)}, and no other reading puts them into the city",
        )
        return _belief(Hypothesis.GARBAGE, text, lost, len(x), None)
    return None


def _is_possible(stated: CRS, lon: Floats, lat: Floats) -> npt.NDArray[np.bool_]:
    """Which places can be meant: on earth, and where the stated system is in use."""
    area = None if is_degrees(stated) else valid_area(stated, overlap=False)
    return are_within(area or Bounds(-180, -90, 180, 90), np.column_stack([lon, lat, lon, lat]))


def _read_so(reading: Reading, delivered: Geometries) -> Geometries:
    read = shapely.transform(delivered, lambda xy: np.column_stack(_tried(reading, xy[:, 0], xy[:, 1])))
    return np.asarray(read[np.isfinite(shapely.bounds(read)).all(axis=1)])


def _far_away(reading: Reading, stated: CRS, counted: int) -> Belief:
    """A warning, no accusation."""
    said = short_name(stated)
    text = LocalText(
        f"位于本市之外；若按{reading.text.zh}读取则落在本市，但没有其他证据，请核对 ({said})",
        f"lies outside the city; read as {reading.text.en} it would lie in it, but nothing else speaks for that: check {said}",
    )
    return Belief(Verdict.UNKNOWN, reading.hypothesis, text, counted=counted, of=counted)


def readings(stated: CRS, city: CityFrame) -> Iterator[Reading]:
    """The other ways to read numbers that are said to be in `stated`, the commonest mistakes first."""
    swapped = LocalText("坐标轴颠倒 (北/纬度在前)", "swapped axes (northing or latitude first)")
    yield Reading(Hypothesis.SWAPPED, swapped, lambda x, y: _lonlat(stated, y, x), "swap-axes")
    if not is_degrees(stated):
        plain = LocalText("经纬度 (度)", "longitude and latitude in degrees")
        yield Reading(Hypothesis.UNIT, plain, lambda x, y: (x, y), CGCS2000)
        turned = LocalText("纬度在前的度", "degrees with latitude first")
        yield Reading(Hypothesis.UNIT, turned, lambda x, y: (y, x))
    for sign_x, sign_y in ((-1, 1), (1, -1), (-1, -1)):
        hemisphere = LocalText("半球符号错误", "the wrong sign of a hemisphere")
        yield Reading(Hypothesis.HEMISPHERE, hemisphere, lambda x, y, a=sign_x, b=sign_y: (a * x, b * y))  # type: ignore[misc]
    projections = list(_projections(city))
    for swap in (False, True):
        for code in projections:
            yield _projected(code, 1.0, LocalText("", ""), swap=swap)
    yield from _degree_units()
    for metres, unit in ((1000.0, LocalText("千米", "kilometres")), (0.3048, LocalText("英尺", "feet"))):
        for swap in (False, True):
            for code in projections:
                yield _projected(code, metres, unit, swap=swap)


def _projected(code: str, metres: float, unit: LocalText, *, swap: bool) -> Reading:
    crs = parse_crs(code)

    def read(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        east, north = (y, x) if swap else (x, y)
        return _lonlat(crs, east * metres, north * metres)

    order = LocalText("，北坐标在前", ", northing first") if swap else LocalText()
    in_unit = LocalText(f"，单位{unit.zh}", f", in {unit.en}") if unit.en else LocalText()
    text = LocalText(f" {code} ({crs.name}) 坐标{order.zh}{in_unit.zh}", f"{code} ({crs.name}){order.en}{in_unit.en}")
    plain = not swap and metres == 1.0
    return Reading(Hypothesis.UNIT if unit.en else Hypothesis.PROJECTION, text, read, code if plain else None)


def _projections(city: CityFrame) -> Iterator[str]:
    """The city's own projection, then every Gauss-Krüger and UTM zone that could hold it, with and without zone prefix."""
    yield city.projected_crs
    lon = (city.bounds.west + city.bounds.east) / 2
    for meridian in (round(lon / 3) * 3 + step for step in (0, -3, 3)):
        if 75 <= meridian <= 135:
            yield f"EPSG:{4534 + (meridian - 75) // 3}"
            yield f"EPSG:{4513 + (meridian - 75) // 3}"
    for zone in {int(lon // 6), int((lon - 1) // 6), int((lon + 1) // 6)}:
        meridian = zone * 6 + 3
        if 75 <= meridian <= 135:
            yield f"EPSG:{4502 + (meridian - 75) // 6}"
            yield f"EPSG:{4491 + (meridian - 75) // 6}"
        yield f"EPSG:{32631 + zone}"
    yield "EPSG:3857"


def _degree_units() -> Iterator[Reading]:
    def scaled(factor: float) -> Reader:
        return lambda x, y: (x * factor, y * factor)

    for factor, zh, en in (
        (1e-6, "百万分之一度", "millionths of a degree"),
        (1e-7, "千万分之一度", "ten-millionths of a degree"),
        (1 / 3600, "角秒", "seconds of arc"),
        (180 / np.pi, "弧度", "radians"),
    ):
        yield Reading(Hypothesis.UNIT, LocalText(zh, en), scaled(factor))
    packed = LocalText("度分写法 (DDDMM.mmm)", "degrees and minutes packed as DDDMM.mmm")
    yield Reading(Hypothesis.PACKED, packed, lambda x, y: (_unpacked(x / 100), _unpacked(y / 100)))
    packed = LocalText("度分秒写法 (DDDMMSS)", "degrees, minutes and seconds packed as DDDMMSS")
    yield Reading(
        Hypothesis.PACKED,
        packed,
        lambda x, y: (_unpacked(_unpacked(x / 100) / 100), _unpacked(_unpacked(y / 100) / 100)),
    )


def _unpacked(value: Floats) -> Floats:
    """12.3456, where 34.56 are minutes, in degrees."""
    whole = np.trunc(value)
    return np.asarray(whole + (value - whole) / 0.6)


def _is_packed(coordinates: Floats) -> bool:
    """Whether degrees hide minutes and seconds in their decimals: no pair of digits ever reaches 60, and they vary."""
    numbers = np.unique(np.abs(coordinates[:5000]).reshape(-1))
    numbers = numbers[np.isfinite(numbers)]
    digits = np.floor((numbers - np.floor(numbers)) * 1e4 + 1e-5).astype(np.int64) % 10_000
    minutes, seconds = digits // 100, digits % 100
    return bool(len(numbers) >= 60 and len(np.unique(seconds)) >= 20 and (minutes < 60).all() and (seconds < 60).all())


def _lonlat(crs: CRS, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    return transform_points(x, y, crs, parse_crs(CGCS2000))


def _as_stated(delivered: npt.NDArray[np.object_], stated: CRS) -> tuple[Floats, Floats]:
    box = shapely.bounds(to_cgcs2000(delivered, stated))
    return (box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2


def _tried(reading: Reading, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    try:
        return reading.read(x, y)
    except OneMapError:  # a system that PROJ can only guess a way from is no reading
        return np.full_like(x, np.nan), np.full_like(y, np.nan)


def _share(lon: Floats, lat: Floats, box: Bounds, around: float) -> float:
    """Share of places in a box made wider by `around` times its own size on every side."""
    across, along = around * (box.east - box.west), around * (box.north - box.south)
    inside = (lon >= box.west - across) & (lon <= box.east + across)
    return float((inside & (lat >= box.south - along) & (lat <= box.north + along)).mean())


def _belief(hypothesis: Hypothesis, text: LocalText, share: float, counted: int, correction: str | None) -> Belief:
    # One place proves little; a dozen that all land in the city by another reading do not do so by chance.
    sure = share * (1 - 0.5 ** min(counted, 7))
    return Belief(Verdict.SUSPICIOUS, hypothesis, text, min(0.99, sure), share, counted, counted, correction=correction)


def is_degrees(stated: CRS) -> bool:
    """Whether numbers in `stated` are degrees of some datum."""
    offset = offset_datum_of(stated)
    return not offset.metres if offset is not None else bool(stated.is_geographic)
