"""How much of the sky a point sees, and the skyline round it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenes3d.analysis.scene import BLOCKED, UNKNOWN, Scene
from scenes3d.analysis.sight import Told
from scenes3d.analysis.sun import unit_vectors
from scenes3d.rays.port import Bools, Floats

_FINE_STEPS = 8


@dataclass(frozen=True, slots=True)
class SkyView:
    """The sky over n points.

    Attributes:
        factor: float64 (n,), the share of the sky's light on a level plane that arrives: 1 in the open. NaN where the point's height is
            unknown.
        unknown: float64 (n,), the share that cannot be told; `factor` holds none of it.
    """

    factor: Floats
    unknown: Floats


def sky_view(
    scene: Scene, points: Floats, *, rings: int = 32, sectors: int = 128, told: Told = lambda share: None
) -> SkyView:
    """The sky view factor of points, (n, 3).

    Rays go to the middle of cells that weigh the same: rings of equal steps of sin² of the altitude. Source: G. T. Johnson and
    I. D. Watson, "The determination of view-factors in urban canyons", 1984 (weights by the cosine of the zenith angle).
    """
    sine2 = (np.arange(rings) + 0.5) / rings
    altitude = np.repeat(np.degrees(np.arcsin(np.sqrt(sine2))), sectors)
    azimuth = np.tile((np.arange(sectors) + 0.5) * 360 / sectors, rings)
    directions = unit_vectors(azimuth, altitude)
    factor, unknown = np.full(len(points), np.nan), np.full(len(points), np.nan)
    for row in np.flatnonzero(np.isfinite(points[:, 2])):
        verdict = scene.outward(np.broadcast_to(points[row], directions.shape), directions)
        unknown[row] = (verdict == UNKNOWN).mean()
        told((row + 1) / len(points))
        factor[row] = 1 - (verdict == BLOCKED).mean() - unknown[row]
    return SkyView(factor, unknown)


@dataclass(frozen=True, slots=True)
class Skyline:
    """Where the sky begins round a point.

    Attributes:
        azimuth_deg: (n,), clockwise from true north.
        altitude_deg: (n,), of the highest thing that is in the way; 0 where nothing is, NaN where it cannot be told.
        step_deg: What the altitudes are good to.
    """

    azimuth_deg: Floats
    altitude_deg: Floats
    step_deg: float


def skyline(scene: Scene, point: Floats, *, azimuth_step_deg: float = 1.0, altitude_step_deg: float = 0.25) -> Skyline:
    """The skyline round a point, (3,): the topmost block of a fan of rays, then narrowed down by halves."""
    azimuth = np.arange(0.0, 360.0, azimuth_step_deg)
    altitude = np.arange(altitude_step_deg / 2, 90.0, altitude_step_deg)
    verdict = _blocked(scene, point, np.repeat(azimuth, len(altitude)), np.tile(altitude, len(azimuth)))
    blocked, lost = (part.reshape(len(azimuth), len(altitude)) for part in verdict)
    some = blocked.any(axis=1)
    top = len(altitude) - 1 - blocked[:, ::-1].argmax(axis=1)
    low = np.where(some, altitude[top], 0.0)
    high = np.where(some, altitude[np.minimum(top + 1, len(altitude) - 1)], altitude[0])
    high = np.where(some & (top == len(altitude) - 1), 90.0, high)
    for _ in range(_FINE_STEPS):
        middle = (low + high) / 2
        hit, _lost = _blocked(scene, point, azimuth, middle)
        low, high = np.where(hit, middle, low), np.where(hit, high, middle)
    # Something unknown above the highest known thing: nobody can tell where the sky begins.
    above = (lost & (altitude[None, :] > low[:, None])).any(axis=1)
    step = altitude_step_deg / 2**_FINE_STEPS
    return Skyline(azimuth, np.where(above, np.nan, np.where(low > 0, (low + high) / 2, 0.0)), step)


def _blocked(scene: Scene, point: Floats, azimuth: Floats, altitude: Floats) -> tuple[Bools, Bools]:
    directions = unit_vectors(azimuth, altitude)
    verdict = scene.outward(np.broadcast_to(point, directions.shape), directions)
    return verdict == BLOCKED, verdict == UNKNOWN
