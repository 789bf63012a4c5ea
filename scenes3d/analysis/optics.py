"""What a tilted camera's picture holds: the rectangle of a lens that keeps straight lines straight, a cone, or a band of a panorama.

On level ground the picture of a rectangle is a trapezoid, that of a cone an ellipse. Source: R. Hartley and A. Zisserman,
"Multiple View Geometry in Computer Vision", 2004, 6.1 (the pinhole camera).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scenes3d.rays.port import Bools, Floats

# A flat picture cannot hold half of the world; wider lenses are taken for panoramas.
_WIDEST_FLAT_DEG = 170.0


@dataclass(frozen=True, slots=True)
class Optics:
    """Tilt and picture of n cameras.

    Attributes:
        pitch_deg: (n,), of the axis above the horizon: -90 looks straight down. NaN where it is unknown.
        vertical_fov_deg: (n,), NaN where it is unknown.
        round: The picture is a circle: the field of view is that of a cone round the axis.
    """

    pitch_deg: Floats
    vertical_fov_deg: Floats
    round: bool = False

    @property
    def tilted(self) -> Bools:
        """Those of which enough is known to say what their picture holds."""
        return np.asarray(np.isfinite(self.pitch_deg) & (self.round | np.isfinite(self.vertical_fov_deg)))

    @property
    def plumb(self) -> Bools:
        """Round pictures of cameras that look straight down: it does not matter where their north is."""
        return np.asarray(self.round & (self.pitch_deg <= -90.0))

    def pictures(self, camera: int, way: Floats, azimuth_deg: float, fov_deg: float) -> Bools:
        """Which directions from the camera, (n, 3) metres, lie in the picture of one of the tilted.

        Args:
            azimuth_deg: Of the axis, clockwise from north; NaN for one that looks all round.
            fov_deg: Horizontal; of a round picture, that of the whole cone.
        """
        pitch, tall = float(self.pitch_deg[camera]), float(self.vertical_fov_deg[camera])
        if self.round:
            return _in_cone(way, axes(azimuth_deg if np.isfinite(azimuth_deg) else 0.0, pitch)[0], fov_deg)
        if fov_deg > _WIDEST_FLAT_DEG or tall > _WIDEST_FLAT_DEG:
            return _in_band(way, azimuth_deg, pitch, fov_deg, tall)
        forward, right, up = axes(azimuth_deg, pitch)
        depth = way @ forward
        wide = np.abs(way @ right) <= depth * np.tan(np.radians(fov_deg / 2))
        high = np.abs(way @ up) <= depth * np.tan(np.radians(tall / 2))
        return np.asarray((depth > 0) & wide & high)


def axes(azimuth_deg: float, pitch_deg: float) -> tuple[Floats, Floats, Floats]:
    """Unit vectors forwards, to the right and upwards in a camera's picture, (3,) each: east, north, up."""
    azimuth, pitch = np.radians(azimuth_deg), np.radians(pitch_deg)
    north, east = np.cos(azimuth), np.sin(azimuth)
    level, rise = np.cos(pitch), np.sin(pitch)
    forward = np.array([east * level, north * level, rise])
    return forward, np.array([north, -east, 0.0]), np.array([-east * rise, -north * rise, level])


def distance_for(pixels_per_m: float, width_px: Floats, fov_deg: Floats) -> Floats:
    """How far something may stand, (n,) metres, so that a metre of it is so many pixels wide; NaN where the lens is unknown.

    The depth along the axis decides, and a distance is never less than that: at the rim of the picture this errs on the safe side.
    """
    half = np.radians(fov_deg / 2)
    flat = fov_deg <= _WIDEST_FLAT_DEG
    with np.errstate(invalid="ignore"):
        metres = np.where(flat, 2 * np.tan(np.where(flat, half, 0.1)), 2 * half) * pixels_per_m
    return np.asarray(width_px / metres)


def _in_cone(way: Floats, forward: Floats, fov_deg: float) -> Bools:
    length = np.linalg.norm(way, axis=1)
    return np.asarray((way @ forward >= length * np.cos(np.radians(fov_deg / 2))) & (length > 0))


def _in_band(way: Floats, azimuth_deg: float, pitch_deg: float, fov_deg: float, tall_deg: float) -> Bools:
    """A panorama: so much to both sides, and so much above and below the pitch."""
    rise = np.degrees(np.arctan2(way[:, 2], np.hypot(way[:, 0], way[:, 1])))
    high = np.abs(rise - pitch_deg) <= tall_deg / 2
    if fov_deg >= 360:
        return np.asarray(high)
    off = (np.degrees(np.arctan2(way[:, 0], way[:, 1])) - azimuth_deg + 180) % 360 - 180
    return np.asarray(high & (np.abs(off) <= fov_deg / 2))
