"""Points of whoever made them as a GLB: places and colours, nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.glb.buffer import Buffer
from scenes3d.glb.container import pack
from twin.ellipsoid import Floats

_UNLIT = "KHR_materials_unlit"


def write_points(points: Floats, colour: npt.NDArray[np.uint8] | None) -> bytes:
    """A GLB of points (n, 3), y up, single precision, with linear colours (n, 3) where there are any."""
    buffer = Buffer()
    attributes = {"POSITION": buffer.add_vertices(points.astype(np.float32), bounds=True)}
    if colour is not None:
        opaque = np.full((len(points), 4), 255, dtype=np.uint8)
        opaque[:, :3] = colour
        attributes["COLOR_0"] = buffer.add_vertices(opaque, normalized=True)
    body = buffer.to_bytes()
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "One Map"},
        "extensionsUsed": [_UNLIT],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": attributes, "material": 0, "mode": 0}]}],
        "materials": [{"extensions": {_UNLIT: {}}}],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(body)}],
    }
    return pack(document, body)
