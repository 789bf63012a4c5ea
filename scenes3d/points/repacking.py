"""A tileset of GLB points as 3D Tiles 1.0: the same tree with a pnts for each GLB, for viewers that know no other points.

Positions are those of the GLB in single precision; colours go back from linear light to what a screen shows, as far as 8 bits know it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import orjson

from scenes3d.glb.container import broken
from scenes3d.glb.reading import read_model
from scenes3d.points.colour import shown_bytes
from scenes3d.points.content import pack_pnts
from scenes3d.tileset.reading import Opener

_POINTS = 0


def pnts_of(data: bytes, name: str) -> bytes:
    """The points of a GLB that `encode_glb` wrote, as a pnts.

    Raises:
        UnreadableFileError: if it is something else.
    """
    primitives = read_model(data, name).primitives
    if len(primitives) != 1 or primitives[0].mode != _POINTS:
        raise broken(name, "it holds something else than one set of points", "a tile of a point cloud")
    points = primitives[0]
    light, attributes = points.attributes.get("COLOR_0"), points.attributes
    rgb = None if light is None else shown_bytes(np.ascontiguousarray(light[:, :3]))
    return pack_pnts(points.positions, rgb, attributes["_INTENSITY"][:, 0], attributes["_CLASSIFICATION"][:, 0])


def pnts_files(addresses: Iterable[str], opened: Opener) -> Iterator[tuple[str, bytes]]:
    """Addresses and bytes of a tileset's files as 3D Tiles 1.0; those that are pnts already stay.

    Args:
        addresses: Of all its files: contents, and tilesets.
    """
    for address in addresses:
        data = opened(address)
        if address.endswith(".glb"):
            yield _renamed(address), pnts_of(data, address)
        elif address.endswith(".json"):
            document = orjson.loads(data)
            document["asset"]["version"] = "1.0"
            _rename_contents(document["root"])
            yield address, orjson.dumps(document)
        else:
            yield address, data


def _renamed(uri: str) -> str:
    return f"{uri.removesuffix('.glb')}.pnts" if uri.endswith(".glb") else uri


def _rename_contents(tile: dict[str, Any]) -> None:
    waiting = [tile]
    while waiting:
        current = waiting.pop()
        if "content" in current:
            current["content"]["uri"] = _renamed(current["content"]["uri"])
        waiting += current.get("children", ())
