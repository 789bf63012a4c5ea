"""Files of one survey as one cloud to build from: their headers checked, their place judged, before a point is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenes3d.frames import Frame
from scenes3d.points.records import Chunk
from scenes3d.sources.clouds.header import read_header
from scenes3d.sources.clouds.reading import CHUNK_POINTS, Reading, sample_places
from scenes3d.sources.landing import Place, require_landing
from scenes3d.sources.reference import Stated, resolve
from twin.files import file_sha256
from twin.vertical import check_same_vertical


@dataclass(frozen=True)
class LasSource:
    """LAS, LAZ and COPC files that lie beside each other.

    Attributes:
        readings: One for each file, all with the same vertical datum.
        checksums: SHA-256 of each file.
        frame: Where the scene's frame stands: the middle of the first file.
    """

    readings: tuple[Reading, ...]
    checksums: tuple[str, ...]
    frame: Frame

    @property
    def points(self) -> int:
        return sum(reading.header.points for reading in self.readings)

    @property
    def withheld(self) -> int:
        """Points that the files mark as deleted, of the files read so far."""
        return sum(reading.withheld for reading in self.readings)

    @property
    def vertical_datum(self) -> str:
        return self.readings[0].reference.vertical_datum

    def identity(self) -> Mapping[str, Any]:
        return {"files": self.described()}

    def described(self) -> list[dict[str, Any]]:
        """Each file with its checksum and what its coordinates were taken for."""
        return [
            {
                "file": reading.header.path.name,
                "sha256": checksum,
                "points": reading.header.points,
                **reading.reference.to_document(),
            }
            for reading, checksum in zip(self.readings, self.checksums, strict=True)
        ]

    def box(self, number: int) -> tuple[float, float, float, float, float, float]:
        """Where a file says that it lies: west, south, east, north in degrees, lowest, highest in metres."""
        reading = self.readings[number]
        lon, lat, height = sample_places(reading.header, reading.reference)
        low, high = [values.min() for values in (lon, lat, height)], [values.max() for values in (lon, lat, height)]
        return float(low[0]), float(low[1]), float(high[0]), float(high[1]), float(low[2]), float(high[2])

    def chunks(self, size: int = CHUNK_POINTS) -> Iterator[Chunk]:
        for reading in self.readings:
            yield from reading.chunks(size)


def open_clouds(paths: Sequence[Path], stated: Stated, place: Place | None) -> LasSource:
    """The files as one source.

    Args:
        paths: At least one.
        stated: What the user says of all of them.
        place: Where they are expected; None where anything goes.

    Raises:
        MissingCRSError, UnknownCRSError, VerticalDatumError: as `scenes3d.sources.reference.resolve`, for any of the files.
        UnreadableFileError, TooLargeError, SuspiciousDatumError: as `read_header` and `require_landing`.
    """
    readings = [_opened(path, stated, place) for path in paths]
    for reading in readings[1:]:
        first = readings[0].reference.vertical_datum
        check_same_vertical(reading.reference.vertical_datum, first, reading.header.path.name)
    lon, lat, height = (float(values[0]) for values in sample_places(readings[0].header, readings[0].reference))
    return LasSource(tuple(readings), tuple(map(file_sha256, paths)), Frame(lon, lat, height))


def _opened(path: Path, stated: Stated, place: Place | None) -> Reading:
    header = read_header(path, believe_crs=stated.crs is None)
    reference = resolve(header.said, stated, path.name, header.middle.tolist())
    require_landing(*sample_places(header, reference), path.name, place)
    return Reading(header, reference)
