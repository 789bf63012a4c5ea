"""A bounded sample of geometries, taken while they stream by."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely

MOST_GEOMETRIES = 3000
MOST_COORDINATES = 400_000


@dataclass
class SampleTaker:
    """Keeps every k-th geometry of a stream; k doubles whenever there are too many, so the sample stays spread over all.

    The same stream gives the same sample. Geometries are kept as they were delivered, before any conversion.

    Attributes:
        most_geometries, most_coordinates: Kept at most; a single geometry is kept whatever its size.
        seen: Geometries that went by; unknown and empty places do not count.
    """

    most_geometries: int = MOST_GEOMETRIES
    most_coordinates: int = MOST_COORDINATES
    seen: int = 0
    _stride: int = 1
    _kept: list[tuple[int, shapely.Geometry]] = field(default_factory=list)
    _coordinates: int = 0

    def take(self, geometries: npt.NDArray[np.object_]) -> None:
        """See the next geometries, object (n,), in the CRS of the file, east or longitude first."""
        for start in range(0, len(geometries), MOST_GEOMETRIES):
            self._take(geometries[start : start + MOST_GEOMETRIES])

    def _take(self, geometries: npt.NDArray[np.object_]) -> None:
        if self._stride == 1:
            present = geometries[~(shapely.is_missing(geometries) | shapely.is_empty(geometries))]
            first = 0
        else:
            # Only the rows that may be kept are looked at: what is missing among them makes the sample a little thinner.
            first = -self.seen % self._stride
            present = geometries
        for offset in range(first, len(present), self._stride):
            geometry = present[offset]
            if geometry is not None and not geometry.is_empty:
                self._kept.append((self.seen + offset, geometry))
                self._coordinates += int(shapely.get_num_coordinates(geometry))
        self.seen += len(present)
        while len(self._kept) > self.most_geometries or (
            self._coordinates > self.most_coordinates and len(self._kept) > 1
        ):
            self._thin()

    def _thin(self) -> None:
        self._stride *= 2
        self._kept = [(number, geometry) for number, geometry in self._kept if number % self._stride == 0]
        self._coordinates = sum(int(shapely.get_num_coordinates(geometry)) for _, geometry in self._kept)

    def geometries(self) -> npt.NDArray[np.object_]:
        """The sample, object (n,), in order."""
        kept = np.empty(len(self._kept), dtype=object)
        kept[:] = [geometry for _, geometry in self._kept]
        return kept
