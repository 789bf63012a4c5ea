"""A section along a line: the ground, and the tops of the buildings, meshes and models that the line crosses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from scenes3d.analysis.blocks import Blocks
from scenes3d.analysis.ground import Ground
from scenes3d.analysis.sight import points_along
from scenes3d.analysis.surfaces import OpenSurfaces, highest
from scenes3d.rays.port import NOTHING, Floats, Indices


@dataclass(frozen=True, slots=True)
class Profile:
    """Heights along a line.

    Attributes:
        distance_m: float64 (n,), from the start of the line.
        points: float64 (n, 2).
        ground_m: float64 (n,), NaN where unknown.
        top_m: float64 (n,), of the highest building over the point; NaN where there is none, or its top is unknown.
        building: int32 (n,), its row; -1 where there is none.
        other: int32 (n,), row of the owner of the mesh or model that stands higher than any building there; -1 where none does.
    """

    distance_m: Floats
    points: Floats
    ground_m: Floats
    top_m: Floats
    building: Indices
    other: Indices

    def gain_loss_m(self) -> tuple[float, float]:
        """Metres up and down along the ground; unknown stretches say nothing."""
        steps = np.diff(self.ground_m)
        return float(np.nansum(np.maximum(steps, 0))), float(np.nansum(np.maximum(-steps, 0)))


def profile(
    ground: Ground, blocks: Blocks, line: shapely.LineString, step_m: float, surfaces: Sequence[OpenSurfaces] = ()
) -> Profile:
    """A section along a line of the local frame, a point at least every `step_m` metres.

    Args:
        surfaces: Of meshes and models, on a flat earth.
    """
    points = points_along(line, step_m)
    distance = np.linspace(0.0, line.length, len(points))
    top, building = np.full(len(points), np.nan), np.full(len(points), -1, dtype=np.int32)
    if len(blocks.ids):
        tree = shapely.STRtree(blocks.footprints)
        at, row = tree.query(shapely.points(points), predicate="intersects")
        # The highest wins: written last.
        order = np.argsort(np.nan_to_num(blocks.top_m[row], nan=-np.inf), kind="stable")
        building[at[order]] = row[order]
        top[at[order]] = blocks.top_m[row[order]]
    other = np.full(len(points), NOTHING, dtype=np.int32)
    before = 0
    for opened in surfaces:
        height, owner = highest(opened, points)
        higher = np.isfinite(height) & ~(height <= top)
        top[higher], other[higher] = height[higher], owner[higher] + before
        before += len(opened.surfaces.owners)
    return Profile(distance, points, ground.at(points[:, 0], points[:, 1]), top, building, other)
