"""What cameras see: coverage of an area, its blind spots, and who sees a place.

A camera sees a point that lies within its range and its picture, and from which nothing hides it. The picture is a rectangle
where the tilt and both fields of view are known (`optics.py`); else only the horizontal field of view counts, and the ground right
below a camera counts as seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenes3d.analysis.ground import Ground
from scenes3d.analysis.optics import Optics
from scenes3d.analysis.scene import CLEAR, UNKNOWN, Blocker, Scene
from scenes3d.analysis.sight import Counts, Told
from scenes3d.rays.port import Bools, Floats


@dataclass(frozen=True, slots=True)
class Cameras:
    """Cameras in a local frame.

    Attributes:
        ids: n names.
        eyes: float64 (n, 3), metres; height above the vertical datum, NaN where ground or mounting height is unknown.
        azimuth_deg: (n,), clockwise from true north; NaN for one that turns or looks all round.
        fov_deg: (n,), horizontal; 360 sees all round.
        range_m: (n,), in plan; NaN where it is unknown: such a camera is counted and sees nothing.
        optics: How they are tilted and what their pictures hold; None where nothing is known of it.
    """

    ids: Sequence[str]
    eyes: Floats
    azimuth_deg: Floats
    fov_deg: Floats
    range_m: Floats
    optics: Optics | None = None

    @property
    def usable(self) -> Bools:
        """Those of which position, height and range are known, and where they look unless that is all round or straight down."""
        aimed = np.isfinite(self.azimuth_deg) & np.isfinite(self.fov_deg) | (self.fov_deg >= 360)
        if self.optics is not None:
            aimed |= np.isfinite(self.fov_deg) & self.optics.plumb
        return np.asarray(np.isfinite(self.eyes).all(axis=1) & np.isfinite(self.range_m) & aimed)

    def frames(self, camera: int, points: Floats) -> Bools:
        """Which points, (n, 3), lie within range and picture of one camera."""
        way = points - self.eyes[camera]
        near = way[:, 0] ** 2 + way[:, 1] ** 2 <= self.range_m[camera] ** 2
        azimuth, fov = float(self.azimuth_deg[camera]), float(self.fov_deg[camera])
        if self.optics is not None and self.optics.tilted[camera]:
            return np.asarray(near & self.optics.pictures(camera, way, azimuth, fov))
        if fov >= 360:
            return np.asarray(near)
        off = (np.degrees(np.arctan2(way[:, 0], way[:, 1])) - azimuth + 180) % 360 - 180
        return np.asarray(near & (np.abs(off) <= fov / 2))


@dataclass(frozen=True, slots=True)
class Coverage:
    """What cameras see of the nodes of a lattice.

    Attributes:
        seen_by: int32 (rows, columns), how many cameras see each node; maybe_by: how many more might (unknown ground between).
        within: bool, the nodes of the area in question whose ground is known.
        seen_m2: float64 (n,), what each camera sees of the area; NaN for a camera that is not usable.
    """

    ground: Ground
    seen_by: Counts
    maybe_by: Counts
    within: Bools
    seen_m2: Floats

    @property
    def blind(self) -> Bools:
        """Nodes that for certain no camera sees."""
        return np.asarray((self.seen_by == 0) & (self.maybe_by == 0) & self.within)

    def areas_m2(self) -> dict[str, float]:
        cell = self.ground.cell_m**2
        return {
            "area": float(self.within.sum() * cell),
            "covered": float(((self.seen_by > 0) & self.within).sum() * cell),
            "blind": float(self.blind.sum() * cell),
            "unknown": float(((self.seen_by == 0) & (self.maybe_by > 0) & self.within).sum() * cell),
            "byTwoOrMore": float(((self.seen_by > 1) & self.within).sum() * cell),
        }


def coverage(
    scene: Scene, cameras: Cameras, within: Bools, *, target_height_m: float = 0.0, told: Told = lambda share: None
) -> Coverage:
    """How many cameras see each node of the scene's ground.

    Args:
        within: bool (rows, columns), nodes of the area in question.
        target_height_m: Above the ground: 0 for the pavement, 1.5 for faces.
        told: Hears the share that is done.
    """
    east, north = scene.ground.nodes()
    asked = within & np.isfinite(scene.ground.heights)
    rows, columns = np.nonzero(asked)
    x, y = east[asked], north[asked]
    targets = np.column_stack([x, y, scene.ground.heights[asked] + target_height_m])
    seen, maybe = np.zeros(asked.shape, dtype=np.int32), np.zeros(asked.shape, dtype=np.int32)
    seen_m2 = np.full(len(cameras.ids), np.nan)
    usable = np.flatnonzero(cameras.usable)
    for done, camera in enumerate(usable):
        inside = np.flatnonzero(cameras.frames(int(camera), targets))
        verdict = scene.sight(np.broadcast_to(cameras.eyes[camera], (len(inside), 3)), targets[inside])
        seen[rows[inside], columns[inside]] += verdict == CLEAR
        maybe[rows[inside], columns[inside]] += verdict == UNKNOWN
        seen_m2[camera] = float((verdict == CLEAR).sum() * scene.ground.cell_m**2)
        told((done + 1) / len(usable))
    return Coverage(scene.ground, seen, maybe, asked, seen_m2)


def rays_for_coverage(cameras: Cameras, cell_m: float) -> int:
    """About how many rays `coverage` casts."""
    share = np.minimum(np.nan_to_num(cameras.fov_deg, nan=0.0), 360) / 360
    return int((np.pi * np.nan_to_num(cameras.range_m, nan=0.0) ** 2 * share).sum() / cell_m**2)


def who_sees(scene: Scene, cameras: Cameras, target: Floats) -> tuple[Bools, Blocker]:
    """Which cameras have a place, (3,), in their frame, and what stands first between them and it.

    A camera that is not usable frames nothing.
    """
    usable = cameras.usable
    framed = np.array(
        [bool(usable[i]) and bool(cameras.frames(i, target[None])[0]) for i in range(len(cameras.ids))], dtype=np.bool_
    )
    return framed, scene.blockers(cameras.eyes, np.broadcast_to(target, (len(cameras.ids), 3)))
