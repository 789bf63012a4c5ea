"""Ground, buildings and surfaces of scenes together, asked by rays: what is in the way, what is hit first, and what cannot be told.

The earth's curve. Seen from anywhere, level ground falls away by (1 - k)·d²/2R, k being the share that refraction bends light back.
That is a paraboloid; moved to another place it changes by a tilt only, and a tilt leaves straight lines straight.
So heights are bent once, round the frame's place, and every line between any two points of the scene is a straight one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenes3d.analysis.blocks import Blocks, block_triangles
from scenes3d.analysis.ground import Ground
from scenes3d.analysis.marching import BLOCKED, CLEAR, UNKNOWN, march
from scenes3d.analysis.surfaces import OpenSurfaces, Owner
from scenes3d.rays.opening import AUTO, open_rays
from scenes3d.rays.port import NOTHING, Floats, Indices, Rays
from scenes3d.rays.together import Together
from twin.local_frame import LocalFrame

Verdicts = npt.NDArray[np.uint8]
# Visible light near the ground: k = 0.13 (C. F. Gauss, in use in geodesy since).
REFRACTION = 0.13
GROUND = -2
_BATCH = 100_000


@dataclass(frozen=True, slots=True)
class Blocker:
    """What lines of sight meet first.

    Attributes:
        distance_m: float64 (n,), infinite where nothing is met.
        building: int32 (n,), row of the scene's buildings, behind them of its surfaces' owners; `GROUND`, or `NOTHING`.
        verdict: uint8 (n,), CLEAR, BLOCKED or UNKNOWN.
    """

    distance_m: Floats
    building: Indices
    verdict: Verdicts


@dataclass(frozen=True)
class Scene:
    """Ground and buildings round a place.

    Attributes:
        frame: Its place.
        ground: Heights as they are, not bent.
        blocks: The buildings.
        bend: 1/m; what `bend_of` made of the earth's curve.
        owners: int32 (t,), for each triangle the row of its building, behind them of its owner in `others`.
        others: Whose the triangles of surfaces are; surfaces: themselves, in the same order.
    """

    frame: LocalFrame
    ground: Ground
    blocks: Blocks
    bend: float
    rays: Rays
    owners: Indices
    _bent: Floats
    _ceiling: float
    others: Sequence[Owner] = ()
    surfaces: Sequence[OpenSurfaces] = ()

    def other(self, row: int) -> Owner | None:
        """The owner of surfaces that a row of `Blocker.building` means; None where it means a building, the ground or nothing."""
        behind = row - len(self.blocks.ids)
        return self.others[behind] if behind >= 0 else None

    def straight(self, points: Floats) -> Floats:
        """Points, (n, 3), with their heights bent as the scene is."""
        moved = np.array(points, dtype=np.float64)
        moved[:, 2] -= self.bend * (moved[:, 0] ** 2 + moved[:, 1] ** 2)
        return moved

    def sight(self, origins: Floats, targets: Floats) -> Verdicts:
        """CLEAR, BLOCKED or UNKNOWN for each pair of points, (n, 3) each, heights above the vertical datum.

        UNKNOWN: nothing that is known stands in the way, but the line crosses ground whose height nobody knows, or an end has none.
        """
        start, directions, reach = self._lines(origins, targets)
        return self._verdicts(start, directions, reach)

    def outward(self, origins: Floats, directions: Floats) -> Verdicts:
        """The same for rays that go on for ever, directions of length one. What lies outside the scene is not seen."""
        return self._verdicts(self.straight(origins), directions, np.full(len(origins), np.inf))

    def blockers(self, origins: Floats, targets: Floats) -> Blocker:
        """What stands first between each pair of points."""
        start, directions, reach = self._lines(origins, targets)
        good = np.isfinite(reach)
        verdict, ground_m = self._march(start[good], directions[good], reach[good])
        hits = self.rays.first_hit(start[good], directions[good], reach[good])
        by_block = (hits.triangle != NOTHING) & (hits.distance_m < ground_m)
        building = np.full(len(origins), NOTHING, dtype=np.int32)
        distance = np.full(len(origins), np.inf)
        out = np.full(len(origins), UNKNOWN, dtype=np.uint8)
        owner = self.owners[hits.triangle] if len(self.owners) else np.zeros(len(hits.triangle), dtype=np.int32)
        building[good] = np.where(by_block, owner, np.where(verdict == BLOCKED, GROUND, NOTHING))
        distance[good] = np.minimum(hits.distance_m, ground_m)
        out[good] = np.where(by_block, BLOCKED, verdict)
        return Blocker(distance, building, out)

    def _lines(self, origins: Floats, targets: Floats) -> tuple[Floats, Floats, Floats]:
        """Starts, unit directions and lengths. A line with an end of unknown height has no finite length."""
        start = self.straight(origins)
        way = self.straight(targets) - start
        length = np.linalg.norm(way, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            directions = np.where(length[:, None] > 0, way / length[:, None], 0.0)
        return start, directions, np.where(np.isfinite(length), length, np.nan)

    def _verdicts(self, start: Floats, directions: Floats, reach: Floats) -> Verdicts:
        out = np.full(len(start), UNKNOWN, dtype=np.uint8)
        rows = np.flatnonzero(np.isfinite(start[:, 2]) & ~np.isnan(reach))
        start, directions, reach = start[rows], directions[rows], reach[rows]
        verdict, _ = self._march(start, directions, reach)
        # A block is an answer whatever else is unknown; only the rest is asked about buildings.
        open_ = np.flatnonzero(verdict != BLOCKED)
        # The target may lie on a wall or roof: a millimetre before it is soon enough.
        hidden = self.rays.occluded(start[open_], directions[open_], reach[open_] - 1e-3)
        verdict[open_[hidden]] = BLOCKED
        out[rows] = verdict
        return out

    def _march(self, start: Floats, directions: Floats, reach: Floats) -> tuple[Verdicts, Floats]:
        verdict = np.empty(len(start), dtype=np.uint8)
        distance = np.empty(len(start))
        ground = self.ground

        def part(first: int) -> None:
            rows = slice(first, first + _BATCH)
            march(
                self._bent, ground.west, ground.south, ground.cell_m, self._ceiling,
                start[rows], directions[rows], reach[rows], verdict[rows], distance[rows],
            )  # fmt: skip

        _in_parallel(part, range(0, len(start), _BATCH))
        return verdict, distance


def bend_of(frame: LocalFrame, refraction: float | None) -> float:
    """How far level ground falls away, per square metre of distance; 0 on a flat earth.

    Args:
        refraction: The coefficient k for lines of sight over a curved earth; None for a flat one.
    """
    return 0.0 if refraction is None else (1 - refraction) / (2 * frame.radius_m)


def open_scene(
    frame: LocalFrame,
    ground: Ground,
    blocks: Blocks,
    *,
    refraction: float | None = None,
    engine: str = AUTO,
    surfaces: Sequence[OpenSurfaces] = (),
) -> Scene:
    """A scene ready to be asked.

    Args:
        refraction: As for `bend_of`.
        engine: See `scenes3d.rays.opening`.
        surfaces: Those of meshes and models, opened with the same bend.
    """
    bend = bend_of(frame, refraction)
    east, north = ground.nodes()
    bent = np.ascontiguousarray(ground.heights - bend * (east * east + north * north))
    known = bent[np.isfinite(bent)]
    # Ground that nobody measured is taken to be no higher than the highest that is known here; answers say so.
    ceiling = float(known.max()) if len(known) else np.inf
    triangles, owners = block_triangles(blocks, bend)
    parts, whose, others = [(open_rays(triangles, engine), len(triangles.faces))], [owners], list[Owner]()
    for opened in surfaces:
        assert opened.bend == bend
        parts.append((opened.rays, len(opened.surfaces.part)))
        whose.append(opened.surfaces.part + np.int32(len(blocks.ids) + len(others)))
        others += opened.surfaces.owners
    rays = parts[0][0] if len(parts) == 1 else Together(parts)
    return Scene(frame, ground, blocks, bend, rays, np.concatenate(whose), bent, ceiling, others, surfaces)


def _in_parallel(part: Callable[[int], None], starts: range) -> None:
    if len(starts) < 2:
        for first in starts:
            part(first)
        return
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="marching") as pool:
        list(pool.map(part, starts))


__all__ = [
    "BLOCKED",
    "CLEAR",
    "GROUND",
    "NOTHING",
    "REFRACTION",
    "UNKNOWN",
    "Blocker",
    "Scene",
    "Verdicts",
    "bend_of",
    "open_scene",
]
