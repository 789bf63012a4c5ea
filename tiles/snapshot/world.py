"""Longitude and latitude to the world units of a snapshot, see `tiles.snapshot.layout`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tiles.grids import CGCS2000_QUAD, WEB_MERCATOR_QUAD, Floats
from tiles.snapshot.layout import WORLD_BITS

WORLD = 1 << WORLD_BITS
Units = npt.NDArray[np.uint32]


def world_units(lon: Floats, lat: Floats) -> tuple[Units, Units, Units]:
    """`x`, `y` and `row` of places in degrees: uint32, clamped to the world's edge."""
    columns, mercator_rows = WEB_MERCATOR_QUAD.forward(lon, lat)
    _, degree_rows = CGCS2000_QUAD.forward(lon, lat)
    # Two columns of the grid of degrees make the world's width, so one of its rows is half as many units.
    return _clamped(columns * WORLD), _clamped(mercator_rows * WORLD), _clamped(degree_rows * (WORLD // 2))


def _clamped(units: Floats) -> Units:
    return np.rint(np.clip(units, 0, WORLD - 1)).astype(np.uint32)
