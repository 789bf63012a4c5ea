"""Geometry that is empty, invalid, crosses itself, or has parts too small to mean anything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from twin.topology.faults import Faults, faults
from twin.topology.rules import GeometryCheck
from twin.topology.sheet import Sheet

_CROSSING = "Self-intersection"


def check_geometry(sheet: Sheet, check: GeometryCheck) -> list[Faults]:
    """Faults of the features' own shape.

    A polygon that GEOS calls invalid for a self-intersection, and a line that is not simple, cross themselves; every other
    invalidity is `invalid-geometry`.
    """
    shapes = sheet.geometries
    nothing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    invalid = ~shapely.is_valid(shapes) & ~nothing
    reasons = np.full(len(sheet), "", dtype=object)
    reasons[invalid] = shapely.is_valid_reason(shapes[invalid])
    crossing = np.array([str(reason).startswith(_CROSSING) for reason in reasons], dtype=bool)
    linear = shapely.get_dimensions(shapes) == 1
    crossing |= linear & ~nothing & ~shapely.is_simple(shapes)
    empty_rows, bad_rows = np.flatnonzero(nothing), np.flatnonzero(invalid & ~crossing)
    crossing_rows = np.flatnonzero(crossing)
    return [
        faults("empty-geometry", sheet.named(empty_rows), [None] * len(empty_rows)),
        faults("invalid-geometry", sheet.named(bad_rows), shapes[bad_rows]),
        faults("self-crossing", sheet.named(crossing_rows), shapes[crossing_rows]),
        *_small_parts(sheet, check, ~nothing & ~invalid),
    ]


def _small_parts(sheet: Sheet, check: GeometryCheck, usable: npt.NDArray[np.bool_]) -> list[Faults]:
    """Parts of multi geometries, and whole features, below the smallest size."""
    rows = np.flatnonzero(usable)
    parts, index = shapely.get_parts(sheet.geometries[rows], return_index=True)
    owner, dimensions = rows[index], shapely.get_dimensions(parts)
    found = []
    for kind, dimension, sizes, limit in (
        ("tiny-part", 2, shapely.area(parts), check.min_part_m2),
        ("tiny-line", 1, shapely.length(parts), check.min_part_m),
    ):
        small = np.flatnonzero((dimensions == dimension) & (sizes < limit))
        ids = sheet.named(owner[small])
        found.append(faults(kind, ids, parts[small], measures=sizes[small], limit=limit))
    return found
