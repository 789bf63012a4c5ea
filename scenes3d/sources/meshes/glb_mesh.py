"""GLB as a mesh: the triangles of all its nodes, with pictures or colours of vertices; Draco is decoded.

Read whole: a GLB says its length in 32 bits, so it has four gigabytes at most.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.glb.container import unpack
from scenes3d.glb.property_table import EXTENSION as METADATA
from scenes3d.glb.reading import Primitive, read_model
from scenes3d.models.shaping import Faults
from scenes3d.sources.meshes.mesh import MISSING_IMAGE, NOT_TRIANGLES, ODD_TEXTURE, Material, Piece
from scenes3d.sources.tilesets.gltf import DRACO, Gltf
from twin.ellipsoid import Floats

_TRIANGLES = 4
_PIECE = 200_000
_TRANSFORM = "KHR_texture_transform"
_SAMPLE = 1_000


class GlbMesh:
    """A GLB, y up as glTF has it; its places are east, north, up."""

    def __init__(self, path: Path, faults: Faults) -> None:
        self.path, self._faults = path, faults
        self.materials: list[Material] = []
        self._numbers: dict[tuple[str, tuple[int, int, int]], int] = {}
        self._read: tuple[Primitive, ...] | None = None

    def beside(self) -> Sequence[Path]:
        return []

    def sample(self) -> Floats:
        return np.concatenate([p.positions[:_SAMPLE] for p in self._primitives()] or [np.zeros((0, 3))])

    def to_document(self) -> Mapping[str, Any]:
        return {"materials": len(self.materials), "images": sum(m.image is not None for m in self.materials)}

    def pieces(self) -> Iterator[Piece]:
        size = self.path.stat().st_size
        for number, primitive in enumerate(self._primitives()):
            if primitive.mode != _TRIANGLES:
                self._faults.add(NOT_TRIANGLES, f"{self.path.name}: primitive {number} has mode {primitive.mode}")
                continue
            material = self._material(primitive, number)
            triangles = primitive.indices[: len(primitive.indices) // 3 * 3].reshape(-1, 3)
            colours = None if primitive.colors is None else _srgb(primitive.colors[:, :3] * primitive.color[:3])
            for start in range(0, len(triangles), _PIECE):
                own = triangles[start : start + _PIECE]
                yield Piece(
                    primitive.positions[own],
                    np.full(len(own), material, dtype=np.int32),
                    None if primitive.uv is None else primitive.uv[own].astype(np.float32),
                    None if colours is None else colours[own],
                    size,
                )
        self._read = None

    def _primitives(self) -> tuple[Primitive, ...]:
        if self._read is None:
            data = self.path.read_bytes()
            used = unpack(data, self.path.name).document.get("extensionsUsed", ())
            if _TRANSFORM in used:
                self._faults.add(ODD_TEXTURE, f"{self.path.name}: {_TRANSFORM}")
            if DRACO in used:
                data = Gltf(data, self.path.name).without_draco().to_bytes()
            self._read = read_model(data, self.path.name).primitives
        return self._read

    def _material(self, primitive: Primitive, number: int) -> int:
        image = None if primitive.image is None else bytes(primitive.image)
        if image is None and primitive.uv is not None:
            self._faults.add(MISSING_IMAGE, f"{self.path.name}: primitive {number} has no picture in the file")
        red, green, blue = _srgb(np.array(primitive.color[:3])).tolist()
        key = hashlib.sha256(image or b"").hexdigest(), (red, green, blue)
        if key not in self._numbers:
            self._numbers[key] = len(self.materials)
            self.materials.append(Material(f"{self.path.stem} {len(self.materials)}", (red, green, blue), image))
        return self._numbers[key]


def is_large_mesh(path: Path, most_triangles: int) -> bool:
    """Whether a GLB has more triangles than a tile should, and nothing that picking needs: such one is cut into levels.

    Raises:
        UnreadableFileError: if it is no GLB.
    """
    document = unpack(path.read_bytes(), path.name).document
    if METADATA in document.get("extensions", {}):
        return False
    accessors = document.get("accessors", ())
    corners = 0
    for mesh in document.get("meshes", ()):
        for said in mesh.get("primitives", ()):
            number = said.get("indices", said.get("attributes", {}).get("POSITION"))
            if said.get("mode", _TRIANGLES) == _TRIANGLES and isinstance(number, int) and number < len(accessors):
                corners += int(accessors[number].get("count", 0))
    return corners > 3 * most_triangles


def _srgb(linear: Floats) -> npt.NDArray[np.uint8]:
    """Source: IEC 61966-2-1."""
    light = np.clip(linear, 0.0, 1.0)
    shown = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(shown * 255), dtype=np.uint8)
