"""The first look at a raster somebody hands in: can it be read, where does it lie, how large does it claim to be."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import rasterio
import rasterio.crs
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import Affine

from twin.crs import CRS, horizontal_part, offset_datum_of, parse_crs
from twin.errors import MissingCRSError, OffsetDatumError, TooLargeError, UnreadableFileError

# Pixels of more bytes than this are refused whatever the disk can hold.
MOST_BYTES = 1 << 40
_WEB = ("http:", "https:", "/vsi", "ftp:")


@contextmanager
def opened_raster(path: Path) -> Iterator[rasterio.DatasetReader]:
    """A raster file, read only, closed at the end of the block.

    Raises:
        UnreadableFileError: if it is no raster, empty, or breaks off; the file's name is the value.
        TooLargeError: if it claims more pixels than can be.
    """
    if not path.is_file() or str(path).startswith(_WEB):
        raise UnreadableFileError("没有这个文件。There is no such file.", value=path.name, remedy="Check the path.")
    if path.stat().st_size == 0:
        raise _unreadable(path, "it has no bytes")
    try:
        with warnings.catch_warnings():
            # Said by `decide_raster_crs`, in words that help.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            dataset = rasterio.open(path)
    except RasterioError as error:
        raise _unreadable(path, str(error)) from error
    with dataset:
        claimed = pixel_bytes(dataset)
        if dataset.count == 0:
            raise _unreadable(path, "it has no bands; name one of its subdatasets")
        if claimed > MOST_BYTES:
            raise TooLargeError(
                "影像过大。The raster claims more pixels than this server takes.",
                value=f"{path.name}: {dataset.width} x {dataset.height} x {dataset.count}",
                limit=f"{MOST_BYTES >> 30} GiB of pixels",
                remedy="Cut it into sheets and import each as an image of one raster.",
            )
        try:
            yield dataset
        except RasterioError as error:
            raise _unreadable(path, str(error)) from error


def decide_raster_crs(dataset: rasterio.DatasetReader, stated: str | None, name: str) -> CRS:
    """The system of a raster: the caller's word, else the file's.

    Raises:
        MissingCRSError: if neither says, or the raster has no position at all.
        OffsetDatumError: if it is GCJ-02 or BD-09.
        UnknownCRSError: if nobody knows the stated one.
    """
    if dataset.transform == Affine.identity():
        raise MissingCRSError(
            "影像没有坐标位置。The raster does not say where it lies.",
            value=name,
            limit="georeferenced, or with a world file (.tfw, .jgw, .pgw) beside it",
            remedy="Put its world file beside it, or georeference it (ground control points: gdalwarp first).",
        )
    if stated is None and dataset.crs is None:
        raise MissingCRSError(
            "影像没有坐标参考系。The raster has no reference system, and a position without one is none.",
            value=name,
            limit="a reference system in the file or stated",
            remedy="Say it: --crs EPSG:4549 (or whatever its coordinates are in).",
        )
    crs = parse_crs(stated if stated is not None else dataset.crs.to_wkt())
    offset = offset_datum_of(crs)
    if offset is not None:
        raise OffsetDatumError(
            f"{offset.name} 影像不能直接导入。A raster in {offset.name} is bent against every other map.",
            value=name,
            limit="CGCS2000, WGS 84 and their projections",
            remedy="Get the picture from its maker before it was moved, or georeference it anew.",
        )
    return crs


def pixel_bytes(dataset: rasterio.DatasetReader) -> int:
    """How many bytes all pixels are, uncompressed."""
    return int(dataset.width * dataset.height * sum(np.dtype(dtype).itemsize for dtype in dataset.dtypes))


def gdal_crs(crs: CRS) -> rasterio.crs.CRS:
    """The horizontal part of a system as GDAL takes it."""
    return rasterio.crs.CRS.from_wkt(horizontal_part(crs).to_wkt("WKT2_2019"))


def _unreadable(path: Path, why: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"文件无法作为影像读取。This cannot be read as a raster: {why}.",
        value=path.name,
        limit="a whole file that GDAL reads",
        remedy="Open it with gdalinfo, and copy or export it again.",
    )
