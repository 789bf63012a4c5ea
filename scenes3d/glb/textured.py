"""Triangles with photographs on them, as the GLB of one tile. Images are kept byte for byte; each stands in the file once.

A photograph has its light in it: where a part has no normals it is drawn as it is (`KHR_materials_unlit`), with normals it is lit.
Texture coordinates are glTF's: (0, 0) is the upper left corner of the image.

Source: glTF 2.0, sections 3.8 (images, samplers, textures) and 3.9 (materials); KHR_materials_unlit; KHR_mesh_quantization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from scenes3d.frames import Floats
from scenes3d.glb.buffer import Buffer
from scenes3d.glb.container import pack
from scenes3d.glb.positions import QUANTIZATION, stored_positions, y_up

UNLIT = "KHR_materials_unlit"
WHITE = (1.0, 1.0, 1.0, 1.0)
_MIME_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}
_LINEAR, _LINEAR_MIPMAP_LINEAR = 9729, 9987
_CLAMP_TO_EDGE, _REPEAT = 33071, 10497
_TRIANGLES = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TexturedPart:
    """Triangles that share a look.

    Attributes:
        positions: float64 (n, 3), metres east, north, up in the tile's frame.
        indices: uint32 (3 t,), counter-clockwise seen from outside.
        uv: float32 (n, 2); None without an image.
        image: A JPEG or PNG, whole; None without.
        normals: float32 (n, 3), unit length; None draws the part unlit.
        colors: uint8 (n, 4), red, green, blue and opacity, linear; None without.
        color: Of all of the part, 0…1, linear.
        double_sided: Whether it is drawn from behind too.
        repeats: Whether the image goes on beyond its edges; else its edge does.
    """

    positions: Floats
    indices: npt.NDArray[np.uint32]
    uv: npt.NDArray[np.float32] | None = None
    image: bytes | None = None
    normals: npt.NDArray[np.float32] | None = None
    colors: npt.NDArray[np.uint8] | None = None
    color: tuple[float, float, float, float] = WHITE
    double_sided: bool = False
    repeats: bool = False


def write_textured(parts: Sequence[TexturedPart], copyright_note: str = "") -> bytes:
    """The GLB of these parts, at least one, none of them empty: the same bytes for the same input.

    Raises:
        ValueError: if an image is neither JPEG nor PNG, or a part has an image and no texture coordinates.
    """
    buffer, looks = Buffer(), _Looks()
    positions = stored_positions([part.positions for part in parts])
    primitives = [_primitive(buffer, looks, *pair) for pair in zip(parts, positions.parts, strict=True)]
    images = [{"bufferView": buffer.add_view(data), "mimeType": mime_type_of(data)} for data in looks.images]
    body = buffer.to_bytes()
    lit_only = all(part.normals is not None for part in parts)
    # 8 bits a normal are allowed by the same extension as 16 bits a position.
    needed = [QUANTIZATION] if positions.quantized or any(part.normals is not None for part in parts) else []
    used = [*needed, *([] if lit_only else [UNLIT])]
    asset = {"version": "2.0", "generator": "One Map"} | ({"copyright": copyright_note} if copyright_note else {})
    document: dict[str, Any] = {
        "asset": asset,
        **({"extensionsUsed": used} if used else {}),
        **({"extensionsRequired": needed} if needed else {}),
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **positions.node}],
        "meshes": [{"primitives": primitives}],
        "materials": looks.materials,
        **({"textures": looks.textures, "samplers": looks.samplers, "images": images} if images else {}),
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(body)}],
    }
    return pack(document, body)


def mime_type_of(image: bytes) -> str:
    """What kind of image this is, by its first bytes. Raises ValueError if it is none that glTF takes."""
    for start, mime_type in _MIME_TYPES.items():
        if image.startswith(start):
            return mime_type
    raise ValueError(f"an image begins with {image[:4]!r}: neither JPEG nor PNG")


class _Looks:
    """Materials, textures, samplers and images, each different one once, in the order of their first use."""

    def __init__(self) -> None:
        self.materials: list[dict[str, Any]] = []
        self.textures: list[dict[str, int]] = []
        self.samplers: list[dict[str, int]] = []
        self.images: list[bytes] = []

    def material(self, part: TexturedPart) -> int:
        said: dict[str, Any] = {"baseColorFactor": list(part.color), "metallicFactor": 0.0, "roughnessFactor": 0.9}
        if part.image is not None:
            if part.uv is None:
                raise ValueError("a part with an image has no texture coordinates")
            said["baseColorTexture"] = {"index": self._texture(part.image, _REPEAT if part.repeats else _CLAMP_TO_EDGE)}
        material: dict[str, Any] = {"pbrMetallicRoughness": said}
        if part.color[3] < 1.0:
            material["alphaMode"] = "BLEND"
        if part.double_sided:
            material["doubleSided"] = True
        if part.normals is None:
            material["extensions"] = {UNLIT: {}}
        return _number(self.materials, material)

    def _texture(self, image: bytes, wrap: int) -> int:
        sampler = {"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAP_LINEAR, "wrapS": wrap, "wrapT": wrap}
        texture = {"sampler": _number(self.samplers, sampler), "source": _number(self.images, image)}
        return _number(self.textures, texture)


def _number(known: list[T], wanted: T) -> int:
    """Where it stands in the list; it is put at the end where it does not stand in it yet."""
    if wanted not in known:
        known.append(wanted)
    return known.index(wanted)


def _primitive(buffer: Buffer, looks: _Looks, part: TexturedPart, stored: npt.NDArray[Any]) -> dict[str, Any]:
    attributes = {"POSITION": buffer.add_vertices(stored, bounds=True)}
    if part.normals is not None:
        normals = np.rint(y_up(part.normals) * 127).astype(np.int8)
        attributes["NORMAL"] = buffer.add_vertices(normals, normalized=True)
    if part.uv is not None and part.image is not None:
        attributes["TEXCOORD_0"] = buffer.add_vertices(part.uv.astype(np.float32))
    if part.colors is not None:
        attributes["COLOR_0"] = buffer.add_vertices(part.colors, normalized=True)
    return {
        "attributes": attributes,
        "indices": buffer.add_indices(part.indices, len(part.positions)),
        "material": looks.material(part),
        "mode": _TRIANGLES,
    }
