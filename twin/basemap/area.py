"""Area of polygons on the ellipsoid, without a map projection library: an equal-area cylinder is plain arithmetic.

Source: J. P. Snyder, Map Projections: A Working Manual (USGS PP 1395), equations 3-12 and 10-14 (cylindrical equal-area).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

_SEMI_MAJOR_M = 6_378_137.0
_FLATTENING = 1 / 298.257222101
_E2 = _FLATTENING * (2 - _FLATTENING)
_E = math.sqrt(_E2)


def area_km2(geometry: shapely.Geometry) -> float:
    """Area of a polygon given in lon/lat degrees (CGCS2000), in square kilometres.

    Edges count as straight in the cylinder; for edges shorter than 10 km that is less than a part in a million.
    """
    flat = shapely.transform(geometry, _equal_area)
    return float(shapely.area(flat)) / 1e6


def _equal_area(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    lon, lat = np.radians(lonlat[:, 0]), np.radians(lonlat[:, 1])
    return np.column_stack([_SEMI_MAJOR_M * lon, _SEMI_MAJOR_M / 2 * _q(np.sin(lat))])


def _q(sine: Any) -> Any:
    return (1 - _E2) * (sine / (1 - _E2 * sine**2) - np.log((1 - _E * sine) / (1 + _E * sine)) / (2 * _E))
