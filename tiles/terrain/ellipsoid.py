"""The round Earth as renderers meet it: how far it bulges, and from where it hides what."""

from __future__ import annotations

import math

import numpy as np

from tiles.terrain.elevation import Floats
from twin.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M

# A point as far as this many radii counts as infinitely far.
_FAR = 1.0e4


def sagitta_m(chord_m: float) -> float:
    """How far the middle of an arc of the globe bulges over a chord of that length along the ground."""
    return SEMI_MAJOR_M * (1.0 - math.cos(min(chord_m / 2.0 / SEMI_MAJOR_M, math.pi)))


def horizon_point(points: Floats, towards: Floats) -> Floats:
    """A point such that whatever the Earth hides it from, it hides all `points` from; in radii of the ellipsoid.

    Args:
        points: float64 (n, 3) metres, Earth-centred; below the ellipsoid they count as on it.
        towards: float64 (3,) direction of the point looked for, their middle.

    Returns:
        float64 (3,); very far where the points go round so much of the globe that there is no such point.

    Source: K. Ring, "Computing the horizon occlusion point", Cesium, 2013.
    """
    radii = np.array([SEMI_MAJOR_M, SEMI_MAJOR_M, SEMI_MINOR_M])
    scaled = points / radii
    direction = towards / radii
    direction = direction / np.linalg.norm(direction)
    length = np.linalg.norm(scaled, axis=1)
    unit = scaled / length[:, None]
    length = np.maximum(length, 1.0)
    cos_beta = 1.0 / length
    sin_beta = np.sqrt(np.maximum(length**2 - 1.0, 0.0)) * cos_beta
    cos_alpha = unit @ direction
    sin_alpha = np.linalg.norm(np.cross(unit, direction), axis=1)
    share = cos_alpha * cos_beta - sin_alpha * sin_beta
    magnitude = float((1.0 / np.maximum(share, 1.0 / _FAR)).max())
    return np.asarray(direction * magnitude)
