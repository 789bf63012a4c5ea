"""A mesh with feature ids, as the GLB of one tile.

Vertices are given in the tile's frame, metres east, north, up. glTF has y up, and 3D Tiles turn it back: what is written is
(east, up, -north). Normals are rounded to 8 bits; positions to 16 bits only where that moves no vertex by more than a
centimetre, with the same step on all axes, so that normals stay what they are.

Source: glTF 2.0; EXT_mesh_features; KHR_mesh_quantization; 3D Tiles 1.1, section 9.3 (glTF transforms).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.frames import Floats
from scenes3d.glb.buffer import Buffer
from scenes3d.glb.container import pack
from scenes3d.glb.property_table import EXTENSION as METADATA
from scenes3d.glb.property_table import Column, write_table

MESH_FEATURES = "EXT_mesh_features"
QUANTIZATION = "KHR_mesh_quantization"
MOST_ROUNDING_M = 0.01
_STEPS = 65_535
_TRIANGLES = 4


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles of many features in one frame.

    Attributes:
        positions: float64 (n, 3), metres east, north, up.
        normals: float32 (n, 3), unit length.
        feature_ids: uint16 (n,), rows of the property table.
        indices: uint32 (3 t,), counter-clockwise seen from outside.
        color: Red, green, blue and opacity of all of it, 0…1, linear and not sRGB, as glTF wants them.
    """

    positions: Floats
    normals: npt.NDArray[np.float32]
    feature_ids: npt.NDArray[np.uint16]
    indices: npt.NDArray[np.uint32]
    color: tuple[float, float, float, float] = (0.8, 0.8, 0.8, 1.0)


def write_mesh(mesh: Mesh, columns: Sequence[Column], class_name: str, copyright_note: str = "") -> bytes:
    """The GLB of a mesh and the attributes of its features: the same bytes for the same input.

    Args:
        columns: At least one, with a row for each feature.
        class_name: Name of the features' class in the schema of their properties.
        copyright_note: Whose data it is.
    """
    buffer = Buffer()
    node, primitive = _primitive(buffer, mesh)
    count = len(columns[0].values)
    primitive["extensions"] = {
        MESH_FEATURES: {"featureIds": [{"featureCount": count, "attribute": 0, "propertyTable": 0}]}
    }
    metadata = write_table(buffer, columns, class_name)
    body = buffer.to_bytes()
    asset = {"version": "2.0", "generator": "One Map"} | ({"copyright": copyright_note} if copyright_note else {})
    document: dict[str, Any] = {
        "asset": asset,
        "extensionsUsed": [MESH_FEATURES, METADATA, QUANTIZATION],
        "extensionsRequired": [QUANTIZATION],
        "extensions": {METADATA: metadata},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **node}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [_material(mesh)],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(body)}],
    }
    return pack(document, body)


def y_up(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Points or directions (n, 3) of a frame as glTF has them: (east, up, -north)."""
    return np.column_stack([points[:, 0], points[:, 2], -points[:, 1]])


def z_up(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The way back from `y_up`."""
    return np.column_stack([points[:, 0], -points[:, 2], points[:, 1]])


def _primitive(buffer: Buffer, mesh: Mesh) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the node says, and what the primitive says."""
    positions = y_up(mesh.positions)
    low, extent = positions.min(axis=0), float(np.ptp(positions, axis=0).max())
    quantized = extent / _STEPS / 2 <= MOST_ROUNDING_M and extent > 0.0
    node: dict[str, Any] = {}
    if quantized:
        step = extent / _STEPS
        node = {"translation": low.tolist(), "scale": [step] * 3}
        stored: npt.NDArray[Any] = np.rint((positions - low) / step).astype(np.uint16)
    else:
        stored = positions.astype(np.float32)
    normals = np.rint(y_up(mesh.normals) * 127).astype(np.int8)
    attributes = {
        "POSITION": buffer.add_vertices(stored, bounds=True),
        "NORMAL": buffer.add_vertices(normals, normalized=True),
        "_FEATURE_ID_0": buffer.add_vertices(mesh.feature_ids),
    }
    primitive = {
        "attributes": attributes,
        "indices": buffer.add_indices(mesh.indices, len(positions)),
        "material": 0,
        "mode": _TRIANGLES,
    }
    return node, primitive


def _material(mesh: Mesh) -> dict[str, Any]:
    return {
        "pbrMetallicRoughness": {
            "baseColorFactor": list(mesh.color),
            "metallicFactor": 0.0,
            "roughnessFactor": 0.9,
        }
    }
