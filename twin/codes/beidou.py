"""BeiDou grid location codes in two dimensions: points to codes and codes to cells, whole arrays at once.

::

    from twin.codes import beidou

    beidou.encode(lon, lat, level=8)          # '<U16' (n,)
    beidou.bounds(codes)                      # west, south, east, north (n, 4)

Column and row numbers grow away from the prime meridian and the equator in every hemisphere, so a cell owns the edge that is nearer
to them. The antimeridian closes the last zone of the side its sign says; latitudes from 88 degrees on are refused.
Level 1 cuts at 120°E: codes of one city may share no more than their first letter.

Source: GB/T 39409-2020, chapter 5.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from twin.bounds import Bounds
from twin.codes.angles import UNITS_PER_DEGREE, Flags, Floats, Strings, WhenOutside, Whole, points_within, sizes_of
from twin.codes.beidou_levels import BY_LENGTH, FINEST, LATITUDE_LIMIT_DEG, LEVELS, SYSTEM, Level, level_numbered
from twin.codes.text_arrays import Bytes, digits_of, letters, strings_of_bytes, text_matrix
from twin.errors import BadCodeError

Sizes = npt.NDArray[np.int32]

LATITUDES = (-float(LATITUDE_LIMIT_DEG), float(LATITUDE_LIMIT_DEG))
HEX = np.frombuffer(b"0123456789ABCDEF", dtype=np.uint8)
# So many points at a time: their digits stay in the processor's cache.
CHUNK = 16_384
_ZONES_EACH_SIDE = 30
_LAST_UNIT = 180 * UNITS_PER_DEGREE - 1
_LEVEL_1 = LEVELS[0]


def encode(lon: npt.ArrayLike, lat: npt.ArrayLike, level: int = FINEST, *, outside: WhenOutside = "raise") -> Strings:
    """Codes of the cells that hold the points, (n,).

    Args:
        lon, lat: CGCS2000 degrees, float64 (n,).
        level: 1 (6° × 4°) to 10 (1/2048″).
        outside: "blank" gives "" for points without a code (not finite, |lat| >= 88).

    Raises:
        OutsideCodeSystemError: if a point has no code.
        BadCodeError: if there is no such level.

    >>> encode(120.0335, 36.2645, 5).tolist()
    ['N51J002250D']
    """
    known = level_numbered(level)
    lons, lats, inside = points_within(lon, lat, LATITUDES, SYSTEM, outside)
    codes = text_matrix(len(lons), known.length)
    for start in range(0, len(lons), CHUNK):
        part = slice(start, start + CHUNK)
        codes[part] = lines_of(*sizes_of(lons[part]), *sizes_of(lats[part]), known).T
    return strings_of_bytes(codes, inside)


def codes_of_cells(columns: Whole, rows: Whole, level: int) -> Strings:
    """Codes of cells (n,) that are addressed as in the level's `LonLatGrid`."""
    known = level_numbered(level)
    west, south = columns < 0, rows < 0
    lon = np.where(west, -columns - 1, columns) * known.width
    lat = np.where(south, -rows - 1, rows) * known.height
    codes = text_matrix(len(columns), known.length)
    codes[:] = lines_of(lon.astype(np.int32), west, lat.astype(np.int32), south, known).T
    return strings_of_bytes(codes)


def lines_of(lon: Sizes, west: Flags, lat: Sizes, south: Flags, level: Level) -> Bytes:
    """The characters of codes (level.length, n), one line for each place in the code, from units away from zero (n,)."""
    lon = np.minimum(lon, _LAST_UNIT)
    lines = np.empty((level.length, len(lon)), dtype=np.uint8)
    lines[0] = np.where(south, ord("S"), ord("N"))
    zone, band = lon // _LEVEL_1.width, lat // _LEVEL_1.height
    number = np.where(west, _ZONES_EACH_SIDE - zone, _ZONES_EACH_SIDE + 1 + zone)
    tens = number // 10
    lines[1], lines[2] = tens + ord("0"), number - tens * 10 + ord("0")
    lines[3] = band + ord("A")
    lon, lat = lon - zone * _LEVEL_1.width, lat - band * _LEVEL_1.height
    place = _LEVEL_1.length
    for step in LEVELS[1 : level.number]:
        column, row = lon // step.width, lat // step.height
        lon, lat = lon - column * step.width, lat - row * step.height
        if step.paired:
            np.take(HEX, column, out=lines[place], mode="clip")
            np.take(HEX, row, out=lines[place + 1], mode="clip")
        else:
            np.take(HEX, row * step.columns + column, out=lines[place], mode="clip")
        place = step.length
    return lines


