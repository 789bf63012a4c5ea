"""Compiles the kernels of rasters, or loads them where that has been done: `python -m tiles.raster.warming` does so ahead of the first tile."""

from __future__ import annotations

import numpy as np

from tiles.raster.kernels import known_pixels, lay_under, png_rows, sample, to_colours
from tiles.raster.relief import contours, hillshade
from tiles.raster.sampling import COMPILED


def load_kernels() -> None:
    """Call every kernel with the types it meets."""
    side = 4
    values, alpha = np.zeros((1, side, side), dtype=np.float32), np.zeros((side, side), dtype=np.uint8)
    nodes = np.stack(np.meshgrid(np.linspace(0, side, 2), np.linspace(0, side, 2)), axis=-1)
    ends = np.array([side, side])
    for dtype in COMPILED:
        pixels = np.ones((1, side, side), dtype=dtype)
        none = np.empty((0, 0), dtype=np.uint8)
        box = np.array([0, 0, side, side])
        sample(
            pixels,
            known_pixels(pixels, none, np.nan),
            nodes,
            np.ones(2),
            np.zeros(2, dtype=np.int64),
            ends,
            box,
            True,
            values,
            alpha,
        )
    lay_under(values, alpha, values.copy(), alpha.copy())
    colours = np.zeros((side, side, 4), dtype=np.uint8)
    to_colours(values, alpha, np.zeros(1), np.ones(1), np.empty((0, 4), dtype=np.uint8), colours)
    for channels in (3, 4):
        png_rows(np.ascontiguousarray(colours[..., :channels]))
    metres = np.ones(side)
    hillshade(values[0], alpha, metres, metres, 315.0, 45.0, 1.0)
    contours(values[0], alpha, 1.0)


if __name__ == "__main__":
    load_kernels()
