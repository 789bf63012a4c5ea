"""What a scene's files really hold: vertices as places, by PROJ and not by our own geodesy, and the ids of its features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj

from scenes3d.glb.reading import read_model
from scenes3d.tileset.folder import folder_opener
from scenes3d.tileset.reading import read_tileset

Box = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class Vertices:
    """What was found in an exported scene.

    Attributes:
        count: Vertices of all contents.
        box: West, south, east, north in degrees, lowest and highest in metres.
        ids: Of all features, as their property tables say.
        contents: The GLBs by address.
    """

    count: int
    box: Box
    ids: list[str]
    contents: dict[str, bytes]


def vertices_of(folder: Path) -> Vertices:
    """Every vertex of an exported scene, in float64."""
    to_degrees = pyproj.Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)
    opened = folder_opener(folder)
    parts, ids, contents = [], [], {}
    for tile in read_tileset("tileset.json", opened):
        for uri, _ in tile.contents:
            if uri.endswith(".json"):
                continue
            contents[uri] = opened(uri)
            model = read_model(contents[uri], uri)
            points = np.concatenate([primitive.positions for primitive in model.primitives])
            parts.append(points @ tile.matrix[:3, :3].T + tile.matrix[:3, 3])
            ids += list((model.table or {}).get("id", ()))
    earth = np.concatenate(parts)
    return Vertices(len(earth), box_of(*to_degrees.transform(*earth.T)), ids, contents)


def box_of(lon, lat, height) -> Box:  # type: ignore[no-untyped-def]
    """The box of places."""
    (west, east), (south, north), (low, high) = (
        (float(np.min(values)), float(np.max(values))) for values in (lon, lat, height)
    )
    return west, south, east, north, low, high
