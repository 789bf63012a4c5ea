"""Points of a LAS, LAZ or COPC file, chunk by chunk, as places of a scene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import laspy
import numpy as np

from scenes3d.points.records import Chunk
from scenes3d.sources.clouds.header import CloudHeader, opened, unreadable
from scenes3d.sources.reference import Floats, Reference

CHUNK_POINTS = 500_000


@dataclass
class Reading:
    """One pass over a file, and what it met.

    Attributes:
        withheld: Points left out because the file marks them as deleted (LAS 1.4-R15, table 8: withheld).
        read: All points that came by.
    """

    header: CloudHeader
    reference: Reference
    withheld: int = field(default=0, init=False)
    read: int = field(default=0, init=False)

    def chunks(self, size: int = CHUNK_POINTS) -> Iterator[Chunk]:
        """All points that are not withheld, in the file's order.

        Raises:
            UnreadableFileError: if the file ends before the count of its header, or breaks on the way.
        """
        self.withheld = self.read = 0
        with opened(self.header.path) as reader:
            for points in reader.chunk_iterator(size):
                self.read += len(points)
                yield self._chunk(points)
        if self.read != self.header.points:
            raise unreadable(self.header.path, f"it claims {self.header.points:,} points and ends after {self.read:,}")

    def _chunk(self, points: laspy.ScaleAwarePointRecord) -> Chunk:
        withheld = np.asarray(points.withheld, dtype=bool)
        if withheld.any():
            self.withheld += int(withheld.sum())
            points = points[~withheld]
        lon, lat, height = self.reference.place(np.asarray(points.x), np.asarray(points.y), np.asarray(points.z))
        colour = None
        if self.header.coloured:
            colour = np.column_stack([np.asarray(points[band], dtype=np.uint16) for band in ("red", "green", "blue")])
        return Chunk(
            lon,
            lat,
            height,
            colour,
            np.asarray(points.intensity, dtype=np.uint16),
            np.asarray(points.classification, dtype=np.uint8),
        )


def sample_places(header: CloudHeader, reference: Reference) -> tuple[Floats, Floats, Floats]:
    """The middle and the corners of the box of a file, as places: where it says that it lies."""
    (west, south, low), (east, north, high) = header.low, header.high
    middle = header.middle
    x = np.array([middle[0], west, east, west, east])
    y = np.array([middle[1], south, south, north, north])
    return reference.place(x, y, np.array([middle[2], low, low, high, high]))
