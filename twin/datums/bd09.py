"""BD-09: Baidu's datum, GCJ-02 moved once more by some 800 m.

Source: constants as in the gcoord and eviltransform libraries, which agree.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from twin.datums.gcj02 import Floats, gcj02_to_wgs84, is_inside, wgs84_to_gcj02

OFFSET_LON, OFFSET_LAT = 0.0065, 0.006
_FREQUENCY = np.pi * 3000.0 / 180.0
_RADIUS_SWING, _ANGLE_SWING = 0.00002, 0.000003
INVERSE_STEPS = 4


def wgs84_to_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """BD-09 coordinates of WGS 84 ones: degrees (n,) in, float64 degrees (n,) out; outside China as they are.

    >>> east, north = wgs84_to_bd09([120.0335], [36.2645])
    >>> round(float(east[0]), 8), round(float(north[0]), 8)
    (120.04540224, 36.27058242)
    """
    lons, lats = _columns(lon, lat)
    inside = is_inside(lons, lats)
    return _where(inside, _swung(*wgs84_to_gcj02(lons, lats)), lons, lats)


def bd09_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """WGS 84 coordinates of BD-09 ones: degrees (n,) in, float64 degrees (n,) out; outside China as they are.

    Both halves are solved by four fixed steps; what is left is below a micrometre.
    """
    lons, lats = _columns(lon, lat)
    moved = gcj02_to_wgs84(*_unswung(lons, lats))
    return _where(is_inside(*moved), moved, lons, lats)


def gcj02_to_bd09(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """BD-09 coordinates of GCJ-02 ones: degrees (n,) in, float64 degrees (n,) out; outside China as they are."""
    lons, lats = _columns(lon, lat)
    return _where(is_inside(*gcj02_to_wgs84(lons, lats)), _swung(lons, lats), lons, lats)


def bd09_to_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """GCJ-02 coordinates of BD-09 ones: degrees (n,) in, float64 degrees (n,) out; outside China as they are."""
    lons, lats = _columns(lon, lat)
    moved = _unswung(lons, lats)
    return _where(is_inside(*gcj02_to_wgs84(*moved)), moved, lons, lats)


def _swung(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """The polar perturbation: radius and angle of the pair (lon, lat) swing a little, then both are moved."""
    with np.errstate(invalid="ignore"):
        radius = np.hypot(lon, lat)
        stretch = 1 + _RADIUS_SWING * np.sin(lat * _FREQUENCY) / np.where(radius > 0, radius, 1.0)
        turn = _ANGLE_SWING * np.cos(lon * _FREQUENCY)
        cosine, sine = np.cos(turn), np.sin(turn)
        return (
            stretch * (lon * cosine - lat * sine) + OFFSET_LON,
            stretch * (lat * cosine + lon * sine) + OFFSET_LAT,
        )


def _unswung(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    with np.errstate(invalid="ignore"):
        x, y = lon - OFFSET_LON, lat - OFFSET_LAT
        for _ in range(INVERSE_STEPS):
            east, north = _swung(x, y)
            x, y = x - (east - lon), y - (north - lat)
    return x, y


def _columns(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    return np.array(lon, dtype=np.float64, ndmin=1), np.array(lat, dtype=np.float64, ndmin=1)


def _where(
    moved: npt.NDArray[np.bool_], there: tuple[Floats, Floats], lon: Floats, lat: Floats
) -> tuple[Floats, Floats]:
    return np.where(moved, there[0], lon), np.where(moved, there[1], lat)
