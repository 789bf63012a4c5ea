"""Polygons that shall tile the plane: overlaps, gaps between them and against an outer boundary, slivers, unmatched edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from twin.topology.faults import Faults, faults
from twin.topology.overlaps import find_overlaps, mean_width, split_slivers
from twin.topology.rules import CoverageCheck
from twin.topology.sheet import Geometries, Sheet, areas_only, polygons_of

_TOUCH_M = 0.01


def check_coverage(sheet: Sheet, check: CoverageCheck, boundary: shapely.Geometry | None) -> list[Faults]:
    """Faults of a coverage.

    Args:
        boundary: What the polygons fill exactly, in metres; None where they may end anywhere: then only closed holes are gaps.

    The whole coverage is united at once: memory grows with it (some 2 kB a polygon of ten vertices).
    """
    shapes = sheet.sound[sheet.areal]
    if len(shapes) == 0:
        return []
    union = shapely.union_all(shapes)
    return [
        *find_overlaps(sheet, check.min_area_m2, check.sliver_width_m),
        *_gaps(sheet, shapes, union, check, boundary),
        *_thin_polygons(sheet, shapes, check),
        *_unmatched_edges(sheet, shapes, check),
        *(() if boundary is None else _beyond(sheet, shapes, boundary, check)),
    ]


def _gaps(
    sheet: Sheet, shapes: Geometries, union: shapely.Geometry, check: CoverageCheck, boundary: shapely.Geometry | None
) -> list[Faults]:
    """What the polygons leave open: closed holes, or everything up to the boundary."""
    if boundary is None:
        parts, _ = polygons_of(np.array([union], dtype=object))
        holes = shapely.polygons(shapely.get_parts(shapely.get_rings(parts))[_inner(parts)])
    else:
        holes, _ = polygons_of(np.array([shapely.difference(boundary, union)], dtype=object))
    areas = shapely.area(holes)
    meant = np.zeros(len(holes), dtype=bool)
    if boundary is None and check.max_gap_m2 is not None:
        meant = areas > check.max_gap_m2
    open_ = holes[(areas > check.min_area_m2) & ~meant]
    hole, neighbour = shapely.STRtree(shapes).query(open_, predicate="dwithin", distance=_TOUCH_M)
    beside: list[list[str]] = [[] for _ in open_]
    for i, name in zip(hole.tolist(), sheet.named(sheet.areal[neighbour]), strict=True):
        beside[i].append(name)
    first = [min(ids, default="") for ids in beside]
    second = [next(iter(sorted(ids)[1:]), None) for ids in beside]
    return split_slivers("gap", first, second, open_, check.min_area_m2, check.sliver_width_m)


def _inner(polygons: Geometries) -> npt.NDArray[np.bool_]:
    """Among all rings of these polygons, which are holes. Rings come outer first, polygon by polygon."""
    counts = shapely.get_num_interior_rings(polygons) + 1
    inner = np.ones(int(counts.sum()), dtype=bool)
    inner[np.cumsum(counts) - counts] = False
    return inner


def _thin_polygons(sheet: Sheet, shapes: Geometries, check: CoverageCheck) -> list[Faults]:
    widths = mean_width(shapes)
    rows = np.flatnonzero(widths < check.sliver_width_m)
    ids = sheet.named(sheet.areal[rows])
    return [faults("sliver-polygon", ids, shapes[rows], measures=widths[rows], limit=check.sliver_width_m)]


def _unmatched_edges(sheet: Sheet, shapes: Geometries, check: CoverageCheck) -> list[Faults]:
    """Edges that a neighbour does not repeat vertex by vertex; such edges break apart when a border is simplified."""
    edges = shapely.coverage_invalid_edges(shapes, gap_width=check.edge_gap_m)
    lengths = shapely.length(edges)
    rows = np.flatnonzero(lengths > 0)
    ids = sheet.named(sheet.areal[rows])
    return [faults("invalid-edge", ids, edges[rows], measures=lengths[rows])]


def _beyond(sheet: Sheet, shapes: Geometries, boundary: shapely.Geometry, check: CoverageCheck) -> list[Faults]:
    outside = shapely.difference(shapes, boundary)
    areas = shapely.area(outside)
    rows = np.flatnonzero(areas > check.min_area_m2)
    ids = sheet.named(sheet.areal[rows])
    places = areas_only(outside[rows])
    return [faults("beyond-boundary", ids, places, measures=areas[rows], limit=check.min_area_m2)]
