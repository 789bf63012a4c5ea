"""Implicit tiling written out: subtrees read, availability bit by bit, one explicit tile for each that is there.

Source: OGC 22-025r4 (3D Tiles 1.1), sections 8.4 to 8.6.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import numpy as np
import numpy.typing as npt
import orjson

from scenes3d.glb.container import broken
from scenes3d.sources.tilesets.subtree_metadata import TileMetadata, read_tile_metadata

MOST_TILES = 500_000
_SUBTREE = struct.Struct("<4sIQQ")
_FIELD = re.compile(r"\{(level|x|y|z)\}")
_MOST_LEVELS = 12

Opened = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class _Place:
    level: int
    x: int
    y: int
    z: int

    def address(self, template: str) -> str:
        return _FIELD.sub(lambda found: str(getattr(self, found[1])), template)


@dataclass(frozen=True, slots=True)
class _Subtree:
    tiles: npt.NDArray[np.bool_]
    contents: tuple[npt.NDArray[np.bool_], ...]
    children: npt.NDArray[np.bool_]
    metadata: TileMetadata


class ImplicitTiling:
    """The tiles below a tile that says `implicitTiling`.

    Args:
        schema: Of the tileset: what tables of its subtrees mean.

    Raises:
        UnreadableFileError: if the tiling says what nobody can mean.
    """

    def __init__(
        self, said: dict[str, Any], address: str, opened: Opened, schema: dict[str, Any] | None = None
    ) -> None:
        tiling = said["implicitTiling"]
        scheme = tiling["subdivisionScheme"]
        self._said, self._address, self._opened, self._schema = said, address, opened, schema or {}
        self._dimensions = {"QUADTREE": 2, "OCTREE": 3}.get(scheme, 0)
        self._levels, self._available = int(tiling["subtreeLevels"]), int(tiling["availableLevels"])
        self._template = str(tiling["subtrees"]["uri"])
        if not self._dimensions or not 1 <= self._levels <= _MOST_LEVELS or not 1 <= self._available <= 32:
            raise broken(
                address, f"{scheme}, {self._levels} levels a subtree", f"quadtree or octree, {_MOST_LEVELS} levels"
            )
        self._templates = [c["uri"] for c in said.get("contents") or ([said["content"]] if "content" in said else [])]
        self._count = 0

    def root(self) -> dict[str, Any]:
        """The explicit tile that stands for all of them."""
        kept: dict[str, Any] = {
            key: self._said[key] for key in ("transform", "refine", "viewerRequestVolume") if key in self._said
        }
        tile = self._subtree(_Place(0, 0, 0, 0))
        return {**kept, **(tile or {"boundingVolume": self._said["boundingVolume"], "geometricError": 0.0})}

    def _subtree(self, root: _Place) -> dict[str, Any] | None:
        where = urljoin(self._address, root.address(self._template))
        subtree = _read(self._opened(where), where, self._opened, self._dimensions, self._levels, self._schema)
        return self._tile(subtree, root, root, 0)

    def _tile(self, subtree: _Subtree, root: _Place, place: _Place, code: int) -> dict[str, Any] | None:
        level = place.level - root.level
        branches = 1 << self._dimensions
        number = (branches**level - 1) // (branches - 1) + code
        if not subtree.tiles[number]:
            return None
        self._count += 1
        if self._count > MOST_TILES:
            raise broken(self._address, f"more than {MOST_TILES:,} tiles", f"{MOST_TILES:,}")
        contents = [
            {"uri": place.address(template)}
            for template, there in zip(self._templates, subtree.contents, strict=False)
            if there[number]
        ]
        children = [] if place.level + 1 >= self._available else list(self._below(subtree, root, place, code, level))
        volume = _volume(self._said["boundingVolume"], place, self._dimensions)
        return {
            "geometricError": float(self._said["geometricError"]) / 2**place.level,
            **subtree.metadata.said_of(number, volume),
            **({"contents": contents} if contents else {}),
            **({"children": children} if children else {}),
        }

    def _below(self, subtree: _Subtree, root: _Place, place: _Place, code: int, level: int) -> list[dict[str, Any]]:
        found = []
        for octant in range(1 << self._dimensions):
            child = _Place(
                place.level + 1,
                place.x * 2 + (octant & 1),
                place.y * 2 + (octant >> 1 & 1),
                place.z * 2 + (octant >> 2) if self._dimensions == 3 else 0,
            )
            below = (code << self._dimensions) | octant
            if level + 1 < self._levels:
                tile = self._tile(subtree, root, child, below)
            else:
                tile = self._subtree(child) if subtree.children[below] else None
            if tile is not None:
                found.append(tile)
        return found


def _read(data: bytes, name: str, opened: Opened, dimensions: int, levels: int, schema: dict[str, Any]) -> _Subtree:
    """A subtree, as JSON or in its binary container."""
    body = b""
    if data[:4] == b"subt":
        _, version, text, length = _SUBTREE.unpack_from(data.ljust(_SUBTREE.size, b"\0"))
        if version != 1 or _SUBTREE.size + text + length > len(data):
            raise broken(name, f"it claims {text} + {length} bytes and has {len(data)}", "a whole subtree")
        body = data[_SUBTREE.size + text : _SUBTREE.size + text + length]
        data = data[_SUBTREE.size : _SUBTREE.size + text]
    document = orjson.loads(data)
    buffers = [opened(urljoin(name, said["uri"])) if "uri" in said else body for said in document.get("buffers", ())]
    views = [
        buffers[v["buffer"]][v.get("byteOffset", 0) : v.get("byteOffset", 0) + v["byteLength"]]
        for v in document.get("bufferViews", ())
    ]
    branches = 1 << dimensions
    tiles, below = (branches**levels - 1) // (branches - 1), branches**levels

    def bits(said: dict[str, Any], count: int) -> npt.NDArray[np.bool_]:
        if "constant" in said:
            return np.full(count, bool(said["constant"]))
        number = said["bitstream"] if "bitstream" in said else said["bufferView"]
        found = np.unpackbits(np.frombuffer(views[number], dtype=np.uint8), axis=None, bitorder="little")
        if len(found) < count:
            raise broken(name, f"availability of {len(found)} tiles", f"{count} tiles")
        return np.array(found[:count], dtype=np.bool_)

    said = document.get("contentAvailability", ())
    contents = tuple(bits(each, tiles) for each in (said if isinstance(said, list) else [said]))
    there = bits(document["tileAvailability"], tiles)
    metadata = read_tile_metadata(document, views, schema, there)
    return _Subtree(there, contents, bits(document["childSubtreeAvailability"], below), metadata)


def _volume(said: dict[str, Any], place: _Place, dimensions: int) -> dict[str, Any]:
    """The part of the root's volume that a tile has: halves of its sides, and of its height in an octree."""
    share = 2.0**-place.level
    if "region" in said:
        west, south, east, north, low, high = said["region"]
        across, along, up = (east - west) * share, (north - south) * share, (high - low) * share
        bottom, top = (low + place.z * up, low + (place.z + 1) * up) if dimensions == 3 else (low, high)
        region = [west + place.x * across, south + place.y * along, west + (place.x + 1) * across]
        return {"region": [*region, south + (place.y + 1) * along, bottom, top]}
    if "box" not in said:
        raise broken("tileset", "implicit tiles of a sphere", "a region or a box")
    box = np.array(said["box"], dtype=np.float64)
    axes = box[3:].reshape(3, 3).copy()
    at = np.array([place.x, place.y, place.z], dtype=np.float64)
    centre = box[:3].copy()
    for axis in range(dimensions):
        centre += axes[axis] * ((2 * at[axis] + 1) * share - 1)
        axes[axis] *= share
    return {"box": [*centre.tolist(), *axes.ravel().tolist()]}
