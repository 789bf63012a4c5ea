"""One tile's points as a file: GLB, and pnts of 3D Tiles 1.0 for viewers that know no other points.

Places are relative to the middle of the tile's box, which the tile's transform carries in float64. Positions are written in 16 bits
where a step of that is no more than a centimetre: whole quanta shifted right, so nothing else rounds them.

Source: glTF 2.0; KHR_mesh_quantization; EXT_structural_metadata (property attributes); 3D Tiles 1.0, Point Cloud.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from scenes3d.glb.buffer import Buffer
from scenes3d.glb.container import pack
from scenes3d.glb.positions import QUANTIZATION, y_up
from scenes3d.glb.property_table import EXTENSION as METADATA
from scenes3d.glb.textured import UNLIT
from scenes3d.points.colour import linear_bytes, srgb_bytes
from scenes3d.points.records import QUANTUM_M, Records, classifications, colours, intensities, places

_STEPS = 65_535
_COARSEST_SHIFT = 6  # 2⁶ quanta are 7.8 mm
_POINTS = 0
_PNTS = struct.Struct("<4sIIIIII")

_SCHEMA = {
    "id": "points",
    "classes": {
        "point": {
            "properties": {
                "classification": {"name": "Classification", "description": "ASPRS class", "type": "SCALAR",
                                   "componentType": "UINT8", "required": True},
                "intensity": {"name": "Intensity", "type": "SCALAR", "componentType": "UINT16", "required": True},
            }
        }
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PointTile:
    """Points of one tile, and where its frame stands.

    Attributes:
        records: (n, 6), at least one.
        middle: Where the tile's frame stands in the scene's, quanta (3,).
        brightest: Greatest colour value of the cloud; 0 where it has no colours.
    """

    records: Records
    middle: npt.NDArray[np.int64]
    brightest: int

    def local(self) -> npt.NDArray[np.int64]:
        """x, y, z from the middle, quanta (n, 3)."""
        return np.asarray(places(self.records) - self.middle)


Encoder = Callable[[PointTile], bytes]


def encode_glb(tile: PointTile) -> bytes:
    """A GLB of points with colour, classification and intensity: the same bytes for the same points."""
    buffer = Buffer()
    node, attributes, used = _positions(buffer, y_up(tile.local()))
    if tile.brightest:
        colour = np.full((len(tile.records), 4), 255, dtype=np.uint8)
        colour[:, :3] = linear_bytes(colours(tile.records), tile.brightest)
        attributes["COLOR_0"] = buffer.add_vertices(colour, normalized=True)
    attributes["_CLASSIFICATION"] = buffer.add_vertices(classifications(tile.records))
    attributes["_INTENSITY"] = buffer.add_vertices(intensities(tile.records))
    read_as = {name.lower().strip("_"): {"attribute": name} for name in ("_CLASSIFICATION", "_INTENSITY")}
    metadata = {"schema": _SCHEMA, "propertyAttributes": [{"class": "point", "properties": read_as}]}
    primitive = {
        "attributes": attributes,
        "material": 0,
        "mode": _POINTS,
        "extensions": {METADATA: {"propertyAttributes": [0]}},
    }
    body = buffer.to_bytes()
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "One Map"},
        "extensionsUsed": [UNLIT, METADATA, *used],
        **({"extensionsRequired": used} if used else {}),
        "extensions": {METADATA: metadata},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **node}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [{"extensions": {UNLIT: {}}, "pbrMetallicRoughness": {"metallicFactor": 0.0}}],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(body)}],
    }
    return pack(document, body)


def encode_pnts(tile: PointTile) -> bytes:
    """A pnts file: float32 positions, colours as a screen shows them, classification and intensity a point."""
    rgb = srgb_bytes(colours(tile.records), tile.brightest) if tile.brightest else None
    places_m = tile.local() * QUANTUM_M
    return pack_pnts(places_m, rgb, intensities(tile.records), classifications(tile.records))


def pack_pnts(
    positions: npt.NDArray[Any],
    rgb: npt.NDArray[np.uint8] | None,
    intensity: npt.NDArray[np.uint16],
    classification: npt.NDArray[np.uint8],
) -> bytes:
    """A pnts file of n points: positions (n, 3) in metres, z up; colours (n, 3) or None; intensity and class (n,).

    Source: OGC 18-053r2, section 10.4 (point cloud).
    """
    count = len(positions)
    features: dict[str, Any] = {"POINTS_LENGTH": count, "POSITION": {"byteOffset": 0}}
    values = positions.astype("<f4").tobytes()
    if rgb is not None:
        features["RGB"] = {"byteOffset": len(values)}
        values += rgb.tobytes()
    batch = {
        "Intensity": {"byteOffset": 0, "componentType": "UNSIGNED_SHORT", "type": "SCALAR"},
        "Classification": {"byteOffset": 2 * count, "componentType": "UNSIGNED_BYTE", "type": "SCALAR"},
    }
    attributes = intensity.astype("<u2").tobytes() + classification.astype("u1").tobytes()
    # Every part begins and ends at a multiple of eight bytes from the start of the file.
    parts = [
        _padded(orjson.dumps(features), b" ", _PNTS.size),
        _padded(values, b"\0"),
        _padded(orjson.dumps(batch), b" "),
        _padded(attributes, b"\0"),
    ]
    lengths = [len(part) for part in parts]
    return b"".join([_PNTS.pack(b"pnts", 1, _PNTS.size + sum(lengths), *lengths), *parts])


ENCODERS: dict[str, Encoder] = {"glb": encode_glb, "pnts": encode_pnts}


def _positions(buffer: Buffer, points: npt.NDArray[np.int64]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """What the node says, the first attribute, and the extensions that it needs; `points` in quanta, y up."""
    low = points.min(axis=0)
    extent = int((points.max(axis=0) - low).max())
    shift = max((extent // _STEPS).bit_length(), 0)
    if shift > _COARSEST_SHIFT:
        return {}, {"POSITION": buffer.add_vertices((points * QUANTUM_M).astype(np.float32), bounds=True)}, []
    steps = np.minimum((points - low + ((1 << shift) >> 1)) >> shift, _STEPS).astype(np.uint16)
    node = {"translation": (low * QUANTUM_M).tolist(), "scale": [QUANTUM_M * (1 << shift)] * 3}
    return node, {"POSITION": buffer.add_vertices(steps, bounds=True)}, [QUANTIZATION]


def _padded(data: bytes, filler: bytes, before: int = 0) -> bytes:
    return data + filler * (-(len(data) + before) % 8)
