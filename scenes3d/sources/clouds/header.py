"""What a LAS, LAZ or COPC file claims, checked against its size before a point is read.

Source: ASPRS LAS 1.4-R15, sections 2.4 (public header) and 2.5 (variable length records); GeoTIFF keys 4096 and 4099.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import laspy
import lazrs
import numpy as np

from scenes3d.sources.reference import Floats, Said
from twin.errors import SuspiciousDatumError, TooLargeError, UnreadableFileError

# What the readers raise for files that are broken, each in its own way.
BROKEN = (
    laspy.errors.LaspyException, lazrs.LazrsError, struct.error, ValueError, KeyError, IndexError, OverflowError, OSError,
    MemoryError, AssertionError,
)  # fmt: skip
MOST_POINTS = 20_000_000_000
_VERTICAL_DATUM, _VERTICAL_UNIT = 4096, 4099
_UNITS = {9001: 1.0, 9002: 0.3048, 9003: 1200 / 3937}
_EARTH_RADIUS_M = 6_300_000.0, 6_400_000.0
_REMEDY = "Copy or export the file again."


@dataclass(frozen=True, slots=True)
class CloudHeader:
    """A file's own description, believed as far as it could be checked.

    Attributes:
        path: The file.
        points: How many there are.
        coloured: Whether its points have fields for red, green and blue.
        said: What it says of its coordinates.
        low, high: Corners of the box it says, in its own units, (3,).
    """

    path: Path
    points: int
    coloured: bool
    said: Said
    low: Floats
    high: Floats

    @property
    def middle(self) -> Floats:
        return (self.low + self.high) / 2


def read_header(path: Path, *, believe_crs: bool = True) -> CloudHeader:
    """The header of a point cloud.

    Args:
        path: LAS, LAZ or COPC file.
        believe_crs: False where the user states the CRS: then nobody asks whether that of the header can be true.

    Raises:
        UnreadableFileError: if it is none, is cut off, has no points, or its scale or box is no number.
        TooLargeError: if it claims more points than anybody builds from one file.
        SuspiciousDatumError: if its header says geocentric, and its coordinates are nowhere near the surface of the earth.
    """
    with opened(path) as reader:
        header = reader.header
        low, high = np.array(header.mins, dtype=np.float64), np.array(header.maxs, dtype=np.float64)
        points = int(header.point_count)
        _check_numbers(path, header, low, high)
        _check_count(path, header, points)
        if header.are_points_compressed:
            _check_chunks(path, header, points)
        said = _said(path, header, (low + high) / 2) if believe_crs else Said()
        return CloudHeader(path, points, "red" in set(header.point_format.dimension_names), said, low, high)


@contextmanager
def opened(path: Path) -> Iterator[laspy.LasReader]:
    """A reader over the file; what the libraries raise inside becomes one error.

    Raises:
        UnreadableFileError: if it cannot be read.
    """
    try:
        with laspy.open(path) as reader:
            yield reader
    except BROKEN as error:
        raise unreadable(path, f"it is damaged or cut off ({error})") from error


def unreadable(path: Path, what: str, limit: str = "a whole LAS, LAZ or COPC file") -> UnreadableFileError:
    """The error for a cloud that cannot be used."""
    return UnreadableFileError(
        f"点云文件无法读取。The point cloud cannot be read: {what}.", value=path.name, limit=limit, remedy=_REMEDY
    )


def _check_numbers(path: Path, header: laspy.LasHeader, low: Floats, high: Floats) -> None:
    scales, offsets = np.asarray(header.scales), np.asarray(header.offsets)
    if not (np.isfinite(scales).all() and np.isfinite(offsets).all() and (scales > 0).all()):
        raise unreadable(
            path, f"its scale {scales} or offset {offsets} is no number", "positive scales, finite offsets"
        )
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all()):
        raise unreadable(path, f"its box {low} to {high} is none", "finite numbers, least before greatest")


def _check_count(path: Path, header: laspy.LasHeader, points: int) -> None:
    if points == 0:
        raise unreadable(path, "it holds no points", "at least one point")
    if points > MOST_POINTS:
        raise TooLargeError(
            "点数过多。The file claims more points than are built from one file.",
            value=f"{path.name}: {points:,} points",
            limit=f"{MOST_POINTS:,} points",
            remedy="Check the file; split it where the count is true.",
        )
    if header.are_points_compressed:
        return
    room = (path.stat().st_size - header.offset_to_point_data) // header.point_format.size
    if points > room:
        raise unreadable(path, f"it claims {points:,} points and has room for {max(room, 0):,}")


def _check_chunks(path: Path, header: laspy.LasHeader, points: int) -> None:
    """The table of chunks stands behind the points, so a file that was cut off has none; what it counts must be there."""
    vlr = lazrs.LazVlr(header.vlrs.get("LasZipVlr")[0].record_data)
    with path.open("rb") as file:
        file.seek(header.offset_to_point_data)
        table: list[tuple[int, int]] = lazrs.read_chunk_table(file, vlr)
    size = path.stat().st_size - header.offset_to_point_data
    packed = sum(length for _, length in table)
    if packed > size:
        raise unreadable(path, f"its chunks claim {packed:,} bytes and {size:,} are left")
    if vlr.uses_variable_size_chunks():
        room = sum(count for count, _ in table)
    else:
        room = len(table) * vlr.chunk_size()
    if points > room:
        raise unreadable(path, f"it claims {points:,} points and its {len(table):,} chunks hold {room:,} at most")


def _said(path: Path, header: laspy.LasHeader, middle: Floats) -> Said:
    datum, unit = _vertical_keys(header)
    crs = _parsed(header)
    if crs is None:
        return Said(None, datum, unit)
    if crs.is_geocentric:
        _require_surface(path, middle)
    return Said(crs.to_wkt(), datum, unit)


def _parsed(header: laspy.LasHeader) -> Any:
    """The header's CRS; None where it says none or nothing that PROJ understands: then the user is asked."""
    try:
        return header.parse_crs()
    except Exception:  # noqa: BLE001 - whatever a parser makes of a broken record, it is no CRS
        return None


def _vertical_keys(header: laspy.LasHeader) -> tuple[str | None, float | None]:
    """What the GeoTIFF keys of old files say of heights; WKT says it within the CRS."""
    for vlr in header.vlrs.get("GeoKeyDirectoryVlr"):
        keys = {key.id: key.value_offset for key in vlr.geo_keys if key.tiff_tag_location == 0}
        datum = keys.get(_VERTICAL_DATUM, 0)
        return f"EPSG:{datum}" if 5000 <= datum < 32767 else None, _UNITS.get(keys.get(_VERTICAL_UNIT, 0))
    return None, None


def _require_surface(path: Path, middle: Floats) -> None:
    radius = float(np.linalg.norm(middle))
    if not _EARTH_RADIUS_M[0] <= radius <= _EARTH_RADIUS_M[1]:
        raise SuspiciousDatumError(
            "文件头声明地心坐标,数值却不在地表。The header says its coordinates count from the middle of the earth; "
            f"by that they would lie {radius / 1000:,.0f} km from it, and the surface is at 6,357 to 6,378 km.",
            value=f"{path.name}: x {middle[0]:,.1f}, y {middle[1]:,.1f}, z {middle[2]:,.1f}",
            limit="a header that says what its numbers are",
            remedy="They look like a projection's: state it with --crs.",
        )
