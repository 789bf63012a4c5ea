"""BeiDou grid location codes in three dimensions: the plane's fragments with a layer of height behind each.

`N` or `S`, then 0 above or 1 below the ellipsoid, then for each level the plane's fragment and the height's. The layer number has 31
bits, split over the levels as 6 (two decimal digits 00 to 63), 3, 1, 4, 4, 1, 3, 3, 3, 3. A code may end at any level.

What the text leaves open, as decided here: the fragments of levels 4 and 5 take all sixteen digits (the text says 0 to E, both
published codecs write F); a height below the ellipsoid is its sign and the size of floor(n), so that no finest code has sign 1 and
number 0.

Source: GB/T 39409-2020, chapter 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.bounds import Bounds
from twin.codes.angles import Flags, Floats, Strings, WhenOutside, Whole, points_within, sizes_of
from twin.codes.beidou import CHUNK, HEX, LATITUDES, cells_of_lines, lines_of
from twin.codes.beidou_heights import LAYERS, heights_within, layers_of, range_of_layers
from twin.codes.beidou_levels import BY_LENGTH_3D, FINEST, LEVELS, SYSTEM, Level, level_numbered
from twin.codes.text_arrays import Bytes, digits_of, letters, strings_of_bytes, text_matrix
from twin.errors import BadCodeError


@dataclass(frozen=True, slots=True)
class Cell3D:
    """One cell: its box in the plane and its lowest and highest height, metres above the ellipsoid."""

    bounds: Bounds
    low_m: float
    high_m: float
    level: int


def encode(
    lon: npt.ArrayLike,
    lat: npt.ArrayLike,
    height_m: npt.ArrayLike,
    level: int = FINEST,
    *,
    outside: WhenOutside = "raise",
) -> Strings:
    """Codes of the cells that hold the points, (n,); 32 characters at level 10.

    Args:
        lon, lat: CGCS2000 degrees, float64 (n,).
        height_m: Metres above the ellipsoid, (n,) or one number.
        level: 1 to 10.
        outside: "blank" gives "" for points without a code.

    Raises:
        OutsideCodeSystemError: if a point has no code.
        BadCodeError: if there is no such level.

    >>> encode(120.0335, 36.2645, 50.0).tolist()
    ['N051J00000202500D000206364131414']
    """
    known = level_numbered(level)
    lons, lats, in_plane = points_within(lon, lat, LATITUDES, SYSTEM, outside)
    heights, in_height = heights_within(height_m, len(lons), outside)
    codes = text_matrix(len(lons), known.length_3d)
    for start in range(0, len(lons), CHUNK):
        part = slice(start, start + CHUNK)
        plane = lines_of(*sizes_of(lons[part]), *sizes_of(lats[part]), known)
        codes[part] = _woven(plane, layers_of(heights[part]), known).T
    return strings_of_bytes(codes, in_plane & in_height)


def _woven(plane: Bytes, layers: Whole, level: Level) -> Bytes:
    """Characters (level.length_3d, n) of the plane's lines and the finest layer numbers (n,)."""
    lines = np.empty((level.length_3d, plane.shape[1]), dtype=np.uint8)
    lines[0] = plane[0]
    lines[1] = np.where(layers < 0, ord("1"), ord("0"))
    rest = np.abs(layers).astype(np.int32)
    for step, plane_places, height_places in _places(level):
        lines[height_places[0] - len(plane_places) : height_places[0]] = plane[plane_places]
        number = rest >> step.height_shift
        rest = rest - (number << step.height_shift)
        if step.height_characters == 2:
            tens = number // 10
            lines[height_places[0]], lines[height_places[1]] = tens + ord("0"), number - tens * 10 + ord("0")
        else:
            np.take(HEX, number, out=lines[height_places[0]], mode="clip")
    return lines


def _places(level: Level) -> Iterator[tuple[Level, range, range]]:
    """For each level down to this one: where its fragment stands in a plane code, and where its height stands in this one."""
    plane_end, end = 1, 2
    for step in LEVELS[: level.number]:
        plane = range(plane_end, step.length)
        end += len(plane) + step.height_characters
        yield step, plane, range(end - step.height_characters, end)
        plane_end = step.length


def decode(codes: npt.ArrayLike) -> tuple[Whole, Whole, Flags, Whole, int]:
    """Columns, rows (n,) in the level's grid, whether below the ellipsoid, layer number at that level, and the level of all codes.

    Raises:
        BadCodeError: naming the first code that is none, and its place; or if levels are mixed.
    """
    lines, texts = digits_of(codes, BY_LENGTH_3D, SYSTEM)
    level = BY_LENGTH_3D[len(lines)]
    below = letters(lines[1], "01", texts, 2) == 1
    plane = np.empty((level.length, lines.shape[1]), dtype=np.uint8)
    plane[0] = lines[0]
    layer = np.zeros(lines.shape[1], dtype=np.int64)
    for step, plane_places, height_places in _places(level):
        plane[plane_places] = lines[height_places[0] - len(plane_places) : height_places[0]]
        number = np.zeros_like(layer)
        for place in height_places:
            base = 10 if step.height_characters == 2 else 1 << step.height_bits
            number = number * 10 + letters(lines[place], "0123456789ABCDEF"[:base], texts, place + 1)
        _refuse(texts, number >> step.height_bits > 0, f"a first height number from 00 to {2**step.height_bits - 1}")
        layer = (layer << step.height_bits) | number
    # The lowest layer below has the number itself, the highest above the one before it.
    _refuse(texts, (layer << level.height_shift) - below >= LAYERS, f"a layer number below {LAYERS} at level {FINEST}")
    if level.number == FINEST:
        _refuse(texts, below & (layer == 0), "sign 1 only with a layer number above 0")
    return (*cells_of_lines(plane, texts, level), below, layer, level.number)


def bounds(codes: npt.ArrayLike) -> Floats:
    """West, south, east, north in degrees, lowest and highest height in metres above the ellipsoid, (n, 6). Raises BadCodeError."""
    texts = np.atleast_1d(np.asarray(codes, dtype=np.str_))
    boxes = np.empty((len(texts), 6))
    lengths = np.char.str_len(texts)
    for length in np.unique(lengths):
        chosen = lengths == length
        columns, rows, below, layer, number = decode(texts[chosen])
        level = level_numbered(number)
        boxes[chosen, :4] = level.grid.edges(columns, rows)
        boxes[chosen, 4:] = range_of_layers(below, layer, level)
    return boxes


def cell(code: str) -> Cell3D:
    """One cell. Raises BadCodeError."""
    west, south, east, north, low, high = bounds([code])[0].tolist()
    return Cell3D(Bounds(west, south, east, north), low, high, BY_LENGTH_3D[len(code)].number)


def _refuse(texts: Strings, wrong: Flags, limit: str) -> None:
    if wrong.any():
        text = str(texts[int(np.argmax(wrong))])
        raise BadCodeError(
            f"'{text}' is not a BeiDou grid code in three dimensions.",
            value=text,
            limit=limit,
            remedy="Compare it with its source.",
        )