def decode(codes: npt.ArrayLike) -> tuple[Whole, Whole, int]:
    """Columns and rows (n,) in the level's `LonLatGrid`, and the level that all codes share.

    Raises:
        BadCodeError: naming the first code that is none, and its place; or if levels are mixed.

    >>> columns, rows, level = decode(["N51J002250D"])
    """
    characters, texts = digits_of(codes, BY_LENGTH, SYSTEM)
    level = BY_LENGTH[len(characters)]
    return (*cells_of_lines(characters, texts, level), level.number)


def cells_of_lines(lines: Bytes, texts: Strings, level: Level) -> tuple[Whole, Whole]:
    """Columns and rows (n,) from the characters of codes (level.length, n); `texts` are the codes as given, for messages."""
    south, west_zone = letters(lines[0], "NS", texts, 1), _number(lines[1], 10, texts, 2) * 10
    zone = west_zone + _number(lines[2], 10, texts, 3)
    _refuse(texts, (zone < 1) | (zone > 2 * _ZONES_EACH_SIDE), 2, "a zone from 01 to 60")
    west = zone <= _ZONES_EACH_SIDE
    column = np.where(west, _ZONES_EACH_SIDE - zone, zone - _ZONES_EACH_SIDE - 1)
    row = letters(lines[3], "ABCDEFGHIJKLMNOPQRSTUV", texts, 4)
    place = _LEVEL_1.length
    for step in LEVELS[1 : level.number]:
        if step.paired:
            x = _number(lines[place], step.columns, texts, place + 1)
            y = _number(lines[place + 1], step.rows, texts, place + 2)
        else:
            y, x = np.divmod(_number(lines[place], step.columns * step.rows, texts, place + 1), step.columns)
        column, row = column * step.columns + x, row * step.rows + y
        place = step.length
    return np.where(west, -column - 1, column), np.where(south == 1, -row - 1, row)


def bounds(codes: npt.ArrayLike | Iterable[str]) -> Floats:
    """West, south, east, north of the cells in degrees, (n, 4); levels may be mixed. Raises BadCodeError."""
    texts = np.atleast_1d(np.asarray(codes, dtype=np.str_))
    boxes = np.empty((len(texts), 4))
    lengths = np.char.str_len(texts)
    for length in np.unique(lengths):
        chosen = lengths == length
        columns, rows, level = decode(texts[chosen])
        boxes[chosen] = level_numbered(level).grid.edges(columns, rows)
    return boxes


def cell(code: str) -> Bounds:
    """The box of one cell. Raises BadCodeError.

    >>> cell("N51J").as_tuple()
    (120.0, 36.0, 126.0, 40.0)
    """
    return Bounds(*bounds([code])[0].tolist())


def _number(line: Bytes, base: int, texts: Strings, place: int) -> Whole:
    """Digits 0 to F below `base`."""
    values = _HEX_VALUES[line]
    _refuse(texts, values >= base, place, f"a digit from 0 to {'0123456789ABCDEF'[base - 1]}")
    return values


def _refuse(texts: Strings, wrong: Flags, place: int, limit: str) -> None:
    if wrong.any():
        text = str(texts[int(np.argmax(wrong))])
        raise BadCodeError(
            f"'{text}' is not a BeiDou grid code: character {place} does not fit.",
            value=text,
            limit=f"{limit} at place {place}",
            remedy="Compare it with its source; letters are capitals, O and I are never digits.",
        )


_HEX_VALUES = np.full(256, 255, dtype=np.int64)
_HEX_VALUES[HEX] = np.arange(16)
