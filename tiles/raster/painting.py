"""From sampled values to colours, as a look has it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tiles.grids import MERCATOR_EDGE_M
from tiles.raster.kernels import to_colours
from tiles.raster.look import Look, Range, colour_table
from tiles.raster.placing import TileFrame
from tiles.raster.relief import contours, hillshade
from tiles.raster.sampling import Sampled

Colours = npt.NDArray[np.uint8]

_NO_TABLE = np.empty((0, 4), dtype=np.uint8)
_METRES_PER_DEGREE = MERCATOR_EDGE_M / 180.0
_BROWN = (120, 72, 24)


def paint(
    sampled: Sampled, look: Look, ranges: tuple[Range, ...], frame: TileFrame, palette: Colours | None
) -> Colours:
    """Colours (size, size, 4), uint8, of a tile sampled with the margin of its frame.

    Args:
        ranges: What becomes darkest and lightest: those of the look, or found in the data where it has none.
        palette: Colours (256, 4) of the file's own table, for a look that wants them.
    """
    values = channels_of(sampled, look)
    if look.relief is None:
        return _coloured(values, sampled.alpha, look, ranges, palette)
    heights = np.ascontiguousarray(values[0])
    alpha = np.where(np.isfinite(heights), sampled.alpha, 0).astype(np.uint8)
    inner = (slice(1, -1), slice(1, -1))
    ground = _coloured(heights[None, *inner], alpha[inner], look, ranges, palette) if look.colormap else None
    if look.relief == "hillshade":
        return _shaded(heights, alpha, look, frame, ground)
    cover = contours(heights, alpha, look.interval)
    if ground is None:
        return np.dstack([*(np.full_like(cover, part) for part in _BROWN), cover * 255.0 + 0.5]).astype(np.uint8)
    line = np.array(_BROWN, dtype=np.float32)
    ground[..., :3] = (ground[..., :3] * (1.0 - cover[..., None]) + line * cover[..., None] + 0.5).astype(np.uint8)
    return ground


def channels_of(sampled: Sampled, look: Look) -> npt.NDArray[np.float32]:
    """Values (1 or 3, rows, columns) that are drawn: the bands, or what the expression makes of them."""
    if look.expression is None:
        return sampled.values
    return look.expression({band: sampled.values[n] for n, band in enumerate(look.bands)})


def _coloured(
    values: npt.NDArray[np.float32],
    alpha: npt.NDArray[np.uint8],
    look: Look,
    ranges: tuple[Range, ...],
    palette: Colours | None,
) -> Colours:
    table = (
        palette if look.palette and palette is not None else colour_table(look.colormap) if look.colormap else _NO_TABLE
    )
    if look.palette:
        ranges = ((0.0, 255.0),)
    low, high = (np.array(ends, dtype=np.float64) for ends in zip(*ranges, strict=True))
    colours = np.zeros((*alpha.shape, 4), dtype=np.uint8)
    to_colours(np.ascontiguousarray(values), np.ascontiguousarray(alpha), low, high, table, colours)
    return colours


def _shaded(
    heights: npt.NDArray[np.float32], alpha: npt.NDArray[np.uint8], look: Look, frame: TileFrame, ground: Colours | None
) -> Colours:
    dx, dy = _spacing_m(frame)
    light, opaque = hillshade(heights, alpha, dx, dy, look.azimuth, look.altitude, look.exaggeration)
    if ground is None:
        grey = (light * 255.0 + 0.5).astype(np.uint8)
        return np.dstack([grey, grey, grey, opaque])
    # Flat ground keeps the colour it has in the legend.
    flat = max(float(np.sin(np.radians(look.altitude))), 0.05)
    ground[..., :3] = np.clip(ground[..., :3] * (light / flat)[..., None], 0, 255).astype(np.uint8)
    return ground


def _spacing_m(frame: TileFrame) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Metres between the pixels of each row, and between the rows there."""
    edges = np.arange(frame.side + 1, dtype=np.float64)
    lon, lat = frame.lonlat(np.array([0.0, 1.0]), edges)
    lat = np.clip(lat, -89.9, 89.9)
    dx = (lon[1] - lon[0]) * _METRES_PER_DEGREE * np.cos(np.radians((lat[:-1] + lat[1:]) / 2.0))
    return dx, np.maximum((lat[:-1] - lat[1:]) * _METRES_PER_DEGREE, 1e-9)
