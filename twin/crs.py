"""The one door to PROJ: names of reference systems, moves between them, axis order at the edges.

Inside the house every coordinate is CGCS2000 (EPSG:4490), longitude first, in degrees. Everything that comes in or goes
out passes here. WGS 84 and CGCS2000 are taken as equal (the frames differ by centimetres, and PROJ's own operation
between them does nothing); every other move that PROJ could only guess ("ballpark") is refused.
Heights pass through untouched: there is no public geoid model for the 1985 datum.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import pyproj.aoi
import shapely
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError, ProjError

from twin.bounds import Bounds
from twin.errors import BallparkTransformError, UnknownCRSError

CRS = pyproj.CRS

CGCS2000 = "EPSG:4490"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

# The geographic systems that are the same place to within the accuracy of a map.
_EQUAL_TO_CGCS2000 = {4490, 4480, 4326, 4979}
# Chinese datums whose link to CGCS2000 is classified: PROJ has only guesses, wrong by tens to hundreds of metres.
_LEGACY_CHINESE = {4214: "Beijing 1954", 4610: "Xi'an 1980", 4555: "New Beijing"}


def parse_crs(text: str) -> CRS:
    """The reference system named by an EPSG code, an OGC URI or URN, `CRS84`, WKT or PROJJSON.

    Raises:
        UnknownCRSError: if PROJ knows no such system.

    >>> parse_crs("http://www.opengis.net/def/crs/EPSG/0/4549").to_epsg()
    4549
    """
    try:
        return _parse(text.strip())
    except (CRSError, ProjError, ValueError, UnicodeError) as error:
        raise UnknownCRSError(
            "No reference system goes by this name.",
            value=text,
            limit="an EPSG code, an OGC CRS URI, CRS84, WKT or PROJJSON",
            remedy="Write for example EPSG:4490 or http://www.opengis.net/def/crs/EPSG/0/4549.",
        ) from error


@lru_cache(maxsize=256)
def _parse(text: str) -> CRS:
    if not text or len(text) > 20_000 or "\x00" in text:
        raise ValueError(text[:40])
    upper = text.upper().rstrip("/")
    if upper in {"CRS84", "OGC:CRS84", "CRS:84", "CRS84H"} or upper.endswith(("/CRS84", "/CRS84H", ":CRS84")):
        return CRS.from_user_input("OGC:CRS84")
    if upper.startswith(("HTTP://", "HTTPS://")):
        parts = text.rstrip("/").split("/")
        if len(parts) < 6 or parts[2].lower() != "www.opengis.net":
            raise ValueError(text)
        return CRS.from_authority(parts[-3].upper(), parts[-1])
    if upper.isdigit():
        return CRS.from_epsg(int(upper))
    if text.startswith(("+", "{", "/")) and "PROJJSON" not in upper and "$SCHEMA" not in upper:
        # PROJ strings have lost their datum; local paths are never read.
        raise ValueError(text)
    return CRS.from_user_input(text)


def crs_uri(crs: CRS) -> str:
    """The OGC URI of a system, `urn:onemap:def:crs:unregistered` where it has no code."""
    if is_lon_lat_by_definition(crs):
        return CRS84
    authority = crs.to_authority(min_confidence=60)
    if authority is None:
        return "urn:onemap:def:crs:unregistered"
    return f"http://www.opengis.net/def/crs/{authority[0]}/0/{authority[1]}"


def is_lon_lat_by_definition(crs: CRS) -> bool:
    """Whether this is CRS84: WGS 84 with longitude first."""
    return bool(crs.to_authority() == ("OGC", "CRS84"))


def is_same_place(crs: CRS) -> bool:
    """Whether coordinates in `crs` (longitude first) are CGCS2000 coordinates as they stand."""
    return is_lon_lat_by_definition(crs) or crs.to_epsg() in _EQUAL_TO_CGCS2000


def is_northing_first(crs: CRS) -> bool:
    """Whether the registered axis order puts latitude or northing first.

    True for EPSG:4490, 4326 and 4549, false for CRS84 and 3857.
    """
    axes = crs.axis_info
    return len(axes) >= 2 and axes[0].direction.lower() in {"north", "south"}


def swap_axes(geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """The same geometries, (n,), with the first two coordinates exchanged; heights stay."""
    moved: npt.NDArray[np.object_] = shapely.transform(geometries, lambda xy: xy[:, ::-1])
    if not shapely.has_z(geometries).any():
        return moved
    swapped = shapely.transform(geometries, lambda xyz: xyz[:, [1, 0, 2]], include_z=True)
    return np.where(shapely.has_z(geometries), swapped, moved)


def to_cgcs2000(geometries: npt.NDArray[np.object_], source: CRS) -> npt.NDArray[np.object_]:
    """Geometries of `source` (east or longitude first) in CGCS2000 lon/lat degrees.

    Raises:
        BallparkTransformError: if only a guess leads from one to the other.
    """
    if is_same_place(source):
        return geometries
    return _moved(geometries, source, TransformDirection.FORWARD)


def from_cgcs2000(geometries: npt.NDArray[np.object_], target: CRS) -> npt.NDArray[np.object_]:
    """CGCS2000 lon/lat geometries in `target`, east or longitude first.

    Raises:
        BallparkTransformError: if only a guess leads from one to the other.
    """
    if is_same_place(target):
        return geometries
    return _moved(geometries, target, TransformDirection.INVERSE)


def transform_geometries(geometries: npt.NDArray[np.object_], source: CRS, target: CRS) -> npt.NDArray[np.object_]:
    """Geometries of `source` in `target`, by way of CGCS2000, east or longitude first on both sides."""
    if source == target:
        return geometries
    return from_cgcs2000(to_cgcs2000(geometries, source), target)


def transform_points(
    x: npt.ArrayLike, y: npt.ArrayLike, source: CRS, target: CRS
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Coordinates (n,), (n,) of `source` in `target`; degrees or metres as the systems say, east or longitude first.

    A point outside the projection's reach becomes infinite.
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not is_same_place(source):
        xs, ys = _transformer(_key(source)).transform(xs, ys)
    if not is_same_place(target):
        xs, ys = _transformer(_key(target)).transform(xs, ys, direction=TransformDirection.INVERSE)
    return xs, ys


def bounds_to_cgcs2000(values: Sequence[float], source: CRS, *, declared_order: bool = False) -> Bounds:
    """The lon/lat box that holds a box given in `source`.

    Args:
        values: Four numbers; west, south, east, north, unless `declared_order` says the registered axis order is meant.
        source: System of the numbers.
        declared_order: Read first/second axis as registered (latitude first for EPSG:4490).

    Raises:
        BadBoundsError: if the box is upside down or not finite.
        BallparkTransformError: if only a guess leads to CGCS2000.
    """
    a, b, c, d = values
    west, south, east, north = (b, a, d, c) if declared_order and is_northing_first(source) else (a, b, c, d)
    if is_same_place(source):
        return Bounds(west, south, east, north)
    Bounds(west, south, east, north)  # refuses what is upside down before PROJ sees it
    box = _transformer(_key(source)).transform_bounds(west, south, east, north, densify_pts=21)
    return Bounds(*(float(v) for v in box))


def _moved(geometries: npt.NDArray[np.object_], crs: CRS, direction: TransformDirection) -> npt.NDArray[np.object_]:
    transformer = _transformer(_key(crs))

    def plane(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        x, y = transformer.transform(xy[:, 0], xy[:, 1], direction=direction)
        return np.column_stack([x, y])

    def space(xyz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack([plane(xyz[:, :2]), xyz[:, 2]])

    with_height = shapely.has_z(geometries)
    if not with_height.any():
        return np.asarray(shapely.transform(geometries, plane), dtype=object)
    if with_height.all():
        return np.asarray(shapely.transform(geometries, space, include_z=True), dtype=object)
    moved = np.array(geometries, dtype=object, copy=True)
    moved[with_height] = shapely.transform(geometries[with_height], space, include_z=True)
    moved[~with_height] = shapely.transform(geometries[~with_height], plane)
    return moved


def _key(crs: CRS) -> str:
    authority = crs.to_authority(min_confidence=100)
    return f"{authority[0]}:{authority[1]}" if authority else crs.to_wkt()


_local = threading.local()


def _transformer(key: str) -> pyproj.Transformer:
    """From the system `key` to lon/lat. One per thread: PROJ's objects must not be shared between threads."""
    known: dict[str, pyproj.Transformer] = _local.__dict__.setdefault("transformers", {})
    if key not in known:
        known[key] = _build_transformer(CRS.from_user_input(key))
    return known[key]


