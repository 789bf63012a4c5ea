"""A mesh of triangles as the shape of one feature: corners shared, normals smooth, what cannot be drawn left out and counted."""

from __future__ import annotations

import numpy as np

from scenes3d.models.shaping import NO_AREA, NO_NUMBER, Faults, Shape
from scenes3d.sources.meshes.ply import TriangleMesh
from scenes3d.sources.reference import Placing
from twin.ellipsoid import earth_centred


def shape_of(mesh: TriangleMesh, name: str, reference: Placing, faults: Faults) -> Shape | None:
    """The shape; None where no triangle of it can be drawn. Normals are the mean of those around, weighted by area."""
    points = mesh.points
    lon, lat, height = reference.place(points[:, 0], points[:, 1], points[:, 2])
    earth = earth_centred(lon, lat, height)
    standing = np.array(np.isfinite(earth).all(axis=1))
    sound = standing[mesh.corners].all(axis=1)
    if not sound.all():
        faults.add(NO_NUMBER, name, int((~sound).sum()))
    corners = mesh.corners[sound]
    a, b, c = (earth[corners[:, k]] for k in range(3))
    vectors = np.cross(b - a, c - a)
    doubled = np.linalg.norm(vectors, axis=1)
    drawn = doubled > 0
    if not drawn.all():
        faults.add(NO_AREA, name, int((~drawn).sum()))
    if not drawn.any():
        return None
    used, renamed = np.unique(corners[drawn], return_inverse=True)
    triangles = renamed.reshape(-1, 3)
    normals = np.zeros((len(used), 3))
    for corner in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(triangles[:, corner], vectors[drawn][:, axis], minlength=len(used))
    lengths = np.linalg.norm(normals, axis=1)
    up = earth[used] / np.linalg.norm(earth[used], axis=1)[:, None]
    # Where the faces around a point cancel out there is no normal; up does no harm.
    normals = np.where(lengths[:, None] > 0, normals / np.where(lengths > 0, lengths, 1.0)[:, None], up)
    low = [float(values[used].min()) for values in (lon, lat, height)]
    high = [float(values[used].max()) for values in (lon, lat, height)]
    return Shape(
        name,
        "Mesh",
        0.0,
        {},
        earth[used],
        normals.astype(np.float32),
        triangles.astype(np.uint32),
        (low[0], low[1], high[0], high[1], low[2], high[2]),
        float(doubled.sum() / 2),
    )
