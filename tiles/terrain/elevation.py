"""Heights of an elevation raster at the vertices of tiles, by one rule, so that neighbours agree exactly on common edges.

A height depends on the place and the level alone: bilinear between the centres of the pixels of one resolution level, which
the zoom chooses. Voids up to `REACH` pixels from the nearest height are interpolated as GDAL's fillnodata does; wider ones
and everything outside the raster are unknown (NaN). What a tile draws there is the business of who draws it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tiles.grids import MERCATOR_EDGE_M
from twin.bounds import Bounds
from twin.crs import (
    CGCS2000,
    CRS,
    bounds_to_cgcs2000,
    horizontal_part,
    is_same_place,
    parse_crs,
    transform_points,
    vertical_part,
)
from twin.errors import MissingCRSError, UnreadableFileError
from twin.vertical import UNKNOWN, parse_vertical_datum

if TYPE_CHECKING:
    import rasterio

Floats = npt.NDArray[np.float64]
Heights = npt.NDArray[np.float32]
# A window of pixels: (first row, end row), (first column, end column).
Rows = tuple[tuple[int, int], tuple[int, int]]

REACH = 16
_METRES_PER_DEGREE = MERCATOR_EDGE_M / 180.0
# Coarser levels are held in memory; where one would be larger than this, the full resolution is read instead.
_LARGEST_HELD_PIXELS = 16_000_000


@dataclass(slots=True)
class Elevation:
    """An open elevation raster. Thread-safe.

    Attributes:
        path: The file.
        crs: Horizontal system of the raster.
        vertical_datum: What its heights count from, in the spelling of `twin.vertical`; stated, never converted.
        bounds: Longitudes and latitudes it covers.
        pixel_m: Side of a pixel in metres, about.
        shape: Rows, columns.
        origin: First-axis and second-axis coordinate of the outer corner of the north-western pixel.
        pixel: Width and height of a pixel in units of `crs`, both positive.
    """

    path: Path
    crs: CRS
    vertical_datum: str
    bounds: Bounds
    pixel_m: float
    shape: tuple[int, int]
    origin: tuple[float, float]
    pixel: tuple[float, float]
    _dataset: rasterio.DatasetReader
    _lock: Lock = field(default_factory=Lock)
    _held: dict[int, Heights] = field(default_factory=dict)

    def close(self) -> None:
        self._dataset.close()

    def level_for(self, spacing_m: float) -> int:
        """The resolution level (each halves the one before) whose pixels are at most as large as `spacing_m` metres."""
        deepest = math.floor(math.log2(min(self.shape)))
        level = min(math.floor(math.log2(max(spacing_m / self.pixel_m, 1.0))), deepest)
        return level if (self.shape[0] * self.shape[1]) >> (2 * level) <= _LARGEST_HELD_PIXELS else 0

    def heights(self, lon: Floats, lat: Floats, level: int = 0) -> Heights:
        """Heights in metres at places (any shape, degrees); NaN where unknown.

        Source: bilinear interpolation between pixel centres; within half a pixel of the raster's edge the edge's value.
        """
        scale = 1 << level
        rows, columns = (-(-side // scale) for side in self.shape)
        row, column, inside = self.shares(lon, lat)
        result = np.full(np.shape(column), np.nan, dtype=np.float32)
        if not inside.any():
            return result
        column = np.clip(column[inside] * columns - 0.5, 0.0, columns - 1.0)
        row = np.clip(row[inside] * rows - 0.5, 0.0, rows - 1.0)
        result[inside] = self._bilinear(row, column, level, (rows, columns))
        return result

    def shares(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
        """Where places lie in the raster: shares of its height from the north and of its width from the west; which are in it."""
        x, y = (lon, lat) if is_same_place(self.crs) else self._project(lon, lat)
        with np.errstate(invalid="ignore"):
            column = (x - self.origin[0]) / (self.pixel[0] * self.shape[1])
            row = (self.origin[1] - y) / (self.pixel[1] * self.shape[0])
            inside = (column >= 0) & (column <= 1) & (row >= 0) & (row <= 1)
        return row, column, inside

    def whole(self, most_pixels: int) -> Heights:
        """The whole raster, averaged down by halves to at most about that many pixels; NaN where unknown."""
        level = 0
        while (self.shape[0] * self.shape[1]) >> (2 * level) > most_pixels:
            level += 1
        rows, columns = (max(-((-side) >> level), 1) for side in self.shape)
        with self._lock:
            return _read(self._dataset, None, (rows, columns))

    def _project(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        x, y = transform_points(np.ravel(lon), np.ravel(lat), parse_crs(CGCS2000), self.crs)
        return x.reshape(np.shape(lon)), y.reshape(np.shape(lon))

    def _bilinear(self, row: Floats, column: Floats, level: int, shape: tuple[int, int]) -> Heights:
        top = np.minimum(row.astype(np.int64), max(shape[0] - 2, 0))
        left = np.minimum(column.astype(np.int64), max(shape[1] - 2, 0))
        down, right = row - top, column - left
        first_row, first_column = int(top.min()), int(left.min())
        grid = self._window(level, shape, (first_row, first_column, int(top.max()) + 2, int(left.max()) + 2))
        top, left = top - first_row, left - first_column
        below, beside = np.minimum(top + 1, grid.shape[0] - 1), np.minimum(left + 1, grid.shape[1] - 1)
        north = between(grid[top, left], grid[top, beside], right)
        south = between(grid[below, left], grid[below, beside], right)
        return between(north, south, down).astype(np.float32)

    def _window(self, level: int, shape: tuple[int, int], box: tuple[int, int, int, int]) -> Floats:
        """Pixels of a level, small voids filled. Read wider by `REACH`: a filled pixel depends on no other window."""
        north, west = max(box[0] - REACH, 0), max(box[1] - REACH, 0)
        south, east = min(box[2] + REACH, shape[0]), min(box[3] + REACH, shape[1])
        with self._lock:
            if level == 0:
                pixels = _read(self._dataset, ((north, south), (west, east)), None)
            else:
                if level not in self._held:
                    self._held[level] = _read(self._dataset, None, shape)
                pixels = self._held[level][north:south, west:east]
        known = np.isfinite(pixels)
        if not known.all() and known.any():
            from rasterio.fill import fillnodata

            filled = fillnodata(np.where(known, pixels, 0.0).astype(np.float32), known, REACH, 0)
            near = fillnodata(known.astype(np.float32), known, REACH, 0) > 0.5
            pixels = np.where(known | near, filled, np.nan)
        cut = pixels[box[0] - north : min(box[2], shape[0]) - north, box[1] - west : min(box[3], shape[1]) - west]
        return np.asarray(cut, dtype=np.float64)


def open_elevation(path: Path, vertical_datum: str | None = None) -> Elevation:
    """An elevation raster: the first band of any north-up file that GDAL reads, with a reference system.

    Args:
        path: The file.
        vertical_datum: What the heights count from; None for what the file's own system says, or else unknown.

    Raises:
        UnreadableFileError: if GDAL cannot read it, or it is turned.
        MissingCRSError: if it has no reference system.
    """
    import rasterio  # with the first terrain: GDAL comes along
    from rasterio.errors import RasterioError

    try:
        dataset = rasterio.open(path)
    except RasterioError as error:
        raise UnreadableFileError(
            "This is no raster that can be read.", value=path.name, limit="a file GDAL reads", remedy=str(error)
        ) from error
    try:
        return _described(path, dataset, vertical_datum)
    except BaseException:
        dataset.close()
        raise


def _described(path: Path, dataset: rasterio.DatasetReader, vertical_datum: str | None) -> Elevation:
    if dataset.crs is None:
        raise MissingCRSError(
            "The elevation raster has no reference system.",
            value=path.name,
            limit="a reference system in the file",
            remedy="Write it into the file, for instance with gdal_edit.py -a_srs EPSG:4490.",
        )
    turn = dataset.transform
    if turn.b or turn.d or turn.a <= 0 or turn.e >= 0:
        raise UnreadableFileError(
            "The elevation raster is turned.",
            value=path.name,
            limit="rows from north to south, columns from west to east",
            remedy="Warp it to a north-up raster with gdalwarp.",
        )
    whole = parse_crs(dataset.crs.to_wkt())
    crs = horizontal_part(whole)
    stated = parse_vertical_datum(vertical_datum) if vertical_datum else vertical_part(whole) or UNKNOWN
    metres = _METRES_PER_DEGREE if is_same_place(crs) else 1.0
    return Elevation(
        path=path,
        crs=crs,
        vertical_datum=stated,
        bounds=bounds_to_cgcs2000(tuple(dataset.bounds), crs),
        pixel_m=-turn.e * metres,
        shape=(dataset.height, dataset.width),
        origin=(turn.c, turn.f),
        pixel=(turn.a, -turn.e),
        _dataset=dataset,
    )


def _read(dataset: rasterio.DatasetReader, window: Rows | None, shape: tuple[int, int] | None) -> Heights:
    from rasterio.enums import Resampling

    pixels = dataset.read(1, window=window, out_shape=shape, masked=True, resampling=Resampling.average)
    return np.asarray(pixels.astype(np.float32).filled(np.nan), dtype=np.float32)


def between(first: Floats, second: Floats, share: Floats) -> Floats:
    """Linear, exact at both ends: an unknown neighbour of no weight does not make the place unknown."""
    mixed = first * (1.0 - share) + second * share
    return np.where(share == 0.0, first, np.where(share == 1.0, second, mixed))