def _build_transformer(crs: CRS) -> pyproj.Transformer:
    base = crs.geodetic_crs
    code = base.to_epsg() if base is not None else None
    if code in _LEGACY_CHINESE:
        raise BallparkTransformError(
            f"Coordinates in {_LEGACY_CHINESE[code]} cannot be moved to CGCS2000: the parameters are not public.",
            value=crs.name,
            limit="errors of tens to hundreds of metres without local parameters",
            remedy="Have the survey authority deliver the data in CGCS2000 (EPSG:4490 or EPSG:4549).",
        )
    for pivot in ("EPSG:4490", "EPSG:4326"):
        try:
            return pyproj.Transformer.from_crs(
                crs, pivot, always_xy=True, allow_ballpark=False, area_of_interest=_area_of_use(crs)
            )
        except ProjError:
            continue
    raise BallparkTransformError(
        f"PROJ has only a guess for the way from {crs.name} to CGCS2000.",
        value=crs.name,
        limit="a registered operation is needed",
        remedy="Deliver the data in EPSG:4490, EPSG:4549 or EPSG:4326.",
    )


def _area_of_use(crs: CRS) -> Any:
    area = crs.area_of_use
    if area is None or area.west > area.east:
        return None
    return pyproj.aoi.AreaOfInterest(area.west, area.south, area.east, area.north)
