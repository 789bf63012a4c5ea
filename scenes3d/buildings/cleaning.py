"""From features to footprints: what can be repaired is, what cannot is left out, and all of it is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from scenes3d.buildings.faults import BuildReport, Fault
from scenes3d.buildings.footprints import Footprints, Ints, offsets_of, runs
from scenes3d.buildings.heights import HeightRule, bases_of, heights_of
from scenes3d.buildings.roof_fitting import Outlines, fit_roofs
from scenes3d.buildings.roof_rule import RoofRule
from scenes3d.glb.property_table import Column, ColumnKind
from twin.ellipsoid import Floats, metres_per_degree
from twin.feature import FeatureBatch
from twin.schema import Property, PropertyType

LEAST_AREA_M2 = 0.01
_SAME_POINT_DEG = 1.0e-8  # a millimetre
_POLYGON, _MULTIPOLYGON = 3, 6
_KINDS = {
    PropertyType.INTEGER: ColumnKind.INTEGER,
    PropertyType.NUMBER: ColumnKind.NUMBER,
    PropertyType.BOOLEAN: ColumnKind.BOOLEAN,
}
_TYPES = {
    ColumnKind.STRING: pa.large_string(),
    ColumnKind.INTEGER: pa.int64(),
    ColumnKind.NUMBER: pa.float64(),
    ColumnKind.BOOLEAN: pa.bool_(),
}
GROUND, HEIGHT = "onemap_ground_m", "onemap_height_m"

Ground = Callable[[Floats, Floats], tuple[Floats, npt.NDArray[np.bool_]]]
"""Heights of the ground at places in degrees, and where nobody has measured it."""


def footprints_of(
    batch: FeatureBatch,
    rule: HeightRule,
    ground: Ground | None,
    report: BuildReport,
    roof_rule: RoofRule | None = None,
) -> Footprints:
    """The buildings of a batch that can be raised, in the order of the batch.

    Each feature is judged by itself: what comes out of it does not depend on its neighbours in the batch.

    Args:
        ground: What they stand on where no property says the elevation of the foot; without it every such foot is at 0,
            unless the rule names a property: then it is unknown.
        roof_rule: What tells their roofs; without it all are flat.
    """
    report.seen += len(batch)
    heights, bases = heights_of(batch, rule, report), bases_of(batch, rule)
    if rule.base and ground is None:
        # Beside feet that are known, 0 would be a guess.
        floating = np.isnan(bases) & ~np.isnan(heights)
        report.add(Fault.BASE_UNKNOWN, batch.ids, floating)
        heights[floating] = np.nan
    shapes = _polygons(batch, ~np.isnan(heights), report)
    flat = _flattened(shapes, batch.ids, report)
    rows, xy, rings, polygons, features = flat
    base = np.zeros(len(rows))
    if ground is not None and len(rows):
        heights_there, unknown = ground(xy[:, 0], xy[:, 1])
        starts = rings[polygons[features]][:-1]
        base = np.minimum.reduceat(heights_there, starts)
        where = np.zeros(len(batch), dtype=bool)
        where[rows[np.logical_or.reduceat(unknown, starts)]] = True
        report.add(Fault.GROUND_UNKNOWN, batch.ids, where & np.isnan(bases))
    base = np.where(np.isnan(bases[rows]), base, bases[rows])
    report.built += len(rows)
    tops, roofs = heights[rows], None
    if roof_rule is not None:
        roofs, tops = fit_roofs(batch, Outlines(rows, xy, rings, polygons, features), tops, (rule, roof_rule), report)
    return Footprints(xy, rings, polygons, features, base, tops, _columns(batch, rows, base, tops), roofs)


def outlines_of(batch: FeatureBatch, report: BuildReport) -> tuple[Ints, Footprints]:
    """Rows of a batch that have an area, and their outlines; heights, feet and attributes are left out."""
    report.seen += len(batch)
    shapes = _polygons(batch, np.ones(len(batch), dtype=bool), report)
    rows, xy, rings, polygons, features = _flattened(shapes, batch.ids, report)
    report.built += len(rows)
    nothing = np.zeros(len(rows))
    return rows, Footprints(xy, rings, polygons, features, nothing, nothing, ())


def _polygons(batch: FeatureBatch, wanted: npt.NDArray[np.bool_], report: BuildReport) -> npt.NDArray[np.object_]:
    """Valid polygons and multipolygons of the wanted rows, object (n,); None for what is left out."""
    shapes = batch.geometries.copy()
    kinds = shapely.get_type_id(shapes)
    missing = (kinds < 0) | shapely.is_empty(shapes)
    other = ~missing & (kinds != _POLYGON) & (kinds != _MULTIPOLYGON)
    shapes[missing | other] = None
    points, owners = shapely.get_coordinates(shapes, return_index=True)
    infinite = np.zeros(len(shapes), dtype=bool)
    infinite[owners[~np.isfinite(points).all(axis=1)]] = True
    shapes[infinite] = None
    for fault, where in ((Fault.NO_GEOMETRY, missing), (Fault.NOT_A_POLYGON, other), (Fault.NOT_FINITE, infinite)):
        report.add(fault, batch.ids, where)
    shapes[~wanted] = None
    crossing = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    if crossing.any():
        shapes[crossing] = [_areas_of(shape) for shape in shapely.make_valid(shapes[crossing])]
        report.add(Fault.SELF_CROSSING, batch.ids, crossing)
    return shapes


def _areas_of(shape: Any) -> Any:
    """The polygons of whatever a repair has made."""
    parts = shapely.get_parts(shapely.get_parts([shape]))
    return shapely.multipolygons(parts[shapely.get_type_id(parts) == _POLYGON])


def _flattened(
    shapes: npt.NDArray[np.object_], ids: Sequence[str | None], report: BuildReport
) -> tuple[Ints, Floats, Ints, Ints, Ints]:
    """Rows that have an area, and their points with the offsets of rings, polygons and features."""
    parts, part_row = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, point_ring = shapely.get_coordinates(rings, return_index=True)
    points, point_ring = _without_repeats(points, point_ring, len(rings))
    lengths = np.bincount(point_ring, minlength=len(rings))
    areas = _ring_areas_m2(points, offsets_of(lengths))
    first = np.ones(len(rings), dtype=bool)
    first[1:] = ring_part[1:] != ring_part[:-1]
    # A hole without area goes alone; an outer ring takes its polygon along.
    good_ring = (np.abs(areas) >= LEAST_AREA_M2) & (lengths >= 3)
    good_part = np.zeros(len(parts), dtype=bool)
    good_part[ring_part[first & good_ring]] = True
    good_ring &= good_part[ring_part]
    had_part = np.zeros(len(shapes), dtype=bool)
    had_part[part_row] = True
    rows = np.unique(part_row[good_part])
    flat = had_part | (~shapely.is_missing(shapes))
    flat[rows] = False
    report.add(Fault.ZERO_AREA, ids, flat)
    turned = good_ring & (np.where(first, areas, -areas) < 0)
    clockwise = np.zeros(len(shapes), dtype=bool)
    clockwise[part_row[ring_part[turned & first]]] = True
    report.add(Fault.CLOCKWISE, ids, clockwise)
    order = _point_order(offsets_of(lengths), np.flatnonzero(good_ring), turned)
    polygon_rings = np.bincount(ring_part[good_ring], minlength=len(parts))[good_part]
    feature_polygons = np.bincount(part_row[good_part], minlength=len(shapes))[rows]
    return (
        rows,
        points[order],
        offsets_of(lengths[good_ring]),
        offsets_of(polygon_rings),
        offsets_of(feature_polygons),
    )


def _without_repeats(points: Floats, owner: Ints, rings: int) -> tuple[Floats, Ints]:
    """Points of closed rings without the closing one and without those that repeat the one before."""
    if not len(points):
        return points, owner
    kept = np.ones(len(points), dtype=bool)
    near = np.abs(np.diff(points, axis=0)).max(axis=1) < _SAME_POINT_DEG
    kept[:-1] = ~(near & (owner[1:] == owner[:-1]))
    last = np.searchsorted(owner, np.arange(rings), side="right") - 1
    kept[last] = False
    return points[kept], owner[kept]


def _ring_areas_m2(points: Floats, offsets: Ints) -> Floats:
    """Signed areas, counter-clockwise positive, float64 (r,)."""
    lengths = np.diff(offsets)
    if not len(points):
        return np.zeros(len(lengths))
    starts = np.minimum(offsets[:-1], len(points) - 1)
    east, north = metres_per_degree(points[starts, 1])
    local = (points - np.repeat(points[starts], lengths, axis=0)) * np.repeat(
        np.column_stack([east, north]), lengths, axis=0
    )
    after = local[successors(offsets)]
    doubled = local[:, 0] * after[:, 1] - after[:, 0] * local[:, 1]
    sums = np.concatenate([[0.0], np.cumsum(doubled)])
    return np.asarray((sums[offsets[1:]] - sums[offsets[:-1]]) / 2)


def successors(offsets: Ints) -> Ints:
    """For each point of rings, the point that comes next on its ring."""
    following = np.arange(1, offsets[-1] + 1)
    filled = offsets[1:] > offsets[:-1]
    following[offsets[1:][filled] - 1] = offsets[:-1][filled]
    return following


def _point_order(offsets: Ints, rings: Ints, turned: npt.NDArray[np.bool_]) -> Ints:
    """Points of these rings, those of turned rings backwards."""
    lengths = offsets[rings + 1] - offsets[rings]
    order = runs(offsets[rings], lengths)
    backwards = np.repeat(turned[rings], lengths)
    mirrored = np.repeat(offsets[rings] + offsets[rings + 1] - 1, lengths) - order
    return np.where(backwards, mirrored, order)


def _columns(batch: FeatureBatch, rows: Ints, base: Floats, heights: Floats) -> tuple[Column, ...]:
    """The id, the attributes, and the two numbers the walls were raised by."""
    chosen = rows.tolist()
    ids = pa.array([str(batch.ids[row]) for row in chosen], pa.large_string())
    found = [Column("id", ColumnKind.STRING, ids, semantic="ID")]
    for said in batch.schema:
        values = batch.columns[said.name]
        found.append(_column(said, [values[row] for row in chosen]))
    found += [
        Column(GROUND, ColumnKind.NUMBER, pa.array(base), "地面高程 Ground (m)"),
        Column(HEIGHT, ColumnKind.NUMBER, pa.array(heights), "建筑高度 Height (m)"),
    ]
    return tuple(found)


def _column(said: Property, values: list[Any]) -> Column:
    kind = _KINDS.get(said.type, ColumnKind.STRING)
    title = " ".join(dict.fromkeys(text for text in (said.title.zh, said.title.en) if text))
    if said.type in (PropertyType.DATE, PropertyType.DATETIME):
        values = [None if value is None else value.isoformat() for value in values]
    return Column(said.name, kind, pa.array(values, _TYPES[kind], from_pandas=True), title)
