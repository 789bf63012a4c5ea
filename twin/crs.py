"""The one door to PROJ: names of reference systems, moves between them, axis order at the edges.

Inside the house every coordinate is CGCS2000 (EPSG:4490), longitude first, in degrees. Everything that comes in or goes
out passes here. WGS 84 and CGCS2000 are taken as equal (the frames differ by centimetres, and PROJ's own operation
between them does nothing); every other move that PROJ could only guess ("ballpark") is refused.
GCJ-02 and BD-09 are systems like others on the way in (`twin.datums`); on the way out they are refused.
Heights pass through untouched: there is no public geoid model for the 1985 datum. `twin.vertical` knows what they mean.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
import pyproj.aoi
import shapely
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError, ProjError

from twin.bounds import Bounds
from twin.datums.offset_datums import OffsetDatum, find_offset_datum
from twin.errors import BallparkTransformError, OffsetDatumError, UnknownCRSError

CRS = pyproj.CRS

CGCS2000 = "EPSG:4490"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

# The geographic systems that are the same place to within the accuracy of a map.
_EQUAL_TO_CGCS2000 = {4490, 4480, 4326, 4979}
# Chinese datums whose link to CGCS2000 is classified: PROJ has only guesses, wrong by tens to hundreds of metres.
_LEGACY_CHINESE = {4214: "Beijing 1954", 4610: "Xi'an 1980", 4555: "New Beijing"}
_OFFSET_URN = "urn:onemap:def:crs:"
# An offset datum as PROJ sees it: a name on an ellipsoid, with no way to anywhere. The way is `twin.datums`.
_OFFSET_WKT = (
    'GEOGCRS["{0}",DATUM["{0}",ELLIPSOID["Krassowsky 1940",6378245,298.3]],CS[ellipsoidal,2],AXIS["longitude",east],'
    'AXIS["latitude",north],ANGLEUNIT["degree",0.0174532925199433]]'
)
_OFFSET_PLANE_WKT = (
    'ENGCRS["{0}",EDATUM["{0}"],CS[Cartesian,2],AXIS["easting (E)",east],AXIS["northing (N)",north],'
    'LENGTHUNIT["metre",1]]'
)
# Their names as files write them that carry no code: D_Beijing_1954, Xian_1980.
_LEGACY_NAMES = {"beijing1954": 4214, "xian1980": 4610, "newbeijing": 4555}
_WKT = re.compile(r"[A-Za-z]\w*\s*[\[(]")


def parse_crs(text: str) -> CRS:
    """The reference system named by an EPSG code (or two, `EPSG:4490+5737`), an OGC URI or URN, `CRS84`, WKT or PROJJSON.

    `GCJ-02`, `BD-09`, `BD09MC` and `GCJ02MC`, in any spelling and as the name in a WKT, are the datums of map services.

    Raises:
        UnknownCRSError: if nobody knows such a system, or it counts from the middle of the earth.

    >>> parse_crs("http://www.opengis.net/def/crs/EPSG/0/4549").to_epsg()
    4549
    """
    try:
        crs = _parse(text.strip())
    except (CRSError, ProjError, ValueError, UnicodeError) as error:
        raise UnknownCRSError(
            "No reference system goes by this name.",
            value=text,
            limit="an EPSG code, an OGC CRS URI, CRS84, WKT or PROJJSON, GCJ-02, BD-09",
            remedy="Write for example EPSG:4490 or http://www.opengis.net/def/crs/EPSG/0/4549.",
        ) from error
    if unbound(crs).is_geocentric:
        raise UnknownCRSError(
            f"{crs.name} counts metres from the middle of the earth: its first two axes are no place on a map.",
            value=text,
            limit="a geographic or projected system, with or without heights",
            remedy="Convert the data to EPSG:4979 or EPSG:4480 (longitude, latitude, ellipsoidal height) first.",
        )
    return crs


@lru_cache(maxsize=256)
def _parse(text: str) -> CRS:
    if not text or len(text) > 20_000 or "\x00" in text:
        raise ValueError(text[:40])
    offset = find_offset_datum(text.removeprefix(_OFFSET_URN))
    if offset is not None:
        return CRS.from_wkt((_OFFSET_PLANE_WKT if offset.metres else _OFFSET_WKT).format(offset.name))
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
    json = text.startswith("{") and ("PROJJSON" in upper or "$SCHEMA" in upper)
    if text.startswith(("+", "{", "/")) and not json:
        raise ValueError(text)  # local paths are never read
    if "=" in text and not json and not _WKT.match(text):
        # PROJ strings, with and without their plus signs, have lost their datum.
        raise ValueError(text)
    return CRS.from_user_input(text)


def crs_uri(crs: CRS) -> str:
    """The OGC URI of a system, `urn:onemap:def:crs:unregistered` where it has no code.

    >>> crs_uri(parse_crs("EPSG:4549+5737")), crs_uri(parse_crs("gcj02"))
    ('urn:ogc:def:crs,crs:EPSG::4549,crs:EPSG::5737', 'urn:onemap:def:crs:GCJ-02')
    """
    if is_lon_lat_by_definition(crs):
        return CRS84
    offset = offset_datum_of(crs)
    if offset is not None:
        return _OFFSET_URN + offset.name
    if crs.is_compound and crs.to_authority(min_confidence=60) is None:
        codes = [part.to_authority(min_confidence=60) for part in crs.sub_crs_list]
        if None not in codes:
            return "urn:ogc:def:crs," + ",".join(f"crs:{code[0]}::{code[1]}" for code in codes if code is not None)
    authority = crs.to_authority(min_confidence=60)
    if authority is None:
        return "urn:onemap:def:crs:unregistered"
    return f"http://www.opengis.net/def/crs/{authority[0]}/0/{authority[1]}"


def short_name(crs: CRS) -> str:
    """What people call a system in a sentence: a datum of a map service, "WGS 84/CGCS2000", or its code.

    >>> [short_name(parse_crs(text)) for text in ("gcj02", "EPSG:4326", "EPSG:4549+5737")]
    ['GCJ-02', 'WGS 84/CGCS2000', 'EPSG:4549']
    """
    offset = offset_datum_of(crs)
    if offset is not None:
        return offset.name
    if is_same_place(crs):
        return "WGS 84/CGCS2000"
    authority = horizontal_part(crs).to_authority(min_confidence=60)
    return str(crs.name) if authority is None else f"{authority[0]}:{authority[1]}"


def is_lon_lat_by_definition(crs: CRS) -> bool:
    """Whether this is CRS84: WGS 84 with longitude first."""
    return bool(crs.to_authority() == ("OGC", "CRS84"))


def is_same_place(crs: CRS) -> bool:
    """Whether coordinates in `crs` (longitude first) are CGCS2000 coordinates as they stand."""
    flat = horizontal_part(crs)
    return offset_datum_of(flat) is None and _is_same_place(flat)


@lru_cache(maxsize=256)
def _is_same_place(flat: CRS) -> bool:
    # To find the code of a system that does not carry one, PROJ compares it with its whole register: some 60 ms.
    return is_lon_lat_by_definition(flat) or flat.to_epsg() in _EQUAL_TO_CGCS2000


def horizontal_part(crs: CRS) -> CRS:
    """The system of the first two coordinates of a compound system; any other system is its own."""
    return crs.sub_crs_list[0] if crs.is_compound else crs


def unbound(crs: CRS) -> CRS:
    """A system without the shift to WGS 84 that a file has bound to it (TOWGS84)."""
    while crs.is_bound and crs.source_crs is not None:
        crs = crs.source_crs
    return crs


def datum_of(crs: CRS) -> tuple[int | None, str]:
    """EPSG code of the geographic system below a system, as far as one is known, and the names it and its datum go by."""
    base = unbound(crs).geodetic_crs
    if base is None:
        return None, ""
    base = unbound(base)
    return base.to_epsg(), f"{base.name} {base.datum.name if base.datum else ''}"


def vertical_part(crs: CRS) -> str | None:
    """What the third coordinate of a system counts from: `EPSG:` and a code, "ellipsoidal", or None where it does not say.

    >>> vertical_part(parse_crs("EPSG:4490+5737")), vertical_part(parse_crs("EPSG:4480")), vertical_part(parse_crs("4490"))
    ('EPSG:5737', 'ellipsoidal', None)
    """
    if crs.is_compound:
        code = crs.sub_crs_list[-1].to_epsg(min_confidence=60)
        return None if code is None else f"EPSG:{code}"
    return "ellipsoidal" if len(crs.axis_info) == 3 and crs.is_geographic else None


def offset_datum_of(crs: CRS) -> OffsetDatum | None:
    """The datum of a map service that `crs` stands for; None for every system that PROJ understands."""
    return find_offset_datum(horizontal_part(crs).name)


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
    return _moved(geometries, _pairs_to_cgcs2000(source))


def from_cgcs2000(geometries: npt.NDArray[np.object_], target: CRS) -> npt.NDArray[np.object_]:
    """CGCS2000 lon/lat geometries in `target`, east or longitude first.

    Raises:
        BallparkTransformError: if only a guess leads from one to the other.
        OffsetDatumError: if `target` is GCJ-02 or BD-09.
    """
    if is_same_place(target):
        return geometries
    return _moved(geometries, _pairs_from_cgcs2000(target))


def transform_geometries(geometries: npt.NDArray[np.object_], source: CRS, target: CRS) -> npt.NDArray[np.object_]:
    """Geometries of `source` in `target`, by way of CGCS2000, east or longitude first on both sides."""
    if source == target:
        return geometries
    return from_cgcs2000(to_cgcs2000(geometries, source), target)


def transform_points(
    x: npt.ArrayLike, y: npt.ArrayLike, source: CRS, target: CRS
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Coordinates (n,), (n,) of `source` in `target`; degrees or metres as the systems say, east or longitude first.

    A point outside the projection's reach becomes infinite; `twin.crs_area` says where a system is meant to be used.

    Raises:
        BallparkTransformError: if only a guess leads from one to the other.
        OffsetDatumError: if `target` is GCJ-02 or BD-09.
    """
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not is_same_place(source):
        xs, ys = _pairs_to_cgcs2000(source)(xs, ys)
    if not is_same_place(target):
        xs, ys = _pairs_from_cgcs2000(target)(xs, ys)
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
    if offset_datum_of(source) is not None:
        x, y = _pairs_to_cgcs2000(source)(*_edge_of_box(west, south, east, north))
        return Bounds(float(x.min()), float(y.min()), float(x.max()), float(y.max()))
    box = _transformer(_key(source)).transform_bounds(west, south, east, north, densify_pts=21)
    return Bounds(*(float(v) for v in box))


