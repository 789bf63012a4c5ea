"""A raster that somebody hands in becomes a COG in its place: written beside it, checked, put there in one move.

Cloud Optimized GeoTIFF as GDAL and rio-cogeo understand it: tiles of 512 pixels, overviews inside, DEFLATE with a predictor
(lossless, and read by every GIS). Source: OGC 21-026.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rio_cogeo.cogeo import cog_translate, cog_validate
from rio_cogeo.profiles import cog_profiles

from tiles.raster.book import RasterBook
from tiles.raster.opening import decide_raster_crs, gdal_crs, opened_raster, pixel_bytes
from tiles.raster.record import LEVELS, Band, RasterRecord
from twin.bounds import Bounds
from twin.crs import CRS, bounds_to_cgcs2000, crs_uri, horizontal_part, vertical_part
from twin.errors import BadManifestError, OneMapError, TooLargeError, UnreadableFileError
from twin.files import file_sha256
from twin.store.values import now
from twin.text import LocalText
from twin.vertical import UNKNOWN, parse_vertical_datum

_METRES_PER_DEGREE = 111_320.0
_SAMPLE_SIDE = 1024
_SPARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class RasterWish:
    """What the one who imports a raster says about it.

    Attributes:
        raster_id, image: Where it goes.
        crs: System of the coordinates, over the file's own word.
        nodata: Value of unknown pixels, over the file's own word; NaN possible.
        vertical_datum: What heights count from.
        meaning: As in `RasterRecord`.
        provenance: What is told of where it came from, beside the file.
    """

    raster_id: str
    image: str
    title: LocalText
    crs: str | None = None
    day: date | None = None
    owner: str = ""
    level: str = "internal"
    nodata: float | None = None
    vertical_datum: str | None = None
    meaning: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JudgedRaster:
    """A raster that may come in.

    Attributes:
        crs: Its system, heights included.
        bounds: What it covers, CGCS2000 lon/lat in degrees.
        size: Columns, rows, bands.
        nodata: Value of its unknown pixels; None for none.
        vertical_datum: What its heights count from.
    """

    crs: CRS
    bounds: Bounds
    size: tuple[int, int, int]
    nodata: float | None
    vertical_datum: str


Judge = Callable[[CRS, tuple[float, float, float, float]], None]


def _nobody_judges(crs: CRS, box: tuple[float, float, float, float]) -> None:
    return None


def import_raster(
    book: RasterBook,
    source: Path,
    wish: RasterWish,
    judge: Judge = _nobody_judges,
) -> RasterRecord:
    """Make a COG of a raster, and write it into the book. On any failure nothing is left behind.

    Args:
        book: Where it goes.
        source: Any raster that GDAL reads, georeferenced or with a world file.
        wish: What is said about it.
        judge: Told the system and the box (in it) before anything is written; raises to refuse.

    Raises:
        UnreadableFileError: if it is no raster, or breaks off.
        MissingCRSError, UnknownCRSError, OffsetDatumError, BallparkTransformError: if its place is not known for certain.
        TooLargeError: if it is too large, or the disk too full.
        DuplicateRasterError, BadManifestError: if the wish cannot be met.
    """
    target = book.place_of(wish.raster_id, wish.image)
    # The name of a leftover of a killed import is the same: the next one writes over it.
    part = target.with_suffix(".part")
    with opened_raster(source) as dataset:
        judged = _judged(book, dataset, source, wish, judge)
        try:
            write_cog(dataset, part, judged.crs, judged.nodata)
            record = _recorded(part, source, dataset, wish, judged).at(target)
            book.add(record, lambda: part.replace(target))
        except OSError as error:
            raise _not_written(source.name, error) from error
        finally:
            part.unlink(missing_ok=True)
    return record


def judge_raster(book: RasterBook, source: Path, wish: RasterWish, judge: Judge = _nobody_judges) -> JudgedRaster:
    """What `import_raster` would take, with nothing written. Raises as it does, for all that can be known beforehand."""
    with opened_raster(source) as dataset:
        return _judged(book, dataset, source, wish, judge)


def _judged(book: RasterBook, dataset: DatasetReader, source: Path, wish: RasterWish, judge: Judge) -> JudgedRaster:
    target = book.place_of(wish.raster_id, wish.image)
    if wish.level not in LEVELS:
        raise BadManifestError(
            "没有这个密级。There is no such level.",
            value=wish.level,
            limit=", ".join(LEVELS),
            remedy="Use one of these.",
        )
    datum = None if wish.vertical_datum is None else parse_vertical_datum(wish.vertical_datum)
    book.require_free(wish.raster_id, wish.image)
    crs = decide_raster_crs(dataset, wish.crs, source.name)
    judge(crs, tuple(dataset.bounds))
    bounds = bounds_to_cgcs2000(tuple(dataset.bounds), crs)
    nodata = _nodata(dataset, wish.nodata)
    _require_space(target.parent, pixel_bytes(dataset), source.name)
    size = (dataset.width, dataset.height, dataset.count)
    return JudgedRaster(crs, bounds, size, nodata, datum or vertical_part(crs) or UNKNOWN)


def write_cog(dataset: DatasetReader, part: Path, crs: CRS, nodata: float | None) -> None:
    """The COG of an open raster, written and validated. Raises UnreadableFileError if rio-cogeo finds it wanting."""
    part.parent.mkdir(parents=True, exist_ok=True)
    whole = dataset.dtypes[0]
    profile = cog_profiles["deflate"] | {
        "PREDICTOR": 3 if whole.startswith("float") else 2 if np.dtype(whole).itemsize <= 4 else 1,
        "BIGTIFF": "IF_SAFER",
    }
    palette = ColorInterp.palette in dataset.colorinterp
    config = {
        "GDAL_NUM_THREADS": "ALL_CPUS",
        "GDAL_TIFF_INTERNAL_MASK": True,
        "GDAL_TIFF_OVR_BLOCKSIZE": "512",
    }
    described = f"/vsimem/{uuid4().hex}.vrt"
    rasterio.shutil.copy(dataset, described, driver="VRT")
    try:
        with rasterio.open(described, "r+") as vrt:
            vrt.crs = gdal_crs(crs)
            if nodata is not None:
                vrt.nodata = nodata
        with rasterio.open(described) as vrt:
            cog_translate(
                vrt,
                str(part),
                profile,
                nodata=nodata,
                overview_resampling="nearest" if palette else "average",
                in_memory=False,
                config=config,
                quiet=True,
                forward_band_tags=True,
            )
    finally:
        rasterio.shutil.delete(described)
    valid, errors, _ = cog_validate(str(part), quiet=True)
    if not valid:
        raise UnreadableFileError(
            "生成的 COG 不合格。The COG made of it is not valid.", value=part.name, remedy="; ".join(errors)
        )
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _recorded(part: Path, source: Path, dataset: DatasetReader, wish: RasterWish, judged: JudgedRaster) -> RasterRecord:
    crs = judged.crs
    with rasterio.open(part) as cog:
        metres = _METRES_PER_DEGREE if horizontal_part(crs).is_geographic else 1.0
        side = math.sqrt(abs(cog.transform.determinant)) * metres
        return RasterRecord(
            raster_id=wish.raster_id,
            name=wish.image,
            path=part,
            title=wish.title,
            day=wish.day,
            registered_at=now(),
            owner=wish.owner,
            level=wish.level,
            sha256=file_sha256(part),
            crs=crs_uri(horizontal_part(crs)) if horizontal_part(crs).to_epsg() else horizontal_part(crs).to_wkt(),
            bounds=judged.bounds,
            size=(cog.width, cog.height),
            pixel_m=side,
            bands=_bands(cog),
            nodata=None if cog.nodata is None else float(cog.nodata),
            vertical_datum=judged.vertical_datum,
            provenance={
                "file": source.name,
                "bytes": source.stat().st_size,
                "sha256": file_sha256(source),
                "driver": dataset.driver,
                "crs_in_file": None if dataset.crs is None else dataset.crs.to_string()[:200],
                "crs_stated": wish.crs,
                "gdal": rasterio.__gdal_version__,
                **wish.provenance,
            },
            meaning=wish.meaning,
        )


def _bands(cog: DatasetReader) -> tuple[Band, ...]:
    """The bands, with the range that most of their pixels lie in, from at most a million pixels."""
    scale = max(1.0, max(cog.width, cog.height) / _SAMPLE_SIDE)
    shape = (max(1, round(cog.height / scale)), max(1, round(cog.width / scale)))
    bands = []
    for number in cog.indexes:
        pixels = cog.read(number, out_shape=shape, masked=True)
        known = pixels.compressed()
        known = known[np.isfinite(known)]
        low, high = np.percentile(known, (2, 98)) if known.size else (None, None)
        bands.append(
            Band(
                name=cog.descriptions[number - 1] or f"b{number}",
                dtype=cog.dtypes[number - 1],
                colour=cog.colorinterp[number - 1].name,
                low=None if low is None else float(low),
                high=None if high is None else float(high),
            )
        )
    return tuple(bands)


def _nodata(dataset: DatasetReader, stated: float | None) -> float | None:
    """The value of unknown pixels: NaN for floating point where nobody says otherwise, since NaN is no measurement."""
    if stated is not None:
        lowest = np.iinfo(dataset.dtypes[0]) if np.dtype(dataset.dtypes[0]).kind in "iu" else None
        if lowest is not None and not (math.isfinite(stated) and lowest.min <= stated <= lowest.max):
            raise BadManifestError(
                "无效值超出像元类型。No pixel of this raster can hold that value.",
                value=stated,
                limit=f"{lowest.min} to {lowest.max} ({dataset.dtypes[0]})",
                remedy="Leave --nodata away, or give a value of that range.",
            )
        return stated
    if dataset.nodata is not None:
        return float(dataset.nodata)
    return math.nan if np.dtype(dataset.dtypes[0]).kind == "f" else None


def _require_space(folder: Path, raw_bytes: int, name: str) -> None:
    """Refuse what may not fit: pixels uncompressed, their overviews, and rio-cogeo's copy between."""
    there = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    free = shutil.disk_usage(there).free - _SPARE_BYTES
    if raw_bytes > free:
        raise TooLargeError(
            "磁盘空间不足。The disk may not hold this raster.",
            value=f"{name}: {raw_bytes:,} bytes of pixels",
            limit=f"{max(free, 0):,} bytes free",
            remedy="Free space, or put the data folder (ONEMAP_DATA_DIR) on a larger disk.",
        )


def _not_written(name: str, error: OSError) -> OneMapError:
    """RasterioIOError is an OSError too: a file that breaks off, or a disk that is full."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space" in str(error):
        return TooLargeError(
            "磁盘已满。The disk is full.", value=name, remedy="Free space and import it again; nothing was kept."
        )
    return UnreadableFileError(
        f"影像读写中断。The raster could not be read or written to its end: {error}.",
        value=name,
        limit="a whole file that GDAL reads, and a folder that can be written",
        remedy="Copy or export it again; nothing was kept.",
    )
