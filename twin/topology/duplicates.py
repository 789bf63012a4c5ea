"""Features that stand in a layer twice.

Ids cannot: the store keeps them unique by an index. What can be twice is the geometry, with the same attributes (the same thing
entered again) or with others (two things in one place), and points that are nearly in the same place.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from twin.topology.faults import Faults, faults
from twin.topology.rules import DuplicatesCheck
from twin.topology.sheet import Geometries, Sheet


def check_duplicates(sheet: Sheet, check: DuplicatesCheck) -> list[Faults]:
    """Each feature whose geometry an earlier one has, beside the earliest; and points too near to each other.

    Geometries are the same when they cover the same places by the same vertices, whatever their direction or starting point.
    """
    rows = np.flatnonzero(~(shapely.is_missing(sheet.geometries) | shapely.is_empty(sheet.geometries)))
    shapes = shapely.normalize(sheet.geometries[rows])
    first = _first_of_its_kind(shapes)
    again = np.flatnonzero(first != np.arange(len(rows)))
    same = sheet.digests[rows[again]] == sheet.digests[rows[first[again]]]
    found = []
    for kind, picked in (("duplicate-feature", again[same]), ("duplicate-geometry", again[~same])):
        others = sheet.named(rows[first[picked]])
        found.append(faults(kind, sheet.named(rows[picked]), shapes[picked], others=others))
    if check.near_m > 0:
        found.append(_near(sheet, rows, check.near_m))
    return found


def _first_of_its_kind(shapes: Geometries) -> npt.NDArray[np.int64]:
    """For each geometry the first row that has the same, int64 (n,)."""
    known: dict[bytes, int] = {}
    encoded = shapely.to_wkb(shapes, output_dimension=3)
    return np.fromiter((known.setdefault(wkb, row) for row, wkb in enumerate(encoded)), np.int64, len(shapes))


def _near(sheet: Sheet, rows: npt.NDArray[np.int64], near_m: float) -> Faults:
    """Pairs of points up to `near_m` apart that are not in the very same place."""
    rows = rows[shapely.get_type_id(sheet.geometries[rows]) == 0]
    points = sheet.geometries[rows]
    a, b = shapely.STRtree(points).query(points, predicate="dwithin", distance=near_m)
    apart = shapely.distance(points[a], points[b])
    pair = (a < b) & (apart > 0)
    a, b, apart = a[pair], b[pair], apart[pair]
    ids, others = sheet.named(rows[b]), sheet.named(rows[a])
    return faults("near-duplicate", ids, points[b], others=others, measures=apart, limit=near_m)
