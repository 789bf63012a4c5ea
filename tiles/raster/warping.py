"""The thorough way to the pixels of a tile: GDAL's warper through rio-tiler, for the resamplings that have no kernel here."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio.crs
from rio_tiler.errors import PointOutsideBounds, RioTilerError, TileOutsideBounds
from rio_tiler.models import ImageData
from rio_tiler.reader import part

from tiles.raster.placing import TileFrame
from tiles.raster.pool import OpenCog, named

_GDAL_CRS = {
    "WebMercatorQuad": rasterio.crs.CRS.from_epsg(3857),
    "WorldCRS84Quad": rasterio.crs.CRS.from_epsg(4326),
    "CGCS2000Quad": rasterio.crs.CRS.from_epsg(4490),
}


def warp(
    cog: OpenCog, frame: TileFrame, bands: tuple[int, ...], nodata: float | None, resampling: Any
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]] | None:
    """Values (bands, side, side), float32, and opacity (side, side), uint8, of a frame; None where it has nothing of the image.

    Args:
        nodata: Value of unknown pixels; None for none.
        resampling: GDAL's name of it.

    Raises:
        UnreadableFileError: if the file is damaged.
    """
    west, south, east, north = frame.grid.tile_bounds(frame.tile)
    pixel = (east - west) / frame.size
    edge = pixel * frame.margin
    crs = _GDAL_CRS[frame.grid.id]
    alpha = cog.alpha_band
    with named(cog.record):
        try:
            image: ImageData = part(
                cog.dataset(),
                (west - edge, south - edge, east + edge, north + edge),
                height=frame.side,
                width=frame.side,
                dst_crs=crs,
                bounds_crs=crs,
                indexes=bands,
                nodata=nodata if alpha is None else None,
                resampling_method=resampling,
                reproject_method=resampling,
            )
        except (TileOutsideBounds, PointOutsideBounds):
            return None
        except RioTilerError as error:
            raise OSError(str(error)) from error
    values = np.asarray(image.array.data, dtype=np.float32)
    known = ~np.ma.getmaskarray(image.array).all(axis=0) & np.isfinite(values).any(axis=0)
    return values, np.where(known, 255, 0).astype(np.uint8)
