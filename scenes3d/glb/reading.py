"""GLB in: positions, triangles, feature ids and attributes of every primitive, in the tile's frame and in float64.

Reads what `scenes3d.glb.mesh` writes and what other programs write in the same words; nothing compressed.
Nothing is believed: every accessor is measured against the bytes that are there before an array is made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.frames import Floats
from scenes3d.glb.buffer import COMPONENTS
from scenes3d.glb.container import Container, broken, unpack
from scenes3d.glb.mesh import MESH_FEATURES
from scenes3d.glb.positions import QUANTIZATION, z_up
from scenes3d.glb.property_table import EXTENSION as METADATA
from scenes3d.glb.property_table import read_table
from scenes3d.glb.textured import UNLIT, WHITE

_DTYPES = {number: np.dtype(f"<{name}") for name, number in COMPONENTS.items()}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_KNOWN = {MESH_FEATURES, METADATA, QUANTIZATION, UNLIT}
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Primitive:
    """One drawing of a model.

    Attributes:
        positions: float64 (n, 3), metres east, north, up in the tile's frame.
        indices: int64 (m,); 0…n-1 where the file has none.
        feature_ids: int64 (n,), or None.
        mode: glTF's number: 4 triangles, 0 points.
        uv: Texture coordinates, float64 (n, 2), (0, 0) the upper left corner; None where the file has none.
        attributes: Every attribute (n, k) by its name in the file, as it is stored.
        image: Bytes of the image that it is painted with; None where it is painted with none in the file.
        colors: Of vertices, 0…1, linear, float64 (n, 3) or (n, 4); None where the file has none.
        color: Of its material, red, green, blue and opacity, 0…1, linear.
    """

    positions: Floats
    indices: npt.NDArray[np.int64]
    feature_ids: npt.NDArray[np.int64] | None
    mode: int
    uv: Floats | None = None
    image: memoryview | None = None
    attributes: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    colors: Floats | None = None
    color: tuple[float, float, float, float] = WHITE


@dataclass(frozen=True, slots=True)
class Model:
    """What a GLB draws, and its first table of attributes by property id."""

    primitives: tuple[Primitive, ...]
    table: dict[str, list[Any]] = field(default_factory=dict)


def read_model(data: bytes | memoryview, name: str = "GLB") -> Model:
    """The model in a GLB.

    Raises:
        UnreadableFileError: if the file is broken, claims what it does not hold, or needs an extension that is not read here.
    """
    container = unpack(data, name)
    needed = set(container.document.get("extensionsRequired", ())) - _KNOWN
    if needed:
        raise broken(name, f"it needs {', '.join(sorted(needed))}", ", ".join(sorted(_KNOWN)))
    try:
        reader = _Reader(container)
        primitives = tuple(reader.primitives())
        extension = container.document.get("extensions", {}).get(METADATA)
        table = read_table(extension, reader.views) if extension and extension.get("propertyTables") else {}
    except (KeyError, IndexError, TypeError, ValueError, StopIteration) as error:
        raise broken(name, f"{type(error).__name__}: {error}", "glTF 2.0") from error
    return Model(primitives, table)


class _Reader:
    def __init__(self, container: Container) -> None:
        self._document = container.document
        self.views = [self._view(view, container.buffer) for view in self._document.get("bufferViews", ())]

    def primitives(self) -> list[Primitive]:
        scene = self._document["scenes"][self._document.get("scene", 0)]
        found: list[Primitive] = []
        for node in scene.get("nodes", ()):
            found += self._below(node, np.identity(4), 0)
        return found

    def _below(self, number: int, above: Floats, depth: int) -> list[Primitive]:
        if depth > _DEEPEST:
            raise ValueError(f"nodes are nested more than {_DEEPEST} deep")
        node = self._document["nodes"][number]
        matrix = above @ _node_matrix(node)
        found: list[Primitive] = []
        if "mesh" in node:
            found += [self._primitive(said, matrix) for said in self._document["meshes"][node["mesh"]]["primitives"]]
        for child in node.get("children", ()):
            found += self._below(child, matrix, depth + 1)
        return found

    def _primitive(self, said: dict[str, Any], matrix: Floats) -> Primitive:
        stored = self._accessor(said["attributes"]["POSITION"]).astype(np.float64)
        positions = stored @ matrix[:3, :3].T + matrix[:3, 3]
        indices = (
            self._accessor(said["indices"])[:, 0].astype(np.int64) if "indices" in said else np.arange(len(positions))
        )
        if len(indices) and (indices.min() < 0 or indices.max() >= len(positions)):
            raise ValueError(f"an index points at vertex {indices.max()} of {len(positions)}")
        accessors = self._document["accessors"]
        look = self._document["materials"][said["material"]] if "material" in said else {}
        surface = look.get("pbrMetallicRoughness", {})
        red, green, blue, opacity = map(float, surface.get("baseColorFactor", WHITE))
        return Primitive(
            z_up(positions),
            indices,
            self._feature_ids(said),
            int(said.get("mode", 4)),
            self._of_vertices(said, "TEXCOORD_0", len(positions)),
            self._image(surface.get("baseColorTexture")),
            {name: self._stored(at) for name, at in said["attributes"].items() if "bufferView" in accessors[at]},
            self._of_vertices(said, "COLOR_0", len(positions)),
            (red, green, blue, opacity),
        )

    def _of_vertices(self, said: dict[str, Any], name: str, count: int) -> Floats | None:
        if name not in said["attributes"]:
            return None
        values = self._accessor(said["attributes"][name]).astype(np.float64)
        if len(values) != count:
            raise ValueError(f"{name} has {len(values)} elements for {count} vertices")
        return values

    def _image(self, texture: dict[str, Any] | None) -> memoryview | None:
        """The bytes of the image of a texture; None where there is none, or it is in another file."""
        if texture is None:
            return None
        source = self._document["textures"][texture["index"]].get("source")
        view = None if source is None else self._document["images"][source].get("bufferView")
        return None if view is None else self.views[view]

    def _feature_ids(self, said: dict[str, Any]) -> npt.NDArray[np.int64] | None:
        sets = said.get("extensions", {}).get(MESH_FEATURES, {}).get("featureIds", ())
        if not sets or "attribute" not in sets[0]:
            return None
        return self._accessor(said["attributes"][f"_FEATURE_ID_{sets[0]['attribute']}"])[:, 0].astype(np.int64)

    def _view(self, said: dict[str, Any], buffer: memoryview) -> memoryview:
        start, length = int(said.get("byteOffset", 0)), int(said["byteLength"])
        if start < 0 or length < 0 or start + length > len(buffer):
            raise ValueError(f"a view claims bytes {start} to {start + length} of {len(buffer)}")
        return buffer[start : start + length]

    def _accessor(self, number: int) -> npt.NDArray[Any]:
        """Elements (n, width), normalised ones as fractions."""
        table = self._stored(number)
        return table / np.iinfo(table.dtype).max if self._document["accessors"][number].get("normalized") else table

    def _stored(self, number: int) -> npt.NDArray[Any]:
        """Elements (n, width) as they are stored."""
        said = self._document["accessors"][number]
        view = self._document["bufferViews"][said["bufferView"]]
        data = self.views[said["bufferView"]]
        dtype, width, count = _DTYPES[said["componentType"]], _WIDTHS[said["type"]], int(said["count"])
        stride, start = int(view.get("byteStride", dtype.itemsize * width)), int(said.get("byteOffset", 0))
        if count < 1 or start < 0 or start + (count - 1) * stride + dtype.itemsize * width > len(data):
            raise ValueError(f"an accessor claims {count} elements in {len(data)} bytes")
        table: npt.NDArray[Any] = np.ndarray(
            (count, width), dtype, buffer=data, offset=start, strides=(stride, dtype.itemsize)
        )
        return table


def _node_matrix(node: dict[str, Any]) -> Floats:
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    matrix = np.identity(4)
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    turned = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix[:3, :3] = turned * np.array(node.get("scale", (1.0, 1.0, 1.0)))
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix
