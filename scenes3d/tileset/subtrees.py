"""A quadtree of tiles tiled implicitly: bits that say which tiles there are, in subtrees of a few levels, instead of a tree in JSON.

A viewer works out where a tile lies by halving the root's region. Ours are wider than that, because a building stands in the cell of its
middle and reaches over its edge: so each subtree has a table with the true region and error of every tile, which take the place of
what is worked out.

Source: OGC 22-025r4 (3D Tiles 1.1), sections 7.6 (metadata of tiles), 8.4 to 8.6 (implicit tiling); 3D Metadata Semantic Reference.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from scenes3d.tileset.tile import Tile

SUBTREES = "subtrees/{level}/{x}/{y}.subtree"
CONTENTS = "content/{level}/{x}/{y}.glb"
LEVELS = 5
"""Levels of a subtree: 341 tiles."""

_HEAD = struct.Struct("<4sIQQ")
_MAGIC, _VERSION = b"subt", 1
_ALIGNMENT = 8
_REGION = {"type": "SCALAR", "componentType": "FLOAT64", "array": True, "count": 6, "required": True}
SCHEMA: dict[str, Any] = {
    "id": "onemap_tiles",
    "classes": {
        "tile": {
            "properties": {
                "region": {**_REGION, "semantic": "TILE_BOUNDING_REGION"},
                "error": {
                    "type": "SCALAR",
                    "componentType": "FLOAT64",
                    "required": True,
                    "semantic": "TILE_GEOMETRIC_ERROR",
                },
            }
        },
        "content": {"properties": {"region": {**_REGION, "semantic": "CONTENT_BOUNDING_REGION"}}},
    },
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A cell below an implicit root: level, and column and row from the south-west."""

    level: int
    x: int
    y: int

    def address(self, template: str) -> str:
        return template.format(level=self.level, x=self.x, y=self.y)

    def above(self, levels: int) -> Place:
        return Place(self.level - levels, self.x >> levels, self.y >> levels)

    def number_below(self, root: Place) -> int:
        """Its bit in the subtree of `root`: levels one after another, each along the Z curve."""
        deep = self.level - root.level
        x, y = self.x - (root.x << deep), self.y - (root.y << deep)
        return _tiles_of(deep) + interleaved(x, y, deep)


def _tiles_of(levels: int) -> int:
    """How many places so many levels have."""
    return (1 << 2 * levels) // 3


def interleaved(x: int, y: int, bits: int) -> int:
    """The number of a cell along the Z curve.

    >>> interleaved(2, 1, 2)
    6
    """
    return sum(((x >> bit & 1) << 2 * bit) | ((y >> bit & 1) << 2 * bit + 1) for bit in range(bits))


def implicit_tiling(tiles: Mapping[Place, Tile], prefix: str = "") -> dict[str, Any]:
    """What the root tile says of the tiles below it; `prefix` stands before the addresses of subtrees."""
    return {
        "subdivisionScheme": "QUADTREE",
        "subtreeLevels": LEVELS,
        "availableLevels": max(place.level for place in tiles) + 1,
        "subtrees": {"uri": prefix + SUBTREES},
    }


def subtrees_of(tiles: Mapping[Place, Tile]) -> Iterator[tuple[str, bytes]]:
    """Addresses and bytes of all subtrees; `tiles` has the root, and with a tile all that are above it."""
    roots: dict[Place, dict[Place, Tile]] = {}
    for place in sorted(tiles):
        roots.setdefault(place.above(place.level % LEVELS), {})[place] = tiles[place]
    for root, members in roots.items():
        deeper = {place for place in roots if place.level == root.level + LEVELS and place.above(LEVELS) == root}
        yield root.address(SUBTREES), _subtree(root, members, deeper)


def _subtree(root: Place, members: Mapping[Place, Tile], deeper: set[Place]) -> bytes:
    count, below = _tiles_of(LEVELS), 4**LEVELS
    numbers = {place.number_below(root): tile for place, tile in members.items()}
    drawn = {number: tile for number, tile in numbers.items() if tile.uri}
    views = _Views()
    document = {
        "tileAvailability": _available(views, numbers, count),
        "contentAvailability": [_available(views, drawn, count)],
        "childSubtreeAvailability": _available(
            views, {place.number_below(root) - _tiles_of(LEVELS): None for place in deeper}, below
        ),
    }
    known = [numbers[number] for number in sorted(numbers)]
    tables = [
        {
            "class": "tile",
            "count": len(known),
            "properties": {
                "region": {"values": views.add(_floats([tile.region.to_list() for tile in known]))},
                "error": {"values": views.add(_floats([tile.geometric_error for tile in known]))},
            },
        }
    ]
    if drawn:
        regions = [(drawn[number].content_region or drawn[number].region).to_list() for number in sorted(drawn)]
        values = {"region": {"values": views.add(_floats(regions))}}
        tables.append({"class": "content", "count": len(drawn), "properties": values})
    metadata = {"tileMetadata": 0, **({"contentMetadata": [1]} if drawn else {})}
    buffer = views.to_bytes()
    said = {"buffers": [{"byteLength": len(buffer)}], "bufferViews": views.said, "propertyTables": tables}
    text = orjson.dumps(said | document | metadata)
    text += b" " * (-len(text) % _ALIGNMENT)
    return _HEAD.pack(_MAGIC, _VERSION, len(text), len(buffer)) + text + buffer


def _available(views: _Views, there: Mapping[int, object], count: int) -> dict[str, int]:
    """Availability of `count` places: a word where all are there or none, else bits."""
    if len(there) in {0, count}:
        return {"constant": int(bool(there))}
    bits = np.zeros(count, dtype=np.bool_)
    bits[list(there)] = True
    return {"bitstream": views.add(np.packbits(bits, bitorder="little").tobytes()), "availableCount": len(there)}


def _floats(values: npt.ArrayLike) -> bytes:
    return np.asarray(values, dtype="<f8").tobytes()


class _Views:
    """One buffer that grows; every view begins at a multiple of eight bytes."""

    def __init__(self) -> None:
        self.said: list[dict[str, int]] = []
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, data: bytes) -> int:
        self.said.append({"buffer": 0, "byteOffset": self._length, "byteLength": len(data)})
        padded = data + bytes(-len(data) % _ALIGNMENT)
        self._parts.append(padded)
        self._length += len(padded)
        return len(self.said) - 1

    def to_bytes(self) -> bytes:
        return b"".join(self._parts)
