"""A GLB in another frame: a node above its scene, not a vertex touched."""

from __future__ import annotations

import numpy as np

from scenes3d.frames import Floats
from scenes3d.glb.container import pack, unpack

# From y up to z up, for columns.
_UPRIGHT = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])


def moved(data: bytes, matrix: Floats, name: str = "GLB") -> bytes:
    """The same GLB with its scene in the frame that `matrix` leads to.

    Args:
        matrix: float64 (4, 4), for columns, between frames with z up.

    Raises:
        UnreadableFileError: if it is no GLB.
    """
    container = unpack(data, name)
    document = container.document
    scene = document["scenes"][document.get("scene", 0)]
    # The tile turns its contents from y up to z up; they are moved in between.
    turned = _UPRIGHT.T @ matrix @ _UPRIGHT
    document["nodes"].append({"matrix": turned.T.ravel().tolist(), "children": list(scene["nodes"])})
    scene["nodes"] = [len(document["nodes"]) - 1]
    return pack(document, bytes(container.buffer))
