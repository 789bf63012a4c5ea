"""An edition as an implicit quadtree: the cells of our own tree are those that 3D Tiles halve a region into.

Contents stand in the frame of the implicit root, for tiles that are only bits have no transform of their own. The implicit root is the
cell of our root, or the nearest one above it that no building reaches out of. Where the tree begins with half a globe (a
town on a prime meridian), its first tiles are written out, and each one below them that has a place on the globe is a root of its own.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from scenes3d.editions.edition import Cell, Edition, Entry, column_and_row
from scenes3d.frames import Frame
from scenes3d.glb.moving import moved
from scenes3d.tileset.reading import Opener
from scenes3d.tileset.region import Region
from scenes3d.tileset.subtrees import CONTENTS, SCHEMA, Place, implicit_tiling, subtrees_of
from scenes3d.tileset.tile import Tile, described
from twin.errors import BadCall

# The first level whose cells are regions: latitudes of those above it go beyond the poles.
_FIRST_LEVEL = 2
_REFINE = "ADD"

Written = Generator[tuple[str, bytes], None, dict[str, Any]]
"""Files as they are made, and in the end what the tile above says of them."""


def implicit_files(edition: Edition, opened: Opener) -> Iterator[tuple[str, bytes]]:
    """Addresses and bytes of all files, `tileset.json` last.

    Args:
        opened: Gives the edition's tiles by their address.

    Raises:
        BadCall: if the edition is none of a quadtree, or empty.
    """
    if not edition.entries:
        raise BadCall(
            "只有建筑和模型场景可以导出为隐式四叉树。Only scenes of buildings and models are quadtrees.",
            value=f"{edition.report.get('built', 0)} tiles or points of other trees",
            limit="a scene built from a layer, or from city models and meshes",
            remedy="Export it without --implicit.",
        )
    tileset = edition.tileset()
    entries = {f"tiles/{entry.content}.glb": entry for entry in edition.entries}
    writer = _Writer(entries, opened, tileset.geometric_error)
    root = yield from writer.tile(tileset.root, None)
    document = {
        "asset": {"version": "1.1", **({"extras": tileset.extras} if tileset.extras else {})},
        "schema": SCHEMA,
        "geometricError": tileset.geometric_error,
        "root": root | {"refine": _REFINE},
    }
    yield "tileset.json", orjson.dumps(document)


class _Writer:
    def __init__(self, entries: dict[str, Entry], opened: Opener, missed_m: float) -> None:
        self._entries, self._opened, self._missed_m = entries, opened, missed_m
        self._roots = 0

    def tile(self, tile: Tile, above: Frame | None) -> Written:
        """Write a tile and all below it; returns what is said of it."""
        if self._entries[tile.uri].level >= _FIRST_LEVEL:
            return (yield from self._implicit(tile, above))
        yield tile.uri, self._opened(tile.uri)
        children = []
        for child in tile.children:
            children.append((yield from self.tile(child, tile.frame or above)))  # noqa: PERF401 — comprehensions cannot yield
        return described(tile, above) | ({"children": children} if children else {})

    def _implicit(self, tile: Tile, above: Frame | None) -> Written:
        assert tile.frame is not None
        prefix = f"root{self._roots}/" if above is not None else ""
        self._roots += 1
        root = _holding(self._entries[tile.uri].cell, tile.region)
        tiles: dict[Place, Tile] = {}
        for below in tile.walk():
            entry = self._entries[below.uri]
            place = _place(entry.cell, root)
            tiles[place] = below
            assert below.frame is not None
            data = self._opened(below.uri)
            matrix = below.frame.within(tile.frame)
            yield prefix + place.address(CONTENTS), data if below is tile else moved(data, matrix, below.uri)
        first = min(tiles)
        for levels in range(1, first.level + 1):
            # Nothing is drawn by these: they are there because the cell of the root is too small for its buildings.
            tiles[first.above(levels)] = replace(tile, uri="", content_region=None, geometric_error=self._missed_m)
        for address, subtree in subtrees_of(tiles):
            yield prefix + address, subtree
        top = replace(
            tile, region=cell_region(root, tile.region), geometric_error=tiles[Place(0, 0, 0)].geometric_error
        )
        said = described(replace(top, uri=prefix + CONTENTS, content_region=None), above)
        return said | {"implicitTiling": implicit_tiling(tiles, prefix)}


def cell_region(cell: Cell, heights: Region) -> Region:
    """The part of the globe that a cell covers, as high as `heights`."""
    level, _ = cell
    column, row = column_and_row(cell)
    side = 2 * np.pi / 2**level
    west, south = column * side - np.pi, row * side - np.pi
    return Region(west, south, west + side, south + side, heights.low, heights.high)


def _holding(cell: Cell, region: Region) -> Cell:
    """The cell, or the nearest one above it that holds a region; the cell where none on the globe does."""
    level, code = cell
    for above in range(level - _FIRST_LEVEL + 1):
        candidate = level - above, code >> 2 * above
        if cell_region(candidate, region).holds(region):
            return candidate
    return cell


def _place(cell: Cell, root: Cell) -> Place:
    column, row = column_and_row(cell)
    west, south = column_and_row(root)
    deep = cell[0] - root[0]
    return Place(deep, column - (west << deep), row - (south << deep))
