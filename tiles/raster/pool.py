"""COGs kept open: a bounded number of them, each in the hands of one thread at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tiles.raster.record import RasterRecord
from twin.errors import UnreadableFileError

if TYPE_CHECKING:
    import rasterio

MOST_OPEN = 64
# Everything about a COG of ours is inside it: no folder is searched for files beside it.
_OPENING = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}


@dataclass(slots=True)
class OpenCog:
    """A COG and its overviews. Of one thread at a time.

    Attributes:
        record: The image it is.
        affine: (a, b, c, d, e, f) from columns and rows to coordinates.
        scales: Columns of the file to a column of each level, ascending from 1.0; the levels of its overviews, then
            halvings of the smallest down to a pixel, which are read from it by averaging.
        masked: Whether what is known stands in a mask of its own.
        palette: Colours (256, 4), uint8, of a file with a colour table.
    """

    record: RasterRecord
    affine: tuple[float, float, float, float, float, float]
    scales: tuple[float, ...]
    masked: bool
    palette: npt.NDArray[np.uint8] | None
    _sizes: tuple[tuple[int, int], ...]
    _datasets: dict[int, rasterio.DatasetReader]

    def size(self, level: int) -> tuple[int, int]:
        """Columns and rows of a level."""
        return self._sizes[level]

    def dataset(self, level: int = 0) -> rasterio.DatasetReader:
        """The file at one of its own levels; the smallest for those below."""
        level = min(level, self._own_levels - 1)
        found = self._datasets.get(level)
        if found is None:
            found = self._datasets[level] = _opened(self.record, level)
        return found

    def read(
        self, bands: tuple[int, ...], level: int, window: tuple[int, int, int, int]
    ) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.uint8] | None]:
        """Pixels (bands, rows, columns) of a window (first column, first row, end column, end row) of a level, and their mask.

        Raises:
            UnreadableFileError: if the file breaks off or is damaged.
        """
        from rasterio.enums import Resampling

        dataset = self.dataset(level)
        west, north, east, south = window
        halved = level >= self._own_levels
        columns, rows = self._sizes[level]
        how: dict[str, object] = (
            {
                "out_shape": (rows, columns),
                "resampling": Resampling.nearest if self.palette is not None else Resampling.average,
            }
            if halved
            else {"window": ((north, south), (west, east))}
        )
        with named(self.record):
            alpha = self.alpha_band
            pixels = dataset.read(bands if alpha is None else (*bands, alpha), **how)
            mask = None
            if alpha is not None:
                pixels, mask = pixels[:-1], np.ascontiguousarray(_to_byte(pixels[-1]))
            elif self.masked:
                mask = dataset.dataset_mask(**how)
        if halved:
            pixels = np.ascontiguousarray(pixels[:, north:south, west:east])
            mask = None if mask is None else np.ascontiguousarray(mask[north:south, west:east])
        return pixels, mask

    @property
    def alpha_band(self) -> int | None:
        """Number of the band that says how opaque a pixel is."""
        return next((number for number, band in enumerate(self.record.bands, 1) if band.colour == "alpha"), None)

    @property
    def _own_levels(self) -> int:
        return len(self._datasets[0].overviews(1)) + 1

    def close(self) -> None:
        from rasterio.errors import RasterioError

        for dataset in self._datasets.values():
            with suppress(RasterioError):
                dataset.close()
        self._datasets.clear()


@dataclass
class CogPool:
    """Open COGs, lent out. Thread-safe.

    A COG that failed is closed and not lent again; one that was replaced is another image (its checksum differs), and the old
    one goes when room is short.

    Attributes:
        most: How many idle ones are kept.
    """

    most: int = MOST_OPEN
    _lock: Lock = field(default_factory=Lock, repr=False)
    _idle: OrderedDict[int, OpenCog] = field(default_factory=OrderedDict, repr=False)
    _closed: bool = False

    @contextmanager
    def lent(self, record: RasterRecord) -> Iterator[OpenCog]:
        """A COG for the length of the block.

        Raises:
            UnreadableFileError: if its file is gone or damaged; the file's name is the value.
        """
        cog = self._taken(record) or open_cog(record)
        try:
            yield cog
        except BaseException:
            cog.close()
            raise
        self._put_back(cog)

    def __len__(self) -> int:
        return len(self._idle)

    def close(self) -> None:
        """Close what is idle now, and the others when they come back."""
        with self._lock:
            self._closed = True
            gone = [*self._idle.values()]
            self._idle.clear()
        for cog in gone:
            cog.close()

    def _taken(self, record: RasterRecord) -> OpenCog | None:
        with self._lock:
            # The one used last: its blocks are the most likely to be in memory.
            for key in reversed(self._idle):
                mine = self._idle[key].record
                if mine.path == record.path and mine.sha256 == record.sha256:
                    return self._idle.pop(key)
        return None

    def _put_back(self, cog: OpenCog) -> None:
        gone = []
        with self._lock:
            self._idle[id(cog)] = cog
            while len(self._idle) > (0 if self._closed else self.most):
                gone.append(self._idle.popitem(last=False)[1])
        for old in gone:
            old.close()


def open_cog(record: RasterRecord) -> OpenCog:
    """An image's file. Raises UnreadableFileError, with the file's name, if it is gone, damaged or another one."""
    from rasterio.enums import MaskFlags

    dataset = _opened(record, 0)
    try:
        if (dataset.width, dataset.height) != record.size or dataset.count != len(record.bands):
            raise _damaged(
                record, f"it has {dataset.width} x {dataset.height} x {dataset.count} pixels, not those imported"
            )
        turn = dataset.transform
        sizes = [(dataset.width, dataset.height)]
        sizes += [(-(-dataset.width // factor), -(-dataset.height // factor)) for factor in dataset.overviews(1)]
        while max(sizes[-1]) > 1:
            columns, rows = sizes[-1]
            sizes.append((max(1, columns // 2), max(1, rows // 2)))
        flags = dataset.mask_flag_enums[0]
        return OpenCog(
            record=record,
            affine=(turn.a, turn.b, turn.c, turn.d, turn.e, turn.f),
            scales=tuple(max(dataset.width / columns, dataset.height / rows) for columns, rows in sizes),
            masked=MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags,
            palette=_palette(dataset),
            _sizes=tuple(sizes),
            _datasets={0: dataset},
        )
    except BaseException:
        dataset.close()
        raise


@contextmanager
def named(record: RasterRecord) -> Iterator[None]:
    """Failures of GDAL inside the block become a refusal that names the file."""
    from rasterio.errors import RasterioError

    try:
        yield
    except (RasterioError, OSError, MemoryError) as error:
        raise _damaged(record, str(error.__cause__ or error)) from error


def _opened(record: RasterRecord, level: int) -> rasterio.DatasetReader:
    import rasterio  # with the first image: GDAL comes along

    options = {} if level == 0 else {"overview_level": level - 1}
    with named(record), rasterio.Env(**_OPENING):
        return rasterio.open(record.path, driver="GTiff", **options)


def _palette(dataset: rasterio.DatasetReader) -> npt.NDArray[np.uint8] | None:
    if dataset.colorinterp[0].name != "palette":
        return None
    colours = np.zeros((256, 4), dtype=np.uint8)
    for value, colour in dataset.colormap(1).items():
        if value < len(colours):
            colours[value] = colour
    return colours


def _to_byte(alpha: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Opacity of 0 to 255, whatever the type of the alpha band."""
    if alpha.dtype == np.uint8:
        return alpha.astype(np.uint8, copy=False)
    numbers = alpha.astype(np.float64)
    most = float(np.iinfo(alpha.dtype.name).max) if alpha.dtype.kind in "iu" else 1.0
    share: npt.NDArray[np.float64] = (numbers * (255.0 / most)).clip(0, 255)
    return share.astype(np.uint8)


def _damaged(record: RasterRecord, why: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"影像文件已损坏或丢失。The file of the raster is damaged or gone: {why[:200]}.",
        value=f"{record.raster_id}/{record.path.name}",
        limit="the file as it was imported",
        remedy=f"Put it back from a copy, or remove the image and import it again: onemap rasters remove "
        f"{record.raster_id} --image {record.name}",
    )
