"""Stored geometries put where they belong: what a reviewer's correction means, undone and done again by the same arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from twin.crs import CRS, from_cgcs2000, is_same_place, offset_datum_of, parse_crs, swap_axes, to_cgcs2000
from twin.errors import BadCall
from twin.guard.pieces import metres_per_degree

Geometries = npt.NDArray[np.object_]
SWAP = "swap-axes"
MOST_SHIFT_M = 100_000.0


@dataclass(frozen=True, slots=True)
class Correction:
    """What was wrong: another CRS than stated, axes exchanged, or a shift in metres. Exactly one of the three.

    Attributes:
        crs: What the coordinates really are, as `twin.crs.parse_crs` takes it.
        swap: Northing or latitude came first.
        shift_m: East and north, to be added.
    """

    crs: str | None = None
    swap: bool = False
    shift_m: tuple[float, float] | None = None

    def to_document(self) -> str | dict[str, Any]:
        """As the reviewer wrote it."""
        if self.shift_m is not None:
            return {"shift_m": list(self.shift_m)}
        return SWAP if self.crs is None else self.crs


def parse_correction(given: object) -> Correction:
    """The correction in `"GCJ-02"`, `"EPSG:4528"`, `"swap-axes"` or `{"shift_m": [dx, dy]}`.

    Raises:
        BadCall: if it is none of these.
        UnknownCRSError: if it names no CRS.
    """
    if given == SWAP:
        return Correction(swap=True)
    if isinstance(given, str) and given:
        parse_crs(given)
        return Correction(crs=given)
    if isinstance(given, Mapping) and set(given) == {"shift_m"}:
        numbers = given["shift_m"]
        if isinstance(numbers, list) and len(numbers) == 2 and all(_is_metres(number) for number in numbers):
            return Correction(shift_m=(float(numbers[0]), float(numbers[1])))
    raise BadCall(
        "This is no correction.",
        value=given,
        limit=f"a CRS, swap-axes, or shift_m with two numbers within {MOST_SHIFT_M:,.0f} m",
        remedy='Write for example "GCJ-02", "EPSG:4528", "swap-axes" or {"shift_m": [-460.0, 12.0]}.',
    )


def _is_metres(number: object) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and abs(number) <= MOST_SHIFT_M


def corrected(stored: Geometries, stated: CRS, correction: Correction) -> Geometries:
    """Geometries as they should have been read.

    Args:
        stored: As they were read, CGCS2000 lon/lat degrees, object (n,); None stays None.
        stated: The CRS they were read in.
        correction: What was wrong.

    Raises:
        BallparkTransformError: if only a guess leads from the correction's CRS to CGCS2000.
    """
    if correction.shift_m is not None:
        return _shifted(stored, np.array(correction.shift_m))
    if correction.swap:
        return to_cgcs2000(swap_axes(as_delivered(stored, stated)), stated)
    assert correction.crs is not None
    true = parse_crs(correction.crs)
    offset = offset_datum_of(true)
    # A map service's degrees are often projected before they are handed on: then the projection was right, the datum not.
    if offset is not None and not offset.metres and offset_datum_of(stated) is None:
        return to_cgcs2000(stored, true)
    return to_cgcs2000(as_delivered(stored, stated), true)


def as_delivered(stored: Geometries, stated: CRS) -> Geometries:
    """The coordinates as they stood in the file."""
    if is_same_place(stated):
        return stored
    offset = offset_datum_of(stated)
    if offset is None:
        return from_cgcs2000(stored, stated)
    return _columns_moved(stored, lambda xy: np.column_stack(offset.from_wgs84(xy[:, 0], xy[:, 1])))


def _shifted(stored: Geometries, metres: npt.NDArray[np.float64]) -> Geometries:
    def move(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        north = metres[1] / metres_per_degree(0.0)[1]
        east = metres[0] / (metres_per_degree(0.0)[0] * np.cos(np.radians(xy[:, 1])))
        return np.column_stack([xy[:, 0] + east, xy[:, 1] + north])

    return _columns_moved(stored, move)


def _columns_moved(geometries: Geometries, move: Any) -> Geometries:
    """Longitude and latitude moved, heights kept."""
    heights = shapely.has_z(geometries)
    moved = np.array(geometries, dtype=object, copy=True)
    moved[~heights] = shapely.transform(geometries[~heights], move)
    moved[heights] = shapely.transform(
        geometries[heights], lambda xyz: np.column_stack([move(xyz[:, :2]), xyz[:, 2]]), include_z=True
    )
    return moved
