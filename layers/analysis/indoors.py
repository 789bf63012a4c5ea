"""Places inside a building are no ground: a state of their own, which enters no sum and no share."""

from __future__ import annotations

import numpy as np

from layers.analysis.verdicts import COLORS
from scenes3d.analysis.inside import inside
from scenes3d.analysis.scene import Scene
from scenes3d.rays.port import Bools
from twin.text import LocalText

INSIDE = "inside-building"
INSIDE_CODE = 4
"""Among the codes of cells, behind those of all verdicts."""
INSIDE_CLASS = (INSIDE_CODE, LocalText("建筑内部", "Inside a building"), COLORS[INSIDE])


def nodes_inside(scene: Scene, asked: Bools, height_m: float) -> Bools:
    """Which of the nodes that are asked about, (rows, columns), lie inside a building or a body of a scene.

    Args:
        height_m: Above the ground, of what is looked at: above a low roof it is in the open.
    """
    east, north = scene.ground.nodes()
    found = np.zeros_like(asked)
    found[asked] = inside(scene, np.column_stack([east[asked], north[asked], scene.ground.heights[asked] + height_m]))
    return found


def area_inside(scene: Scene, within: Bools) -> dict[str, float]:
    """What an answer says of such cells."""
    return {"insideBuildings_m2": float(within.sum() * scene.ground.cell_m**2)}
