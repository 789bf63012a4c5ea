"""Compiles the kernels of rays, sight and floods ahead of the first question: `python -m scenes3d.analysis.warming`."""

from __future__ import annotations

import numpy as np
import shapely

from scenes3d.analysis.blocks import standing_blocks
from scenes3d.analysis.flood import flood_by_inflow
from scenes3d.analysis.ground import level_ground
from scenes3d.analysis.scene import open_scene
from twin.local_frame import LocalFrame


def load_kernels() -> None:
    """Ask a house on a square of ground, so that every kernel is called with the types it meets."""
    ground = level_ground(0.0, (-5.0, -5.0, 5.0, 5.0), 1.0)
    footprints = np.array([shapely.box(1, 1, 2, 2)], dtype=object)
    blocks = standing_blocks(["house"], footprints, np.array([3.0]), ground.at)
    scene = open_scene(LocalFrame(120.0, 36.2), ground, blocks, refraction=0.13, engine="numba")
    scene.blockers(np.array([[0.0, 0.0, 1.0]]), np.array([[4.0, 4.0, 1.0]]))
    scene.sight(np.array([[0.0, 0.0, 1.0]]), np.array([[4.0, 4.0, 1.0]]))
    # Origins that stand for many rays come as one row that is read over and over.
    scene.sight(np.broadcast_to(np.array([0.0, 0.0, 1.0]), (2, 3)), np.array([[4.0, 4.0, 1.0], [4.0, 0.0, 1.0]]))
    flood_by_inflow(ground, 60, 1.0)


if __name__ == "__main__":
    load_kernels()
