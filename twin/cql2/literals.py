"""Geometry literals of a filter, brought to CGCS2000 lon/lat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
import shapely.geometry

from twin.cql2.refusals import bad_filter
from twin.crs import CRS, is_northing_first, is_same_place, swap_axes, to_cgcs2000
from twin.geometry import check_geometries
from twin.schema import GeometryType


def geometry_literal(node: Any, crs: CRS | None) -> dict[str, Any]:
    """A geometry literal in CGCS2000 lon/lat, as GeoJSON."""
    shape = _shape(node)
    geometries = np.array([shape], dtype=object)
    if crs is not None:
        if is_northing_first(crs):
            geometries = swap_axes(geometries)
        if not is_same_place(crs):
            geometries = to_cgcs2000(geometries, crs)
    checked = check_geometries(geometries, GeometryType.GEOMETRY)
    if checked.faults:
        fault = checked.faults[0]
        raise bad_filter(fault.problem, node, "lon/lat degrees, or set filter-crs", fault.remedy)
    return dict(shapely.geometry.mapping(checked.geometries[0]))


def _shape(node: Any) -> shapely.Geometry:
    if not isinstance(node, Mapping):
        raise bad_filter("A geometry is expected here.", node, "GeoJSON, WKT or BBOX")
    try:
        if "bbox" in node:
            box = [float(v) for v in node["bbox"]]
            if len(box) not in {4, 6}:
                raise ValueError(box)
            west, south, east, north = box if len(box) == 4 else (box[0], box[1], box[3], box[4])
            return shapely.box(west, south, east, north)
        return shapely.geometry.shape(node)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise bad_filter("This geometry cannot be read.", node, "GeoJSON, WKT or BBOX") from error
