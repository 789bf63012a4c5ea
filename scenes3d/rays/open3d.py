"""Rays by Open3D's RaycastingScene, an optional package."""

from __future__ import annotations

import ctypes
import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from scenes3d.rays.batches import Engine, Floats32
from scenes3d.rays.port import NOTHING, START_M, Bools, Indices, Triangles

_FAR = np.float32(1e7)


class Open3DEngine:
    """One RaycastingScene. It uses all processors by itself."""

    def __init__(self, triangles: Triangles) -> None:
        self._o3d = _load()
        self.name = f"open3d {self._o3d.__version__}"
        vertices = (triangles.vertices - triangles.middle).astype(np.float32)
        self._scene = self._o3d.t.geometry.RaycastingScene()
        if len(triangles.faces):
            core = self._o3d.core
            self._scene.add_triangles(core.Tensor(vertices), core.Tensor(triangles.faces.astype(np.uint32)))

    def any_hit(self, origins: Floats32, directions: Floats32, reach: Floats32) -> Bools:
        # One end for all rays is all it takes: each direction is as long as its ray.
        length = np.minimum(reach, _FAR)
        rays = self._rays(
            origins + directions * np.float32(START_M), directions * (length - np.float32(START_M))[:, None]
        )
        return np.asarray(self._scene.test_occlusions(rays, tnear=0.0, tfar=1.0).numpy() & (reach > START_M))

    def first(self, origins: Floats32, directions: Floats32, reach: Floats32) -> tuple[Floats32, Indices]:
        found = self._scene.cast_rays(self._rays(origins + directions * np.float32(START_M), directions))
        distance = found["t_hit"].numpy() + np.float32(START_M)
        missed = ~(distance <= reach)
        triangle = np.where(missed, NOTHING, found["primitive_ids"].numpy().astype(np.int64))
        return np.where(missed, np.float32(np.inf), distance).astype(np.float32), triangle.astype(np.int32)

    def _rays(self, origins: Floats32, directions: Floats32) -> Any:
        return self._o3d.core.Tensor(np.concatenate([origins, directions], axis=1).astype(np.float32))


def _load() -> Any:
    """The package, after libusb: its wheel wants that library although no camera is ever asked.

    Raises:
        ImportError, OSError: if it is not installed, or libEGL, libGL or libX11 are missing.
    """
    bundled = find_spec("libusb_package")
    if bundled is not None and bundled.origin is not None:
        for library in Path(bundled.origin).parent.glob("libusb-1.0*.so*"):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    return importlib.import_module("open3d")


def make(triangles: Triangles) -> Engine:
    return Open3DEngine(triangles)
