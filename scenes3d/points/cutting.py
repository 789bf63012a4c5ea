"""One cube's points, dealt out to the tiles of its octree: each point is shown once, at the first level with room for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from scenes3d.points.cubes import Bin, read_records
from scenes3d.points.kernels import assign_levels, morton_keys, sort_keys
from scenes3d.points.records import Records

# A tile with no more points left than this takes them all: smaller ones cost more requests than they save bytes.
TAKE_ALL = 20_000
_KEY_BITS = 21


@dataclass(frozen=True, slots=True)
class Cut:
    """The points of a cube in the order of the Morton curve, and the level of the octree each one belongs to.

    Attributes:
        depth: Level of the cube; points of levels above it belong to tiles that reach beyond the cube.
        levels: (n,) uint8.
        keys: Sorted Morton keys, (n,) uint64, `bits` an axis.
    """

    path: str
    depth: int
    bits: int
    keys: np.ndarray[tuple[int], np.dtype[np.uint64]]
    levels: np.ndarray[tuple[int], np.dtype[np.uint8]]
    records: Records

    def above(self) -> Iterator[tuple[int, Records]]:
        """Points for the tiles above the cube: their level, and the points."""
        for level in range(self.depth):
            records = self.records[self.levels == level]
            if len(records):
                yield level, records

    def tiles(self) -> Iterator[tuple[str, Records]]:
        """Tiles of the cube and below, parents first: their path from the root, and the points."""
        for level in np.unique(self.levels[self.levels >= self.depth]):
            chosen = np.flatnonzero(self.levels == level)
            below = int(level) - self.depth
            prefixes = self.keys[chosen] >> np.uint64(3 * (self.bits - below))
            starts = np.flatnonzero(np.concatenate([[True], prefixes[1:] != prefixes[:-1]]))
            for start, end in zip(starts, [*starts[1:], len(chosen)], strict=True):
                digits = format(int(prefixes[start]), "o").zfill(below) if below else ""
                yield self.path + digits, self.records[chosen[start:end]]


def cut(bin_: Bin, take_all: int = TAKE_ALL) -> Cut:
    """Read a bin and deal its points out."""
    records, cube = read_records(bin_.file), bin_.cube
    bits = min(cube.exponent, _KEY_BITS)
    keys = np.empty(len(records), dtype=np.uint64)
    morton_keys(records, np.array(cube.low, dtype=np.int64), cube.exponent - bits, keys)
    order = sort_keys(keys, 3 * bits)
    levels = np.empty(len(records), dtype=np.uint8)
    depth = len(cube.path)
    assign_levels(keys, bits, depth, take_all, levels)
    return Cut(cube.path, depth, bits, keys, levels, records[order])
