"""A glTF document that can be changed: bytes added, Draco taken out, attributes renamed, written again as a GLB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import DracoPy
import numpy as np
import numpy.typing as npt

from scenes3d.glb.container import broken, pack, unpack
from scenes3d.glb.property_table import EXTENSION as METADATA

DRACO = "KHR_draco_mesh_compression"
# What a viewer of ours can do without help. Textures in KTX2 and meshopt have no decoder here.
_KNOWN = {
    DRACO, METADATA, "EXT_mesh_features", "KHR_mesh_quantization", "KHR_materials_unlit", "KHR_texture_transform",
    "KHR_materials_pbrSpecularGlossiness", "CESIUM_RTC", "EXT_mesh_gpu_instancing", "KHR_materials_emissive_strength",
    "EXT_texture_webp",
}  # fmt: skip
_COMPONENTS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
_SHAPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
MOST_VERTICES = 20_000_000


Opened = Callable[[str], bytes]


class Gltf:
    """A document and its one buffer.

    Raises:
        UnreadableFileError: if it is no glTF 2.0, is cut off, claims absurd counts, or needs what nobody here decodes.
    """

    def __init__(self, data: bytes | memoryview, name: str) -> None:
        container = unpack(data, name)
        self.name, self.document = name, container.document
        self._parts: list[bytes] = [bytes(container.buffer)]
        self._length = len(container.buffer)
        version = str(self.document.get("asset", {}).get("version", ""))
        needed = set(self.document.get("extensionsRequired", ())) - _KNOWN
        if not version.startswith("2.") or needed:
            said = f"it needs {', '.join(sorted(needed))}" if needed else f"it is glTF {version or '1.0'}"
            raise broken(name, said, f"glTF 2.0 with {', '.join(sorted(_KNOWN))}")
        claimed = max((int(a.get("count", 0)) for a in self.document.get("accessors", ())), default=0)
        if claimed > MOST_VERTICES:
            raise broken(name, f"an accessor claims {claimed:,} elements", f"{MOST_VERTICES:,} elements")
        if any("uri" in said for said in self.document.get("buffers", ())):
            raise broken(name, "its buffer is another file", "one file")
        self._require_bytes()

    def add_view(self, data: bytes) -> int:
        """Put bytes at the end and give the number of their view."""
        gap = -self._length % 8
        self._parts += (bytes(gap), data)
        self._length += gap
        views = self.document.setdefault("bufferViews", [])
        views.append({"buffer": 0, "byteOffset": self._length, "byteLength": len(data)})
        self._length += len(data)
        return len(views) - 1

    def primitives(self) -> list[dict[str, Any]]:
        return [primitive for mesh in self.document.get("meshes", ()) for primitive in mesh.get("primitives", ())]

    def without_draco(self) -> Gltf:
        """This document, its Draco geometry decoded in place.

        Raises:
            UnreadableFileError: if Draco's bytes are broken.
        """
        if DRACO not in self.document.get("extensionsUsed", ()):
            return self
        for primitive in self.primitives():
            packed = primitive.get("extensions", {}).pop(DRACO, None)
            if packed is not None:
                self._decode(primitive, packed)
            if not primitive.get("extensions", True):
                del primitive["extensions"]
        self.drop_extension(DRACO)
        return self

    def use_extension(self, name: str) -> None:
        """Say that an extension is used."""
        used = self.document.setdefault("extensionsUsed", [])
        if name not in used:
            used.append(name)

    def drop_extension(self, name: str) -> None:
        """Say no more that an extension is used or required."""
        for key in ("extensionsUsed", "extensionsRequired"):
            left = [said for said in self.document.get(key, ()) if said != name]
            self.document.pop(key, None)
            if left:
                self.document[key] = left

    def to_bytes(self) -> bytes:
        """The GLB."""
        body = b"".join(self._parts)
        if body:
            self.document["buffers"] = [{"byteLength": len(body)}]
        return pack(self.document, body)

    def _view(self, number: int) -> bytes:
        said = self.document["bufferViews"][number]
        start = int(said.get("byteOffset", 0))
        return b"".join(self._parts)[start : start + int(said["byteLength"])]

    def _decode(self, primitive: dict[str, Any], packed: dict[str, Any]) -> None:
        try:
            mesh = DracoPy.decode(self._view(packed["bufferView"]))
            found = {a["unique_id"]: np.asarray(a["data"]) for a in mesh.attributes}
            for name, unique in packed["attributes"].items():
                self._fill(primitive["attributes"][name], found[unique])
            if "indices" in primitive:
                self._fill(primitive["indices"], np.asarray(mesh.faces).reshape(-1, 1))
        except (
            KeyError,
            IndexError,
            TypeError,
            ValueError,
            RuntimeError,
            AttributeError,
            DracoPy.FileTypeException,
        ) as error:
            raise broken(
                self.name, f"its Draco geometry: {type(error).__name__}: {error}", "Draco as glTF wants it"
            ) from error

    def _fill(self, accessor: int, values: npt.NDArray[Any]) -> None:
        """Give an accessor decoded values, in the type it says."""
        said = self.document["accessors"][accessor]
        kind = next(key for key, number in _COMPONENTS.items() if number == said["componentType"])
        table = np.ascontiguousarray(values.reshape(int(said["count"]), -1).astype(f"<{kind}"))
        if _SHAPES[table.shape[1]] != said["type"]:
            raise ValueError(f"{said['type']} holds {table.shape[1]} numbers")
        said.pop("byteOffset", None)
        if "min" in said or "max" in said:
            # Draco rounds: the bounds of what was packed are not those of what came out.
            said |= {"min": table.min(axis=0).tolist(), "max": table.max(axis=0).tolist()}
        size = table.shape[1] * table.dtype.itemsize
        if size % 4 and said["type"] != "SCALAR":
            padded = np.zeros((len(table), -(-size // 4) * 4 // table.dtype.itemsize), dtype=table.dtype)
            padded[:, : table.shape[1]] = table
            said["bufferView"] = self.add_view(padded.tobytes())
            self.document["bufferViews"][said["bufferView"]]["byteStride"] = padded.shape[1] * table.dtype.itemsize
            return
        said["bufferView"] = self.add_view(table.tobytes())

    def _require_bytes(self) -> None:
        for said in self.document.get("bufferViews", ()):
            end = int(said.get("byteOffset", 0)) + int(said["byteLength"])
            if end > self._length:
                raise broken(self.name, f"a view ends at {end:,} of {self._length:,} bytes", "a whole file")
