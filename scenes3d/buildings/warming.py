"""Compiles the kernels of heights from clouds ahead of the first: `python -m scenes3d.buildings.warming`."""

from __future__ import annotations

import numpy as np

from scenes3d.buildings.cloud_heights import CloudRule, heights_from_cloud
from scenes3d.buildings.footprints import Footprints
from scenes3d.points.records import Chunk


def load_kernels() -> None:
    """Measure one square in a cloud of one point, so that every kernel is called with the types it meets."""
    xy = np.array([[120.0, 36.0], [120.001, 36.0], [120.001, 36.001], [120.0, 36.001]])
    one, nothing = np.array([0, 1]), np.zeros(1)
    square = Footprints(xy, np.array([0, 4]), one, one, nothing, nothing, ())
    place, code = np.array([120.0005]), np.array([6], dtype=np.uint8)
    chunk = Chunk(place, np.array([36.0005]), np.array([9.0]), None, np.zeros(1, dtype=np.uint16), code)
    heights_from_cloud(square, [chunk], 1, CloudRule())


if __name__ == "__main__":
    load_kernels()
