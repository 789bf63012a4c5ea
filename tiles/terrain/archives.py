"""Elevation as it is handed round: a raster, or a zip archive with one in it, as SRTM tiles come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twin.errors import UnreadableFileError
from twin.formats.archive import unpacked

RASTERS = (".hgt", ".tif", ".tiff", ".dem", ".asc", ".img", ".bil", ".dt1", ".dt2")


@contextmanager
def raster_inside(file: Path) -> Iterator[Path]:
    """The file itself, or the one raster in a zip archive, unpacked for the length of the block.

    Raises:
        UnreadableFileError: if an archive is damaged or does not hold one raster.
        UnsafeArchiveError, TooLargeError: as `twin.formats.archive.unpacked`.
    """
    if file.suffix.lower() != ".zip":
        yield file
        return
    with unpacked(file) as folder:
        found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in RASTERS]
        if len(found) != 1:
            raise UnreadableFileError(
                "The archive does not hold one elevation raster. 压缩包中应有且只有一个高程文件。",
                value=f"{file.name}: {len(found)} of them",
                limit=f"one of {', '.join(RASTERS)}",
                remedy="Unpack it and add the rasters one by one.",
            )
        yield found[0]
