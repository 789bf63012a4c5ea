"""Walls and roofs of the buildings of one tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scenes3d.buildings.cleaning import successors
from scenes3d.buildings.footprints import Footprints, Ints
from scenes3d.buildings.pitched import pitched_mesh
from scenes3d.buildings.roofs import roof_triangles
from scenes3d.frames import Floats, Frame
from scenes3d.glb.mesh import Mesh
from scenes3d.tileset.region import Region
from twin.ellipsoid import earth_centred

_WALL = np.array([0, 1, 2, 0, 2, 3], dtype=np.int64)
_FRAME_DIGITS = 4  # of a degree: some ten metres


def frame_of(buildings: Footprints) -> Frame:
    """The frame of a tile with these buildings: near their middle, at height 0 of the scene's datum."""
    west, south = buildings.xy.min(axis=0).tolist()
    east, north = buildings.xy.max(axis=0).tolist()
    return Frame(round((west + east) / 2, _FRAME_DIGITS), round((south + north) / 2, _FRAME_DIGITS))


def region_of(buildings: Footprints) -> Region:
    """The region that holds all of them."""
    heights = np.concatenate([buildings.base_m, buildings.base_m + buildings.height_m])
    return Region.around(buildings.xy[:, 0], buildings.xy[:, 1], heights)


def raised(buildings: Footprints, frame: Frame) -> Mesh:
    """Walls as separate quads with flat normals, roofs with theirs; below flat roofs the ground stays open, pitched ones close a volume.

    Walls stand along the ellipsoid's normal at each corner: foot and eaves are two heights of one place.
    """
    if buildings.roofs is None or not buildings.roofs.is_pitched.any():
        return _prisms(buildings, frame)
    pitched = buildings.roofs.is_pitched
    parts = [_owned(pitched_mesh(buildings.take(np.flatnonzero(pitched)), frame), np.flatnonzero(pitched))]
    if not pitched.all():
        parts.insert(0, _owned(_prisms(buildings.take(np.flatnonzero(~pitched)), frame), np.flatnonzero(~pitched)))
    return _joined(parts)


def _owned(mesh: Mesh, rows: Ints) -> Mesh:
    """The mesh of some buildings, as that of these rows."""
    return replace(mesh, feature_ids=rows[mesh.feature_ids].astype(np.uint16))


def _joined(parts: Sequence[Mesh]) -> Mesh:
    starts = np.cumsum([0, *(len(part.positions) for part in parts[:-1])])
    return Mesh(
        positions=np.concatenate([part.positions for part in parts]),
        normals=np.concatenate([part.normals for part in parts]),
        feature_ids=np.concatenate([part.feature_ids for part in parts]),
        indices=np.concatenate([part.indices + start for part, start in zip(parts, starts, strict=True)]).astype(
            np.uint32
        ),
    )


def _prisms(buildings: Footprints, frame: Frame) -> Mesh:
    points = np.diff(buildings.feature_points)
    owner = np.repeat(np.arange(len(buildings), dtype=np.uint16), points)
    base = np.repeat(buildings.base_m, points)
    top = base + np.repeat(buildings.height_m, points)
    lon, lat = buildings.xy[:, 0], buildings.xy[:, 1]
    foot, eaves = frame.local(earth_centred(lon, lat, base)), frame.local(earth_centred(lon, lat, top))
    after = successors(buildings.rings)
    walls = np.stack([foot, foot[after], eaves[after], eaves], axis=1).reshape(-1, 3)
    triangles, _ = roof_triangles(buildings)
    count = len(foot)
    indices = np.concatenate(
        [
            (np.arange(count)[:, None] * 4 + _WALL).ravel(),
            triangles.ravel() + 4 * count,
        ]
    )
    return Mesh(
        positions=np.concatenate([walls, eaves]),
        normals=np.concatenate([np.repeat(_outward(foot, foot[after]), 4, axis=0), _upward(count)]),
        feature_ids=np.concatenate([np.repeat(owner, 4), owner]),
        indices=indices.astype(np.uint32),
    )


def _outward(start: Floats, end: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Level unit vectors to the right of each edge, which is outside: outer rings turn left, holes right."""
    edge = end - start
    length = np.hypot(edge[:, 0], edge[:, 1])
    level = np.zeros(len(edge))
    return np.column_stack([edge[:, 1] / length, -edge[:, 0] / length, level]).astype(np.float32)


def _upward(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.tile(np.array([0.0, 0.0, 1.0], dtype=np.float32), (count, 1))
