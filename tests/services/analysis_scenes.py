"""Small scenes with answers known in closed form."""

from __future__ import annotations

import numpy as np
import shapely

from scenes3d.analysis.blocks import standing_blocks
from scenes3d.analysis.ground import Ground, level_ground
from scenes3d.analysis.scene import open_scene
from twin.local_frame import LocalFrame

PLACE = LocalFrame(120.0, 36.28)


def blocks_on(ground, buildings):
    """Buildings as (footprint, height), named b0, b1, …"""
    footprints = np.array([footprint for footprint, _ in buildings], dtype=object)
    heights = np.array([height for _, height in buildings], dtype=float)
    ids = [f"b{i}" for i in range(len(buildings))]
    return standing_blocks(ids, footprints, heights, ground.at)


def flat(half=60.0, cell=1.0, height=0.0):
    return level_ground(height, (-half, -half, half, half), cell)


def scene_of(ground, buildings=(), **options):
    return open_scene(PLACE, ground, blocks_on(ground, list(buildings)), **options)


def ground_of(function, half=60.0, cell=1.0):
    blank = flat(half, cell)
    return Ground(function(*blank.nodes()).astype(float), blank.west, blank.south, cell)


def wall(x, thick, half=60.0):
    return shapely.box(x, -half, x + thick, half)
