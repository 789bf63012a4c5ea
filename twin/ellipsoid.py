"""The Earth's ellipsoid in closed form: places to Earth-centred coordinates and back, lengths of degrees.

WGS 84's figure. That of CGCS2000 differs by 0.1 mm at the pole, so the two are one here, as they are in `twin.crs`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SEMI_MAJOR_M = 6_378_137.0
_FLATTENING = 1.0 / 298.257223563
SEMI_MINOR_M = SEMI_MAJOR_M * (1.0 - _FLATTENING)
_ECCENTRICITY2 = _FLATTENING * (2.0 - _FLATTENING)
_SECOND_ECCENTRICITY2 = _ECCENTRICITY2 / (1.0 - _ECCENTRICITY2)


def earth_centred(lon: Floats | float, lat: Floats | float, height_m: Floats | float) -> Floats:
    """Earth-centred coordinates float64 (…, 3) in metres of places in degrees and metres above the ellipsoid.

    Source: EPSG guidance note 7-2, method 9602, in closed form.
    """
    lam, phi = np.radians(lon), np.radians(lat)
    sin, cos = np.sin(phi), np.cos(phi)
    curvature = SEMI_MAJOR_M / np.sqrt(1.0 - _ECCENTRICITY2 * sin**2)
    across = (curvature + height_m) * cos
    up = (curvature * (1.0 - _ECCENTRICITY2) + height_m) * sin
    return np.stack([across * np.cos(lam), across * np.sin(lam), up], axis=-1)


def geodetic(points: Floats) -> tuple[Floats, Floats, Floats]:
    """Longitude and latitude in degrees and height in metres, each (…), of Earth-centred points (…, 3).

    Bowring's formula, twice: right to a nanometre from the sea bed to the orbits of satellites; not at the Earth's centre.

    Source: EPSG guidance note 7-2, method 9602, reversed.
    """
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    across = np.hypot(x, y)
    reduced = np.arctan2(z * SEMI_MAJOR_M, across * SEMI_MINOR_M)
    phi = reduced
    for _ in range(2):
        phi = np.arctan2(
            z + _SECOND_ECCENTRICITY2 * SEMI_MINOR_M * np.sin(reduced) ** 3,
            across - _ECCENTRICITY2 * SEMI_MAJOR_M * np.cos(reduced) ** 3,
        )
        reduced = np.arctan2((1.0 - _FLATTENING) * np.sin(phi), np.cos(phi))
    sin, cos = np.sin(phi), np.cos(phi)
    root = np.sqrt(1.0 - _ECCENTRICITY2 * sin**2)
    # Along the normal: no division that fails at the poles.
    height = across * cos + z * sin - SEMI_MAJOR_M * root
    return np.degrees(np.arctan2(y, x)), np.degrees(phi), height


def east_north_up(lon: float, lat: float) -> Floats:
    """Directions at a place in degrees as rows of a float64 (3, 3): east, north, up along the ellipsoid's normal."""
    lam, phi = np.radians(lon), np.radians(lat)
    return np.array(
        [
            [-np.sin(lam), np.cos(lam), 0.0],
            [-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)],
            [np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)],
        ]
    )


def metres_per_degree(lat: Floats | float) -> tuple[Floats, Floats]:
    """Lengths of a degree of longitude and of latitude on the ellipsoid."""
    phi = np.radians(lat)
    root = np.sqrt(1.0 - _ECCENTRICITY2 * np.sin(phi) ** 2)
    north = SEMI_MAJOR_M * (1.0 - _ECCENTRICITY2) / root**3
    return np.radians(1.0) * SEMI_MAJOR_M / root * np.cos(phi), np.radians(1.0) * north
