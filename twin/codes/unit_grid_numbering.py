"""Numbering the cells of a unit grid: row by row from north to south, from west to east within a row, anew in every community.

Streets are never quite level, so a row is taken from its northernmost cell: with it go all cells whose middle lies less than three quarters
of the community's usual cell height further south.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from twin.codes.angles import Floats, Strings, Whole
from twin.codes.digit_codes import split_digits
from twin.errors import BadCodeError, BadGeometryError

_LARGEST = 999
_ROW_SHARE = 0.75


def number_cells(cells: npt.ArrayLike, communities: Sequence[str]) -> Strings:
    """Identifiers of cells, (n,), in the order the cells are given in.

    Args:
        cells: Polygons (n,), any one coordinate system with north up: lon/lat or a projection.
        communities: The twelve digits of the community each cell lies in, (n,).

    Raises:
        BadCodeError: if a community's code is not 12 digits, or one has more cells than three digits can count.
        BadGeometryError: if a cell is missing or empty.
        ValueError: if the lengths differ.
    """
    shapes = np.asarray(cells, dtype=object)
    names, group = np.unique(np.asarray(communities, dtype=np.str_), return_inverse=True)
    if len(shapes) != len(group):
        raise ValueError(f"{len(shapes)} cells, but {len(group)} communities")
    for name in names.tolist():
        split_digits(name, (6, 3, 3), "communities")
    missing = np.flatnonzero(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if len(missing):
        raise BadGeometryError(
            f"Cell {missing[0]} has no shape.",
            value=int(missing[0]),
            limit="a polygon for each cell",
            remedy="Leave it out.",
        )
    if not len(shapes):
        return np.empty(0, dtype="<U15")
    sequence = _sequence(shapely.bounds(shapes), shapely.get_coordinates(shapely.centroid(shapes)), group, len(names))
    crowded = np.flatnonzero(np.bincount(group, minlength=len(names)) > _LARGEST)
    if len(crowded):
        raise BadCodeError(
            f"Community {names[crowded[0]]} has too many cells to be numbered.",
            value=int(np.bincount(group)[crowded[0]]),
            limit=f"{_LARGEST} cells in a community",
            remedy="Split the community, or merge cells.",
        )
    return np.char.add(names[group], np.char.zfill(sequence.astype(np.str_), 3))


def _sequence(boxes: Floats, middles: Floats, group: Whole, groups: int) -> Whole:
    """The number (n,) of each cell within its group, from 1."""
    sequence = np.empty(len(group), dtype=np.int64)
    for number in range(groups):
        cells = np.flatnonzero(group == number)
        x, y = middles[cells].T
        row = _rows(y, float(np.median(boxes[cells, 3] - boxes[cells, 1])))
        sequence[cells[np.lexsort((-y, x, row))]] = np.arange(1, len(cells) + 1)
    return sequence


def _rows(y: Floats, usual_height: float) -> Whole:
    """The row (n,) of each cell of one community, from the north, by the ordinates of their middles."""
    order = np.argsort(-y, kind="stable")
    depth = -y[order]
    row = np.empty(len(y), dtype=np.int64)
    start = number = 0
    while start < len(y):
        end = int(np.searchsorted(depth, depth[start] + _ROW_SHARE * usual_height, side="left"))
        end = max(end, start + 1)
        row[order[start:end]] = number
        start, number = end, number + 1
    return row
