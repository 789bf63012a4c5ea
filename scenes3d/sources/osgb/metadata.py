"""`metadata.xml` beside an OSGB tree: what its coordinates count from, in one of the six ways in which programs say it.

A code (`EPSG:4547`), a code with a vertical one behind a plus (`EPSG:4544+5773`), a WKT; `ENU:36.26,120.03`, metres east, north and up
of a latitude and longitude; `LOCAL`, or nothing at all, which is asked for. A vertex plus `SRSOrigin` is in that system.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import ParseError

import numpy as np
import numpy.typing as npt
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from scenes3d.frames import Frame
from scenes3d.sources.reference import Anchored, Placing, Reference, Said, Stated, resolve
from twin.crs import CGCS2000
from twin.ellipsoid import Floats
from twin.errors import BadCall, MissingCRSError, UnknownCRSError, UnreadableFileError

NAME = "metadata.xml"
ROOT = "ModelMetadata"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a tree says of its coordinates.

    Attributes:
        srs: As written; empty where nothing is said.
        origin: Added to every vertex, (3,).
    """

    srs: str = ""
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def local(self) -> bool:
        """Whether a person has to say where it stands."""
        return not self.srs or self.srs.upper().partition(":")[0] == "LOCAL"


@dataclass(frozen=True)
class FromOrigin:
    """Coordinates of a tree: the origin of its metadata is added before they are placed."""

    placing: Placing
    origin: tuple[float, float, float]

    @property
    def vertical_datum(self) -> str:
        return self.placing.vertical_datum

    def place(self, x: npt.ArrayLike, y: npt.ArrayLike, z: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Longitudes, latitudes and heights."""
        moved = [np.asarray(v, dtype=np.float64) + o for v, o in zip((x, y, z), self.origin, strict=True)]
        return self.placing.place(*moved)

    def to_document(self) -> dict[str, object]:
        return self.placing.to_document() | {"srsOrigin": list(self.origin)}


def is_metadata(file: Path) -> bool:
    """Whether a file is the metadata of a tree, by its name and its first element."""
    if file.name.lower() != NAME or not file.is_file():
        return False
    with file.open("rb") as data:
        return f"<{ROOT}".encode() in data.read(4096)


def read_metadata(file: Path) -> Metadata:
    """What the file says.

    Raises:
        UnreadableFileError: if it is no such file, or its origin is no place.
    """
    data = file.read_bytes() if file.stat().st_size <= _MOST_BYTES else b""
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise _unreadable(file.name, f"{type(error).__name__}: {error}") from error
    if root.tag != ROOT:
        raise _unreadable(file.name, f"its root is {root.tag}")
    srs = " ".join((root.findtext("SRS") or "").split())
    said = (root.findtext("SRSOrigin") or "").strip()
    if not said:
        return Metadata(srs)
    try:
        x, y, z = [*map(float, said.split(",")), 0.0][:3]
    except ValueError as error:
        raise _unreadable(file.name, f"its SRSOrigin is {said[:80]}") from error
    if not np.isfinite([x, y, z]).all():
        raise _unreadable(file.name, f"its SRSOrigin is {said[:80]}")
    return Metadata(srs, (x, y, z))


def placing_of(metadata: Metadata, stated: Stated, anchor: Frame | None, name: str) -> FromOrigin:
    """How vertices become places of a scene; what the user says wins over the file.

    Args:
        anchor: Where the origin of local coordinates lies.
        name: Of the delivery, for messages.

    Raises:
        MissingCRSError: if nobody says where it stands.
        BadCall: if an anchor is given for coordinates that have a system.
        UnknownCRSError: if what is said names no system, or one in degrees.
        VerticalDatumError: if nobody says what heights count from.
    """
    origin = metadata.origin
    enu = metadata.srs.upper().startswith("ENU:")
    if stated.crs is None and (anchor is not None or enu):
        if anchor is not None and not (metadata.local or enu):
            raise BadCall(
                "元数据已说明坐标系,不能再给锚点。The metadata says the reference system, so there is no anchor to give.",
                value=f"{name}: {metadata.srs[:80]}",
                limit="an anchor for LOCAL and ENU coordinates, or where nothing is said",
                remedy="Leave --anchor away, or overrule the file by --crs.",
            )
        return FromOrigin(_anchored(anchor or _enu_frame(metadata.srs, name), stated, name, origin), origin)
    if stated.crs is None and metadata.local:
        raise MissingCRSError(
            "未说明坐标系。Neither metadata.xml nor you say where the model stands.",
            value=f"{name}: SRS {metadata.srs or 'missing'}, origin {', '.join(map(str, origin))}",
            limit="an SRS in metadata.xml, a CRS or an anchor",
            remedy="Say where its origin is, --anchor LON,LAT,HEIGHT, or state its CRS: --crs EPSG:4549.",
        )
    reference = resolve(Said(metadata.srs or None), stated, name, origin)
    if reference.crs.is_geographic:
        raise UnknownCRSError(
            "模型坐标以米计,不能用经纬度坐标系。Vertices of a model are metres, and this system counts degrees.",
            value=f"{name}: {stated.crs or metadata.srs}",
            limit="a projected system, ENU or an anchor",
            remedy="Say where its origin is: --anchor LON,LAT,HEIGHT, or state a projected CRS: --crs EPSG:4549.",
        )
    return FromOrigin(reference, origin)


def _anchored(frame: Frame, stated: Stated, name: str, origin: tuple[float, float, float]) -> Anchored:
    """Heights of the frame count from the stated datum; a stated geoid height comes off."""
    wanted = Stated(None, stated.vertical_datum, stated.height_unit, stated.geoid_height_m)
    reference: Reference = resolve(Said(CGCS2000), wanted, name, origin)
    return Anchored(Frame(frame.lon, frame.lat, frame.height_m + reference.height_shift_m), reference.vertical_datum)


def _enu_frame(srs: str, name: str) -> Frame:
    try:
        lat, lon = (float(part) for part in srs[4:].split(","))
        if not (abs(lat) <= 90 and abs(lon) <= 180):
            raise ValueError(srs)
    except ValueError as error:
        raise UnknownCRSError(
            "ENU names no place on earth.",
            value=f"{name}: {srs[:80]}",
            limit="ENU:latitude,longitude in degrees",
            remedy="Overrule it: --anchor LON,LAT,HEIGHT.",
        ) from error
    return Frame(lon, lat)


def _unreadable(name: str, what: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"元数据无法读取。The metadata cannot be read: {what}.",
        value=name,
        limit=f"an XML document {ROOT} with SRS and SRSOrigin, without a document type, of at most {_MOST_BYTES:,} bytes",
        remedy="Copy or export it again.",
    )
