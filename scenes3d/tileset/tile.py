"""The tree of tiles and its JSON.

Source: 3D Tiles 1.1, sections 7.4 (tile) and 7.5 (tileset).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from scenes3d.frames import Frame
from scenes3d.tileset.region import Region


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile and all below it.

    Attributes:
        region: Holds its content and every child.
        geometric_error: Metres by which the picture is wrong while the children are not drawn; 0 at leaves.
        uri: Address of its content, relative to the tileset; empty where it has none.
        content_region: Holds its content alone.
        frame: What the vertices of its content are measured in.
    """

    region: Region
    geometric_error: float
    uri: str = ""
    content_region: Region | None = None
    frame: Frame | None = None
    children: tuple[Tile, ...] = field(default=())

    def walk(self) -> Iterator[Tile]:
        """This tile and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Tileset:
    """A tree of tiles.

    Attributes:
        geometric_error: Metres by which the picture is wrong while nothing is drawn.
        extras: What the asset says of itself beyond the standard: datum, versions.
        refine: Whether tiles are drawn beside what stands above them ("ADD") or in its place ("REPLACE").
    """

    root: Tile
    geometric_error: float
    extras: dict[str, Any] = field(default_factory=dict)
    refine: str = "ADD"

    def to_json(self) -> bytes:
        """tileset.json; the same tree gives the same bytes."""
        document = {
            "asset": {"version": "1.1", **({"extras": self.extras} if self.extras else {})},
            "geometricError": self.geometric_error,
            "root": _tile_json(self.root, None) | {"refine": self.refine},
        }
        return orjson.dumps(document)


def _tile_json(tile: Tile, above: Frame | None) -> dict[str, Any]:
    said = described(tile, above)
    if tile.children:
        said["children"] = [_tile_json(child, tile.frame or above) for child in tile.children]
    return said


@lru_cache(maxsize=20_000)
def _transform(frame: Frame, above: Frame | None) -> tuple[float, ...]:
    """`tile.transform`, by columns. After an edit nearly all tiles of a city stand where they stood."""
    return tuple(frame.within(above).T.ravel().tolist())


def described(tile: Tile, above: Frame | None) -> dict[str, Any]:
    """What is said of a tile alone; `above` is the frame that the tile above it stands in."""
    said: dict[str, Any] = {
        "boundingVolume": {"region": tile.region.to_list()},
        "geometricError": tile.geometric_error,
    }
    if tile.frame is not None:
        said["transform"] = _transform(tile.frame, above)
    if tile.uri:
        said["content"] = {"uri": tile.uri}
        if tile.content_region is not None:
            said["content"]["boundingVolume"] = {"region": tile.content_region.to_list()}
    return said
