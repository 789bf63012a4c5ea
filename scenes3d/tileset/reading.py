"""tileset.json in, of whoever wrote it: a plain tree with the way to Earth-centred coordinates already multiplied out.

Reads explicit tilings; external tilesets are followed by who gives a way to open them, each once, so that a ring of them ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import numpy as np
import orjson

from scenes3d.glb.container import broken
from twin.ellipsoid import Floats

MOST_TILES = 2_000_000
_DEEPEST = 200

Opener = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class ReadTile:
    """A tile as its file says.

    Attributes:
        path: Where it stands: numbers of children from the root, `/0/3`.
        volume: `{"region": […]}`, `{"box": […]}` or `{"sphere": […]}`.
        matrix: float64 (4, 4), from the tile's frame to Earth-centred coordinates, for columns.
        contents: Addresses of what it draws, and the volume of each where one is said.
        ancestors: Every tile above it, the root first.
        replaced: What stands below it takes its place as one comes closer: it is the finest of its place only without children.
        leaf: It has no children, nor an external tileset.
    """

    path: str
    volume: dict[str, Any]
    geometric_error: float
    matrix: Floats
    contents: tuple[tuple[str, dict[str, Any] | None], ...]
    ancestors: tuple[ReadTile, ...]
    replaced: bool = False
    leaf: bool = True

    @property
    def is_finest(self) -> bool:
        """Whether its contents are drawn however close one comes."""
        return self.leaf or not self.replaced


Meets = Callable[[dict[str, Any], Floats], bool]


def read_tileset(address: str, opened: Opener, meets: Meets = lambda volume, matrix: True) -> Iterator[ReadTile]:
    """Every tile of a tileset, parents first, those of external tilesets too.

    Args:
        address: Where the tileset is, as `opened` takes it.
        opened: Gives the bytes at an address.
        meets: Whether a volume, given with its way to Earth-centred coordinates, is of interest: tiles whose volume is not are
            left out with all below them, and no external tileset of theirs is opened.

    Raises:
        UnreadableFileError: if a file is no tileset, a ring of external tilesets, implicit, or larger than anybody can mean.
    """
    yield from _Walk(opened, meets).tileset(address, "", np.identity(4), (), frozenset())


class _Walk:
    def __init__(self, opened: Opener, meets: Meets) -> None:
        self._opened = opened
        self._meets = meets
        self._count = 0

    def tileset(
        self, address: str, path: str, above: Floats, ancestors: tuple[ReadTile, ...], within: frozenset[str]
    ) -> Iterator[ReadTile]:
        if address in within:
            raise broken(address, "external tilesets lead back to themselves", "a tree")
        try:
            root = orjson.loads(self._opened(address))["root"]
            yield from self._tile(root, address, path, above, ancestors, within | {address})
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise broken(
                address, f"{type(error).__name__}: {error}", "a tileset.json of 3D Tiles 1.0 or 1.1"
            ) from error

    def _tile(
        self,
        said: dict[str, Any],
        address: str,
        path: str,
        above: Floats,
        ancestors: tuple[ReadTile, ...],
        within: frozenset[str],
    ) -> Iterator[ReadTile]:
        self._count += 1
        if self._count > MOST_TILES or len(ancestors) > _DEEPEST:
            raise broken(address, f"{self._count} tiles, {len(ancestors)} deep", f"{MOST_TILES} tiles, {_DEEPEST} deep")
        if "implicitTiling" in said:
            raise broken(address, "it is tiled implicitly", "explicit tiles")
        matrix = above
        if "transform" in said:
            matrix = above @ np.array(said["transform"], dtype=np.float64).reshape(4, 4).T
        contents = said.get("contents") or ([said["content"]] if "content" in said else [])
        told = tuple((str(c.get("uri", c.get("url"))), c.get("boundingVolume")) for c in contents)
        places = tuple((urljoin(address, uri), volume) for uri, volume in told)
        children = said.get("children", ())
        external = any(place.partition("?")[0].endswith(".json") for place, _ in places)
        tile = ReadTile(
            path or "/",
            said["boundingVolume"],
            float(said["geometricError"]),
            matrix,
            places,
            ancestors,
            str(said.get("refine") or ("REPLACE" if ancestors and ancestors[-1].replaced else "ADD")).upper()
            == "REPLACE",
            not children and not external,
        )
        if not self._meets(tile.volume, matrix):
            return
        yield tile
        for place, _ in places:
            if place.partition("?")[0].endswith(".json"):
                yield from self.tileset(place, f"{path}/external", matrix, (*ancestors, tile), within)
        for number, child in enumerate(children):
            yield from self._tile(child, address, f"{path}/{number}", matrix, (*ancestors, tile), within)
