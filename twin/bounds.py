"""A box on the map."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.errors import BadBoundsError


@dataclass(frozen=True, slots=True)
class Bounds:
    """West, south, east, north edges, lon/lat in degrees (CGCS2000) unless the owner says otherwise.

    `west > east` means the box crosses the antimeridian, as in OGC API Features; `parts` splits it.
    """

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) for v in self.as_tuple()):
            raise BadBoundsError(
                "A bounding box needs finite numbers.", value=self.as_tuple(), remedy="Give west,south,east,north."
            )
        if self.south > self.north:
            raise BadBoundsError(
                f"The box is upside down: south {self.south} is above north {self.north}.",
                value=self.as_tuple(),
                limit="south <= north",
                remedy="Give west,south,east,north in that order.",
            )

    def as_tuple(self) -> tuple[float, float, float, float]:
        return (self.west, self.south, self.east, self.north)

    @property
    def crosses_antimeridian(self) -> bool:
        return self.west > self.east

    def parts(self) -> tuple[Bounds, ...]:
        """One box, or two when it crosses the antimeridian."""
        if not self.crosses_antimeridian:
            return (self,)
        return (
            Bounds(self.west, self.south, 180.0, self.north),
            Bounds(-180.0, self.south, self.east, self.north),
        )

    def intersects(self, other: Bounds) -> bool:
        return any(
            a.west <= b.east and b.west <= a.east and a.south <= b.north and b.south <= a.north
            for a in self.parts()
            for b in other.parts()
        )

    def contains(self, other: Bounds) -> bool:
        """Whether `other` lies wholly inside; neither may cross the antimeridian."""
        return (
            self.west <= other.west
            and self.south <= other.south
            and self.east >= other.east
            and self.north >= other.north
        )

    def union(self, other: Bounds | None) -> Bounds:
        if other is None:
            return self
        return Bounds(
            min(self.west, other.west),
            min(self.south, other.south),
            max(self.east, other.east),
            max(self.north, other.north),
        )

    def buffered(self, margin: float) -> Bounds:
        """The box grown by `margin` (same unit) on every side."""
        return Bounds(self.west - margin, self.south - margin, self.east + margin, self.north + margin)
