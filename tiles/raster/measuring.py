"""Numbers about a raster: statistics of its bands, the range a drawing starts from, the values at a place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tiles.raster.look import Look, Range, channel_names
from tiles.raster.placing import crs_of, to_pixels
from tiles.raster.pool import CogPool, OpenCog, named
from tiles.raster.record import RasterRecord

# Longest side of what statistics are made of.
STATISTICS_SIDE = 1024
HISTOGRAM_BINS = 32


@dataclass(frozen=True, slots=True)
class Overview:
    """A raster read small.

    Attributes:
        values: (bands or results, rows, columns), float32; NaN where unknown.
        names: Of each.
        scale: Pixels of the file along a pixel of it; 1 where nothing was left out.
    """

    values: npt.NDArray[np.float32]
    names: tuple[str, ...]
    scale: float


def read_overview(pool: CogPool, record: RasterRecord, look: Look, side: int = STATISTICS_SIDE) -> Overview:
    """The whole image, at most `side` pixels long. Raises UnreadableFileError if the file is gone or damaged."""
    with pool.lent(record) as cog:
        level = next(n for n in range(len(cog.scales)) if max(cog.size(n)) <= side)
        columns, rows = cog.size(level)
        pixels, mask = cog.read(look.bands, level, (0, 0, columns, rows))
        scale = cog.scales[level]
    values = pixels.astype(np.float32)
    nodata = record.nodata if look.nodata is None else look.nodata
    known = np.isfinite(values)
    if nodata is not None and not math.isnan(nodata):
        known &= pixels != nodata
    if mask is not None:
        known &= mask != 0
    values = np.where(known, values, np.float32(np.nan))
    names = tuple(channel_names(record, look))
    if look.expression is None:
        return Overview(values, names, scale)
    results = look.expression({band: values[n] for n, band in enumerate(look.bands)})
    return Overview(np.where(np.isfinite(results), results, np.float32(np.nan)), names, scale)


def found_ranges(pool: CogPool, record: RasterRecord, look: Look) -> tuple[Range, ...]:
    """The 2nd and 98th percentile of each channel; 0 and 1 where nothing is known."""
    ranges = []
    for values in read_overview(pool, record, look, side=512).values:
        known = values[np.isfinite(values)]
        low, high = np.percentile(known, (2, 98)).tolist() if known.size else (0.0, 1.0)
        ranges.append((low, high if high > low else low + 1.0))
    return tuple(ranges)


def statistics(pool: CogPool, record: RasterRecord, look: Look) -> dict[str, Any]:
    """Statistics of each band or result, in rio-tiler's words, and what they were made of.

    Raises:
        UnreadableFileError: if the file is gone or damaged.
    """
    from rio_tiler.utils import get_array_statistics

    overview = read_overview(pool, record, look)
    masked = np.ma.masked_invalid(overview.values)
    found: list[dict[str, Any]] = []
    for values in masked:
        if values.count() == 0:
            # Nothing known is no statistics, not a mean of 0.
            found.append({"count": 0, "masked_pixels": int(values.size), "valid_pixels": 0, "valid_percent": 0.0})
            continue
        # Double precision: a sum of a million float32 loses digits.
        (numbers,) = get_array_statistics(values[None].astype(np.float64), percentiles=[2, 50, 98], bins=HISTOGRAM_BINS)
        found.append(dict(numbers))
    return {
        "image": record.name,
        "day": None if record.day is None else record.day.isoformat(),
        "pixelScale": overview.scale,
        "statistics": {name: _plain(numbers) for name, numbers in zip(_unique(overview.names), found, strict=True)},
    }


def values_at(pool: CogPool, record: RasterRecord, lon: float, lat: float, look: Look) -> list[float | None] | None:
    """The values of the pixel at a place, band by band or result by result: None for one nobody knows, and in whole where the image does not reach.

    Raises:
        UnreadableFileError: if the file is gone or damaged.
    """
    with pool.lent(record) as cog:
        columns, rows = to_pixels(np.array([lon]), np.array([lat]), crs_of(record), cog.affine, record.bounds)
        column, row = float(columns[0]), float(rows[0])
        if not (0 <= column < record.size[0] and 0 <= row < record.size[1]):
            return None
        read, known = _pixel(cog, int(column), int(row), look)
    if look.expression is None:
        return [value if known and _is_known(value, record, look) else None for value in read]
    if not known or not all(_is_known(value, record, look) for value in read):
        return [None] * len(look.expression.text.split(";"))
    pixel = {band: np.full((1, 1), read[n], dtype=np.float32) for n, band in enumerate(look.bands)}
    return [value if math.isfinite(value) else None for value in look.expression(pixel).ravel().tolist()]


def _pixel(cog: OpenCog, column: int, row: int, look: Look) -> tuple[list[float], bool]:
    window = ((row, row + 1), (column, column + 1))
    with named(cog.record):
        dataset = cog.dataset()
        read = dataset.read(look.bands, window=window).ravel().tolist()
        alpha = cog.alpha_band
        if alpha is not None:
            return read, bool(dataset.read(alpha, window=window).any())
        return read, not cog.masked or bool(dataset.dataset_mask(window=window).any())


def _is_known(value: float, record: RasterRecord, look: Look) -> bool:
    nodata = record.nodata if look.nodata is None else look.nodata
    if not math.isfinite(value):
        return False
    return nodata is None or (value != nodata and value != float(np.float32(nodata)))


def _plain(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers that JSON can hold."""
    return {key: _json(value) for key, value in numbers.items()}


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_json(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names with their number where one comes twice."""
    return tuple(name if names.count(name) == 1 else f"{name}.{n}" for n, name in enumerate(names, 1))
