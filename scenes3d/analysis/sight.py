"""Lines of sight, and what can be seen from places, along a path, or from an area."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from scenes3d.analysis.ground import Ground
from scenes3d.analysis.scene import BLOCKED, CLEAR, Blocker, Scene, Verdicts
from scenes3d.rays.port import Bools, Floats
from twin.errors import BadAnalysisError

Counts = npt.NDArray[np.int32]
Told = Callable[[float], None]
_RAYS_AT_ONCE = 2_000_000


def lines_of_sight(scene: Scene, origins: Floats, targets: Floats) -> Blocker:
    """What stands first between each pair of points, (n, 3) each; CLEAR where nothing does."""
    return scene.blockers(origins, targets)


def above_ground(ground: Ground, points: Floats, height_m: float) -> Floats:
    """Points, (n, 2), at a height above the ground, (n, 3); NaN heights where the ground is unknown."""
    return np.column_stack([points, ground.at(points[:, 0], points[:, 1]) + height_m])


@dataclass(frozen=True, slots=True)
class Viewshed:
    """What is seen of the nodes of a lattice.

    Attributes:
        seen_by: int32 (rows, columns), how many viewpoints see each node.
        maybe_by: int32, how many more might: nothing known hides it from them, but the line crosses unknown ground.
        within: bool, nodes that the question is about: within reach of a viewpoint, and of known ground.
        viewpoints: How many there were; lost: those whose own height is unknown.
    """

    ground: Ground
    seen_by: Counts
    maybe_by: Counts
    within: Bools
    viewpoints: int
    lost: int

    @property
    def visible(self) -> Bools:
        return self.seen_by > 0

    @property
    def unknown(self) -> Bools:
        """Nodes of which nobody can tell whether they are seen."""
        return np.asarray((self.seen_by == 0) & (self.maybe_by > 0))

    def areas_m2(self) -> dict[str, float]:
        """Areas seen, hidden and not to be told, of the nodes within."""
        cell = self.ground.cell_m**2
        return {
            "visible": float((self.visible & self.within).sum() * cell),
            "hidden": float((~self.visible & ~self.unknown & self.within).sum() * cell),
            "unknown": float((self.unknown & self.within).sum() * cell),
        }


def viewshed(
    scene: Scene, viewpoints: Floats, *, reach_m: float, target_height_m: float = 0.0, told: Told = lambda share: None
) -> Viewshed:
    """Nodes of the scene's ground that at least one viewpoint sees.

    Args:
        viewpoints: (n, 3) metres, heights above the vertical datum.
        reach_m: How far anybody looks, in plan.
        target_height_m: Above the ground at each node.
        told: Hears the share that is done.
    """
    east, north = scene.ground.nodes()
    shape = east.shape
    targets = np.column_stack([east.ravel(), north.ravel(), scene.ground.heights.ravel() + target_height_m])
    known = np.isfinite(targets[:, 2])
    seen, maybe = np.zeros(len(targets), dtype=np.int32), np.zeros(len(targets), dtype=np.int32)
    within = np.zeros(len(targets), dtype=np.bool_)
    good = np.isfinite(viewpoints[:, 2])
    for index, point in enumerate(viewpoints[good]):
        near = (targets[:, 0] - point[0]) ** 2 + (targets[:, 1] - point[1]) ** 2 <= reach_m**2
        within |= near & known
        verdict = _sight_from(scene, point, targets, np.flatnonzero(near & known))
        seen += verdict == CLEAR
        maybe += verdict == _MAYBE
        told((index + 1) / max(int(good.sum()), 1))
    return Viewshed(
        scene.ground,
        seen.reshape(shape),
        maybe.reshape(shape),
        within.reshape(shape),
        len(viewpoints),
        int((~good).sum()),
    )


_MAYBE = 2
_NOT_ASKED = 3


def _sight_from(scene: Scene, point: Floats, targets: Floats, rows: npt.NDArray[np.int64]) -> Verdicts:
    out = np.full(len(targets), _NOT_ASKED, dtype=np.uint8)
    for start in range(0, len(rows), _RAYS_AT_ONCE):
        part = rows[start : start + _RAYS_AT_ONCE]
        out[part] = scene.sight(np.broadcast_to(point, (len(part), 3)), targets[part])
    return out


def points_along(line: shapely.LineString, spacing_m: float) -> Floats:
    """Points of a path, (n, 2), its ends among them, at most `spacing_m` apart."""
    steps = max(int(np.ceil(line.length / spacing_m)), 1)
    return np.asarray(shapely.get_coordinates(line.interpolate(np.linspace(0, 1, steps + 1), normalized=True)))


def points_within(area: shapely.Geometry, spacing_m: float) -> Floats:
    """Points of an area, (n, 2), on a square grid; one point of it where it is smaller than the grid."""
    west, south, east, north = area.bounds
    x, y = np.meshgrid(
        np.arange(west + spacing_m / 2, east, spacing_m), np.arange(south + spacing_m / 2, north, spacing_m)
    )
    inside = shapely.contains_xy(area, x, y)
    if inside.any():
        return np.column_stack([x[inside], y[inside]])
    return np.asarray(shapely.get_coordinates(area.representative_point()))


def require_rays(wanted: int, most: int) -> None:
    """Stop a question that would cost more rays than the server gives to one.

    Raises:
        BadAnalysisError: with both numbers.
    """
    if wanted > most:
        raise BadAnalysisError(
            "The question costs too many rays. 计算量超出上限。",
            value=f"{wanted:,} rays",
            limit=f"{most:,} rays",
            remedy="Ask for a smaller area, a coarser resolution or fewer viewpoints, or have ONEMAP_ANALYSIS_RAYS_MAX raised.",
        )


__all__ = [
    "BLOCKED",
    "Viewshed",
    "above_ground",
    "lines_of_sight",
    "points_along",
    "points_within",
    "require_rays",
    "viewshed",
]
