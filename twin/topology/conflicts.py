"""Features that lie where they should not: on features of another layer, or outside a boundary."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from twin.topology.faults import Faults, faults
from twin.topology.rules import ConflictsCheck, InsideCheck, Where
from twin.topology.sheet import Sheet, areas_only, chunks


def check_conflicts(sheet: Sheet, other: Sheet, check: ConflictsCheck) -> list[Faults]:
    """Pairs of features of two layers that share an area, or a stretch of a line, larger than the rule allows.

    A pair is excused when either feature has one of the excusing values: a road on a bridge may cross water.
    """
    ours, theirs = _taking_part(sheet, check.excuse), _taking_part(other, check.excuse)
    shapes, obstacles = sheet.sound[ours], other.sound[theirs]
    theirs_hit, ours_hit = shapely.STRtree(shapes).query(obstacles, predicate="intersects")
    found: list[Faults] = []
    for part in chunks(len(ours_hit)):
        a, b = ours_hit[part], theirs_hit[part]
        common = shapely.intersection(shapes[a], obstacles[b])
        dimensions = shapely.get_dimensions(common)
        for kind, dimension, measures, limit in (
            ("area-conflict", 2, shapely.area(common), check.min_area_m2),
            ("line-conflict", 1, shapely.length(common), check.min_length_m),
        ):
            rows = np.flatnonzero((dimensions == dimension) & (measures > limit))
            places = areas_only(common[rows]) if dimension == 2 else common[rows]
            found.append(
                faults(
                    kind,
                    sheet.named(ours[a[rows]]),
                    places,
                    others=other.named(theirs[b[rows]]),
                    measures=measures[rows],
                    limit=limit,
                    other_layer=other.layer,
                )
            )
    return found


def check_inside(sheet: Sheet, boundary: shapely.Geometry, check: InsideCheck) -> list[Faults]:
    """Features that reach out of the boundary, and how far: the distance of their farthest vertex, in metres."""
    allowed = shapely.buffer(boundary, check.tolerance_m, quad_segs=4)
    shapely.prepare(allowed)
    present = ~(shapely.is_missing(sheet.geometries) | shapely.is_empty(sheet.geometries))
    rows = np.flatnonzero(present & ~shapely.covers(allowed, sheet.geometries))
    shapes = sheet.sound[rows]
    vertices, owner = shapely.get_coordinates(shapes, return_index=True)
    distances = np.zeros(len(rows))
    np.maximum.at(distances, owner, shapely.distance(shapely.points(vertices), boundary))
    far = np.flatnonzero(distances > check.tolerance_m)
    ids = sheet.named(rows[far])
    return [faults("outside", ids, shapes[far], measures=distances[far], limit=check.tolerance_m)]


def _taking_part(sheet: Sheet, excuse: Where) -> npt.NDArray[np.int64]:
    excused = np.zeros(len(sheet), dtype=bool)
    for name, values in excuse.items():
        excused |= sheet.has(name, values)
    return np.flatnonzero(~excused & ~shapely.is_empty(sheet.sound))
