"""Local frames: metres east, north and up of a place, in which single precision is fine enough for a vertex.

Every vertex goes from longitude, latitude and height to Earth-centred coordinates in float64 and from there into the frame
of its tile: a plane of Gauss-Krüger metres taken for such a frame would be 3 m off after 10 km. The way back to the globe
is the frame's matrix, which stands in `tile.transform`.
Heights are taken as they are, whatever datum they count from: the scene says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from twin.ellipsoid import Floats, earth_centred, east_north_up, geodetic

__all__ = ["Floats", "Frame"]


@dataclass(frozen=True)
class Frame:
    """Metres east, north and up of a place.

    Attributes:
        lon, lat: The place in degrees (CGCS2000, the same as WGS 84).
        height_m: Its height, in the scene's datum.
    """

    lon: float
    lat: float
    height_m: float = 0.0

    @cached_property
    def origin(self) -> Floats:
        """The place, Earth-centred, float64 (3,)."""
        return earth_centred(self.lon, self.lat, self.height_m)

    @cached_property
    def axes(self) -> Floats:
        """East, north and up, Earth-centred, as rows of a float64 (3, 3)."""
        return east_north_up(self.lon, self.lat)

    @cached_property
    def matrix(self) -> Floats:
        """The way from this frame to Earth-centred coordinates, float64 (4, 4), for columns."""
        matrix = np.identity(4)
        matrix[:3, :3] = self.axes.T
        matrix[:3, 3] = self.origin
        return matrix

    def local(self, earth: Floats) -> Floats:
        """Earth-centred points (n, 3) in this frame, float64 (n, 3)."""
        return np.asarray((earth - self.origin) @ self.axes.T)

    def place(self, lon: Floats | float, lat: Floats | float, height_m: Floats | float) -> Floats:
        """Places in degrees and metres in this frame, float64 (n, 3)."""
        return self.local(earth_centred(lon, lat, height_m))

    def earth(self, local: Floats) -> Floats:
        """Points (n, 3) of this frame, Earth-centred."""
        return np.asarray(local @ self.axes + self.origin)

    def places(self, local: Floats) -> tuple[Floats, Floats, Floats]:
        """Longitudes, latitudes and heights of points (n, 3) of this frame."""
        return geodetic(self.earth(local))

    def within(self, parent: Frame | None) -> Floats:
        """The way from this frame into `parent`, float64 (4, 4): what `tile.transform` says of a child tile."""
        if parent is None:
            return self.matrix
        matrix = np.identity(4)
        matrix[:3, :3] = parent.axes @ self.axes.T
        matrix[:3, 3] = parent.local(self.origin)
        return matrix
