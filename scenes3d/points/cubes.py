"""Cubes of the octree, in quanta of the scene's frame, and the points of a cube spread over files small enough for memory.

A file of records that holds too many points is counted on a grid of 128³ cells; the octree above that grid is cut where a cube holds
few enough, and the records are spread over one file for each such cube. A cell that still holds too many is spread again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scenes3d.points.kernels import GRID_BITS, count_cells, group_by_bin
from scenes3d.points.records import QUANTUM_M, RECORD_BYTES, WORDS, Records
from twin.errors import BadGeometryError

# 48 MB a file, and some 250 MB while it is sorted and written.
MOST_POINTS = 2_000_000
_READ_POINTS = 1_000_000

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cube:
    """A cube of the octree.

    Attributes:
        path: The octants that lead to it from the root, a digit each: x counts 1, y 2, z 4.
        low: Its low corner in quanta.
        exponent: Its edge is two to this power, in quanta.
    """

    path: str
    low: tuple[int, int, int]
    exponent: int

    def below(self, x: int, y: int, z: int, levels: int) -> Cube:
        """The cube at a place of the grid that lies `levels` below this one."""
        digits = "".join(
            str((x >> bit & 1) | (y >> bit & 1) << 1 | (z >> bit & 1) << 2) for bit in reversed(range(levels))
        )
        edge = 1 << (self.exponent - levels)
        low = self.low[0] + x * edge, self.low[1] + y * edge, self.low[2] + z * edge
        return Cube(self.path + digits, low, self.exponent - levels)


@dataclass(frozen=True, slots=True)
class Bin:
    """A cube whose points stand in a file of their own."""

    cube: Cube
    file: Path
    points: int


def root_cube(low: npt.NDArray[np.int64], high: npt.NDArray[np.int64]) -> Cube:
    """The smallest cube from `low` that holds `high`, quanta (3,)."""
    exponent = int(max(int(extent).bit_length() for extent in high - low))
    return Cube("", (int(low[0]), int(low[1]), int(low[2])), exponent)


def iter_records(file: Path, size: int = _READ_POINTS) -> Iterator[Records]:
    """Records of a file, `size` at a time."""
    with file.open("rb") as source:
        while data := source.read(size * RECORD_BYTES):
            yield np.frombuffer(data, dtype=np.int32).reshape(-1, WORDS)


def read_records(file: Path) -> Records:
    """All records of a file, (n, 6)."""
    return np.fromfile(file, dtype=np.int32).reshape(-1, WORDS)


def spread(
    file: Path,
    cube: Cube,
    folder: Path,
    most: int = MOST_POINTS,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Bin]:
    """Bins that together hold the points of `file`, in the order of the Morton curve; empty cubes have none.

    Raises:
        BadGeometryError: if more than `most` points lie at one place.
    """
    total = file.stat().st_size // RECORD_BYTES
    if total <= most:
        return [Bin(cube, file, total)]
    if cube.exponent == 0:
        east, north, up = (value * QUANTUM_M for value in cube.low)
        raise BadGeometryError(
            "同一位置的点过多。Too many points lie at one and the same place.",
            value=f"{total:,} points at {east:,.3f} m east, {north:,.3f} m north, {up:,.3f} m up of the cloud's middle",
            limit=f"{most:,} points",
            remedy="Remove repeated points from the file.",
        )
    levels = min(GRID_BITS, cube.exponent)
    cubes, numbers = _cut(_counted(file, cube, levels), cube, levels, most)
    files = [folder / f"{found.path}.points" for found in cubes]
    points = _route(file, cube, levels, numbers, files, advance)
    bins: list[Bin] = []
    for found, place, count in zip(cubes, files, points, strict=True):
        if count <= most:
            bins.append(Bin(found, place, count))
        else:
            bins += spread(place, found, folder, most)
            place.unlink()
    return bins


def _counted(file: Path, cube: Cube, levels: int) -> Counts:
    counts = np.zeros((1 << levels,) * 3, dtype=np.int64)
    low = np.array(cube.low, dtype=np.int64)
    for records in iter_records(file):
        count_cells(records, low, cube.exponent - levels, counts)
    return counts


def _cut(counts: Counts, cube: Cube, levels: int, most: int) -> tuple[list[Cube], npt.NDArray[np.int32]]:
    """The largest cubes with no more than `most` points each, or single cells; and the number of its cube for every cell."""
    pyramid = [counts]
    for _ in range(levels):
        size = pyramid[-1].shape[0] // 2
        pyramid.append(pyramid[-1].reshape(size, 2, size, 2, size, 2).sum(axis=(1, 3, 5)))
    numbers = np.zeros(counts.shape, dtype=np.int32)
    found: list[Cube] = []

    def descend(level: int, x: int, y: int, z: int) -> None:
        count = pyramid[levels - level][x, y, z]
        if count == 0:
            return
        if count <= most or level == levels:
            width = 1 << (levels - level)
            numbers[x * width : (x + 1) * width, y * width : (y + 1) * width, z * width : (z + 1) * width] = len(found)
            found.append(cube.below(x, y, z, level))
            return
        for octant in range(8):
            descend(level + 1, 2 * x + (octant & 1), 2 * y + (octant >> 1 & 1), 2 * z + (octant >> 2))

    descend(0, 0, 0, 0)
    return found, numbers


def _route(
    file: Path,
    cube: Cube,
    levels: int,
    numbers: npt.NDArray[np.int32],
    files: list[Path],
    advance: Callable[[int], None],
) -> list[int]:
    for place in files:
        place.unlink(missing_ok=True)
    low = np.array(cube.low, dtype=np.int64)
    points = np.zeros(len(files), dtype=np.int64)
    for records in iter_records(file):
        grouped = np.empty_like(records)
        starts = group_by_bin(records, low, cube.exponent - levels, numbers, len(files), grouped)
        points += np.diff(starts)
        for number in np.flatnonzero(np.diff(starts)):
            # Opened anew for each piece: there may be more bins than a process may hold open.
            with files[number].open("ab") as target:
                target.write(grouped[starts[number] : starts[number + 1]].data)
        advance(len(records))
    return [int(count) for count in points]
