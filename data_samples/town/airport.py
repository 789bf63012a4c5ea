"""Jiaodong International Airport: two runways, taxiways and aprons as surfaces, a terminal with five fingers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from data_samples.town.arithmetic import Floats, cosine, sine, turned
from data_samples.town.curves import polygon_parts
from data_samples.town.frame import to_metres

CENTRE = (120.083, 36.362)
TURN = np.radians(-12.0)
_APART_M = 2180.0
_RUNWAY_M = (3600.0, 60.0)


@dataclass(frozen=True, slots=True)
class Airport:
    """Surfaces of the airport (metres); `paved` are runways, taxiways and aprons inside `ground`."""

    ground: shapely.Polygon
    paved: list[tuple[str, str, shapely.Polygon]]
    terminal: shapely.Polygon


def draw_airport() -> Airport:
    """The airport; axis `v` points along the runways."""
    half = _APART_M / 2
    ground = _place(
        [
            (-half - 420, -2150),
            (half + 420, -2150),
            (half + 420, 1500),
            (half + 250, 2250),
            (-half - 250, 2250),
            (-half - 420, 1500),
        ]
    )
    length, width = _RUNWAY_M
    west = _strip(-half, -length / 2 - 150, length, width)
    east = _strip(half, -length / 2 + 150, length, width)
    taxi = shapely.union_all(
        [_strip(side * (half - 210), -1800 + side * 150, 3600, 28) for side in (-1, 1)]
        + [
            _bar(side * (half - 105), v + side * 150, 240, 26)
            for side in (-1, 1)
            for v in (-1740, -900, -100, 700, 1740)
        ]
        + [_bar(0, 1560, 2 * (half - 200), 30)]
    )
    apron = _place([(-650, -550), (650, -550), (720, 200), (420, 900), (-420, 900), (-720, 200)])
    taxi_clear = taxi.difference(shapely.union_all([west, east, apron]))
    paved = [
        ("跑道17L/35R", "Runway 17L/35R", east),
        ("跑道17R/35L", "Runway 17R/35L", west),
        ("机坪", "Apron", apron.difference(taxi.intersection(west))),
    ]
    paved += [("", "", part) for part in polygon_parts(taxi_clear, 500)]
    return Airport(ground, paved, _terminal())


def _terminal() -> shapely.Polygon:
    """A hall with five fingers that spread like a starfish."""
    hall = shapely.Point(0, -60).buffer(150, quad_segs=12)
    fingers = []
    for angle in np.radians([-5, 42, 90, 138, 185]):
        tip = np.array([cosine(angle), sine(angle)]) * 430 + np.array([0, -60])
        fingers.append(shapely.LineString([(0, -60), tip]).buffer(34, cap_style="flat"))
    shape = shapely.union_all([hall, *fingers]).simplify(1.5)
    return shapely.Polygon(_shift(shapely.get_coordinates(shape.exterior)))


def _strip(u: float, v: float, length: float, width: float) -> shapely.Polygon:
    return _place([(u - width / 2, v), (u + width / 2, v), (u + width / 2, v + length), (u - width / 2, v + length)])


def _bar(u: float, v: float, length: float, width: float) -> shapely.Polygon:
    half, thick = length / 2, width / 2
    return _place([(u - half, v - thick), (u + half, v - thick), (u + half, v + thick), (u - half, v + thick)])


def _place(corners: list[tuple[float, float]]) -> shapely.Polygon:
    return shapely.Polygon(_shift(np.array(corners, dtype=np.float64)))


def _shift(uv: Floats) -> Floats:
    return np.asarray(turned(uv, TURN) + to_metres([CENTRE])[0])
