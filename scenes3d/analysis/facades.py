"""Places in front of the walls of buildings, where windows are: what a building itself and its neighbours leave of sun and sky."""

from __future__ import annotations

import numpy as np
import shapely

from scenes3d.analysis.blocks import Blocks
from scenes3d.rays.port import Floats, Indices

# So far before the wall a place lies outside of its own building for sure.
_BEFORE_M = 0.05
# Walls shorter than this have no windows.
_WALL_M = 0.5


def facade_points(blocks: Blocks, area: shapely.Geometry, spacing_m: float) -> tuple[Floats, Indices]:
    """Places 5 cm before the outer walls of the buildings that stand in an area, walls of courts among them.

    Each wall is cut into parts of at most `spacing_m`, with a place before the middle of each. Where another building stands against
    the wall there is none.

    Returns:
        Points, (n, 3), at the foot of their building, and the row of the building of each, (n,).
    """
    rows = np.flatnonzero(blocks.stands & shapely.intersects(area, blocks.footprints))
    parts, part_row = shapely.get_parts(blocks.footprints[rows], return_index=True)
    # Outer rings run anticlockwise and holes clockwise: outside is to the right of both.
    rings, ring_part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    wall = np.flatnonzero(ring[1:] == ring[:-1])
    way = corners[wall + 1] - corners[wall]
    length = np.hypot(way[:, 0], way[:, 1])
    long_enough = length >= _WALL_M
    wall, way, length = wall[long_enough], way[long_enough], length[long_enough]
    cuts = np.maximum(np.ceil(length / spacing_m - 1e-3), 1).astype(np.int64)
    of = np.repeat(np.arange(len(wall)), cuts)
    number = np.arange(len(of)) - np.repeat(np.cumsum(cuts) - cuts, cuts)
    along = (number + 0.5) / cuts[of]
    outward = np.column_stack([way[of, 1], -way[of, 0]]) / length[of, None]
    places = corners[wall[of]] + along[:, None] * way[of] + _BEFORE_M * outward
    owner = rows[part_row[ring_part[ring[wall[of]]]]]
    free = shapely.contains_xy(area, places[:, 0], places[:, 1])
    if len(places):
        hit, _ = shapely.STRtree(blocks.footprints).query(shapely.points(places), predicate="within")
        free[hit] = False
    points = np.column_stack([places, blocks.foot_m[owner]])
    return points[free], owner[free].astype(np.int32)
