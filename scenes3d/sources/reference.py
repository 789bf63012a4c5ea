"""What the coordinates of a source count from: its CRS, its vertical datum and the unit of its heights, stated or asked for.

A file says it, or the user says it, and what the user says wins: headers lie. What nobody says is asked for, never assumed.
Heights are not converted, with one exception that the user must ask for: ellipsoidal heights less a stated geoid height become
heights in the 1985 datum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scenes3d.frames import Frame
from twin.crs import CGCS2000, CRS, horizontal_part, parse_crs, short_name, transform_points, unbound, vertical_part
from twin.errors import MissingCRSError, VerticalDatumError
from twin.vertical import ELLIPSOIDAL, parse_vertical_datum

SCENE_DATUM = "EPSG:5737"
HEIGHT_UNITS = {"metre": 1.0, "foot": 0.3048, "us-foot": 1200 / 3937}
_CGCS2000 = parse_crs(CGCS2000)
_SAME_UNIT = 1e-9

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of its coordinates; None where it says nothing.

    Attributes:
        crs: Reference system, as text that `twin.crs.parse_crs` reads.
        vertical_datum: `EPSG:` and a code, or "ellipsoidal".
        height_unit_m: Metres in a unit of height.
    """

    crs: str | None = None
    vertical_datum: str | None = None
    height_unit_m: float | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """What the user says of a file's coordinates, over what the file says.

    Attributes:
        crs: Reference system.
        vertical_datum: EPSG:5737 (1985), ellipsoidal, unknown, …
        height_unit: A key of `HEIGHT_UNITS`.
        geoid_height_m: Height of the 1985 datum's zero above the ellipsoid here; taken off ellipsoidal heights.
    """

    crs: str | None = None
    vertical_datum: str | None = None
    height_unit: str | None = None
    geoid_height_m: float | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """How coordinates of a source become places of a scene.

    Attributes:
        crs: Reference system of the first two coordinates.
        vertical_datum: What the scene's heights count from.
        height_unit_m: Metres in a unit of the source's heights.
        height_shift_m: Added to them then.
    """

    crs: CRS
    vertical_datum: str
    height_unit_m: float = 1.0
    height_shift_m: float = 0.0

    def place(self, x: npt.ArrayLike, y: npt.ArrayLike, z: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Longitudes, latitudes (CGCS2000, degrees) and heights (metres); x is east or longitude.

        Raises:
            BallparkTransformError: if only a guess leads to CGCS2000.
        """
        lon, lat = transform_points(x, y, self.crs, _CGCS2000)
        height = np.asarray(z, dtype=np.float64)
        if self.height_unit_m != 1.0:
            height = height * self.height_unit_m
        return lon, lat, height + self.height_shift_m if self.height_shift_m else height

    def to_document(self) -> dict[str, object]:
        """For the scene's own description."""
        return {
            "crs": short_name(self.crs),
            "verticalDatum": self.vertical_datum,
            "heightUnitMetres": self.height_unit_m,
            "heightShiftMetres": self.height_shift_m,
        }


class Placing(Protocol):
    """Whatever makes places of a source's coordinates: a reference system, or an anchor."""

    @property
    def vertical_datum(self) -> str: ...

    def place(self, x: npt.ArrayLike, y: npt.ArrayLike, z: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Longitudes, latitudes and heights."""

    def to_document(self) -> dict[str, object]: ...


@dataclass(frozen=True)
class Anchored:
    """Coordinates that are metres east, north and up of a place that the user names.

    Attributes:
        frame: The place of the source's origin.
    """

    frame: Frame
    vertical_datum: str

    def place(self, x: npt.ArrayLike, y: npt.ArrayLike, z: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Longitudes, latitudes and heights."""
        return self.frame.places(np.column_stack([np.asarray(values, dtype=np.float64) for values in (x, y, z)]))

    def to_document(self) -> dict[str, object]:
        frame = self.frame
        return {"anchor": [frame.lon, frame.lat, frame.height_m], "verticalDatum": self.vertical_datum}


def resolve(said: Said, stated: Stated, name: str, sample: Sequence[float]) -> Reference:
    """The reference of a source.

    Args:
        said: By the file.
        stated: By the user; it wins.
        name: The source's name, for messages.
        sample: A position of the source as it stands, x, y, z.

    Raises:
        MissingCRSError: if neither says the CRS.
        UnknownCRSError: if what is said names none, or one that counts from the middle of the earth.
        VerticalDatumError: if neither says the vertical datum or, beside a plane in feet, the unit of heights.
        BadManifestError: if the stated datum is none.
    """
    where = f"{name}: x {sample[0]:,.2f}, y {sample[1]:,.2f}, z {sample[2]:,.2f}"
    text = stated.crs or said.crs
    if text is None:
        raise MissingCRSError(
            "文件未说明坐标系。The file does not say what its coordinates count from.",
            value=where,
            limit="a CRS in the file or stated beside it",
            remedy="State it: --crs EPSG:4549 (or whatever the survey used).",
        )
    crs = parse_crs(text)
    from_crs = vertical_part(crs)
    unsaid = stated.crs is not None
    if stated.vertical_datum is not None:
        datum = parse_vertical_datum(stated.vertical_datum)
    else:
        found = from_crs or (None if unsaid else said.vertical_datum)
        if found is None:
            raise VerticalDatumError(
                "文件未说明高程基准。The file does not say what its heights count from.",
                value=where,
                limit="a vertical datum in the file or stated beside it",
                remedy="State it: --vertical-datum EPSG:5737 (1985 national height), ellipsoidal, or unknown.",
            )
        datum = found
    unit = _height_unit(crs, said, stated, where)
    return _shifted(Reference(crs, datum, unit), stated.geoid_height_m, where)


def _height_unit(crs: CRS, said: Said, stated: Stated, where: str) -> float:
    if stated.height_unit is not None:
        if stated.height_unit not in HEIGHT_UNITS:
            raise VerticalDatumError(
                "This is no unit of height.",
                value=stated.height_unit,
                limit=", ".join(HEIGHT_UNITS),
                remedy="Write --height-unit metre.",
            )
        return HEIGHT_UNITS[stated.height_unit]
    of_crs = _unit_of_heights(crs)
    if of_crs is not None:
        return of_crs
    if said.height_unit_m is not None and stated.crs is None:
        return said.height_unit_m
    plane = horizontal_part(crs)
    factor = float(plane.axis_info[0].unit_conversion_factor) if plane.is_projected and plane.axis_info else 1.0
    if abs(factor - 1.0) > _SAME_UNIT:
        unit = plane.axis_info[0].unit_name
        raise VerticalDatumError(
            f"平面坐标单位为{unit},但文件未说明高程单位。The plane counts in {unit} ({factor:.7g} m), "
            "and the file does not say in what its heights count.",
            value=where,
            limit="metres, unless the file or the user says otherwise",
            remedy="State it: --height-unit foot, us-foot or metre.",
        )
    return 1.0


def _unit_of_heights(crs: CRS) -> float | None:
    if crs.is_compound:
        axes = crs.sub_crs_list[-1].axis_info
        return float(axes[0].unit_conversion_factor) if axes else None
    flat = unbound(crs)
    return float(flat.axis_info[2].unit_conversion_factor) if len(flat.axis_info) == 3 else None


def _shifted(reference: Reference, geoid_height_m: float | None, where: str) -> Reference:
    if geoid_height_m is None:
        return reference
    if reference.vertical_datum != ELLIPSOIDAL or not np.isfinite(geoid_height_m) or abs(geoid_height_m) > 120:
        raise VerticalDatumError(
            "A geoid height is taken off ellipsoidal heights only, and lies within 120 m of the ellipsoid.",
            value=f"{geoid_height_m} for heights in {reference.vertical_datum} ({where})",
            limit="ellipsoidal heights, -120 to 120 m",
            remedy="Leave --geoid-height away, or state --vertical-datum ellipsoidal.",
        )
    return Reference(reference.crs, SCENE_DATUM, reference.height_unit_m, -geoid_height_m)
