"""A decoder of quantized-mesh 1.0 written from the specification alone; it shares nothing with the encoder."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass

import numpy as np

EDGES = ("west", "south", "east", "north")


@dataclass(frozen=True)
class Decoded:
    header: dict
    u: np.ndarray
    v: np.ndarray
    height: np.ndarray
    triangles: np.ndarray
    edges: dict
    normals: np.ndarray | None
    metadata: dict | None


def decode(data: bytes) -> Decoded:
    """Every field of a tile; heights in metres. Refuses bytes left over."""
    names = ["cx", "cy", "cz", "low", "high", "sx", "sy", "sz", "radius", "hx", "hy", "hz"]
    header = dict(zip(names, struct.unpack_from("<3d2f4d3d", data, 0), strict=True))
    at = struct.calcsize("<3d2f4d3d")
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    columns = []
    for _ in range(3):
        value, column = 0, []
        for code in struct.unpack_from(f"<{count}H", data, at):
            value += (code >> 1) ^ -(code & 1)
            column.append(value)
        columns.append(np.array(column))
        at += 2 * count
    (triangle_count,) = struct.unpack_from("<I", data, at)
    at += 4
    highest, indices = 0, []
    for code in struct.unpack_from(f"<{3 * triangle_count}H", data, at):
        indices.append(highest - code)
        highest += code == 0
    at += 6 * triangle_count
    edges = {}
    for name in EDGES:
        (length,) = struct.unpack_from("<I", data, at)
        edges[name] = np.array(struct.unpack_from(f"<{length}H", data, at + 4))
        at += 4 + 2 * length
    normals = metadata = None
    while at < len(data):
        number, length = struct.unpack_from("<BI", data, at)
        body = data[at + 5 : at + 5 + length]
        assert len(body) == length
        at += 5 + length
        if number == 1:
            normals = unfold(np.frombuffer(body, dtype=np.uint8).reshape(-1, 2))
        elif number == 4:
            assert struct.unpack_from("<I", body) == (length - 4,)
            metadata = json.loads(body[4:])
        else:
            raise AssertionError(number)
    u, v, steps = columns
    height = header["low"] + steps * ((header["high"] - header["low"]) / 32767)
    return Decoded(header, u, v, height, np.array(indices).reshape(-1, 3), edges, normals, metadata)


def unfold(codes: np.ndarray) -> np.ndarray:
    flat = codes / 255.0 * 2.0 - 1.0
    z = 1.0 - np.abs(flat).sum(axis=1)
    below = z < 0
    flat[below] = (1.0 - np.abs(flat[below][:, ::-1])) * np.where(flat[below] >= 0, 1.0, -1.0)
    normal = np.column_stack([flat, z])
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def lonlat(mesh: Decoded, z: int, x: int, row_from_south: int) -> tuple[np.ndarray, np.ndarray]:
    side = 180.0 / (1 << z)
    return -180.0 + (x + mesh.u / 32767) * side, -90.0 + (row_from_south + mesh.v / 32767) * side


def height_on_mesh(mesh: Decoded, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Height of the mesh over places in its units, by barycentric coordinates; NaN where no triangle is."""
    found = np.full(u.shape, np.nan)
    for a, b, c in mesh.triangles:
        ux, uy, vx, vy = mesh.u[b] - mesh.u[a], mesh.v[b] - mesh.v[a], mesh.u[c] - mesh.u[a], mesh.v[c] - mesh.v[a]
        area = ux * vy - uy * vx
        near = (u >= mesh.u[[a, b, c]].min()) & (u <= mesh.u[[a, b, c]].max())
        near &= (v >= mesh.v[[a, b, c]].min()) & (v <= mesh.v[[a, b, c]].max())
        du, dv = u[near] - mesh.u[a], v[near] - mesh.v[a]
        s, t = (du * vy - dv * vx) / area, (dv * ux - du * uy) / area
        inside = (s >= -1e-9) & (t >= -1e-9) & (s + t <= 1 + 1e-9)
        values = mesh.height[a] + s * (mesh.height[b] - mesh.height[a]) + t * (mesh.height[c] - mesh.height[a])
        found[np.flatnonzero(near)[inside]] = values[inside]
    return found
