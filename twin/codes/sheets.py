"""Numbers of the national map sheets: points to numbers and numbers to sheets, whole arrays at once.

::

    from twin.codes import sheets

    sheets.encode(lon, lat, "G")              # sheets of 1:10 000, '<U10' (n,)
    sheets.cell("J51G090001").as_tuple()      # west, south, east, north

`<row letter><column> [<scale letter><row><column>]`: row letters of 1:1 000 000 count 4° of latitude from the equator, its columns
6° of longitude from 180° west (zone 1); within it rows count from north to south and columns from west to east. A sheet owns its western
and southern edge. Latitudes without sheets are refused (see `sheets.json`).

Source: GB/T 13989-2012, chapters 4 and 5.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from twin.bounds import Bounds
from twin.codes.angles import Floats, Strings, WhenOutside, Whole, points_within
from twin.codes.beidou import CHUNK
from twin.codes.covering import Limit, covering_cells
from twin.codes.sheet_scales import MILLIONTH, Scale, scale_table
from twin.codes.text_arrays import Bytes, CodePoints, digits_of, letters, strings_of_bytes, text_matrix
from twin.errors import BadCodeError

COVER_LIMIT = 100_000
_ZONES_WEST = 30
_ROWS = "ABCDEFGHIJKLMNOPQRSTUV"
_DIGITS = "0123456789"
_ZERO = ord("0")


def encode(
    lon: npt.ArrayLike, lat: npt.ArrayLike, scale: str | int = "G", *, outside: WhenOutside = "raise"
) -> Strings:
    """Numbers of the sheets that hold the points, (n,).

    Args:
        lon, lat: CGCS2000 degrees, float64 (n,).
        scale: Its letter A to K, or its denominator.
        outside: "blank" gives "" for points without a sheet.

    Raises:
        OutsideCodeSystemError: if a point has no sheet.
        BadCodeError: if there is no such scale.

    >>> encode(114 + 33 / 60 + 45 / 3600, 39 + 22 / 60 + 30 / 3600, "E").tolist()
    ['J50E004003']
    """
    table = scale_table()
    known = table.find(scale)
    lons, lats, inside = points_within(lon, lat, table.latitudes, table.standard, outside)
    codes = text_matrix(len(lons), known.length)
    for start in range(0, len(lons), CHUNK):
        part = slice(start, start + CHUNK)
        _write(codes[part], *known.grid.cells_of(lons[part], lats[part]), known)
    return strings_of_bytes(codes, inside)


def codes_of_cells(columns: Whole, rows: Whole, scale: str | int) -> Strings:
    """Numbers of sheets (n,) that are addressed as in the scale's `LonLatGrid`."""
    known = scale_table().find(scale)
    codes = text_matrix(len(columns), known.length)
    _write(codes, columns, rows, known)
    return strings_of_bytes(codes)


def _write(codes: CodePoints, columns: Whole, rows: Whole, scale: Scale) -> None:
    zone, column = np.divmod(columns, scale.divisions)
    band, row = np.divmod(rows, scale.divisions)
    codes[:, 0] = band + ord("A")
    _write_number(codes[:, 1:3], zone + _ZONES_WEST + 1)
    if scale.letter != MILLIONTH:
        codes[:, 3] = ord(scale.letter)
        _write_number(codes[:, 4 : 4 + scale.digits], scale.divisions - row)
        _write_number(codes[:, 4 + scale.digits :], column + 1)


def _write_number(places: CodePoints, numbers: Whole) -> None:
    """Decimal digits of `numbers` (n,) into `places` (n, digits)."""
    rest = numbers
    for place in range(places.shape[1] - 1, -1, -1):
        higher = rest // 10
        places[:, place] = rest - higher * 10 + _ZERO
        rest = higher


