"""Buildings as prisms: footprint, foot and top, as triangles that rays can meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mapbox_earcut
import numpy as np
import numpy.typing as npt
import shapely

from scenes3d.rays.port import Floats, Indices, Triangles

HeightAt = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Buildings in a local frame.

    Attributes:
        ids: n names.
        footprints: object (n,), polygons or multipolygons in metres of the frame.
        foot_m: float64 (n,), the lowest ground below the footprint's corners; NaN where no ground is known.
        height_m: float64 (n,), above the foot; NaN where unknown.
    """

    ids: Sequence[str]
    footprints: npt.NDArray[np.object_]
    foot_m: Floats
    height_m: Floats

    @property
    def top_m(self) -> Floats:
        return self.foot_m + self.height_m

    @property
    def stands(self) -> npt.NDArray[np.bool_]:
        """Which can be built: foot and height are known. The others stand in no ray's way, and are counted in every answer."""
        return np.isfinite(self.top_m) & (self.height_m > 0)

    def counts(self) -> dict[str, int]:
        """How many there are, and how many of them are known less well."""
        return {
            "buildings": len(self.ids),
            "withoutHeight": int((~np.isfinite(self.height_m) | (self.height_m <= 0)).sum()),
            "withoutGround": int((~np.isfinite(self.foot_m)).sum()),
        }


def standing_blocks(
    ids: Sequence[str],
    footprints: npt.NDArray[np.object_],
    heights: Floats,
    height_at: HeightAt,
) -> Blocks:
    """Buildings set on the ground: the lowest known ground below a corner is the foot.

    Args:
        height_at: Heights of the ground at points, east and north (n,) each, NaN where unknown; also outside of any lattice.
    """
    coordinates, owner = shapely.get_coordinates(footprints, return_index=True)
    below = height_at(coordinates[:, 0], coordinates[:, 1])
    foot = np.full(len(footprints), np.inf)
    known = np.isfinite(below)
    np.minimum.at(foot, owner[known], below[known])
    return Blocks(ids, footprints, np.where(np.isfinite(foot), foot, np.nan), heights)


def block_triangles(blocks: Blocks, bend: float = 0.0) -> tuple[Triangles, Indices]:
    """Walls and roofs of the buildings that stand, and the row of `blocks` each triangle belongs to.

    Args:
        bend: How far the ground falls away per square metre of distance from the frame's place; see `Scene`.
    """
    vertices: list[Floats] = []
    faces: list[Indices] = []
    owners: list[Indices] = []
    count = 0
    for row in np.flatnonzero(blocks.stands):
        for polygon in shapely.get_parts(blocks.footprints[row]):
            built, triangles = _prism(polygon, float(blocks.foot_m[row]), float(blocks.top_m[row]))
            vertices.append(built)
            faces.append(triangles + count)
            owners.append(np.full(len(triangles), row, dtype=np.int32))
            count += len(built)
    if not vertices:
        return Triangles(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int32)), np.zeros(0, dtype=np.int32)
    points = np.concatenate(vertices)
    points[:, 2] -= bend * (points[:, 0] ** 2 + points[:, 1] ** 2)
    return Triangles(points, np.concatenate(faces)), np.concatenate(owners)


def _prism(polygon: shapely.Polygon, foot: float, top: float) -> tuple[Floats, Indices]:
    rings = [np.asarray(ring.coords)[:-1, :2] for ring in (polygon.exterior, *polygon.interiors)]
    plan = np.concatenate(rings)
    ends = np.cumsum([len(ring) for ring in rings]).astype(np.uint32)
    n = len(plan)
    here = np.arange(n, dtype=np.int32)
    after = here + 1
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int32)
    after[ends - 1] = starts
    walls = np.concatenate([np.column_stack([here, after, after + n]), np.column_stack([here, after + n, here + n])])
    roof = mapbox_earcut.triangulate_float64(plan, ends).astype(np.int32).reshape(-1, 3) + n
    corners = np.concatenate([np.column_stack([plan, np.full(n, foot)]), np.column_stack([plan, np.full(n, top)])])
    return corners, np.concatenate([walls, roof]).astype(np.int32)
