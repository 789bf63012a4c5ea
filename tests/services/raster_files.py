"""Small rasters over the city, made from formulas, for the tests of rasters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

WEST, NORTH, STEP = 120.0, 36.3, 0.0001


def write_raster(
    path: Path, pixels: np.ndarray, *, crs: str | None = "EPSG:4490", step: float = STEP, **profile
) -> Path:
    """A GeoTIFF of (bands, rows, columns) whose north-western corner is at 120E, 36.3N."""
    bands, rows, columns = pixels.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=bands,
        height=rows,
        width=columns,
        dtype=pixels.dtype,
        crs=crs,
        transform=from_origin(WEST, NORTH, step, step),
        **profile,
    ) as file:
        file.write(pixels)
    return path


def photo(rows: int = 600, columns: int = 700) -> np.ndarray:
    """Three bands of smooth colours: red grows to the east, green to the south, blue is even."""
    y, x = np.mgrid[0:rows, 0:columns]
    return np.stack([x * 255 // columns, y * 255 // rows, np.full_like(x, 90)]).astype(np.uint8)


def slope(rows: int = 300, columns: int = 300) -> np.ndarray:
    """Heights that rise to the east by 1 m a pixel, with a void at one corner."""
    heights = np.broadcast_to(np.arange(columns, dtype=np.float32), (1, rows, columns)).copy()
    heights[0, :20, :20] = np.nan
    return heights
