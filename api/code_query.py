"""Query strings and bodies of the routes of codes, read into small values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
import shapely

from api.crs_edge import edge_crs
from api.errors import BadParameterError, MalformedBodyError
from api.parameters import parse_bbox, parse_flag, parse_limit
from layers.place_codes import Covering
from twin.bounds import Bounds
from twin.codes.point_codes import Place
from twin.codes.sheet_scales import scale_table
from twin.crs import CRS84
from twin.errors import BadGeometryError
from twin.formats.values import parse_date

POINT_NAMES = ("lon", "lat", "height", "at", "scale", "level", "f")
AREA_NAMES = ("bbox", "system", "scale", "level", "compact", "limit", "at", "f")
CODES_DEFAULT, CODES_MAX = 1000, 10_000
_LIMITS = {"lon": 180.0, "lat": 90.0, "height": 1e12}


def parse_place(parameters: Mapping[str, str]) -> Place:
    """`lon`, `lat`, `height`, `scale` and `level` as a place.

    Raises:
        BadParameterError: if lon or lat is missing, or a number cannot be read or is out of range.
        BadCodeError: if there is no such scale.
    """
    lon, lat = (_number(parameters, name) for name in ("lon", "lat"))
    if lon is None or lat is None:
        raise BadParameterError(
            "A place needs its longitude and its latitude.",
            value=parameters.get("lon" if lat is None else "lat", ""),
            limit="lon and lat, or bbox, or code",
            remedy="GET /codes?lon=120.0335&lat=36.2645",
        )
    chosen: dict[str, Any] = {}
    if "scale" in parameters:
        chosen["scales"] = (scale_table().find(parameters["scale"]).letter,)
    if "level" in parameters:
        chosen["levels"] = (_level(parameters["level"]),)
    return Place(lon, lat, _number(parameters, "height"), **chosen)


def parse_covering(parameters: Mapping[str, str]) -> Covering:
    """`system`, `scale`, `level`, `compact` and `limit`; a scale alone means sheets, a level alone BeiDou cells.

    Raises:
        BadParameterError: if none of the three is given, or scale and level both.
        BadCodeError: if there is no such system, scale or level.
        BadLimitError: if the limit is not a whole number.
    """
    named = [name for name in ("scale", "level") if name in parameters]
    system = parameters.get("system") or {"scale": "sheet", "level": "beidou"}.get(named[0] if named else "")
    if system is None or len(named) > 1:
        raise BadParameterError(
            "An area needs one system of codes.",
            value=", ".join(named),
            limit="scale=A..K, or level=1..10, or system=division|unit-grid",
            remedy="Give one of these, for example scale=G or level=5.",
        )
    return Covering(
        system,
        scale=parameters.get("scale", "G"),
        level=_level(parameters.get("level", "5")),
        compact=parse_flag(parameters.get("compact"), "compact"),
        limit=parse_limit(parameters.get("limit"), CODES_DEFAULT, CODES_MAX),
    )


def parse_day(text: str | None, today: date) -> date:
    """`at=2026-11-28`; today where nothing is said.

    Raises:
        BadParameterError: if it is not a full date.
    """
    if not text:
        return today
    day = parse_date(text)
    if day is None:
        raise BadParameterError(
            "This is not a day.", value=text, limit="YYYY-MM-DD", remedy="Write the date in full, at=2026-11-28."
        )
    return day


def parse_box(text: str) -> shapely.Geometry:
    """`bbox=west,south,east,north` as an area; a box without width or height is a line or a point.

    Raises:
        BadBoundsError: if it is not four or six numbers, or upside down.
    """
    parts = [_shape_of(box) for box in parse_bbox(text, edge_crs(CRS84)).parts()]
    return parts[0] if len(parts) == 1 else shapely.GeometryCollection(parts)


def parse_geometry(body: bytes) -> shapely.Geometry:
    """A GeoJSON geometry, or the geometry of a feature, lon/lat.

    Raises:
        MalformedBodyError: if it is not JSON.
        BadGeometryError: if it is no GeoJSON geometry.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBodyError("The body is not JSON.", remedy="Send a GeoJSON geometry or feature.") from error
    member = document.get("geometry") if isinstance(document, dict) and document.get("type") == "Feature" else document
    try:
        geometry = shapely.from_geojson(orjson.dumps(member))
    except (shapely.errors.GEOSException, orjson.JSONEncodeError) as error:
        raise _no_geometry(str(error)) from error
    if not isinstance(member, dict) or geometry is None or member.get("type") == "FeatureCollection":
        raise _no_geometry("null")
    return shapely.force_2d(geometry)


def _no_geometry(reason: str) -> BadGeometryError:
    return BadGeometryError(
        "The body is not a GeoJSON geometry.",
        value=reason,
        limit="a geometry or a feature (RFC 7946), longitude first",
        remedy='Send {"type": "Polygon", "coordinates": …}.',
    )


def _shape_of(box: Bounds) -> shapely.Geometry:
    west, south, east, north = box.as_tuple()
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _number(parameters: Mapping[str, str], name: str) -> float | None:
    text = parameters.get(name)
    if not text:  # a form sends the fields that were left empty too
        return None
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not abs(value) <= _LIMITS[name]:
        unit = "metres above the ellipsoid" if name == "height" else "degrees"
        raise BadParameterError(
            f"'{name}' is no such number.",
            value=text,
            limit=f"{-_LIMITS[name]:g} to {_LIMITS[name]:g} {unit}",
            remedy="Give a decimal number; longitude and latitude in degrees.",
        )
    return value


def _level(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 2):
        raise BadParameterError(
            "The level is not a whole number.", value=text, limit="1 to 10", remedy="Write level=5."
        )
    return int(text)
