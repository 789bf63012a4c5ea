"""Triangles spread over the leaves of a quadtree in the ground plane, each by its middle: one file for each leaf, in bounded memory.

A triangle belongs to one leaf and is never cut: neighbours share the corners along their border, so there is no crack between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenes3d.meshes.records import QUANTUM_M, RECORD, Records, centres, iter_records
from scenes3d.meshes.spooling import Spooled
from twin.errors import BadGeometryError

MOST_TRIANGLES = 100_000
MOST_TEXELS = 2048 * 2048
_LEVELS = 6
# So few triangles are not parted for the sake of their pictures: a wall with one large photograph stays one.
_FEW = 256
_QUADRANTS = "0123"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A cell of the quadtree that is not divided.

    Attributes:
        path: From the root, a quadrant a digit: 0 south-west, 1 south-east, 2 north-west, 3 north-east.
        low: South-western corner, thirds of quanta.
        exponent: Its side is two to this many thirds of quanta.
    """

    path: str
    low: tuple[int, int]
    exponent: int
    file: Path
    triangles: int


def spread(
    file: Path, spooled: Spooled, folder: Path, most: int, advance: Callable[[int], None] = lambda _: None
) -> list[Leaf]:
    """Leaves with at most `most` triangles, and pictures of about `MOST_TEXELS`, that together hold those of `file`.

    Raises:
        BadGeometryError: if more than `most` triangles lie at one place.
    """
    exponent = max((high - low).bit_length() for low, high in zip(spooled.low, spooled.high, strict=True))
    return _spread(Leaf("", spooled.low, exponent, file, spooled.triangles), spooled, folder, most, advance)


def _spread(
    cell: Leaf, spooled: Spooled, folder: Path, most: int, advance: Callable[[int], None] = lambda _: None
) -> list[Leaf]:
    levels = min(_LEVELS, cell.exponent)
    counts, texels = _counted(cell, spooled, levels)
    if _fits(cell.triangles, float(texels.sum()), most) or (not levels and cell.triangles <= most):
        return [cell]
    if not levels:
        east, north = (value / 3 * QUANTUM_M for value in cell.low)
        raise BadGeometryError(
            "同一位置的三角形过多。Too many triangles lie at one and the same place.",
            value=f"{cell.triangles:,} triangles at {east:,.3f} m east, {north:,.3f} m north of the mesh's middle",
            limit=f"{most:,} triangles",
            remedy="Remove repeated triangles from the file.",
        )
    cells, numbers = _divided(cell, counts, texels, levels, most)
    files = [folder / f"{found.path}.triangles" for found in cells]
    _route(cell, levels, numbers, files, advance)
    leaves: list[Leaf] = []
    for found, place in zip(cells, files, strict=True):
        leaf = Leaf(found.path, found.low, found.exponent, place, place.stat().st_size // RECORD.itemsize)
        below = _spread(leaf, spooled, folder, most) if found.exponent == cell.exponent - levels else [leaf]
        leaves += below
        if below[0].file != place:
            place.unlink()
    return leaves


def _fits(triangles: int, texels: float, most: int) -> bool:
    return triangles <= most and (texels <= MOST_TEXELS or triangles <= min(_FEW, most))


def _numbers(records: Records, cell: Leaf, levels: int) -> npt.NDArray[np.int64]:
    """Row of the grid over the cell, and column, as one number for each triangle."""
    at = (centres(records) - np.array(cell.low)) >> (cell.exponent - levels)
    return np.asarray(at[:, 1] << levels | at[:, 0])


def _counted(cell: Leaf, spooled: Spooled, levels: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Triangles and pixels of each cell of the grid, (rows, columns)."""
    size = 1 << levels
    counts, texels = np.zeros(size * size, dtype=np.int64), np.zeros(size * size)
    for records in iter_records(cell.file):
        at = _numbers(records, cell, levels)
        counts += np.bincount(at, minlength=size * size)
        texels += np.bincount(at, spooled.texels(records), minlength=size * size)
    return counts.reshape(size, size), texels.reshape(size, size)


def _divided(
    cell: Leaf, counts: npt.NDArray[np.int64], texels: npt.NDArray[np.float64], levels: int, most: int
) -> tuple[list[Leaf], npt.NDArray[np.int64]]:
    """The largest cells below this one that fit, or single cells of the grid; and the number of its own for each cell of the grid."""
    numbers = np.zeros(counts.shape, dtype=np.int64)
    found: list[Leaf] = []

    def descend(path: str, level: int, column: int, row: int) -> None:
        width = 1 << (levels - level)
        own = slice(row * width, (row + 1) * width), slice(column * width, (column + 1) * width)
        count = int(counts[own].sum())
        if not count:
            return
        if level == levels or (level > 0 and _fits(count, float(texels[own].sum()), most)):
            numbers[own] = len(found)
            exponent = cell.exponent - level
            low = cell.low[0] + (column << exponent), cell.low[1] + (row << exponent)
            found.append(Leaf(path, low, exponent, cell.file, count))
            return
        for quadrant, digit in enumerate(_QUADRANTS):
            descend(path + digit, level + 1, 2 * column + (quadrant & 1), 2 * row + (quadrant >> 1))

    descend(cell.path, 0, 0, 0)
    return found, numbers.ravel()


def _route(
    cell: Leaf, levels: int, numbers: npt.NDArray[np.int64], files: list[Path], advance: Callable[[int], None]
) -> None:
    for place in files:
        place.unlink(missing_ok=True)
    for records in iter_records(cell.file):
        at = numbers[_numbers(records, cell, levels)]
        order = np.argsort(at, kind="stable")
        starts = np.searchsorted(at[order], np.arange(len(files) + 1))
        for number in np.flatnonzero(np.diff(starts)).tolist():
            # Opened anew for each piece: there may be more leaves than a process may hold open.
            with files[number].open("ab") as target:
                target.write(records[order[starts[number] : starts[number + 1]]].tobytes())
        advance(len(records))
