"""Sines, angles, lengths and turns that come out the same, to the last bit, on every processor.

numpy takes its sines, arcs and powers from whatever the processor offers, and their last bits differ. A house whose wall lies
on the edge of its plot then stands on one machine and not on another. These are made of additions, multiplications, divisions
and square roots alone, which IEEE 754 rounds in one way everywhere; they are good to some units in the last place.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# pi / 2 in two parts: the first has trailing zeros, so that a whole number of quarter turns times it is exact.
_QUARTER_HIGH = 1.5707963267341256
_QUARTER_LOW = 6.077100506506192e-11
_SINE_TERMS = tuple((-1.0) ** k / float(np.prod(np.arange(1.0, 2 * k + 2))) for k in range(9))
_COSINE_TERMS = tuple((-1.0) ** k / float(np.prod(np.arange(1.0, 2 * k + 1))) for k in range(9))
_ARC_TERMS = tuple((-1.0) ** k / (2 * k + 1) for k in range(12))


def sine(angle: npt.ArrayLike) -> Floats:
    """Sine of angles in radians, up to some thousands of turns."""
    return _wave(angle, 0)


def cosine(angle: npt.ArrayLike) -> Floats:
    """Cosine of angles in radians, up to some thousands of turns."""
    return _wave(angle, 1)


def _wave(angle: npt.ArrayLike, ahead: int) -> Floats:
    """Sine of `angle` and `ahead` quarter turns: Taylor's series within an eighth of a turn of the nearest quarter."""
    x = np.asarray(angle, dtype=np.float64)
    quarter = np.floor(x / (_QUARTER_HIGH + _QUARTER_LOW) + 0.5)
    r = (x - quarter * _QUARTER_HIGH) - quarter * _QUARTER_LOW
    square = r * r
    turn = np.mod(quarter + ahead, 4.0)
    value = np.where(turn % 2 == 0, r * _series(square, _SINE_TERMS), _series(square, _COSINE_TERMS))
    return np.asarray(np.where(turn < 2, value, -value))


def angle_of(y: npt.ArrayLike, x: npt.ArrayLike) -> Floats:
    """Angle of the direction (x, y), in radians from the x axis, within a half turn on either side; 0 for no direction."""
    y, x = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)
    high, low = np.maximum(np.abs(x), np.abs(y)), np.minimum(np.abs(x), np.abs(y))
    ratio = low / np.where(high == 0, 1.0, high)
    for _ in range(3):  # each step halves the angle, until the series is short
        ratio = ratio / (1.0 + np.sqrt(1.0 + ratio * ratio))
    arc = 8.0 * ratio * _series(ratio * ratio, _ARC_TERMS)
    half_turn = 2.0 * (_QUARTER_HIGH + _QUARTER_LOW)
    arc = np.where(np.abs(y) > np.abs(x), half_turn / 2.0 - arc, arc)
    arc = np.where(x < 0, half_turn - arc, arc)
    return np.asarray(np.where(y < 0, -arc, arc))


def length_of(x: npt.ArrayLike, y: npt.ArrayLike) -> Floats:
    """Length of (x, y)."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return np.asarray(np.sqrt(x * x + y * y))


def turned(points: Floats, angle: float) -> Floats:
    """Points (…, 2) turned about the origin, counter-clockwise by `angle` radians."""
    x, y = points[..., 0], points[..., 1]
    cos, sin = cosine(angle), sine(angle)
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)


def _series(x: Floats, terms: tuple[float, ...]) -> Floats:
    """The polynomial with these coefficients, lowest power first."""
    total = np.full_like(x, terms[-1])
    for term in reversed(terms[:-1]):
        total = total * x + term
    return total
