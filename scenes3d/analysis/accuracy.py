"""What heights along lines of sight are good to: how much ground lies between the samples, what the air does, what a plane leaves out."""

from __future__ import annotations

import math

import numpy as np

from scenes3d.analysis.ground import Ground

# The coefficient of refraction near the ground wanders by this much, and more on hot days over asphalt.
REFRACTION_WANDERS = 0.1
# So many lines of a lattice tell how rough it is.
_LINES = 500


def interpolation_m(ground: Ground, pixel_m: float | None = None) -> float | None:
    """How far the ground may lie off the straight line between two samples, 95 % of all places; None where nothing can be said.

    Linear interpolation of a function with the second difference D between its samples is off by D/8 at most.

    Args:
        pixel_m: Of the terrain that the lattice was taken from, where it is coarser than the lattice: between its pixels nothing is known.
    """
    stride = max(round((pixel_m or 0.0) / ground.cell_m), 1)
    parts = []
    for all_lines in (ground.heights, ground.heights.T):
        lines = all_lines[:: max(len(all_lines) // _LINES, 1)]
        if lines.shape[1] > 2 * stride:
            second = lines[:, : -2 * stride] - 2 * lines[:, stride:-stride] + lines[:, 2 * stride :]
            parts.append(np.abs(second[np.isfinite(second)]))
    known = np.concatenate(parts) if parts else np.zeros(0)
    return float(np.percentile(known, 95) / 8) if len(known) else None


def curvature_drop_m(distance_m: float, radius_m: float, refraction: float) -> float:
    """How far level ground has fallen away below a level line of sight: (1 - k)·d²/2R."""
    return (1 - refraction) * distance_m**2 / (2 * radius_m)


def refraction_error_m(distance_m: float, radius_m: float) -> float:
    """What a coefficient of refraction that is off by 0.1 moves a line of sight by at its end."""
    return REFRACTION_WANDERS * distance_m**2 / (2 * radius_m)


def plane_error_m(distance_m: float, radius_m: float) -> float:
    """By how much distances in the plane of the frame are short: d³/6R²."""
    return distance_m**3 / (6 * radius_m**2)


def together_m(*parts: float | None) -> float:
    """Independent errors as one: the root of the sum of their squares; those that nobody knows are left out."""
    return math.sqrt(sum(part * part for part in parts if part is not None))
