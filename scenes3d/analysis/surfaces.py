"""Surfaces of meshes and city models among the things that rays meet, beside prisms raised from footprints.

Two rules keep a thing from standing there twice. What lies less than `GROUND_M` above the ground is the ground, and the ground is
told by the terrain: triangles of a mesh that lie lower are left out. A footprint over which surfaces stand is not raised: the
mesh or model shows that building better (`shown_by`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from scenes3d.analysis.blocks import Blocks, HeightAt
from scenes3d.rays.opening import AUTO, open_rays
from scenes3d.rays.port import NOTHING, Bools, Floats, Indices, Rays, Triangles
from scenes3d.tileset.finest import Patch
from twin.ellipsoid import geodetic
from twin.errors import TooLargeError
from twin.local_frame import LocalFrame

# Ground of a photogrammetric mesh and of a terrain differ by some decimetres; nothing that hides a person is lower than this.
GROUND_M = 1.0
# A footprint with surfaces this high over half of it is shown by them.
_STANDS_M = 2.0
_LOOKS = 9
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose triangles they are.

    Attributes:
        scene: Id of the scene; feature: id of the feature in it, empty where nobody says.
    """

    scene: str
    feature: str = ""


@dataclass(frozen=True, slots=True)
class Surfaces:
    """Triangles of scenes in a local frame, and whose they are.

    Attributes:
        triangles: Heights above the scenes' vertical datum, not bent.
        part: int32 (t,), row of `owners`.
    """

    triangles: Triangles
    part: Indices
    owners: Sequence[Owner]


@dataclass(frozen=True, slots=True)
class OpenSurfaces:
    """Surfaces ready to be asked, with their heights bent as those of the scene they stand in."""

    surfaces: Surfaces
    bend: float
    rays: Rays


