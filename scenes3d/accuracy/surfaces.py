"""Heights of meshes, models and roofs at surveyed points: a ray along the vertical of each point, up and down.

The nearest surface within reach counts, whether above or below. The engine finds the triangle in single precision; where the vertical
meets its plane is then worked out in float64. Walls are met by no vertical.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from scenes3d.accuracy.points import ControlPoints, Found, Heights
from scenes3d.frames import Floats, Frame
from scenes3d.rays.opening import AUTO, open_rays
from scenes3d.rays.port import NOTHING, Rays, Triangles
from scenes3d.tileset.finest import Patch
from twin.ellipsoid import east_north_up
from twin.errors import TooLargeError

MOST_TRIANGLES = 5_000_000
# Rays start so far beyond a point: a surface that it lies on is met by both.
_BACK_M = 0.05
_ASIDE_M = 0.5
# Verticals lean by a degree from each other in 110 km: farther apart nobody checks a city.
_LEAN = 0.02


def surface_heights(points: ControlPoints, patches: Iterable[Patch], reach_m: float, engine: str = AUTO) -> Heights:
    """Heights of surfaces at points.

    Args:
        patches: Triangles of the scene, Earth-centred, at least those near the points.
        reach_m: How far above or below a point its surface may lie.

    Raises:
        TooLargeError: if more triangles lie near the points than can be held.
    """
    frame = Frame(float(points.lon.mean()), float(points.lat.mean()))
    asked = np.flatnonzero(np.isfinite(points.height_m))
    origins = frame.place(points.lon[asked], points.lat[asked], points.height_m[asked])
    triangles = _near(patches, frame, origins, reach_m)
    rays = open_rays(triangles, engine)
    up = np.array([east_north_up(float(points.lon[row]), float(points.lat[row]))[2] for row in asked]).reshape(-1, 3)
    up = up @ frame.axes.T
    down = _met(rays, triangles, origins, up, -1.0, reach_m)
    above = _met(rays, triangles, origins, up, 1.0, reach_m)
    nearest = np.where(np.isnan(down) | (np.abs(above) < np.abs(down)), above, down)
    heights = np.full(len(points), np.nan)
    heights[asked] = nearest
    has_height = np.isfinite(points.height_m)
    found = tuple(
        Found.FITTED if np.isfinite(height) else Found.NOTHING if surveyed else Found.NO_HEIGHT
        for height, surveyed in zip(heights, has_height, strict=True)
    )
    none = np.full(len(points), np.nan)
    return Heights(heights, found, np.isfinite(heights).astype(np.int64), none, rays.engine)


def _met(rays: Rays, triangles: Triangles, origins: Floats, up: Floats, sign: float, reach_m: float) -> Floats:
    """How far above each point its vertical meets a surface that way, (n,); NaN where it meets none within reach."""
    met = np.full(len(origins), np.nan)
    if not len(triangles.faces) or not len(origins):
        return met
    way = sign * up
    hits = rays.first_hit(origins - _BACK_M * way, way, np.full(len(origins), reach_m + _BACK_M))
    rows = np.flatnonzero(hits.triangle != NOTHING)
    corners = triangles.vertices[triangles.faces[hits.triangle[rows]]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    across = np.einsum("ij,ij->i", normal, up[rows])
    with np.errstate(divide="ignore", invalid="ignore"):
        above = np.einsum("ij,ij->i", normal, corners[:, 0] - origins[rows]) / across
    # On a slope that is almost a wall the plane says less than the engine.
    coarse = sign * (hits.distance_m[rows] - _BACK_M)
    met[rows] = np.where(np.abs(above - coarse) < _BACK_M, above, coarse)
    return met


def _near(patches: Iterable[Patch], frame: Frame, origins: Floats, reach_m: float) -> Triangles:
    """The triangles whose own boxes come within half a metre of a point's vertical."""
    vertices, faces, count = [np.zeros((0, 3))], [np.zeros((0, 3), dtype=np.int64)], 0
    for patch in patches:
        local = frame.local(patch.vertices)
        low, high = local.min(axis=0) - _ASIDE_M - reach_m, local.max(axis=0) + _ASIDE_M + reach_m
        aside = _ASIDE_M + _LEAN * reach_m
        inside = origins[((origins >= low) & (origins <= high)).all(axis=1)]
        if not len(inside):
            continue
        corners = local[patch.faces][:, :, :2]
        least, most = corners.min(axis=1) - aside, corners.max(axis=1) + aside
        keep = np.zeros(len(patch.faces), dtype=np.bool_)
        for place in inside[:, :2]:
            keep |= ((least <= place) & (most >= place)).all(axis=1)
        used, rows = np.unique(patch.faces[keep], return_inverse=True)
        vertices.append(local[used])
        faces.append(rows.reshape(-1, 3) + count)
        count += len(used)
        if (total := sum(map(len, faces))) > MOST_TRIANGLES:
            raise TooLargeError(
                "控制点附近三角形过多。Too many triangles lie near the points.",
                value=f"{total:,}",
                limit=f"{MOST_TRIANGLES:,}",
                remedy="Check fewer points at a time.",
            )
    return Triangles(np.concatenate(vertices), np.concatenate(faces).astype(np.int32))
