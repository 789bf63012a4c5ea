"""Heights packed into the colours of lossless images: Mapbox terrain-RGB and Terrarium.

::

    mapbox      height = -10000 + (R * 65536 + G * 256 + B) * 0.1        steps of 0.1 m
    terrarium   height = R * 256 + G + B / 256 - 32768                   steps of 1/256 m

A height goes to the nearest step, halves upwards, and to the ends of the range beyond them. Neither packing has a value for an
unknown height: what is drawn there is the business of `tiles.terrain.surface`. The counts say how many pixels nobody measured, and
a tile in which none was is None.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from tiles.address import Tile
from tiles.grids import Grid
from tiles.terrain.elevation import Floats, Heights
from tiles.terrain.lattice import pixel_centres, spacing_m
from tiles.terrain.surface import Surface

Packing = Literal["mapbox", "terrarium"]
ImageKind = Literal["png", "webp"]
_PACKINGS = {"mapbox": (10_000.0, 10.0), "terrarium": (32_768.0, 256.0)}


@dataclass(frozen=True, slots=True)
class HeightImage:
    """An image of heights.

    Attributes:
        data: The PNG or WebP file.
        filled: Pixels in a wide void of the raster, filled from around it.
        outside: Pixels beyond the raster, drawn at its ground level.
    """

    data: bytes
    filled: int
    outside: int


def pack_heights(heights: Floats | Heights, packing: Packing) -> npt.NDArray[np.uint8]:
    """Colours (rows, columns, 3) of finite heights (rows, columns) in metres.

    Source: Mapbox Terrain-RGB v1; Terrarium of the Tilezen terrain tiles.
    """
    offset, steps = _PACKINGS[packing]
    number = np.clip(np.floor((heights.astype(np.float64) + offset) * steps + 0.5), 0, 0xFFFFFF).astype(np.uint32)
    return np.stack([number >> 16, number >> 8 & 0xFF, number & 0xFF], axis=-1).astype(np.uint8)


def height_image(
    surface: Surface,
    grid: Grid,
    tile: Tile,
    *,
    size: int = 256,
    packing: Packing = "mapbox",
    kind: ImageKind = "png",
) -> HeightImage | None:
    """The image of a tile, `size` pixels square, sampled at pixel centres; None where no height is known.

    Raises:
        TileOutsideGridError: if the grid has no such tile.
    """
    elevation = surface.elevation
    if not grid.lonlat_bounds(tile).intersects(elevation.bounds):
        return None
    lon, lat = pixel_centres(grid, tile, size)
    drawn = surface.drawn(lon, lat, elevation.level_for(spacing_m(grid, tile.z, size)))
    filled, outside = int(drawn.filled.sum()), int(drawn.outside.sum())
    if filled + outside == drawn.heights.size:
        return None
    image = Image.fromarray(pack_heights(drawn.heights, packing))
    out = io.BytesIO()
    if kind == "png":
        image.save(out, "PNG", compress_level=3)
    else:
        image.save(out, "WEBP", lossless=True, quality=0, method=0)
    return HeightImage(out.getvalue(), filled, outside)
