"""Rays by Intel's Embree, through embreex."""

from __future__ import annotations

from typing import Any

import embreex
import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from scenes3d.rays.batches import Engine, Floats32
from scenes3d.rays.port import NOTHING, START_M, Bools, Indices, Triangles

# Embree refuses infinity as the end of a ray only in words; a finite end far away costs nothing.
_FAR = np.float32(1e7)


class EmbreeEngine:
    """One scene of Embree; it is only read after it is made."""

    def __init__(self, triangles: Triangles) -> None:
        self.name = f"embreex {getattr(embreex, '__version__', '')}".strip()
        self._scene: Any = EmbreeScene()
        vertices = (triangles.vertices - triangles.middle).astype(np.float32)
        self._mesh: Any = TriangleMesh(self._scene, vertices, triangles.faces) if len(triangles.faces) else None
        # The first ray builds the tree: here, before several threads ask.
        self.any_hit(np.zeros((1, 3), np.float32), np.array([[0, 0, 1]], np.float32), np.ones(1, np.float32))

    def any_hit(self, origins: Floats32, directions: Floats32, reach: Floats32) -> Bools:
        if self._mesh is None:
            return np.zeros(len(origins), dtype=np.bool_)
        start, end = _interval(origins, directions, reach)
        found = self._scene.run(start, np.ascontiguousarray(directions), dists=end, query="OCCLUDED")
        return np.asarray((found != NOTHING) & (end > 0))

    def first(self, origins: Floats32, directions: Floats32, reach: Floats32) -> tuple[Floats32, Indices]:
        if self._mesh is None:
            return np.full(len(origins), np.inf, np.float32), np.full(len(origins), NOTHING, np.int32)
        start, end = _interval(origins, directions, reach)
        answer = self._scene.run(start, np.ascontiguousarray(directions), dists=end, query="INTERSECT", output=True)
        missed = (answer["primID"] == NOTHING) | (end <= 0)
        distance = np.where(missed, np.float32(np.inf), answer["tfar"] + np.float32(START_M))
        return distance.astype(np.float32), np.where(missed, NOTHING, answer["primID"]).astype(np.int32)


def _interval(origins: Floats32, directions: Floats32, reach: Floats32) -> tuple[Floats32, Floats32]:
    """Starts moved along by `START_M`, which embreex cannot be told, and what is left of the reach."""
    start = np.ascontiguousarray(origins + directions * np.float32(START_M))
    return start, np.ascontiguousarray(np.clip(reach - np.float32(START_M), 0, _FAR), dtype=np.float32)


def make(triangles: Triangles) -> Engine:
    return EmbreeEngine(triangles)
