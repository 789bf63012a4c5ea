"""Which points lie inside a building or a body of a scene: there is no ground there that sun or sight could reach.

A ray goes straight up. One that meets a prism from below began in it: prisms have no floor. Through surfaces of meshes and models every
crossing counts by the way it faces, up or down; a sum other than zero is inside (the nonzero winding rule). So bridges and eaves are open
below, bodies that reach into each other are one, and it does not matter which way round a delivery turns its faces. Floors that were left
out with the ground make no difference, as no ray goes down.
"""

from __future__ import annotations

import numpy as np

from scenes3d.analysis.scene import Scene
from scenes3d.rays.port import NOTHING, Bools, Floats

# Storeys, slabs and canopies over one place; what has more is taken as it was counted so far.
_CROSSINGS = 64
_AT_ONCE = 1_000_000


def inside(scene: Scene, points: Floats) -> Bools:
    """Which points, (n, 3) metres above the vertical datum, lie inside; a point of unknown height lies nowhere."""
    found = np.zeros(len(points), dtype=np.bool_)
    if not len(scene.owners):
        return found
    facing = _facing(scene)
    known = np.flatnonzero(np.isfinite(points[:, 2]))
    for start in range(0, len(known), _AT_ONCE):
        rows = known[start : start + _AT_ONCE]
        found[rows] = _wound(scene, scene.straight(points[rows]), facing)
    return found


def _wound(scene: Scene, origins: Floats, facing: Floats) -> Bools:
    winding = np.zeros(len(origins))
    rows = np.arange(len(origins))
    for _ in range(_CROSSINGS):
        up = np.broadcast_to(np.array([0.0, 0.0, 1.0]), (len(rows), 3))
        hits = scene.rays.first_hit(origins[rows], up, np.full(len(rows), np.inf))
        met = hits.triangle != NOTHING
        rows, triangle = rows[met], hits.triangle[met]
        if not len(rows):
            break
        winding[rows] += facing[triangle]
        origins[rows, 2] += hits.distance_m[met]
        rows = rows[np.isfinite(winding[rows])]  # in a prism: nothing above it can change that
    return np.asarray(winding != 0)


def _facing(scene: Scene) -> Floats:
    """Of each triangle 1 if it faces up, -1 down, 0 if it stands upright; infinite for those of prisms."""
    parts = [opened.surfaces.triangles for opened in scene.surfaces]
    prisms = len(scene.owners) - sum(len(part.faces) for part in parts)
    found = [np.full(prisms, np.inf)]
    for part in parts:
        a, b, c = (part.vertices[part.faces[:, corner], :2] for corner in range(3))
        found.append(np.sign((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]))
    return np.concatenate(found)
