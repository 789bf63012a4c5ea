"""GeoJSON geometries as WKB, with a reason in words where they cannot be.

Source: RFC 7946 section 3.1; ISO WKB as in OGC 06-103r4 section 8.2.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from twin.schema import GeometryType

_CODES = {
    "Point": 1,
    "LineString": 2,
    "Polygon": 3,
    "MultiPoint": 4,
    "MultiLineString": 5,
    "MultiPolygon": 6,
    "GeometryCollection": 7,
}
_PARTS = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}
_Z_OFFSET = 1000
_NAN_POINT = struct.pack("<BI2d", 1, 1, math.nan, math.nan)


class GeometryTextError(ValueError):
    """A geometry that is not one. The message is the reason, `found` the value."""

    def __init__(self, reason: str, found: object = "") -> None:
        super().__init__(reason)
        self.found = found


def encode_geometry(geometry: Any) -> bytes | None:
    """WKB of a GeoJSON geometry; None for null.

    Z is kept where every position has it; further numbers of a position are left out.

    Raises:
        GeometryTextError: if it is not a geometry of RFC 7946, has a coordinate that is not a finite number, or an open ring.
    """
    if geometry is None:
        return None
    if not isinstance(geometry, dict):
        raise GeometryTextError("the geometry is not an object", geometry)
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        parts = geometry.get("geometries")
        if not isinstance(parts, list):
            raise GeometryTextError("the geometry collection has no list of geometries", parts)
        encoded = [part for part in map(encode_geometry, parts) if part is not None]
        return struct.pack("<BII", 1, _CODES[kind], len(encoded)) + b"".join(encoded)
    if kind not in _CODES:
        raise GeometryTextError("the geometry has no type of GeoJSON", kind)
    return encode_coordinates(kind, geometry.get("coordinates"))


def encode_coordinates(kind: str, coordinates: Any) -> bytes:
    """WKB of nested coordinate lists.

    Raises:
        GeometryTextError: as `encode_geometry`.
    """
    if not isinstance(coordinates, list):
        raise GeometryTextError("the geometry has no coordinates", coordinates)
    try:
        return _ENCODERS[kind](coordinates, _dimension(kind, coordinates))
    except (TypeError, OverflowError, IndexError) as error:
        raise GeometryTextError("a coordinate is not a number", _shown(coordinates)) from error


def _dimension(kind: str, coordinates: list[Any]) -> int:
    """Three where every position has three numbers or more, else two."""
    depth = {"Point": 0, "LineString": 1, "MultiPoint": 1, "Polygon": 2, "MultiLineString": 2, "MultiPolygon": 3}[kind]
    positions: Any = [coordinates] if depth == 0 else coordinates
    for _ in range(depth - 1):
        positions = chain.from_iterable(positions)
    return 3 if min(map(len, positions), default=2) >= 3 else 2


def _point(position: Sequence[Any], dimension: int) -> bytes:
    if not position:
        return _NAN_POINT
    return struct.pack("<BI", 1, _code("Point", dimension)) + _flat([position], dimension)


def _line(positions: Sequence[Any], dimension: int) -> bytes:
    if len(positions) == 1:
        raise GeometryTextError("a line has only one position", _shown(positions))
    return struct.pack("<BII", 1, _code("LineString", dimension), len(positions)) + _flat(positions, dimension)


def _polygon(rings: Sequence[Any], dimension: int) -> bytes:
    parts = [struct.pack("<BII", 1, _code("Polygon", dimension), len(rings))]
    for ring in rings:
        if ring and (len(ring) < 4 or ring[0][:dimension] != ring[-1][:dimension]):
            raise GeometryTextError("a polygon ring is not closed or has fewer than four positions", _shown(ring))
        parts += (struct.pack("<I", len(ring)), _flat(ring, dimension))
    return b"".join(parts)


def _multi(kind: str) -> Callable[[Sequence[Any], int], bytes]:
    def encode(members: Sequence[Any], dimension: int) -> bytes:
        one = _ENCODERS[_PARTS[kind]]
        return struct.pack("<BII", 1, _code(kind, dimension), len(members)) + b"".join(
            one(m, dimension) for m in members
        )

    return encode


def _flat(positions: Sequence[Any], dimension: int) -> bytes:
    """Positions as little-endian doubles."""
    widths = set(map(len, positions))
    if widths and min(widths) < 2:
        raise GeometryTextError("a position has fewer than two numbers", _shown(positions))
    if widths - {dimension}:
        positions = [position[:dimension] for position in positions]
    numbers = array("d", chain.from_iterable(positions))
    if not math.isfinite(sum(numbers)) and not all(map(math.isfinite, numbers)):
        raise GeometryTextError("a coordinate is not a finite number", _shown(positions))
    if not _LITTLE_ENDIAN:
        numbers.byteswap()
    return numbers.tobytes()


def _code(kind: str, dimension: int) -> int:
    return _CODES[kind] + (_Z_OFFSET if dimension == 3 else 0)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def geometry_type(geometry: Any) -> GeometryType | None:
    """Type that a GeoJSON geometry claims; None for null and for what is not a geometry."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    return GeometryType(kind) if isinstance(kind, str) and kind in _CODES else None


_LITTLE_ENDIAN = array("H", [1]).tobytes() == b"\x01\x00"
_ENCODERS: dict[str, Callable[[Sequence[Any], int], bytes]] = {
    "Point": _point,
    "LineString": _line,
    "Polygon": _polygon,
    "MultiPoint": _multi("MultiPoint"),
    "MultiLineString": _multi("MultiLineString"),
    "MultiPolygon": _multi("MultiPolygon"),
}
