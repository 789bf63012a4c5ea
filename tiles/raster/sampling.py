"""The pixels of a tile from the images of a raster, the newest on top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tiles.raster.kernels import known_pixels, lay_under, sample
from tiles.raster.placing import TileFrame, crs_of, lattice, pixels_per_pixel
from tiles.raster.pool import CogPool, OpenCog
from tiles.raster.record import RasterRecord, require_bands

# An overview may be this much coarser than the tile: a little soft, where the next finer one would flicker.
_COARSER = 1.25
# What is read at once for one image of a tile, at most.
_MOST_PIXELS = 4_000_000
# The types that the kernels are compiled for; others are read as float32.
COMPILED = ("uint8", "uint16", "int16", "float32")
_NO_MASK = np.empty((0, 0), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Sampled:
    """The pixels of a tile.

    Attributes:
        values: (bands, rows, columns), float32; 0 where unknown.
        alpha: (rows, columns), uint8; 0 where unknown.
    """

    values: npt.NDArray[np.float32]
    alpha: npt.NDArray[np.uint8]

    @property
    def is_empty(self) -> bool:
        return not self.alpha.any()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the images is read.

    Attributes:
        bands: Numbers, from 1.
        nodata: Value of unknown pixels in place of the one that the images state; None for theirs.
        resampling: `bilinear` and `nearest` have a kernel, others go through GDAL's warper; colours of a table are never mixed.
    """

    bands: tuple[int, ...]
    nodata: float | None = None
    resampling: str = "bilinear"


def sample_images(pool: CogPool, records: Sequence[RasterRecord], frame: TileFrame, wanted: Wanted) -> Sampled:
    """A tile of several images, the first on top: an image shows where those above it know nothing.

    Raises:
        UnreadableFileError: if a file is gone or damaged.
        BadLookError: if an image has no such band.
    """
    result = _nothing(frame, wanted)
    first = True
    for record in records:
        require_bands(record, wanted.bands)
        box = frame.pixels_of(record.bounds)
        if box is None:
            continue
        if first:
            sample_image(pool, record, frame, box, wanted, result)
            first = False
            if (result.alpha == 255).all():
                break
            continue
        under = _nothing(frame, wanted)
        sample_image(pool, record, frame, box, wanted, under)
        if not lay_under(result.values, result.alpha, under.values, under.alpha):
            break
    return result


def sample_image(
    pool: CogPool, record: RasterRecord, frame: TileFrame, box: tuple[int, int, int, int], wanted: Wanted, into: Sampled
) -> None:
    """One image, into the pixels `box` of the frame. Raises UnreadableFileError if the file is gone or damaged."""
    nodata = record.nodata if wanted.nodata is None else wanted.nodata
    with pool.lent(record) as cog:
        if wanted.resampling not in ("bilinear", "nearest") and cog.palette is None:
            _warped(cog, frame, wanted, nodata, into)
            return
        level = _level(cog, frame)
        nodes = lattice(frame, box, crs_of(record), cog.affine, record.bounds, cog.scales[level])
        window = _window(nodes, cog, level)
        while window is not None and _area(window) > _MOST_PIXELS:
            level += 1
            window = _window(nodes, cog, level)
        if window is None:
            return
        pixels, mask = cog.read(wanted.bands, level, window)
        columns, rows = cog.size(level)
    if pixels.dtype.name not in COMPILED:
        pixels = pixels.astype(np.float32)
    sample(
        pixels,
        _known(pixels, mask, nodata),
        nodes,
        np.array([record.size[0] / columns, record.size[1] / rows]),
        np.array(window[:2]),
        np.array([columns, rows]),
        np.array(box),
        wanted.resampling == "bilinear" and cog.palette is None,
        into.values,
        into.alpha,
    )


def _known(
    pixels: npt.NDArray[np.generic], mask: npt.NDArray[np.uint8] | None, nodata: float | None
) -> npt.NDArray[np.uint8]:
    """Opacity of a window's pixels; (0, 0) where all are known and opaque."""
    if mask is None and nodata is None and pixels.dtype.kind == "u":
        return _NO_MASK
    value = math.nan if nodata is None else float(np.float32(nodata)) if pixels.dtype == np.float32 else nodata
    known: npt.NDArray[np.uint8] = known_pixels(pixels, _NO_MASK if mask is None else mask, value)
    return known


def _nothing(frame: TileFrame, wanted: Wanted) -> Sampled:
    side = frame.side
    return Sampled(np.zeros((len(wanted.bands), side, side), dtype=np.float32), np.zeros((side, side), dtype=np.uint8))


def _warped(cog: OpenCog, frame: TileFrame, wanted: Wanted, nodata: float | None, into: Sampled) -> None:
    # Imported here: half a second that the start of a server need not wait for.
    from tiles.raster.warping import warp

    found = warp(cog, frame, wanted.bands, nodata, wanted.resampling)
    if found is not None:
        into.values[:], into.alpha[:] = found


def _level(cog: OpenCog, frame: TileFrame) -> int:
    """The level to read: the coarsest that is fine enough for this zoom."""
    record = cog.record
    ratio = pixels_per_pixel(frame.grid, frame.tile.z, frame.size, record.bounds, record.crs, cog.affine)
    wished = ratio * _COARSER
    return max(n for n, scale in enumerate(cog.scales) if scale <= wished or n == 0)


def _window(nodes: npt.NDArray[np.float64], cog: OpenCog, level: int) -> tuple[int, int, int, int] | None:
    """First column, first row, end column, end row of what is needed of a level; None where it is nothing."""
    columns, rows = cog.size(level)
    places = (nodes / (cog.record.size[0] / columns, cog.record.size[1] / rows)).reshape(-1, 2)
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        return None
    (west, north), (east, south) = places.min(axis=0), places.max(axis=0)
    window = (
        max(0, math.floor(west) - 1),
        max(0, math.floor(north) - 1),
        min(columns, math.ceil(east) + 1),
        min(rows, math.ceil(south) + 1),
    )
    return window if window[0] < window[2] and window[1] < window[3] else None


def _area(window: tuple[int, int, int, int]) -> int:
    return (window[2] - window[0]) * (window[3] - window[1])
