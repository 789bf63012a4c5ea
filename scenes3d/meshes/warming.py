"""Compiles the kernels of meshes ahead of the first: `python -m scenes3d.meshes.warming`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scenes3d.frames import Frame
from scenes3d.meshes.building import MeshOptions, build_mesh
from scenes3d.models.shaping import Faults
from scenes3d.sources.meshes.mesh import Material, Piece

_SIDE = 24


@dataclass
class _Few:
    """A thousand triangles of a wavy ground, with a picture or with colours."""

    materials: list[Material]
    length: int = 1
    frame: Frame = field(default_factory=lambda: Frame(120.0, 36.2))
    faults: Faults = field(default_factory=Faults)

    def identity(self) -> Mapping[str, Any]:
        return {}

    def summary(self) -> dict[str, Any]:
        return {}

    def pieces(self) -> Iterator[Piece]:
        step = np.arange(_SIDE, dtype=np.float64)
        x, y = (axis.ravel() for axis in np.meshgrid(step, step))
        points = np.column_stack([x, y, np.sin(x) * np.cos(y)])
        first = (np.arange(_SIDE - 1)[:, None] * _SIDE + np.arange(_SIDE - 1)).ravel()
        right, upper = first + 1, first + _SIDE
        corners = np.concatenate([np.column_stack([first, right, upper]), np.column_stack([right, upper + 1, upper])])
        uv = (points[:, :2] / _SIDE).astype(np.float32)[corners] if self.materials else None
        colours = None if self.materials else np.full((len(corners), 3, 3), 90, dtype=np.uint8)
        number = 0 if self.materials else -1
        yield Piece(points[corners], np.full(len(corners), number, dtype=np.int32), uv, colours, 1)


def load_kernels() -> None:
    """Build two small tilesets, so that every kernel is called with the types it meets."""
    with tempfile.TemporaryDirectory(prefix="onemap-warming-") as folder:
        picture = Path(folder) / "picture.png"
        Image.fromarray(np.full((32, 32, 3), 128, dtype=np.uint8)).save(picture)
        for name, materials in (("image", [Material("few", image=picture)]), ("colour", [])):
            build_mesh(_Few(materials), Path(folder) / name, MeshOptions(most_triangles=400))


if __name__ == "__main__":
    load_kernels()
