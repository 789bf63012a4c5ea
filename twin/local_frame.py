"""A metric frame round one place: metres east and north of it, true north up, by arithmetic alone.

The plane touches the ellipsoid at the place and every point is let down on it at right angles. Straight lines of sight,
bearings from the place and right angles there are true; a distance d from the place comes out short by d³/6R²: 4 mm at
10 km, 3 cm at 20 km, half a metre at 50 km. Gauss-Krüger planes are no substitute: their north is off by up to 0.24° in Jiaozhou,
which moves the tip of a 50 m shadow by 20 cm.

Heights are no part of it: they keep their number and their vertical datum (`twin.vertical`).
Source: EPSG guidance note 7-2, method 9840 (orthographic, ellipsoidal); the inverse is solved directly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M, Floats

# 1 - e²
_SQUASH = (SEMI_MINOR_M / SEMI_MAJOR_M) ** 2


@dataclass(frozen=True, slots=True)
class LocalFrame:
    """Metres east and north of a place.

    Attributes:
        lon, lat: The place, CGCS2000 degrees, in full precision.
    """

    lon: float
    lat: float

    def to_local(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Metres east and north of the place, any shape; meant for places within 100 km."""
        along, phi = np.radians(np.asarray(lon, dtype=np.float64) - self.lon), np.radians(lat)
        sin0, cos0 = self._sine_cosine
        sin, cos = np.sin(phi), np.cos(phi)
        across = _across(sin)
        east = across * cos * np.sin(along)
        north = across * (sin * cos0 - cos * sin0 * np.cos(along))
        return east, north + (1 - _SQUASH) * (_across(sin0) * sin0 - across * sin) * cos0

    def to_geodetic(self, east: npt.ArrayLike, north: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Longitudes and latitudes, degrees, of points of the plane, any shape."""
        sin0, cos0 = self._sine_cosine
        across = float(_across(np.float64(sin0)))
        east, north = np.asarray(east, dtype=np.float64), np.asarray(north, dtype=np.float64)
        x, z = across * cos0 - north * sin0, across * _SQUASH * sin0 + north * cos0
        # How far the ellipsoid lies below the plane: the nearer root of (x + u·cos)² + y² + (z + u·sin)²/(1 - e²) = a².
        second = cos0 * cos0 + sin0 * sin0 / _SQUASH
        half = x * cos0 + z * sin0 / _SQUASH
        rest = x * x + east * east + z * z / _SQUASH - SEMI_MAJOR_M**2
        up = -rest / (half + np.sqrt(half * half - second * rest))
        x, z = x + up * cos0, z + up * sin0
        lon = self.lon + np.degrees(np.arctan2(east, x))
        return lon, np.degrees(np.arctan2(z, _SQUASH * np.hypot(x, east)))

    @property
    def radius_m(self) -> float:
        """Radius of the sphere that fits the ellipsoid best here (Gauss)."""
        sin = self._sine_cosine[0]
        return SEMI_MINOR_M / (1 - (1 - _SQUASH) * sin * sin)

    @property
    def _sine_cosine(self) -> tuple[float, float]:
        phi = math.radians(self.lat)
        return math.sin(phi), math.cos(phi)


def _across(sine: Floats | float) -> Floats:
    """Radius of curvature across the meridian."""
    return np.asarray(SEMI_MAJOR_M / np.sqrt(1 - (1 - _SQUASH) * np.square(sine)), dtype=np.float64)
