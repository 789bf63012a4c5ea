"""Heights above the ellipsoid as layers of the BeiDou grid, whose thickness grows with the distance from the earth's centre.

A layer is as thick as its cell is wide: n = floor( (θ₀/θ) · log₁₊θ₀((H + r₀) / r₀) ), with θ₀ = 1° and θ = 1/2048″ in radians. Near the
ground the finest layers are 15 mm thick. Heights are **ellipsoidal** (EPSG:4480): an elevation above the 1985 datum is not one.

Source: GB/T 39409-2020, chapter 6.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from twin.codes.angles import UNITS_PER_DEGREE, Flags, Floats, WhenOutside, Whole
from twin.codes.beidou_levels import SYSTEM, Level
from twin.errors import OutsideCodeSystemError

_RADIUS_M = 6_378_137.0
# θ₀/θ: finest cells in a degree.
_LAYERS_PER_STEP = float(UNITS_PER_DEGREE)
_LOG_STEP = math.log1p(math.pi / 180)
# The system reaches 256 steps of θ₀ up and down.
LAYERS = 256 * UNITS_PER_DEGREE


def floor_of_layer(layers: npt.ArrayLike) -> Floats:
    """Lower limit of the finest layers, metres above the ellipsoid."""
    return np.expm1(np.asarray(layers, dtype=np.float64) * (_LOG_STEP / _LAYERS_PER_STEP)) * _RADIUS_M


# The logarithm is good to 1e-6 of a layer at the far end of the range; closer to a limit than this, the limit itself decides.
_DOUBTFUL = 1e-4

LOWEST_M = float(floor_of_layer(-LAYERS))
HIGHEST_M = float(floor_of_layer(LAYERS))


def layers_of(height_m: Floats) -> Whole:
    """Finest layer (n,) of each height within the system's range; negative below the ellipsoid.

    A height is compared with the limits of the layers as `floor_of_layer` gives them, so that every limit is in its own layer.

    >>> layers_of(np.array([50.0, -5.0, 1000.0])).tolist()
    [3340, -335, 66802]
    """
    exact = np.log1p(height_m / _RADIUS_M) * (_LAYERS_PER_STEP / _LOG_STEP)
    layers = np.floor(exact)
    close = np.flatnonzero(np.abs(exact - np.rint(exact)) < _DOUBTFUL)
    if len(close):
        heights, near = height_m[close], np.rint(exact[close])
        layers[close] = np.where(floor_of_layer(near) <= heights, near, near - 1.0)
    return layers.astype(np.int64)


def heights_within(height_m: npt.ArrayLike, count: int, outside: WhenOutside) -> tuple[Floats, Flags]:
    """Heights as (count,), and which of them have a layer; the others are 0.

    Raises:
        OutsideCodeSystemError: naming the first that has none, unless `outside` is "blank".
    """
    heights = np.broadcast_to(np.atleast_1d(np.asarray(height_m, dtype=np.float64)), (count,))
    inside = (heights >= LOWEST_M) & (heights < HIGHEST_M)
    if inside.all():
        return heights, inside
    if outside == "raise":
        first = int(np.argmin(inside))
        raise OutsideCodeSystemError(
            f"{SYSTEM} has no layer for the height of point {first}.",
            value=f"{heights[first]} m",
            limit=f"{LOWEST_M:.0f} to {HIGHEST_M:.0f} m above the ellipsoid",
            remedy="Give metres above the ellipsoid, not an elevation or millimetres.",
        )
    return np.where(inside, heights, 0.0), inside


def range_of_layers(below: Flags, magnitudes: Whole, level: Level) -> Floats:
    """Lowest and highest height of coarse layers in metres, (n, 2).

    Args:
        below: Which lie below the ellipsoid (sign character 1).
        magnitudes: Layer number at this level without its sign.
        level: A coarse layer is what 2^height_shift finest layers with the same leading bits are; below the ellipsoid these are
            counted downward from -1, since both published codecs write the sign and the size of floor(n).
    """
    shift = level.height_shift
    first, last = magnitudes << shift, ((magnitudes + 1) << shift) - 1
    low = np.where(below, -last, first)
    high = np.where(below, -np.maximum(first, 1) + 1, last + 1)
    return np.column_stack([floor_of_layer(low), floor_of_layer(high)])
