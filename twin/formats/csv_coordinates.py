"""Where a table keeps its coordinates: two columns, or one with WKT; the usual names in Chinese and English."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import shapely

from twin.errors import UnreadableFileError
from twin.formats.csv_cells import parse_number
from twin.formats.geojson_geometry import GeometryTextError

# In order of trust. Names are compared without case, spaces, underscores, hyphens and brackets.
FAMILIES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("经度", "lon", "lng", "longitude", "long", "经度坐标", "东经", "wgs84lon", "wgs84lng"),
        ("纬度", "lat", "latitude", "纬度坐标", "北纬", "wgs84lat"),
    ),
    (
        ("x", "pointx", "x坐标", "坐标x", "coordx", "easting"),
        ("y", "pointy", "y坐标", "坐标y", "coordy", "northing"),
    ),
)
WKT_NAMES = ("wkt", "geom", "geometry", "thegeom", "wktgeom", "wktgeometry", "shape", "几何", "图形", "坐标串")
_NOISE = re.compile(r"[\s_\-()（）\[\]°.]+")
_WKT = re.compile(r"\s*(?:SRID=\d+;)?\s*(?:MULTI)?(?:POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)", re.IGNORECASE)
_POINT = struct.Struct("<BI2d")


@dataclass(frozen=True, slots=True)
class CoordinateColumns:
    """Places of the coordinate cells in a row: `lon` and `lat` (x and y), or `wkt`."""

    lon: int = -1
    lat: int = -1
    wkt: int = -1

    @property
    def used(self) -> set[int]:
        return {i for i in (self.lon, self.lat, self.wkt) if i >= 0}

    def encoder(self) -> Callable[[Sequence[str]], bytes]:
        """A function from the cells of a row to WKB; it raises GeometryTextError with the reason."""
        return self._from_wkt if self.wkt >= 0 else self._from_numbers

    def _from_numbers(self, cells: Sequence[str]) -> bytes:
        x, y = parse_number(cells[self.lon]), parse_number(cells[self.lat])
        if x is None or y is None:
            found = f"{cells[self.lon]}, {cells[self.lat]}"
            blank = not cells[self.lon].strip() or not cells[self.lat].strip()
            raise GeometryTextError(
                "a coordinate is missing" if blank else "a coordinate is not a finite number", found
            )
        return _POINT.pack(1, 1, x, y)

    def _from_wkt(self, cells: Sequence[str]) -> bytes:
        text = cells[self.wkt].strip()
        if not text:
            raise GeometryTextError("the geometry is missing")
        try:
            geometry = shapely.from_wkt(text.split(";", 1)[-1] if text[:5].upper() == "SRID=" else text)
        except shapely.errors.GEOSException as error:
            raise GeometryTextError("the geometry is not WKT", text) from error
        if not all(map(math.isfinite, geometry.bounds)) and not geometry.is_empty:
            raise GeometryTextError("a coordinate is not a finite number", text)
        return bytes(shapely.to_wkb(geometry, flavor="iso"))


def find_coordinates(
    header: Sequence[str], first: Sequence[str], lon: str | None, lat: str | None, name: str
) -> CoordinateColumns:
    """The coordinate columns of a table.

    Args:
        header: Column names.
        first: Cells of the first row, to tell WKT from other text.
        lon: Column that the caller names for x (or for WKT, when `lat` is not named), None to guess.
        lat: Column that the caller names for y.
        name: Of the file, for messages.

    Raises:
        UnreadableFileError: if there are none, or not the ones that were named.
    """
    if lon is not None or lat is not None:
        if lon is not None and lat is None and _is_wkt(first, list(header).index(lon) if lon in header else -1):
            return CoordinateColumns(wkt=list(header).index(lon))
        if lon in header and lat in header:
            assert lon is not None
            assert lat is not None
            return CoordinateColumns(lon=list(header).index(lon), lat=list(header).index(lat))
        raise _missing(header, name, f"lon={lon}, lat={lat}")
    plain = [_NOISE.sub("", column).casefold() for column in header]
    for wkt in WKT_NAMES:
        if wkt in plain and _is_wkt(first, plain.index(wkt)):
            return CoordinateColumns(wkt=plain.index(wkt))
    for xs, ys in FAMILIES:
        x = next((plain.index(x) for x in xs if x in plain), None)
        y = next((plain.index(y) for y in ys if y in plain), None)
        if x is not None and y is not None:
            return CoordinateColumns(lon=x, lat=y)
    raise _missing(header, name, ", ".join(header))


def _is_wkt(cells: Sequence[str], place: int) -> bool:
    return 0 <= place < len(cells) and (not cells[place].strip() or bool(_WKT.match(cells[place])))


def _missing(header: Sequence[str], name: str, found: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"The table '{name}' has no coordinate columns among its {len(header)} columns.",
        value=found,
        limit="a pair such as 经度/纬度, lon/lat, lng/lat, longitude/latitude, x/y, or a WKT column",
        remedy="Name the columns: --lon NAME --lat NAME.",
    )
