"""Addresses of the map page that show a layer, or what is on a page of features, in the middle of the base map."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from api.links import with_parameters
from twin.bounds import Bounds
from twin.store.port import LayerRecord

BASEMAP = "basemap"
_FRAME_PX = (1130.0, 440.0)
_WORLD_PX = 512.0  # at zoom 0
_CLOSEST = 17.0
_MARGIN_ZOOM = 0.4


def view_address(
    base: str, record: LayerRecord, others: Sequence[LayerRecord], bounds: Bounds | None, feature_id: str | None = None
) -> str:
    """The map as it stands in a frame: the layer over the base map, `bounds` filling the frame.

    Args:
        base: Address of the landing page.
        record: The layer to show.
        others: All layers; those of the base map are shown below.
        bounds: What to look at, lon/lat; None for the page's own home.
        feature_id: A feature to pick out.
    """
    below = [other.id for other in others if other.document.get("department") == BASEMAP and other.id != record.id]
    parameters = [("embed", "1"), ("layers", ",".join([*below, record.id]))]
    if bounds is not None:
        parameters.append(("at", _camera(bounds)))
    if feature_id is not None:
        parameters.append(("feature", f"{record.id}/{feature_id}"))
    return with_parameters(f"{base}/view", parameters)


def code_view_address(base: str, geometry: shapely.Geometry | None, records: Sequence[LayerRecord]) -> str:
    """The base map with the place of a code filling the frame; "" where it has none."""
    if geometry is None or geometry.is_empty:
        return ""
    below = [record.id for record in records if record.document.get("department") == BASEMAP]
    parameters = [("embed", "1"), ("layers", ",".join(below)), ("at", _camera(Bounds(*geometry.bounds)))]
    return with_parameters(f"{base}/view", parameters)


def bounds_of(geometries: npt.NDArray[np.object_]) -> Bounds | None:
    """The box round all of `geometries`; None where there is no place among them."""
    if not shapely.is_geometry(geometries).any():
        return None
    box = shapely.total_bounds(geometries)
    return Bounds(*map(float, box)) if np.isfinite(box).all() else None


def _camera(bounds: Bounds) -> str:
    """`lon,lat,zoom` so that the box fits into the frame."""
    lon, lat = (bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2
    degrees_high = (bounds.north - bounds.south) / max(0.05, math.cos(math.radians(lat)))
    zooms = [
        math.log2(pixels * 360.0 / (_WORLD_PX * degrees))
        for pixels, degrees in zip(_FRAME_PX, (bounds.east - bounds.west, degrees_high), strict=True)
        if degrees > 0
    ]
    zoom = min([_CLOSEST, *(zoom - _MARGIN_ZOOM for zoom in zooms)])
    return f"{lon:.6f},{lat:.6f},{max(0.0, zoom):.2f}"
