"""The triangles of a tileset as one sees them from nearby, within a window: those of the finest tiles, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.glb.reading import Primitive, read_model
from scenes3d.tileset.reading import Meets, Opener, read_tileset
from twin.bounds import Bounds
from twin.ellipsoid import Floats, geodetic

Indices = npt.NDArray[np.int64]
_TRIANGLES, _STRIP, _FAN = 4, 5, 6
_METRES_PER_DEGREE = 110_500.0


@dataclass(frozen=True, slots=True)
class Patch:
    """Triangles of one drawing of a tile.

    Attributes:
        vertices: float64 (n, 3), Earth-centred metres; heights in the scene's datum, taken as if they were ellipsoidal.
        faces: int64 (t, 3), rows of `vertices`.
        feature: int64 (t,), row of `ids`; -1 where a triangle belongs to none.
        ids: Ids of the tile's features; empty where it has none.
    """

    vertices: Floats
    faces: Indices
    feature: Indices
    ids: tuple[str, ...]


def finest_triangles(address: str, opened: Opener, window: Bounds) -> Iterator[Patch]:
    """The triangles of the finest tiles that meet a window. A patch may reach out of it: tiles are read whole.

    Args:
        address, opened: As for `read_tileset`; contents must be GLB. Points and lines in them are no surface and left out.
        window: In degrees.

    Raises:
        UnreadableFileError: if the tileset or a tile cannot be read.
    """
    yield from triangles_meeting(address, opened, meeting(window))


def triangles_meeting(address: str, opened: Opener, meets: Meets) -> Iterator[Patch]:
    """The same of the finest tiles whose volumes are of interest. Raises as `finest_triangles`."""
    for tile in read_tileset(address, opened, meets):
        if not tile.is_finest:
            continue
        for place, _ in tile.contents:
            if place.partition("?")[0].endswith(".json"):
                continue
            model = read_model(opened(place), place)
            ids = tuple(str(value) for value in model.table.get("id", ()))
            for primitive in model.primitives:
                faces = _faces(primitive)
                if len(faces):
                    earth = primitive.positions @ tile.matrix[:3, :3].T + tile.matrix[:3, 3]
                    yield Patch(np.asarray(earth), faces, _features(primitive, faces, len(ids)), ids)


def meeting(window: Bounds) -> Meets:
    """Whether a volume may reach into a window; boxes and spheres are judged by the sphere round them."""
    return lambda volume, matrix: overlap(_bounds(volume, matrix), window)


def meeting_places(lon: Floats, lat: Floats, aside_m: float) -> Meets:
    """Whether a volume may come within some metres of any of these places."""
    across = aside_m / _METRES_PER_DEGREE
    along = across / np.maximum(np.cos(np.radians(lat)), 0.01)

    def meets(volume: dict[str, Any], matrix: Floats) -> bool:
        box = _bounds(volume, matrix)
        beside = (lon + along >= box.west) & (lon - along <= box.east)
        return bool((beside & (lat + across >= box.south) & (lat - across <= box.north)).any())

    return meets


def _bounds(volume: dict[str, Any], matrix: Floats) -> Bounds:
    """The box in degrees that holds a volume; of boxes and spheres that of the sphere round them."""
    if "region" in volume:
        return Bounds(*np.degrees(volume["region"][:4]).tolist())
    if "box" in volume:
        box = np.array(volume["box"], dtype=np.float64)
        centre, radius = box[:3], float(np.linalg.norm(np.abs(box[3:].reshape(3, 3)).sum(axis=0)))
    else:
        *place, radius = (float(number) for number in volume["sphere"])
        centre = np.array(place)
    scale = float(np.linalg.norm(matrix[:3, :3], axis=0).max())
    lon, lat, _ = (float(part) for part in geodetic(matrix[:3, :3] @ centre + matrix[:3, 3]))
    across = radius * scale / _METRES_PER_DEGREE
    along = across / max(float(np.cos(np.radians(min(abs(lat) + across, 89.0)))), 0.01)
    return Bounds(lon - along, lat - across, lon + along, lat + across)


def overlap(one: Bounds, other: Bounds) -> bool:
    """Whether two boxes, neither over the date line, have a place in common."""
    return one.west <= other.east and one.east >= other.west and one.south <= other.north and one.north >= other.south


def _faces(primitive: Primitive) -> Indices:
    """Triangles as rows of the positions, (t, 3)."""
    indices = primitive.indices
    if primitive.mode == _TRIANGLES:
        return indices[: len(indices) // 3 * 3].reshape(-1, 3)
    if primitive.mode == _STRIP and len(indices) > 2:
        faces = np.column_stack([indices[:-2], indices[1:-1], indices[2:]])
        faces[1::2] = faces[1::2, ::-1]
        return faces
    if primitive.mode == _FAN and len(indices) > 2:
        return np.column_stack([np.full(len(indices) - 2, indices[0]), indices[1:-1], indices[2:]])
    return np.zeros((0, 3), dtype=np.int64)


def _features(primitive: Primitive, faces: Indices, count: int) -> Indices:
    if primitive.feature_ids is None or count == 0:
        return np.full(len(faces), -1, dtype=np.int64)
    found = primitive.feature_ids[faces[:, 0]]
    return np.where((found >= 0) & (found < count), found, -1)
