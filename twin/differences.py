"""What is different between two states of a feature: values, validity, and in metres what happened to its shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely

from twin.crs import CRS, from_cgcs2000
from twin.crs_area import are_within, valid_area
from twin.farthest import farthest_apart
from twin.feature import Feature, Value
from twin.schema import Property, Schema
from twin.validity import Validity


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A property that had another value before."""

    property: Property
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class ShapeChange:
    """What happened to a geometry.

    Attributes:
        before, after: Geometry types; None where there was no geometry.
        moved_m: How far the middle (centroid) moved.
        farthest_m: Hausdorff distance: the farthest that any point of either shape lies from the other.
        length_change_m, area_change_m2: Of lines the length, of areas the area, after less before.

    All measures are in the plane system, and None where a state lies outside of it or has no geometry.
    """

    before: str | None
    after: str | None
    moved_m: float | None = None
    farthest_m: float | None = None
    length_change_m: float | None = None
    area_change_m2: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs; an empty tuple and None where nothing does."""

    values: tuple[ValueChange, ...]
    shape: ShapeChange | None
    validity: tuple[Validity, Validity] | None


def difference(before: Feature, after: Feature, schema: Schema, plane: CRS) -> Difference:
    """How `after` differs from `before`.

    Args:
        before, after: Two states of one feature, CGCS2000 lon/lat.
        schema: Of their layer.
        plane: Projected system to measure in, metres.
    """
    pairs = ((p, before.properties.get(p.name), after.properties.get(p.name)) for p in schema)
    held = Validity(before.valid_from, before.valid_to), Validity(after.valid_from, after.valid_to)
    return Difference(
        values=tuple(ValueChange(p, old, new) for p, old, new in pairs if old != new),
        shape=_shape_change(before.geometry, after.geometry, plane),
        validity=None if held[0] == held[1] else held,
    )


def _shape_change(before: shapely.Geometry | None, after: shapely.Geometry | None, plane: CRS) -> ShapeChange | None:
    if before is None or after is None:
        types = (None if before is None else before.geom_type, None if after is None else after.geom_type)
        return None if before is after else ShapeChange(*types)
    if shapely.to_wkb(before) == shapely.to_wkb(after):
        return None
    change = ShapeChange(before.geom_type, after.geom_type)
    if not (_measurable(before, plane) and _measurable(after, plane)):
        return change
    old, new = from_cgcs2000(np.array([before, after], dtype=object), plane)
    areas, lines = (old.area, new.area), (old.length, new.length)
    return ShapeChange(
        before.geom_type,
        after.geom_type,
        moved_m=_finite(old.centroid.distance(new.centroid)),
        farthest_m=_finite(farthest_apart(old, new)),
        length_change_m=_finite(lines[1] - lines[0]) if any(lines) and not any(areas) else None,
        area_change_m2=_finite(areas[1] - areas[0]) if any(areas) else None,
    )


def _measurable(geometry: shapely.Geometry, plane: CRS) -> bool:
    """Whether the plane system measures truly where a geometry lies."""
    return not geometry.is_empty and bool(are_within(valid_area(plane), np.array([geometry.bounds]))[0])


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