def decode(codes: npt.ArrayLike) -> tuple[Whole, Whole, Scale]:
    """Columns and rows (n,) in the scale's `LonLatGrid`, and the scale that all numbers share.

    Raises:
        BadCodeError: naming the first that is no sheet number, and its place; or if scales are mixed.
    """
    table = scale_table()
    lines, texts = digits_of(codes, table.lengths, table.standard)
    scale = _scale_of(lines, texts, table.lengths[len(lines)])
    low, high = table.latitudes
    limit = f"a row letter for latitudes {low:g} to {high:g}"
    band = letters(lines[0], _ROWS, texts, 1)
    _refuse(texts, ~((band >= low / 4) & (band < high / 4)), limit)
    zone = _read_number(lines[1:3], texts, 2)
    _refuse(texts, (zone < 1) | (zone > 2 * _ZONES_WEST), "a column from 01 to 60")
    columns, rows = zone - _ZONES_WEST - 1, band
    if scale.letter != MILLIONTH:
        row = _read_number(lines[4 : 4 + scale.digits], texts, 5)
        column = _read_number(lines[4 + scale.digits :], texts, 5 + scale.digits)
        wrong = (row < 1) | (row > scale.divisions) | (column < 1) | (column > scale.divisions)
        _refuse(texts, wrong, f"rows and columns from 1 to {scale.divisions} at 1:{scale.denominator}")
        columns, rows = columns * scale.divisions + column - 1, rows * scale.divisions + scale.divisions - row
    return columns, rows, scale


def _scale_of(lines: Bytes, texts: Strings, candidates: tuple[Scale, ...]) -> Scale:
    """The scale among those whose numbers have this length."""
    if candidates[0].letter == MILLIONTH:
        return candidates[0]
    which = letters(lines[3], "".join(scale.letter for scale in candidates), texts, 4)
    _refuse(texts, which != which[:1], "all of one scale")
    return candidates[int(which[0])] if len(which) else candidates[0]


def bounds(codes: npt.ArrayLike) -> Floats:
    """West, south, east, north of the sheets in degrees, (n, 4); scales may be mixed. Raises BadCodeError."""
    texts = np.atleast_1d(np.asarray(codes, dtype=np.str_))
    boxes = np.empty((len(texts), 4))
    kinds = np.array([text[3:4] for text in texts.tolist()], dtype="<U1")
    for kind in np.unique(kinds):
        chosen = kinds == kind
        columns, rows, scale = decode(texts[chosen])
        boxes[chosen] = scale.grid.edges(columns, rows)
    return boxes


def cell(code: str) -> Bounds:
    """The box of one sheet. Raises BadCodeError.

    >>> cell("J51").as_tuple()
    (120.0, 36.0, 126.0, 40.0)
    """
    return Bounds(*bounds([code])[0].tolist())


def neighbours(code: str) -> dict[str, str]:
    """The sheets of the same scale around a sheet by compass direction ("n", "ne", …). Raises BadCodeError.

    >>> neighbours("J51G090001")["w"]
    'J50G090096'
    """
    columns, rows, scale = decode([code])
    around = scale.grid.around(int(columns[0]), int(rows[0]))
    cells = np.array(list(around.values()), dtype=np.int64)
    return dict(zip(around, codes_of_cells(cells[:, 0], cells[:, 1], scale.letter).tolist(), strict=True))


def cover(geometry: shapely.Geometry, scale: str | int, limit: int = COVER_LIMIT) -> Strings:
    """The sheets of one scale that an area, a line or points lie on (see `covering`), from north to south and west to east.

    Raises:
        TooManyCodesError: if there are more than `limit`.
        BadGeometryError, OutsideCodeSystemError: as `covering_cells`.
    """
    known = scale_table().find(scale)
    wanted = Limit(limit, "Choose a smaller scale (a larger denominator) or a smaller area.")
    return codes_of_cells(*covering_cells(geometry, known.grid, wanted), known.letter)


def _read_number(lines: Bytes, texts: Strings, place: int) -> Whole:
    number = np.zeros(lines.shape[1], dtype=np.int64)
    for offset, line in enumerate(lines):
        number = number * 10 + letters(line, _DIGITS, texts, place + offset)
    return number


def _refuse(texts: Strings, wrong: npt.NDArray[np.bool_], limit: str) -> None:
    if wrong.any():
        text = str(texts[int(np.argmax(wrong))])
        raise BadCodeError(
            f"'{text}' is not the number of a map sheet.",
            value=text,
            limit=limit,
            remedy="Compare it with the sheet: J51G090001 is row J, column 51, scale G, row 090, column 001.",
        )
