"""Compiles the kernels of point clouds ahead of the first: `python -m scenes3d.points.warming`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scenes3d.frames import Frame
from scenes3d.points.building import CloudOptions, build_cloud
from scenes3d.points.records import Chunk


class _Few:
    """Two hundred points with colours, and one without."""

    points = 201
    frame = Frame(120.0, 36.2)

    def identity(self) -> Mapping[str, Any]:
        return {}

    def chunks(self) -> Iterator[Chunk]:
        for count, coloured in ((200, True), (1, False)):
            place = np.arange(count, dtype=np.float64)
            colour = np.zeros((count, 3), dtype=np.uint16) if coloured else None
            shades, classes = np.zeros(count, dtype=np.uint16), np.zeros(count, dtype=np.uint8)
            yield Chunk(120.0 + place * 1e-5, 36.2 + place * 1e-5, place, colour, shades, classes)


def load_kernels() -> None:
    """Build a tileset of a few points over several bins, so that every kernel is called with the types it meets."""
    with tempfile.TemporaryDirectory(prefix="onemap-warming-") as folder:
        build_cloud(_Few(), Path(folder) / "few", CloudOptions(bin_points=50, take_all=10))


if __name__ == "__main__":
    load_kernels()
