"""The files of a cloud's tileset: tiles, documents, and the points that a bin gives to the tiles above it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from scenes3d.points.content import ENCODERS, PointTile
from scenes3d.points.cubes import Bin
from scenes3d.points.cutting import cut
from scenes3d.points.records import Records
from scenes3d.points.tree import Node, Tree, address


@dataclass(frozen=True, slots=True)
class TileWriter:
    """Where the files go, and how tiles are cut and written.

    Attributes:
        out, bins: Folders of the tileset, and of points on their way.
        content: "glb" or "pnts".
        take_all: A tile with no more points left than this takes them all.
        brightest: Of all colours, which are scaled by it.
    """

    out: Path
    bins: Path
    content: str
    take_all: int
    brightest: int

    def tile(self, path: str, records: Records) -> Node:
        """Write one tile."""
        node = Node.of(path, records)
        data = ENCODERS[self.content](PointTile(records, node.middle, self.brightest))
        (self.out / f"{address(path)}.{self.content}").write_bytes(data)
        return node

    def document(self, tree: Tree, path: str, frame: list[float] | None, extras: Mapping[str, Any]) -> None:
        """Write the tileset of a part of the tree, or of all of it."""
        name = f"{address(path)}.json" if path else "tileset.json"
        (self.out / name).write_bytes(orjson.dumps(tree.document(path, frame, self.content, dict(extras))))

    def above(self, bin_: Bin, level: int) -> Path:
        """Where a bin leaves points for a tile above it."""
        return self.bins / f"{bin_.cube.path}.above{level}"


def cut_bin(work: tuple[TileWriter, Bin, int]) -> list[list[Any]]:
    """Write the tiles of a bin, and what it gives to those above; gives its nodes as lists.

    Args:
        work: The writer, the bin, the exponent of the root cube.
    """
    writer, bin_, exponent = work
    found = cut(bin_, writer.take_all)
    for level, records in found.above():
        writer.above(bin_, level).write_bytes(records.tobytes())
    nodes = [writer.tile(path, records) for path, records in found.tiles()]
    if bin_.cube.path and nodes:
        writer.document(Tree({node.path: node for node in nodes}, exponent, {}), bin_.cube.path, None, {})
    return [node.to_list() for node in nodes]
