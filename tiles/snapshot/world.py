"""Longitude and latitude to the world units of a snapshot, see `tiles.snapshot.layout`."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tiles.snapshot.layout import WORLD_BITS

Floats = npt.NDArray[np.float64]
_WORLD = float(1 << WORLD_BITS)
_LAST = _WORLD - 1.0
# Beyond it the Mercator ordinate grows without bound.
_LIMIT_DEG = 89.9999


def world_x(lon: Floats) -> npt.NDArray[np.uint32]:
    """Units east of 180°W; uint32, clamped."""
    return _clamped((lon + 180.0) * (_WORLD / 360.0))


def world_y(lat: Floats, *, clamp: bool = True) -> npt.NDArray[np.int64]:
    """Units south of the northern edge of the Web Mercator square; int64, clamped to the square unless asked otherwise."""
    radians = np.radians(np.clip(lat, -_LIMIT_DEG, _LIMIT_DEG))
    y = (0.5 - np.arcsinh(np.tan(radians)) / (2.0 * math.pi)) * _WORLD
    return np.rint(np.clip(y, 0.0, _LAST) if clamp else y).astype(np.int64)


def world_row(lat: Floats) -> npt.NDArray[np.uint32]:
    """Units south of the North Pole on the plain grid of degrees; uint32."""
    return _clamped((90.0 - lat) * (_WORLD / 360.0))


def _clamped(units: Floats) -> npt.NDArray[np.uint32]:
    return np.rint(np.clip(units, 0.0, _LAST)).astype(np.uint32)
