"""Positions of vertices as a tile's file holds them: y up, in 16 bits where that moves nothing by more than a centimetre.

Vertices are given in the tile's frame, metres east, north, up. glTF has y up, and 3D Tiles turn it back: what is written is
(east, up, -north). The step of rounding is the same on all axes, so that normals stay what they are.

Source: KHR_mesh_quantization; 3D Tiles 1.1, section 9.3 (glTF transforms).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.frames import Floats

QUANTIZATION = "KHR_mesh_quantization"
MOST_ROUNDING_M = 0.01
_STEPS = 65_535


@dataclass(frozen=True, slots=True)
class Stored:
    """Positions ready to be written.

    Attributes:
        parts: uint16 or float32 (n, 3) for each mesh of the tile.
        node: What the node above them says: the way back to metres.
        quantized: Whether `KHR_mesh_quantization` is needed.
    """

    parts: list[npt.NDArray[Any]]
    node: dict[str, Any]
    quantized: bool


def stored_positions(parts: Sequence[Floats]) -> Stored:
    """All meshes of a tile (n, 3), on one grid: where two of them touch, they do so after rounding too."""
    turned = [y_up(part) for part in parts]
    low = np.min([part.min(axis=0) for part in turned], axis=0)
    extent = float((np.max([part.max(axis=0) for part in turned], axis=0) - low).max())
    step = extent / _STEPS
    if extent <= 0.0 or step / 2 > MOST_ROUNDING_M:
        return Stored([part.astype(np.float32) for part in turned], {}, quantized=False)
    node = {"translation": low.tolist(), "scale": [step] * 3}
    return Stored([np.rint((part - low) / step).astype(np.uint16) for part in turned], node, quantized=True)


def y_up(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Points or directions (n, 3) of a frame as glTF has them: (east, up, -north)."""
    return np.column_stack([points[:, 0], points[:, 2], -points[:, 1]])


def z_up(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The way back from `y_up`."""
    return np.column_stack([points[:, 0], -points[:, 2], points[:, 1]])
