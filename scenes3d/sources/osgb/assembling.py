"""Converted files to the tree of tiles of one root: every level a tile, its successors its children, `refine: REPLACE`.

A level one of whose successors is lost is drawn as it is, for good: with the others in its place there would be a hole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from scenes3d.frames import Frame
from scenes3d.models.shaping import Faults
from scenes3d.sources.osgb.converting import MadeFile, MadeLevel, Matrix
from scenes3d.tileset.region import Region
from scenes3d.tileset.tile import Tile

LOST = "osgb-file-lost"
_RING = "a ring of files"
_MOST_BESIDE = 16
_RADIUS_M = 6_371_000.0

Key = tuple[str, Matrix]


@dataclass(frozen=True)
class Assembler:
    """Puts the tiles of a root together.

    Attributes:
        files: What every file became that a level names.
        faults: Grows by files that are lost.
    """

    files: Mapping[Key, MadeFile]
    faults: Faults

    def root(self, key: Key) -> Tile | None:
        """The tile of a root file; None where nothing of it is drawn."""
        found = self._tiles(key, frozenset())
        return None if not found else found[0] if len(found) == 1 else grouped(found)

    def _tiles(self, key: Key, within: frozenset[str]) -> list[Tile]:
        """The tiles of a file that are drawn first; none where it is lost."""
        path, _ = key
        made = self.files.get(key)
        if made is None or made.failed or path in within:
            why = _RING if path in within else "it is named outside of the delivery" if made is None else made.failed
            self.faults.add(LOST, f"{path or 'a file'}: {why}")
            return []
        within |= {path}
        return [tile for level in made.levels if (tile := self._tile(level, within)) is not None]

    def _tile(self, level: MadeLevel, within: frozenset[str]) -> Tile | None:
        children = [tile for finer in level.finer if (tile := self._tile(finer, within)) is not None]
        for file in level.files:
            of_file = self._tiles(file, within)
            if not of_file and level.content:
                children = []
                break
            children += of_file
        if not level.content:
            return None if not children else children[0] if len(children) == 1 else grouped(children)
        assert level.region is not None
        region = Region.union([level.region, *(child.region for child in children)])
        error = max([level.error_m, *(child.geometric_error for child in children)]) if children else 0.0
        return Tile(region, error, level.content, level.region, Frame(*level.place), tuple(children))


def grouped(tiles: Iterable[Tile]) -> Tile:
    """A tile that draws nothing itself around some, in quarters where they are many; it always gives way to them."""
    known = list(tiles)
    region = Region.union([tile.region for tile in known])
    if len(known) > _MOST_BESIDE:
        quarters = [quarter for quarter in _quarters(known, region) if quarter]
        if len(quarters) > 1:
            known = [grouped(quarter) if len(quarter) > 1 else quarter[0] for quarter in quarters]
    error = max([_across_m(region), *(tile.geometric_error for tile in known)])
    return Tile(region, error, children=tuple(known))


def _quarters(tiles: list[Tile], region: Region) -> list[list[Tile]]:
    """South-west, south-east, north-west, north-east, by the middles of their regions."""
    found: list[list[Tile]] = [[], [], [], []]
    for tile in tiles:
        east = tile.region.west + tile.region.east >= region.west + region.east
        north = tile.region.south + tile.region.north >= region.south + region.north
        found[2 * north + east].append(tile)
    return found


def _across_m(region: Region) -> float:
    wide = (region.east - region.west) * np.cos((region.south + region.north) / 2)
    return float(np.hypot(wide, region.north - region.south) * _RADIUS_M + region.high - region.low)