def surfaces_of(
    scene: str, patches: Iterable[Patch], frame: LocalFrame, box: Box, height_at: HeightAt, most: int
) -> Surfaces:
    """The surfaces of a scene that meet a box and stand above the ground.

    Args:
        box: West, south, east, north in metres of the frame.
        height_at: Heights of the ground at points, NaN where unknown: there every triangle is kept.
        most: Triangles that are taken at most.

    Raises:
        TooLargeError: if there are more.
    """
    vertices, faces, parts = [np.zeros((0, 3))], [np.zeros((0, 3), dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    owners: dict[str, int] = {}
    count = taken = 0
    for patch in patches:
        lon, lat, height = geodetic(patch.vertices)
        east, north = frame.to_local(lon, lat)
        keep = _within(east, north, patch, box)
        keep[keep] = _above_ground(east, north, height, patch.faces[keep], height_at)
        taken += int(keep.sum())
        if taken > most:
            raise TooLargeError(
                "The scenes have too many triangles here. 场景三角形过多。",
                value=f"more than {most:,}",
                limit=f"{most:,}",
                remedy="Ask for a smaller area, leave scenes out, or have ONEMAP_ANALYSIS_TRIANGLES_MAX raised.",
            )
        kept = patch.faces[keep]
        used, rows = np.unique(kept, return_inverse=True)
        names = np.array([owners.setdefault(name, len(owners)) for name in (*patch.ids, "")])
        vertices.append(np.column_stack([east[used], north[used], height[used]]))
        faces.append(rows.reshape(-1, 3) + count)
        parts.append(names[patch.feature[keep]])
        count += len(used)
    whole = Triangles(np.concatenate(vertices), np.concatenate(faces).astype(np.int32))
    return Surfaces(whole, np.concatenate(parts).astype(np.int32), [Owner(scene, feature) for feature in owners])


def joined(parts: Sequence[Surfaces]) -> Surfaces:
    """Several as one."""
    vertices = np.cumsum([0, *(len(part.triangles.vertices) for part in parts)])
    owners = np.cumsum([0, *(len(part.owners) for part in parts)])
    faces = [part.triangles.faces + np.int32(start) for part, start in zip(parts, vertices, strict=False)]
    whose = [part.part + np.int32(start) for part, start in zip(parts, owners, strict=False)]
    return Surfaces(
        Triangles(
            np.concatenate([np.zeros((0, 3)), *(part.triangles.vertices for part in parts)]),
            np.concatenate([np.zeros((0, 3), dtype=np.int32), *faces]),
        ),
        np.concatenate([np.zeros(0, dtype=np.int32), *whose]),
        [owner for part in parts for owner in part.owners],
    )


def open_surfaces(surfaces: Surfaces, bend: float = 0.0, engine: str = AUTO) -> OpenSurfaces:
    """Ready to be asked.

    Args:
        bend: As `Scene.bend`.
    """
    points = surfaces.triangles.vertices.copy()
    points[:, 2] -= bend * (points[:, 0] ** 2 + points[:, 1] ** 2)
    return OpenSurfaces(surfaces, bend, open_rays(Triangles(points, surfaces.triangles.faces), engine))


def shown_by(blocks: Blocks, opened: OpenSurfaces) -> Bools:
    """Which buildings, (n,), the surfaces show: looked at from above at up to nine places, half of them meet something that stands
    more than 2 m above the building's foot.
    """
    if not len(opened.surfaces.triangles.faces) or not len(blocks.ids):
        return np.zeros(len(blocks.ids), dtype=np.bool_)
    points, owner = _looks(blocks)
    height, _ = highest(opened, points)
    with np.errstate(invalid="ignore"):
        stands = height > blocks.foot_m[owner] + _STANDS_M
    met = np.bincount(owner, weights=stands, minlength=len(blocks.ids))
    looked = np.bincount(owner, minlength=len(blocks.ids))
    return np.asarray((looked > 0) & (2 * met >= looked))


def highest(opened: OpenSurfaces, points: Floats) -> tuple[Floats, Indices]:
    """Of places, (n, 2): the height of the topmost surface over each, NaN where there is none, and the row of its owner, or `NOTHING`."""
    if not len(opened.surfaces.triangles.faces):
        return np.full(len(points), np.nan), np.full(len(points), NOTHING, dtype=np.int32)
    fall = opened.bend * (points[:, 0] ** 2 + points[:, 1] ** 2)
    top = float(opened.surfaces.triangles.vertices[:, 2].max()) + 1.0
    origins = np.column_stack([points, top - fall])
    down = np.broadcast_to(np.array([0.0, 0.0, -1.0]), origins.shape)
    hits = opened.rays.first_hit(origins, down, np.full(len(origins), np.inf))
    met = hits.triangle != NOTHING
    owner = np.where(met, opened.surfaces.part[hits.triangle], NOTHING).astype(np.int32)
    return np.where(met, top - hits.distance_m, np.nan), owner


def _looks(blocks: Blocks) -> tuple[Floats, Indices]:
    """Places inside footprints, (m, 2), and the row of each: a point inside, and points halfway from it to corners."""
    inner = shapely.get_coordinates(shapely.point_on_surface(blocks.footprints))
    rows = np.flatnonzero(~shapely.is_empty(blocks.footprints)).astype(np.int32)
    middle = np.full((len(blocks.ids), 2), np.nan)
    middle[rows] = inner
    corners, owner = shapely.get_coordinates(blocks.footprints, return_index=True)
    first = np.searchsorted(owner, np.arange(len(blocks.ids)))
    many = np.bincount(owner, minlength=len(blocks.ids))
    place = np.arange(len(owner)) - first[owner]
    spread = place % np.maximum(many[owner] // (_LOOKS - 1), 1) == 0
    halfway = (corners[spread] + middle[owner[spread]]) / 2
    inside = shapely.contains_xy(blocks.footprints[owner[spread]], halfway[:, 0], halfway[:, 1])
    return np.concatenate([inner, halfway[inside]]), np.concatenate([rows, owner[spread][inside].astype(np.int32)])


def _within(east: Floats, north: Floats, patch: Patch, box: Box) -> Bools:
    """Triangles whose own boxes meet the box."""
    x, y = east[patch.faces], north[patch.faces]
    west, south, right, top = box
    across = (x.max(axis=1) >= west) & (x.min(axis=1) <= right)
    return np.asarray(across & (y.max(axis=1) >= south) & (y.min(axis=1) <= top))


def _above_ground(
    east: Floats, north: Floats, height: Floats, faces: Indices | np.ndarray, height_at: HeightAt
) -> Bools:
    used, rows = np.unique(faces, return_inverse=True)
    above = height[used] - height_at(east[used], north[used])
    # Unknown ground hides nothing that could be measured against it.
    stands = ~(above < GROUND_M)
    return np.asarray(stands[rows.reshape(-1, 3)].any(axis=1))
