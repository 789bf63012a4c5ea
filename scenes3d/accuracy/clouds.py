"""Heights of point clouds at surveyed points: a plane through the points round each, taken at the place itself.

Among the points within `radius_m` in plane and `reach_m` in height the plane is sought that half of them lie closest to (least median of
squares: Rousseeuw, 1984, from planes through three points each, the same ones every time), so that leaves over the ground do not lift it.
Points more than three times the scatter (1.4826 × that median) off it are left out, the rest is fitted by least squares, again until
nothing changes. Where even then the points lie a quarter of a metre about their plane, as in the crown of a tree, no height is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from scenes3d.accuracy.points import ControlPoints, Found, Heights
from scenes3d.frames import Floats
from scenes3d.glb.container import broken
from scenes3d.glb.reading import read_model
from scenes3d.sources.tilesets.containers import iter_packed
from scenes3d.tileset.reading import Meets, Opener, read_tileset
from twin.ellipsoid import geodetic

LEAST_POINTS = 4
_SCATTER = 1.4826
_FAR = 3.0
_FINEST_M = 0.005
_TRIPLES = 200
ROUGHEST_M = 0.25
_ROUNDS = 20
_METRES_PER_DEGREE = 110_500.0
# The normal of a plane that could be ground or roof leans by less than some 78 degrees.
_FLATTEST = 0.2
_POINTS = 0


def cloud_heights(points: ControlPoints, clouds: Iterable[Floats], radius_m: float, reach_m: float) -> Heights:
    """Heights of a cloud at points.

    Args:
        clouds: Points of the scene, Earth-centred (m, 3), at least those near the surveyed ones.
        radius_m, reach_m: How far from a surveyed point those may lie that tell its height.
    """
    frames = [points.frame(row) for row in range(len(points))]
    near: list[list[Floats]] = [[] for _ in frames]
    across = radius_m / _METRES_PER_DEGREE
    along = across / np.maximum(np.cos(np.radians(points.lat)), 0.01)
    surveyed = np.isfinite(points.height_m)
    for cloud in clouds:
        lon, lat, _ = geodetic(cloud)
        inside = (points.lon + along >= lon.min()) & (points.lon - along <= lon.max())
        inside &= (points.lat + across >= lat.min()) & (points.lat - across <= lat.max())
        for row in np.flatnonzero(inside & surveyed):
            local = frames[row].local(cloud)
            taken = (np.hypot(local[:, 0], local[:, 1]) <= radius_m) & (np.abs(local[:, 2]) <= reach_m)
            if taken.any():
                near[row].append(local[taken])
    heights, fits = np.full(len(points), np.nan), np.full(len(points), np.nan)
    counts, found = np.zeros(len(points), dtype=np.int64), [Found.NO_HEIGHT] * len(points)
    for row in np.flatnonzero(surveyed):
        local = np.concatenate([np.zeros((0, 3)), *near[row]])
        counts[row] = len(local)
        found[row] = Found.NOTHING if not len(local) else Found.FEW
        if (fitted := _plane(local)) is not None:
            height, fits[row], counts[row] = fitted
            found[row] = Found.ROUGH
            if fits[row] <= ROUGHEST_M:
                heights[row], found[row] = height, Found.FITTED
    return Heights(heights, tuple(found), counts, fits)


def cloud_points(address: str, opened: Opener, meets: Meets) -> Iterator[Floats]:
    """The points of every tile that is of interest, Earth-centred (n, 3): GLB, or pnts of 3D Tiles 1.0.

    Raises:
        UnreadableFileError: if the tileset or a tile cannot be read.
    """
    for tile in read_tileset(address, opened, meets):
        for place, _ in tile.contents:
            if tile.is_finest and not place.partition("?")[0].endswith(".json"):
                local = np.concatenate([np.zeros((0, 3)), *_points_of(opened(place), place)])
                if len(local):
                    yield np.asarray(local @ tile.matrix[:3, :3].T + tile.matrix[:3, 3])


def _points_of(data: bytes, name: str) -> Iterator[Floats]:
    if data[:4] != b"pnts":
        yield from (part.positions for part in read_model(data, name).primitives if part.mode == _POINTS)
        return
    for packed in iter_packed(memoryview(data), name):
        count = int(packed.features.document.get("POINTS_LENGTH", 0))
        positions = packed.features.array("POSITION", count, "<f4", 3)
        if positions is None:
            raise broken(name, "its points have no POSITION", "pnts with float positions")
        yield positions.astype(np.float64) + packed.centre


def _plane(local: Floats) -> tuple[float, float, int] | None:
    """Height of the plane at the origin, the scatter about it, and the number of points; None where they span no plane."""
    near = local[_half(local)]
    for _ in range(_ROUNDS):
        fitted = _fitted(near)
        if fitted is None:
            return None
        off = np.abs(fitted.off(local))
        keep = off <= _FAR * max(_SCATTER * float(np.median(np.abs(fitted.off(near)))), _FINEST_M)
        if keep.sum() == len(near):
            break
        near = local[keep]
    return None if (last := _fitted(near)) is None else (last.height_m, last.scatter_m(near), len(near))


def _half(local: Floats) -> np.ndarray:
    """The points near the plane that half of them lie closest to, bool (n,); all where there are too few to choose from."""
    if len(local) < LEAST_POINTS:
        return np.ones(len(local), dtype=np.bool_)
    chosen = np.random.default_rng(len(local)).integers(0, len(local), (_TRIPLES, 3))
    corners = local[chosen]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    steep = np.abs(normal[:, 2]) < _FLATTEST * np.linalg.norm(normal, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = -normal[:, :2] / normal[:, 2:]
    height = corners[:, 0, 2] - np.einsum("ij,ij->i", slope, corners[:, 0, :2])
    off = np.abs(local[:, 2] - slope @ local[:, :2].T - height[:, None])
    medians = np.where(steep | ~np.isfinite(height), np.inf, np.median(off, axis=1))
    best = int(np.argmin(medians))
    if not np.isfinite(medians[best]):
        return np.ones(len(local), dtype=np.bool_)
    return np.asarray(off[best] <= _FAR * max(_SCATTER * float(medians[best]), _FINEST_M))


@dataclass(frozen=True, slots=True)
class _Plane:
    """z = east · x + north · y + height_m."""

    east: float
    north: float
    height_m: float

    def off(self, local: Floats) -> Floats:
        return np.asarray(local[:, 2] - local[:, 0] * self.east - local[:, 1] * self.north - self.height_m)

    def scatter_m(self, local: Floats) -> float:
        return float(np.sqrt(np.mean(self.off(local) ** 2)))


def _fitted(local: Floats) -> _Plane | None:
    """The plane of least squares; None where the points span none."""
    if len(local) < LEAST_POINTS:
        return None
    base = np.column_stack([local[:, :2], np.ones(len(local))])
    plane, _, rank, _ = np.linalg.lstsq(base, local[:, 2], rcond=1e-6)
    return None if rank < 3 else _Plane(*plane.tolist())
