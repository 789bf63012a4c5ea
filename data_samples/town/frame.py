"""Metres on a flat map of the city, and longitude and latitude in CGCS2000.

The map is the sinusoidal projection of the CGCS2000 ellipsoid about 120°E: areas are true everywhere, angles are right
to a quarter of a degree anywhere in the city. It serves the drawing board of the sample alone; nobody measures in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.town.arithmetic import Floats, cosine, sine

Geometries = NDArray[np.object_]

CENTRAL_LON = 120.0
ORIGIN_LAT = 36.25
_A = 6378137.0
_F = 1 / 298.257222101
_E2 = _F * (2 - _F)
_DECIMALS = 7
"""Decimals of a written coordinate: 1e-7 degree is a centimetre."""


def _meridian_m(lat: Floats) -> Floats:
    """Length of the meridian from the equator in metres; `lat` in radians. Source: Snyder, Map Projections, 3-21."""
    e4, e6 = _E2 * _E2, _E2 * _E2 * _E2
    return _A * (
        (1 - _E2 / 4 - 3 * e4 / 64 - 5 * e6 / 256) * lat
        - (3 * _E2 / 8 + 3 * e4 / 32 + 45 * e6 / 1024) * sine(2 * lat)
        + (15 * e4 / 256 + 45 * e6 / 1024) * sine(4 * lat)
        - (35 * e6 / 3072) * sine(6 * lat)
    )


def _parallel_m(lat: Floats) -> Floats:
    """Metres per radian of longitude on the parallel at `lat` (radians)."""
    return _A * cosine(lat) / np.sqrt(1 - _E2 * sine(lat) ** 2)


_ORIGIN_M = float(_meridian_m(np.radians(np.array(ORIGIN_LAT))))


def to_metres(lon_lat: Any) -> Floats:
    """Points of shape (n, 2), lon and lat in degrees, as metres east and north of 120°E 36.25°N."""
    points = np.asarray(lon_lat, dtype=np.float64).reshape(-1, 2)
    lat = np.radians(points[:, 1])
    x = np.radians(points[:, 0] - CENTRAL_LON) * _parallel_m(lat)
    return np.column_stack([x, _meridian_m(lat) - _ORIGIN_M])


def to_lon_lat(xy: Floats) -> Floats:
    """Points of shape (n, 2) in metres as lon and lat in degrees, rounded to 1e-7 degree."""
    lat = np.full(len(xy), np.radians(ORIGIN_LAT))
    for _ in range(4):
        squash = 1 - _E2 * sine(lat) ** 2
        slope = _A * (1 - _E2) / (squash * np.sqrt(squash))
        lat = lat + (xy[:, 1] + _ORIGIN_M - _meridian_m(lat)) / slope
    lon = CENTRAL_LON + np.degrees(xy[:, 0] / _parallel_m(lat))
    return np.round(np.column_stack([lon, np.degrees(lat)]), _DECIMALS)


def geometries_to_lon_lat(geometries: Geometries) -> Geometries:
    """The same geometries in degrees; points shared by two of them stay shared.

    A ring that rounding has folded by a centimetre is mended and keeps its largest part.
    """
    result: Geometries = shapely.transform(geometries, to_lon_lat)
    for i in np.flatnonzero(~shapely.is_valid(result)):
        parts = shapely.get_parts(shapely.make_valid(result[i]))
        result[i] = parts[shapely.area(parts).argmax()]
    return result
