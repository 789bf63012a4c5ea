"""Rings in tile units as the kernels take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tiles.kernel.rings import area, tidy

Ring = list[tuple[int, int]]
Arrays = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8], int]


def arrays_of(polygons: Sequence[Sequence[Ring]]) -> Arrays:
    """Polygons of a shell and holes each: vertices (k, 2), where each ring begins, 1 for shells, the number of rings."""
    rings = [np.array(ring, dtype=np.int64) for polygon in polygons for ring in polygon]
    shells = np.array([i == 0 for polygon in polygons for i in range(len(polygon))], dtype=np.uint8)
    starts = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])]).astype(np.int64)
    return np.concatenate(rings), starts, shells, len(rings)


def box(west: int, north: int, side: int) -> Ring:
    return [(west, north), (west + side, north), (west + side, north + side), (west, north + side)]


def tidied(ring: npt.NDArray[np.float64]) -> Ring:
    """A ring on integers without repeats and spikes; empty where it has no area."""
    work = np.zeros((len(ring) + 4, 2), dtype=np.int64)
    work[: len(ring)] = np.rint(ring)
    n = tidy(work, len(ring))
    return [(int(x), int(y)) for x, y in work[:n]] if n >= 3 and area(work, 0, n) else []
