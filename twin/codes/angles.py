"""Degrees as whole numbers, so that a place on the edge of a cell never falls to the wrong side.

Edges are whole multiples of 1/2048 arc-second: the finest BeiDou cell, and 1/256 of the eighth of a second in which all map sheets
can be measured. Few of them are doubles (36°12′30″ is 36.20833…), so an edge stands for the double nearest to it, which is what
anybody who computes it writes, and what `degrees_of` gives. A point is compared with those doubles and with nothing else:
a point on an edge is on it, and every point lies between the edges that its cell is said to have.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from twin.errors import OutsideCodeSystemError

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]
Flags = npt.NDArray[np.bool_]

WhenOutside = Literal["raise", "blank"]

UNITS_PER_SECOND = 2048
UNITS_PER_DEGREE = 3600 * UNITS_PER_SECOND


def units_of(degrees: Floats) -> Whole:
    """The unit of 1/2048 arc-second that each angle (n,), finite and at most 360 degrees in size, lies in, counted from zero."""
    return _floors(degrees).astype(np.int64)


def sizes_of(degrees: Floats) -> tuple[npt.NDArray[np.int32], Flags]:
    """Units from zero whatever the sign, (n,), and which angles are negative, (n,); at most 180 degrees in size."""
    return _floors(np.abs(degrees)).astype(np.int32), degrees < 0


def _floors(degrees: Floats) -> Floats:
    """Units, rounded down. The product is off by far less than one unit, so that one step to either side is enough."""
    units = np.floor(degrees * UNITS_PER_DEGREE)
    units -= units / UNITS_PER_DEGREE > degrees
    units += (units + 1.0) / UNITS_PER_DEGREE <= degrees
    return units


def edge_units(degrees: float) -> tuple[int, bool]:
    """The unit an angle lies in, and whether it lies exactly on that unit's lower edge."""
    unit = int(_floors(np.array([degrees]))[0])
    return unit, unit / UNITS_PER_DEGREE == degrees


def degrees_of(units: Whole) -> Floats:
    """The double nearest to each angle of so many units, (n,)."""
    return units / float(UNITS_PER_DEGREE)


def points_within(
    lon: npt.ArrayLike, lat: npt.ArrayLike, lat_range: tuple[float, float], system: str, outside: WhenOutside
) -> tuple[Floats, Floats, Flags]:
    """Longitudes and latitudes as (n,) arrays, and which of them the system has codes for.

    Args:
        lon, lat: Degrees, (n,) or single numbers.
        lat_range: Latitudes the system covers; the upper one is not part of it, nor the lower one when it is negative.
        system: Its name, for the message.
        outside: "raise" refuses the first point outside; "blank" sets such points to 0, 0 and says which they are.

    Raises:
        OutsideCodeSystemError: naming the first point that is outside or not finite.
        ValueError: if the arrays are not of one length.
    """
    lons, lats = np.broadcast_arrays(
        np.atleast_1d(np.asarray(lon, dtype=np.float64)), np.atleast_1d(np.asarray(lat, dtype=np.float64))
    )
    if lons.ndim != 1:
        raise ValueError(f"longitudes and latitudes are one-dimensional arrays, not {lons.shape}")
    low, high = lat_range
    inside = (np.abs(lons) <= 180.0) & (lats < high) & ((lats >= low) if low >= 0 else (lats > low))
    if inside.all():
        return lons, lats, inside
    if outside == "raise":
        first = int(np.argmin(inside))
        raise OutsideCodeSystemError(
            f"{system} has no code for the point {first}.",
            value=f"lon {lons[first]}, lat {lats[first]}",
            limit=f"longitude -180 to 180, latitude {low:g} to {high:g}, finite numbers",
            remedy='Check the order (longitude first) and the unit (degrees), or pass outside="blank" for empty codes there.',
        )
    return np.where(inside, lons, 0.0), np.where(inside, lats, 0.0), inside
