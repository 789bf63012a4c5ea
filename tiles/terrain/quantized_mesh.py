"""The quantized-mesh format: triangles of a tile as bytes.

Source: CesiumGS/quantized-mesh, version 1.0, with the extensions oct-encoded per-vertex normals (1) and metadata (4).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tiles.terrain.elevation import Floats
from tiles.terrain.ellipsoid import horizon_point

UNITS = 32_767
"""Steps along each side of a tile, and between its lowest and highest height."""

_NORMALS, _METADATA = 1, 4


@dataclass(frozen=True, slots=True)
class QuantizedVertices:
    """Vertices of a tile in the units of the format.

    Attributes:
        u: int32 (n,) 0 at the western edge, `UNITS` at the eastern.
        v: int32 (n,) 0 at the southern edge, `UNITS` at the northern.
        height: int32 (n,) 0 at `lowest_m`, `UNITS` at `highest_m`.
        lowest_m, highest_m: The ends of the range, exact in float32.
        positions: float64 (n, 3) the same vertices, Earth-centred, metres.
        centre: float64 (3,) the middle of the tile, Earth-centred.
    """

    u: npt.NDArray[np.int32]
    v: npt.NDArray[np.int32]
    height: npt.NDArray[np.int32]
    lowest_m: float
    highest_m: float
    positions: Floats
    centre: Floats


def encode_quantized_mesh(
    vertices: QuantizedVertices,
    triangles: npt.NDArray[np.int32],
    normals: Floats | None = None,
    metadata: bytes | None = None,
) -> bytes:
    """The bytes of a tile, not compressed.

    Args:
        vertices: At most 65,536.
        triangles: int32 (m, 3), counter-clockwise seen from above; vertices stand in the order of first use.
        normals: float64 (n, 3) unit vectors, Earth-centred; None for a tile without that extension.
        metadata: A JSON document in UTF-8; None for a tile without that extension.
    """
    parts = [_header(vertices), struct.pack("<I", len(vertices.u))]
    parts += [_zigzag_deltas(column).tobytes() for column in (vertices.u, vertices.v, vertices.height)]
    parts.append(struct.pack("<I", len(triangles)))
    parts.append(_high_water_marks(triangles.ravel()).astype("<u2").tobytes())
    for along, across, end in (
        (vertices.v, vertices.u, 0),
        (vertices.u, vertices.v, 0),
        (vertices.v, vertices.u, UNITS),
        (vertices.u, vertices.v, UNITS),
    ):
        edge = np.flatnonzero(across == end)
        edge = edge[np.argsort(along[edge], kind="stable")]
        parts += [struct.pack("<I", len(edge)), edge.astype("<u2").tobytes()]
    if normals is not None:
        parts.append(_extension(_NORMALS, oct_encoded(normals).tobytes()))
    if metadata is not None:
        parts.append(_extension(_METADATA, struct.pack("<I", len(metadata)) + metadata))
    return b"".join(parts)


def oct_encoded(normals: Floats) -> npt.NDArray[np.uint8]:
    """Unit vectors (n, 3) folded onto an octahedron, uint8 (n, 2).

    Source: Z. Cigolle et al., "A survey of efficient representations for independent unit vectors", JCGT 3(2), 2014.
    """
    flat = normals[:, :2] / np.abs(normals).sum(axis=1, keepdims=True)
    signs = np.where(flat >= 0.0, 1.0, -1.0)
    folded = (1.0 - np.abs(flat[:, ::-1])) * signs
    flat = np.where(normals[:, 2:] < 0.0, folded, flat)
    return np.asarray(np.floor((np.clip(flat, -1.0, 1.0) * 0.5 + 0.5) * 255.0 + 0.5), dtype=np.uint8)


def _header(vertices: QuantizedVertices) -> bytes:
    low, high = vertices.positions.min(axis=0), vertices.positions.max(axis=0)
    middle = 0.5 * (low + high)
    radius = float(np.sqrt(((vertices.positions - middle) ** 2).sum(axis=1).max()))
    horizon = horizon_point(vertices.positions, middle)
    return struct.pack("<3d2f3dd3d", *vertices.centre, vertices.lowest_m, vertices.highest_m, *middle, radius, *horizon)


def _zigzag_deltas(values: npt.NDArray[np.int32]) -> npt.NDArray[np.uint16]:
    deltas = np.diff(values, prepend=np.int32(0))
    return ((deltas << 1) ^ (deltas >> 31)).astype("<u2")


def _high_water_marks(indices: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """How far below the next vertex that was not used yet each index lies; 0 for that vertex itself."""
    highest = np.maximum.accumulate(indices)
    before = np.concatenate([[-1], highest[:-1]])
    return np.asarray(before + 1 - indices, dtype=np.int32)


def _extension(number: int, body: bytes) -> bytes:
    return struct.pack("<BI", number, len(body)) + body
