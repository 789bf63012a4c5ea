"""GCJ-02: the datum of Chinese map services, some 300 to 700 m off WGS 84 by a smooth published formula.

The formula is not the state's own processing: against points that map services publish in both datums it stays within
0.7 m. Forward and inverse agree with each other to better than a micrometre.

Source: the constants and the form of the polynomial as in the gcoord and eviltransform libraries, which agree.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Ellipsoid of the formula (Krasovsky's axis) and the place from which its polynomial counts.
SEMI_MAJOR_M = 6_378_245.0
ECCENTRICITY_SQUARED = 0.00669342162296594323
ORIGIN_LON, ORIGIN_LAT = 105.0, 35.0
# West, south, east, north in degrees: outside, GCJ-02 is WGS 84.
REGION = (72.004, 0.8293, 137.8347, 55.8271)
# Of the fixed-point iteration; each gains a factor of about 400, four leave less than a micrometre.
INVERSE_STEPS = 4
# Points worked on together: their intermediate columns stay in the processor's cache.
_CHUNK = 8192


def wgs84_to_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """GCJ-02 coordinates of WGS 84 (or CGCS2000) ones.

    Args:
        lon, lat: Degrees, (n,).

    Returns:
        Longitude and latitude in degrees, float64 (n,): new arrays. Points outside `REGION` stay as they are, and so do
        NaN and infinity.

    >>> east, north = wgs84_to_gcj02([121.5272106], [31.1774276])
    >>> round(float(east[0]), 6), round(float(north[0]), 6)
    (121.531542, 31.175304)
    """
    lons, lats = _columns(lon, lat)
    for part in _chunks(lons):
        x, y = lons[part], lats[part]
        inside = is_inside(x, y)
        if inside.any():
            east, north = offset_deg(*_tame(x, y, inside))
            lons[part] = np.where(inside, x + east, x)
            lats[part] = np.where(inside, y + north, y)
    return lons, lats


def gcj02_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    """WGS 84 (or CGCS2000) coordinates of GCJ-02 ones, by four fixed steps: the same points give the same digits anywhere.

    Args:
        lon, lat: Degrees, (n,).

    Returns:
        Longitude and latitude in degrees, float64 (n,): new arrays. A point is moved when it comes from inside `REGION`;
        others stay as they are, and so do NaN and infinity. In the band of 700 m along the region's edge, where the
        datum jumps, two places share one GCJ-02 position: the one inside is given.

    >>> east, north = gcj02_to_wgs84([121.531541859215], [31.17530398364597])
    >>> round(float(east[0]), 7), round(float(north[0]), 7)
    (121.5272106, 31.1774276)
    """
    lons, lats = _columns(lon, lat)
    for part in _chunks(lons):
        x, y = lons[part], lats[part]
        near = is_inside(x, y, margin_deg=0.05)
        if not near.any():
            continue
        x0, y0 = _tame(x, y, near)
        east, north = offset_deg(x0, y0)
        for _ in range(INVERSE_STEPS - 1):
            east, north = offset_deg(x0 - east, y0 - north)
        moved = near & is_inside(x0 - east, y0 - north)
        lons[part] = np.where(moved, x0 - east, x)
        lats[part] = np.where(moved, y0 - north, y)
    return lons, lats


def is_inside(lon: Floats, lat: Floats, margin_deg: float = 0.0) -> npt.NDArray[np.bool_]:
    """Whether points, degrees (n,), lie in the region where GCJ-02 differs from WGS 84; False for NaN."""
    west, south, east, north = REGION
    inside: npt.NDArray[np.bool_] = (
        (lon > west - margin_deg) & (lon < east + margin_deg) & (lat > south - margin_deg) & (lat < north + margin_deg)
    )
    return inside


def offset_deg(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """How far east and north GCJ-02 lies of WGS 84, in degrees, for WGS 84 points in degrees (n,).

    The region is not asked: outside, the formula means nothing.
    """
    x, y = lon - ORIGIN_LON, lat - ORIGIN_LAT
    xy, root = 0.1 * x * y, np.sqrt(np.abs(x))
    # 20 sin 6πx + 20 sin 2πx, with sin 3a = 3 sin a - 4 sin³ a: half of the sines are saved this way.
    s = np.sin(2 * np.pi * x)
    short_waves = 20 * s * (4 - 4 * s * s)
    t = np.sin(np.pi / 3 * x)
    waves_x = t * (100 - 80 * t * t) + 150 * np.sin(np.pi / 12 * x) + 300 * np.sin(np.pi / 30 * x)
    t = np.sin(np.pi / 3 * y)
    waves_y = t * (100 - 80 * t * t) + 160 * np.sin(np.pi / 12 * y) + 320 * np.sin(np.pi / 30 * y)
    east_m = 300 + x + 2 * y + 0.1 * x * x + xy + 0.1 * root + (short_waves + waves_x) * (2 / 3)
    north_m = -100 + 2 * x + 3 * y + 0.2 * y * y + xy + 0.2 * root + (short_waves + waves_y) * (2 / 3)
    return _metres_to_degrees(east_m, north_m, lat)


def _metres_to_degrees(east_m: Floats, north_m: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Metres along the parallel and the meridian of the formula's ellipsoid, in degrees."""
    phi = np.radians(lat)
    shrink = 1 - ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    root = np.sqrt(shrink)
    parallel_m = SEMI_MAJOR_M / root * np.cos(phi)
    meridian_m = SEMI_MAJOR_M * (1 - ECCENTRICITY_SQUARED) / (shrink * root)
    return np.degrees(east_m / parallel_m), np.degrees(north_m / meridian_m)


def _columns(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
    return np.array(lon, dtype=np.float64, ndmin=1), np.array(lat, dtype=np.float64, ndmin=1)


def _chunks(column: Floats) -> list[slice]:
    return [slice(start, start + _CHUNK) for start in range(0, len(column), _CHUNK)]


def _tame(lon: Floats, lat: Floats, use: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The points in use, with the formula's origin in place of the others, so that no NaN or infinity enters it."""
    if use.all():
        return lon, lat
    return np.where(use, lon, ORIGIN_LON), np.where(use, lat, ORIGIN_LAT)
