"""Where a table keeps its coordinates: two columns, or one with WKT; the usual names in Chinese and English."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from twin.errors import UnreadableFileError
from twin.formats.csv_cells import parse_number
from twin.formats.geojson_geometry import GeometryTextError
from twin.schema import GeometryType

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
_WKT = re.compile(r"\s*(?:SRID=\d+;)?\s*((?:MULTI)?(?:POINT|LINESTRING|POLYGON)|GEOMETRYCOLLECTION)", re.IGNORECASE)
_TYPES = {kind.value.upper(): kind for kind in GeometryType}
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

    def encode(self, rows: Sequence[Sequence[str]]) -> list[bytes | GeometryTextError]:
        """WKB of each row, or the reason why it has none."""
        if self.wkt >= 0:
            return _from_wkt([row[self.wkt].strip() for row in rows])
        return [_from_numbers(row[self.lon], row[self.lat]) for row in rows]

    def claimed_type(self, row: Sequence[str]) -> GeometryType | None:
        """Geometry type that a row claims, before its coordinates are looked at; None where it claims none."""
        if self.wkt < 0:
            return GeometryType.POINT
        found = _WKT.match(row[self.wkt])
        return _TYPES[found[1].upper()] if found else None


def _from_numbers(lon: str, lat: str) -> bytes | GeometryTextError:
    x, y = parse_number(lon), parse_number(lat)
    if x is not None and y is not None:
        return _POINT.pack(1, 1, x, y)
    blank = not lon.strip() or not lat.strip()
    return GeometryTextError(
        "a coordinate is missing" if blank else "a coordinate is not a finite number", f"{lon}, {lat}"
    )


def _from_wkt(texts: list[str]) -> list[bytes | GeometryTextError]:
    plain = [text.split(";", 1)[-1] if text[:5].upper() == "SRID=" else text for text in texts]
    geometries = shapely.from_wkt(np.array([*plain, None], dtype=object), on_invalid="ignore")[:-1]
    known = ~shapely.is_missing(geometries)
    finite = np.isfinite(shapely.bounds(geometries)).all(axis=1) | shapely.is_empty(geometries)
    encoded: list[bytes | GeometryTextError] = list(shapely.to_wkb(geometries, flavor="iso"))
    for i in np.flatnonzero(~(known & finite)):
        missing = "the geometry is not WKT" if texts[i] else "the geometry is missing"
        encoded[i] = GeometryTextError("a coordinate is not a finite number" if known[i] else missing, texts[i])
    return encoded


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
