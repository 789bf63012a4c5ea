"""A mesh with feature ids, as the GLB of one tile.

Positions are written as `positions.py` says; normals are rounded to 8 bits, which `KHR_mesh_quantization` allows and asks for.

Source: glTF 2.0; EXT_mesh_features; KHR_mesh_quantization.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scenes3d.frames import Floats
from scenes3d.glb.buffer import Buffer
from scenes3d.glb.container import pack
from scenes3d.glb.positions import QUANTIZATION, stored_positions, y_up
from scenes3d.glb.property_table import EXTENSION as METADATA
from scenes3d.glb.property_table import Column, ColumnKind, write_table

MESH_FEATURES = "EXT_mesh_features"
_TRIANGLES = 4
SURFACE = "surface"
"""Label of the second set of feature ids: what each surface is a part of."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles of many features in one frame.

    Attributes:
        positions: float64 (n, 3), metres east, north, up.
        normals: float32 (n, 3), unit length.
        feature_ids: uint16 (n,), rows of the property table.
        indices: uint32 (3 t,), counter-clockwise seen from outside.
        color: Red, green, blue and opacity of all of it, 0…1, linear and not sRGB, as glTF wants them.
        parts: Names of what surfaces are parts of (RoofSurface, …); with `part`, uint16 (n,), the row of each vertex.
    """

    positions: Floats
    normals: npt.NDArray[np.float32]
    feature_ids: npt.NDArray[np.uint16]
    indices: npt.NDArray[np.uint32]
    color: tuple[float, float, float, float] = (0.8, 0.8, 0.8, 1.0)
    parts: tuple[str, ...] = ()
    part: npt.NDArray[np.uint16] | None = None


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
    ids: list[dict[str, Any]] = [{"featureCount": count, "attribute": 0, "propertyTable": 0}]
    metadata = write_table(buffer, columns, class_name)
    if mesh.parts and mesh.part is not None:
        primitive["attributes"]["_FEATURE_ID_1"] = buffer.add_vertices(mesh.part)
        ids.append({"featureCount": len(mesh.parts), "attribute": 1, "propertyTable": 1, "label": SURFACE})
        _add_parts(buffer, metadata, mesh.parts)
    primitive["extensions"] = {MESH_FEATURES: {"featureIds": ids}}
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


def _primitive(buffer: Buffer, mesh: Mesh) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the node says, and what the primitive says."""
    positions = stored_positions([mesh.positions])
    normals = np.rint(y_up(mesh.normals) * 127).astype(np.int8)
    attributes = {
        "POSITION": buffer.add_vertices(positions.parts[0], bounds=True),
        "NORMAL": buffer.add_vertices(normals, normalized=True),
        "_FEATURE_ID_0": buffer.add_vertices(mesh.feature_ids),
    }
    primitive = {
        "attributes": attributes,
        "indices": buffer.add_indices(mesh.indices, len(mesh.positions)),
        "material": 0,
        "mode": _TRIANGLES,
    }
    return positions.node, primitive


def _add_parts(buffer: Buffer, metadata: dict[str, Any], parts: Sequence[str]) -> None:
    """A second table beside that of the features: the names of the parts."""
    column = Column("part", ColumnKind.STRING, pa.array(parts, pa.string()))
    extra = write_table(buffer, [column], SURFACE)
    metadata["schema"]["classes"] |= extra["schema"]["classes"]
    metadata["propertyTables"] += extra["propertyTables"]


def _material(mesh: Mesh) -> dict[str, Any]:
    return {
        "pbrMetallicRoughness": {
            "baseColorFactor": list(mesh.color),
            "metallicFactor": 0.0,
            "roughnessFactor": 0.9,
        }
    }
