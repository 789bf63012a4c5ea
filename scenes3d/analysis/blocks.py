"""Buildings as prisms: footprint, foot and top, as triangles that rays can meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import mapbox_earcut
import numpy as np
import numpy.typing as npt
import shapely

from scenes3d.rays.port import Floats, Indices, Triangles

Starts = npt.NDArray[np.int64]
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

    def where(self, rows: npt.NDArray[Any]) -> Blocks:
        """Some of them: by number, or those for which it is true, (n,)."""
        numbers = np.arange(len(self.ids))[rows]
        ids = [self.ids[row] for row in numbers.tolist()]
        return Blocks(ids, self.footprints[numbers], self.foot_m[numbers], self.height_m[numbers])

    def beside(self, others: Blocks) -> Blocks:
        """These, and the others behind them."""
        return Blocks(
            [*self.ids, *others.ids],
            np.concatenate([self.footprints, others.footprints]),
            np.concatenate([self.foot_m, others.foot_m]),
            np.concatenate([self.height_m, others.height_m]),
        )

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
    rows = np.flatnonzero(blocks.stands)
    parts, part_row = shapely.get_parts(blocks.footprints[rows], return_index=True)
    plan, ring_starts, part_starts = _corners(parts)
    if not len(plan):
        return Triangles(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int32)), np.zeros(0, dtype=np.int32)
    count = len(plan)
    row = rows[part_row[_numbers(part_starts)]]
    foot = np.column_stack([plan, blocks.foot_m[row]])
    top = np.column_stack([plan, blocks.top_m[row]])
    points = np.concatenate([foot, top])
    points[:, 2] -= bend * (points[:, 0] ** 2 + points[:, 1] ** 2)
    here = np.arange(count)
    after = here + 1
    after[ring_starts[1:] - 1] = ring_starts[:-1]
    roofs = _roofs(parts, plan, part_starts) + count
    faces = np.concatenate(
        [np.column_stack([here, after, after + count]), np.column_stack([here, after + count, here + count]), roofs]
    )
    return Triangles(points, faces.astype(np.int32)), row[faces[:, 0] % count].astype(np.int32)


def _corners(parts: npt.NDArray[np.object_]) -> tuple[Floats, Starts, Starts]:
    """Corners of all rings, (n, 2), each once; where rings begin in them, and where polygons do, each with the end behind."""
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, point_ring = shapely.get_coordinates(rings, return_index=True)
    closing = np.append(point_ring[1:] != point_ring[:-1], True) if len(points) else np.zeros(0, dtype=np.bool_)
    points, point_ring = points[~closing], point_ring[~closing]
    ring_starts = np.searchsorted(point_ring, np.arange(len(rings) + 1))
    part_starts = ring_starts[np.searchsorted(ring_part, np.arange(len(parts) + 1))]
    return points, ring_starts, part_starts


def _numbers(starts: Starts) -> Starts:
    """Which stretch each place lies in."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def _roofs(parts: npt.NDArray[np.object_], plan: Floats, starts: Starts) -> Starts:
    """Triangles of the polygons as rows of `plan`, (t, 3): convex ones, most of any city, as fans all at once, the others by earcut."""
    hull = shapely.area(shapely.convex_hull(parts))
    convex = (shapely.get_num_interior_rings(parts) == 0) & (hull - shapely.area(parts) <= 1e-9 * hull)
    triangles = np.where(convex, np.diff(starts) - 2, 0)
    step = np.arange(triangles.sum()) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    first = np.repeat(starts[:-1], triangles)
    found = [np.column_stack([first, first + step + 1, first + step + 2])]
    for part in np.flatnonzero(~convex):
        corners = np.ascontiguousarray(plan[starts[part] : starts[part + 1]])
        ends = np.cumsum(shapely.get_num_points(shapely.get_rings(parts[part])) - 1).astype(np.uint32)
        cut = mapbox_earcut.triangulate_float64(corners, ends).reshape(-1, 3)
        found.append(cut.astype(np.int64) + starts[part])
    return np.concatenate(found)
