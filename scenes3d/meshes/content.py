"""A tile's mesh as its file: GLB with one picture, colours or normals, a skirt, and the region that holds every vertex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scenes3d.frames import Frame
from scenes3d.glb.positions import MOST_ROUNDING_M
from scenes3d.glb.textured import TexturedPart, write_textured
from scenes3d.meshes.records import QUANTUM_M, join
from scenes3d.meshes.skirts import Skirt, normals_of, skirt_of
from scenes3d.meshes.tile_mesh import TileMesh
from scenes3d.points.colour import linear_bytes
from scenes3d.tileset.region import Region
from twin.ellipsoid import Floats

_STEPS = 65_535
_ROUNDINGS = 4
_GREY = (0.6, 0.6, 0.6, 1.0)


@dataclass(frozen=True)
class Content:
    """What is written of a tile.

    Attributes:
        data: The GLB.
        region: Holds all of its vertices.
        frame: What they are measured in.
        triangles: With the skirt.
    """

    data: bytes
    region: Region
    frame: Frame
    triangles: int


def encode_tile(mesh: TileMesh, scene: Frame) -> Content:
    """The file of a tile.

    Args:
        scene: The frame that the mesh's quanta count from.
    """
    earth = scene.earth(mesh.metres(np.zeros(3)))
    frame = Frame(*(float(value[0]) for value in scene.places(mesh.middle[None] * QUANTUM_M)))
    points = frame.local(earth)
    normals = normals_of(points, mesh.triangles)
    extent = float(np.ptp(points, axis=0).max())
    # Two tiles are rounded to half a step each, along three axes.
    depth = mesh.seam_m + _ROUNDINGS * min(extent / _STEPS, 2 * MOST_ROUNDING_M)
    skirt = skirt_of(points, mesh.triangles, normals, depth)
    part = _part(mesh, np.concatenate([points, skirt.places]), np.concatenate([normals, normals[skirt.above]]), skirt)
    lon, lat, height = frame.places(part.positions)
    return Content(write_textured([part]), Region.around(lon, lat, height), frame, len(part.indices) // 3)


def _part(mesh: TileMesh, points: Floats, normals: Floats, skirt: Skirt) -> TexturedPart:
    """All triangles with what they are painted with; corners that differ in nothing are one vertex."""
    triangles = np.concatenate([mesh.triangles.astype(np.int64), skirt.triangles]).ravel()
    if mesh.uv is None and mesh.colours is None:
        indices = triangles.astype(np.uint32)
        return TexturedPart(points, indices, normals=normals.astype(np.float32), color=_GREY, double_sided=True)
    paint: npt.NDArray[np.int64]
    if mesh.uv is not None:
        flat = mesh.uv.reshape(-1, 2)
        paint = np.ascontiguousarray(flat).view(np.int32).astype(np.int64)
    else:
        assert mesh.colours is not None
        paint = mesh.colours.reshape(-1, 3).astype(np.int64)
    paint = np.concatenate([paint, paint[skirt.painted.ravel()]])
    rows, vertex = join(np.column_stack([triangles, paint]))
    positions, indices = points[rows[:, 0]], vertex.astype(np.uint32)
    if mesh.uv is not None:
        uv = np.ascontiguousarray(rows[:, 1:].astype(np.int32)).view(np.float32)
        return TexturedPart(positions, indices, uv=uv, image=mesh.image, double_sided=True)
    colours = np.full((len(rows), 4), 255, dtype=np.uint8)
    colours[:, :3] = linear_bytes(rows[:, 1:].astype(np.uint16), 255)
    return TexturedPart(positions, indices, colors=colours, double_sided=True)
