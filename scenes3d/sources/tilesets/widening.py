"""Volumes that do not hold what they promise, made wide enough: tilesets of others are often a few centimetres too tight.

A client that trusts a tight volume leaves out a tile whose corner is in view. Nothing is ever made smaller.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scenes3d.glb.reading import read_model
from scenes3d.tileset.checking import TOLERANCE_M, metres_outside
from scenes3d.tileset.reading import Opener
from scenes3d.tileset.region import METRES_OF_AIR, Region
from twin.ellipsoid import Floats, geodetic


def widen_volumes(root: dict[str, Any], opened: Opener) -> list[str]:
    """Make the volumes of a tree of explicit tiles hold every vertex of their contents, in place.

    Args:
        root: Root tile; every content is a GLB, and contents have no volumes of their own.
        opened: Gives the bytes of a content.

    Returns:
        A sentence for each volume that was too small, by the path of its tile.
    """
    widened: dict[str, float] = {}
    _visit(root, "/", (), np.identity(4), opened, widened)
    return [f"{path}: by {metres:.4f} m" for path, metres in sorted(widened.items())]


_Above = tuple[tuple[str, dict[str, Any], Floats], ...]


def _visit(
    tile: dict[str, Any], path: str, above: _Above, matrix: Floats, opened: Opener, widened: dict[str, float]
) -> None:
    if "transform" in tile:
        matrix = matrix @ np.array(tile["transform"], dtype=np.float64).reshape(4, 4).T
    held = (*above, (path, tile, matrix))
    for content in tile.get("contents") or ([tile["content"]] if "content" in tile else []):
        model = read_model(opened(content["uri"]), content["uri"])
        local = np.concatenate([primitive.positions for primitive in model.primitives])
        points = local @ matrix[:3, :3].T + matrix[:3, 3]
        for where, holder, frame in held:
            metres = metres_outside(holder["boundingVolume"], frame, points)
            if metres > TOLERANCE_M:
                holder["boundingVolume"] = _wider(holder["boundingVolume"], frame, points, metres)
                widened[where] = max(metres, widened.get(where, 0.0))
    for number, child in enumerate(tile.get("children", ())):
        _visit(child, f"{path.rstrip('/')}/{number}", held, matrix, opened, widened)


def _wider(volume: dict[str, Any], matrix: Floats, points: Floats, metres: float) -> dict[str, Any]:
    """The volume grown to hold the Earth-centred points (n, 3), with air around them."""
    metres += METRES_OF_AIR
    if "region" in volume:
        around = Region.around(*geodetic(points))
        return {"region": Region.union([Region(*volume["region"]), around]).to_list()}
    if "box" in volume:
        numbers = np.array(volume["box"], dtype=np.float64)
        axes = numbers[3:].reshape(3, 3)
        lengths = np.linalg.norm(axes @ matrix[:3, :3].T, axis=1)[:, None]
        grown = np.where(lengths > 0, axes * (1 + metres / np.maximum(lengths, 1e-12)), axes)
        return {"box": [*numbers[:3].tolist(), *grown.ravel().tolist()]}
    x, y, z, radius = volume["sphere"]
    return {"sphere": [x, y, z, radius + metres / float(np.cbrt(abs(np.linalg.det(matrix[:3, :3]))))]}
