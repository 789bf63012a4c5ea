"""Pairs of polygons of one layer that lie on each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from twin.topology.faults import Faults, faults
from twin.topology.sheet import Geometries, Sheet, areas_only, chunks

_MANY_VERTICES = 200


def find_overlaps(sheet: Sheet, min_area_m2: float, sliver_width_m: float) -> list[Faults]:
    """Every pair that shares more than `min_area_m2`, with the area that it shares.

    Strips narrower than `sliver_width_m` on average are `sliver-overlap`. Polygons that only touch share nothing.
    """
    rows = sheet.areal
    shapes = sheet.sound[rows]
    a, b = _interiors_meet(shapes)
    firsts, seconds, shared = [], [], []
    for part in chunks(len(a)):
        common = shapely.intersection(shapes[a[part]], shapes[b[part]])
        keep = np.flatnonzero(shapely.area(common) > min_area_m2)
        firsts.append(a[part][keep])
        seconds.append(b[part][keep])
        shared.append(areas_only(common[keep]))
    first, second = np.concatenate([[], *firsts]).astype(np.int64), np.concatenate([[], *seconds]).astype(np.int64)
    places = np.concatenate([np.empty(0, dtype=object), *shared])
    return split_slivers(
        "overlap",
        sheet.named(rows[first]),
        sheet.named(rows[second]),
        places,
        min_area_m2,
        sliver_width_m,
    )


def _interiors_meet(shapes: Geometries) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pairs of polygons, the earlier row first, that meet and do more than touch.

    Found by predicates before anything is cut: of the pairs of neighbours in a coverage nearly all only touch. The polygon with more
    vertices is the one asked, and the largest are prepared, so that a street of 20,000 vertices is not walked for each neighbour.
    """
    a, b = shapely.STRtree(shapes).query(shapes)
    a, b = a[a < b], b[a < b]
    vertices = shapely.get_num_coordinates(shapes)
    swap = vertices[a] < vertices[b]
    larger, smaller = np.where(swap, b, a), np.where(swap, a, b)
    many = np.unique(larger[vertices[larger] > _MANY_VERTICES])
    shapely.prepare(shapes[many])
    meet = np.flatnonzero(shapely.intersects(shapes[larger], shapes[smaller]))
    meet = meet[~shapely.touches(shapes[larger[meet]], shapes[smaller[meet]])]
    shapely.destroy_prepared(shapes[many])
    return a[meet], b[meet]


def split_slivers(
    kind: str,
    features: list[str],
    others: list[str] | list[str | None],
    places: Geometries,
    min_area_m2: float,
    sliver_width_m: float,
) -> list[Faults]:
    """Areas at fault as `kind`, thin ones as `sliver-<kind>`; the measure is the area."""
    thin = mean_width(places) < sliver_width_m
    found = []
    for name, picked in ((kind, ~thin), (f"sliver-{kind}", thin)):
        rows = np.flatnonzero(picked)
        found.append(
            faults(
                name,
                [features[row] for row in rows],
                places[rows],
                others=[others[row] for row in rows],
                measures=shapely.area(places[rows]),
                limit=min_area_m2,
            )
        )
    return found


def mean_width(polygons: Geometries) -> npt.NDArray[np.float64]:
    """Twice the area by the perimeter, in metres: the width of a long strip, half the side of a square. Float64 (n,)."""
    lengths = shapely.length(polygons)
    widths = np.divide(2 * shapely.area(polygons), lengths, out=np.zeros(len(polygons)), where=lengths > 0)
    return np.asarray(widths, dtype=np.float64)