_Floats = npt.NDArray[np.float64]
_Pairs = Callable[[_Floats, _Floats], tuple[_Floats, _Floats]]


def _pairs_to_cgcs2000(source: CRS) -> _Pairs:
    offset = offset_datum_of(source)
    return offset.to_wgs84 if offset is not None else _transformer(_key(source)).transform


def _pairs_from_cgcs2000(target: CRS) -> _Pairs:
    offset = offset_datum_of(target)
    if offset is None:
        return partial(_transformer(_key(target)).transform, direction=TransformDirection.INVERSE)
    raise OffsetDatumError(
        f"Coordinates are not given out in {offset.name}: laid over any other map they are hundreds of metres off.",
        value=offset.name,
        limit="CGCS2000, WGS 84 and their projections",
        remedy="Ask for EPSG:4490 and let the map service that needs it convert.",
    )


def _edge_of_box(west: float, south: float, east: float, north: float) -> tuple[_Floats, _Floats]:
    """Points along the four sides, 21 on each."""
    x, y = np.linspace(west, east, 21), np.linspace(south, north, 21)
    return (
        np.concatenate([x, x, np.full(21, west), np.full(21, east)]),
        np.concatenate([np.full(21, south), np.full(21, north), y, y]),
    )


def _moved(geometries: npt.NDArray[np.object_], pairs: _Pairs) -> npt.NDArray[np.object_]:
    def plane(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(pairs(xy[:, 0], xy[:, 1]))

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


def _key(system: CRS) -> str:
    crs = horizontal_part(system)
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
    code = _legacy_datum_of(crs)
    if code is not None:
        raise BallparkTransformError(
            f"Coordinates in {_LEGACY_CHINESE[code]} cannot be moved to CGCS2000: the parameters are not public.",
            value=crs.name,
            limit="errors of tens to hundreds of metres without local parameters",
            remedy="Have the survey authority deliver the data in CGCS2000 (EPSG:4490 or EPSG:4549).",
        )
    for pivot in ("EPSG:4490", "EPSG:4326"):
        try:
            return pyproj.Transformer.from_crs(
                crs,
                pivot,
                always_xy=True,
                allow_ballpark=False,
                only_best=True,
                area_of_interest=_area_of_use(crs),
            )
        except ProjError:
            continue
    raise BallparkTransformError(
        f"PROJ has only a guess for the way from {crs.name} to CGCS2000.",
        value=crs.name,
        limit="a registered operation is needed",
        remedy="Deliver the data in EPSG:4490, EPSG:4549 or EPSG:4326.",
    )


def _legacy_datum_of(crs: CRS) -> int | None:
    """Code of the Chinese datum below a system whose way to CGCS2000 is classified, whatever shift a file binds to it."""
    code, names = datum_of(crs)
    written = "".join(c for c in names.lower() if c.isalnum())
    return code if code in _LEGACY_CHINESE else next((c for name, c in _LEGACY_NAMES.items() if name in written), None)


def _area_of_use(crs: CRS) -> Any:
    area = crs.area_of_use
    if area is None or area.west > area.east:
        return None
    return pyproj.aoi.AreaOfInterest(area.west, area.south, area.east, area.north)
