"""Surveyed points, and where each was measured in the scene, if anybody did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from scenes3d.frames import Floats, Frame
from twin.local_frame import LocalFrame


class Found(StrEnum):
    """What there is at a point.

    MEASURED: its height was measured in the scene by a person; FITTED: read from the scene; NOTHING: nothing of the scene within
    reach; FEW: too few points of a cloud for a plane; ROUGH: they lie in no plane; NO_HEIGHT: it has no surveyed height.
    """

    MEASURED = "measured"
    FITTED = "fitted"
    NOTHING = "nothing-within-reach"
    FEW = "too-few-points"
    ROUGH = "no-plane"
    NO_HEIGHT = "no-height"


@dataclass(frozen=True)
class ControlPoints:
    """Points of a survey.

    Attributes:
        ids, names: (n,); a name may be empty.
        lon, lat: float64 (n,), CGCS2000 degrees.
        height_m: float64 (n,), in the scene's vertical datum; NaN where none was surveyed.
        measured: float64 (n, 3), longitude, latitude and height of the same point in the scene; NaN where nobody measured.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    lon: Floats
    lat: Floats
    height_m: Floats
    measured: Floats

    def __len__(self) -> int:
        return len(self.ids)

    def frame(self, row: int) -> Frame:
        """Metres east, north and up of a point; at height 0 where none was surveyed."""
        height = float(self.height_m[row])
        return Frame(float(self.lon[row]), float(self.lat[row]), height if np.isfinite(height) else 0.0)

    def offsets(self) -> Floats:
        """Measured less surveyed, float64 (n, 3): metres east, north and up; NaN where one of the two is missing."""
        found = np.full((len(self), 3), np.nan)
        found[:, 2] = self.measured[:, 2] - self.height_m
        for row in np.flatnonzero(np.isfinite(self.measured[:, :2]).all(axis=1)):
            east, north = LocalFrame(float(self.lon[row]), float(self.lat[row])).to_local(*self.measured[row, :2])
            found[row, :2] = float(east), float(north)
        return found


@dataclass(frozen=True)
class Heights:
    """What a scene says at points.

    Attributes:
        above_m: float64 (n,), height of the scene less the surveyed one; NaN where there is none.
        found: What there is, (n,).
        points: int64 (n,), points of a cloud that a height rests on; 1 for a surface.
        fit_m: float64 (n,), root mean square of those about their plane; NaN where there is none.
        engine: Who cast the rays; empty for clouds.
    """

    above_m: Floats
    found: tuple[Found, ...]
    points: np.ndarray
    fit_m: Floats
    engine: str = ""
