"""BeiDou cells and their relatives: the cell above, the cells within, the cells around, the cells of an area, fewest cells for an area."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from twin.codes.angles import Strings, Whole
from twin.codes.beidou import codes_of_cells, decode
from twin.codes.beidou_levels import LEVELS, level_numbered
from twin.codes.covering import Limit, covering_cells
from twin.errors import BadCodeError

COVER_LIMIT = 100_000


def parents(codes: npt.ArrayLike, level: int) -> Strings:
    """The cells of a coarser `level` that hold these cells, (n,).

    Raises:
        BadCodeError: if a code is none, or of a coarser level already.

    >>> parents(["N51J002250D"], 3).tolist()
    ['N51J002']
    """
    _, _, own = decode(codes)
    if level > own:
        raise BadCodeError(
            f"A cell of level {own} has no parent at level {level}.",
            value=level,
            limit=f"1 to {own}",
            remedy="Ask for a coarser level, or use children().",
        )
    return np.atleast_1d(np.asarray(codes, dtype=np.str_)).astype(f"<U{level_numbered(level).length}")


def children(code: str) -> Strings:
    """The cells of the next finer level within a cell, from north to south and west to east; none within the finest. Raises BadCodeError."""
    columns, rows, level = decode([code])
    if level == len(LEVELS):
        return np.empty(0, dtype="<U20")
    below = level_numbered(level + 1)
    x, y = np.meshgrid(
        columns[0] * below.columns + np.arange(below.columns),
        rows[0] * below.rows + np.arange(below.rows)[::-1],
    )
    return codes_of_cells(x.ravel(), y.ravel(), level + 1)


def neighbours(code: str) -> dict[str, str]:
    """The cells of the same level around a cell by compass direction ("n", "ne", …); none beyond 88 degrees. Raises BadCodeError.

    >>> neighbours("N51J00")["w"]
    'N50JB0'
    """
    columns, rows, level = decode([code])
    around = level_numbered(level).grid.around(int(columns[0]), int(rows[0]))
    cells = np.array(list(around.values()), dtype=np.int64)
    return dict(zip(around, codes_of_cells(cells[:, 0], cells[:, 1], level).tolist(), strict=True))


def cover(geometry: shapely.Geometry, level: int, limit: int = COVER_LIMIT) -> Strings:
    """The cells of one level that an area, a line or points lie in (see `covering`), from north to south and west to east.

    Raises:
        TooManyCodesError: if there are more than `limit`.
        BadGeometryError, OutsideCodeSystemError: as `covering_cells`.
    """
    grid = level_numbered(level).grid
    return codes_of_cells(
        *covering_cells(geometry, grid, Limit(limit, "Choose a coarser level or a smaller area.")), level
    )


def compact(codes: npt.ArrayLike) -> list[str]:
    """The fewest cells, of mixed levels, that make up exactly the same area; sorted. Raises BadCodeError.

    Codes inside another one of the list are left out; wherever all cells within a cell are there, that cell stands for them.

    >>> compact(children("N51J00225")), compact(["N51J", "N51J00"])
    (['N51J00225'], ['N51J'])
    """
    by_level = _by_level(codes)
    kept: list[str] = []
    for level in reversed(LEVELS):
        cells = np.unique(by_level.pop(level.number, _NO_CELLS), axis=0)
        if level.number > 1 and len(cells):
            above = cells // np.array([level.columns, level.rows])
            parents_, group, count = np.unique(above, axis=0, return_inverse=True, return_counts=True)
            whole = count == level.columns * level.rows
            known = by_level.get(level.number - 1, _NO_CELLS)
            by_level[level.number - 1] = np.concatenate([known, parents_[whole]])
            cells = cells[~whole[group.ravel()]]
        kept += codes_of_cells(cells[:, 0], cells[:, 1], level.number).tolist()
    return _without_inner(sorted(kept))


def expand(codes: npt.ArrayLike, level: int) -> Strings:
    """All cells of one level within these cells, of mixed but not finer levels, sorted: what `compact` was made from.

    Raises:
        BadCodeError: if a code is none, or finer than `level`.
    """
    wanted = level_numbered(level)
    found = [np.empty(0, dtype=f"<U{wanted.length}")]
    for own, cells in _by_level(codes).items():
        if own > level:
            raise BadCodeError(
                f"A cell of level {own} does not consist of cells of level {level}.",
                value=own,
                limit=f"at most {level}",
            )
        x_count, y_count = level_numbered(own).width // wanted.width, level_numbered(own).height // wanted.height
        x = cells[:, 0, None, None] * x_count + np.arange(x_count)[None, :, None]
        y = cells[:, 1, None, None] * y_count + np.arange(y_count)[None, None, :]
        x, y = np.broadcast_arrays(x, y)
        found.append(codes_of_cells(x.ravel(), y.ravel(), level))
    return np.unique(np.concatenate(found))


_NO_CELLS: Whole = np.empty((0, 2), dtype=np.int64)


def _by_level(codes: npt.ArrayLike) -> dict[int, Whole]:
    """Columns and rows (n, 2) of the codes of each level."""
    texts = np.atleast_1d(np.asarray(codes, dtype=np.str_))
    lengths = np.char.str_len(texts)
    found = {}
    for length in np.unique(lengths):
        columns, rows, level = decode(texts[lengths == length])
        found[level] = np.column_stack([columns, rows])
    return found


def _without_inner(codes: Sequence[str]) -> list[str]:
    """Sorted codes without those that lie in another: it begins their code, and stands right before them."""
    kept: list[str] = []
    for code in codes:
        if not (kept and code.startswith(kept[-1])):
            kept.append(code)
    return kept
