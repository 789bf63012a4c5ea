"""Regions: boxes of longitude, latitude and height that tiles promise to stay in.

Source: 3D Tiles 1.1, section 7.4.1.1 (region); radians, metres above the ellipsoid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from twin.ellipsoid import Floats

METRES_OF_AIR = 0.02
"""Every region is so much wider than what was put into it: rounding to single precision or 16 bits moves vertices by less."""

_RADIUS_M = 6_356_752.0


@dataclass(frozen=True, slots=True)
class Region:
    """West, south, east, north in radians, lowest and highest in metres; never over the date line."""

    west: float
    south: float
    east: float
    north: float
    low: float
    high: float

    @classmethod
    def around(cls, lon: Floats, lat: Floats, height_m: Floats) -> Region:
        """The region of places in degrees and metres, with air around it."""
        air = METRES_OF_AIR / _RADIUS_M
        wide = air / max(float(np.cos(np.radians(np.abs(lat).max()))), 0.01)
        west, east = np.radians([lon.min(), lon.max()]).tolist()
        south, north = np.radians([lat.min(), lat.max()]).tolist()
        low, high = float(height_m.min()), float(height_m.max())
        return cls(west - wide, south - air, east + wide, north + air, low - METRES_OF_AIR, high + METRES_OF_AIR)

    @classmethod
    def union(cls, regions: Iterable[Region]) -> Region:
        """The least region that holds all of them; there must be one at least."""
        west, south, east, north, low, high = zip(*(region.to_list() for region in regions), strict=True)
        return cls(min(west), min(south), max(east), max(north), min(low), max(high))

    def to_list(self) -> list[float]:
        return [self.west, self.south, self.east, self.north, self.low, self.high]

    def to_box(self) -> list[float]:
        """West, south, lowest, east, north, highest; degrees and metres, as OGC APIs write a bbox with heights."""
        west, south, east, north = np.degrees([self.west, self.south, self.east, self.north]).tolist()
        return [west, south, self.low, east, north, self.high]

    def holds(self, other: Region) -> bool:
        return (
            self.west <= other.west
            and self.south <= other.south
            and self.east >= other.east
            and self.north >= other.north
            and self.low <= other.low
            and self.high >= other.high
        )
