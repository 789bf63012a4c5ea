"""Does everything lie where the tileset says? Every vertex against the volumes of its tile and all above, in float64.

Viewers leave out what is below a volume they do not see: a vertex outside of its volume is a hole that comes and goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from scenes3d.glb.reading import read_model
from scenes3d.tileset.reading import Opener, ReadTile, read_tileset
from twin.ellipsoid import Floats, geodetic
from twin.errors import UnreadableFileError

_RADIUS_M = 6_378_137.0
TOLERANCE_M = 1.0e-4


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not hold.

    Attributes:
        tile: Path of the tile, numbers of children from the root.
        rule: `content-outside`, `child-outside`, `error-grows` or `content-unreadable`.
        what: The sentence.
        metres: How far off, where that can be said.
    """

    tile: str
    rule: str
    what: str
    metres: float = 0.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and what was wrong."""

    tiles: int
    contents: int
    vertices: int
    faults: tuple[Fault, ...]


def check_tileset(address: str, opened: Opener) -> Checked:
    """Look at every tile and every vertex of a tileset.

    Args:
        address, opened: As for `read_tileset`; contents must be GLB.

    Raises:
        UnreadableFileError: if the tileset itself cannot be read.
    """
    tiles = contents = vertices = 0
    faults: list[Fault] = []
    for tile in read_tileset(address, opened):
        tiles += 1
        faults += _order(tile)
        for place, volume in tile.contents:
            if place.partition("?")[0].endswith(".json"):
                continue
            contents += 1
            try:
                points = _vertices(opened(place), tile, place)
            except (UnreadableFileError, ValueError) as error:
                faults.append(Fault(tile.path, "content-unreadable", f"{place}: {error}"))
                continue
            vertices += len(points)
            faults += _content(tile, volume, points)
    return Checked(tiles, contents, vertices, tuple(faults))


def metres_outside(volume: dict[str, Any], matrix: Floats, points: Floats) -> float:
    """How far the farthest of the Earth-centred points (n, 3) is outside of a volume; 0 where all are inside.

    Args:
        matrix: From the frame of a box or sphere to Earth-centred coordinates; regions stand still.
    """
    if "region" in volume:
        west, south, east, north, low, high = volume["region"]
        lon, lat, height = geodetic(points)
        lam, phi = np.radians(lon), np.radians(lat)
        across = np.maximum(west - lam, lam - east) * np.cos(phi) * _RADIUS_M
        along = np.maximum(south - phi, phi - north) * _RADIUS_M
        return float(np.maximum.reduce([across, along, low - height, height - high, np.zeros_like(lam)]).max())
    if "box" in volume:
        numbers = np.array(volume["box"], dtype=np.float64)
        centre = matrix[:3, :3] @ numbers[:3] + matrix[:3, 3]
        half = numbers[3:].reshape(3, 3) @ matrix[:3, :3].T
        lengths = np.linalg.norm(half, axis=1)
        share = np.abs((points - centre) @ (half / np.maximum(lengths, 1e-12)[:, None]).T) - lengths
        return float(max(share.max(), 0.0))
    x, y, z, radius = volume["sphere"]
    centre = matrix[:3, :3] @ np.array([x, y, z]) + matrix[:3, 3]
    scale = float(np.cbrt(abs(np.linalg.det(matrix[:3, :3]))))
    return float(max((np.linalg.norm(points - centre, axis=1) - radius * scale).max(), 0.0))


def _vertices(data: bytes, tile: ReadTile, name: str) -> Floats:
    model = read_model(data, name)
    points = np.concatenate([primitive.positions for primitive in model.primitives])
    if not np.isfinite(points).all():
        raise ValueError("a vertex is not a number")
    return np.asarray(points @ tile.matrix[:3, :3].T + tile.matrix[:3, 3])


def _content(tile: ReadTile, volume: dict[str, Any] | None, points: Floats) -> Iterator[Fault]:
    held: list[tuple[str, dict[str, Any], Floats]] = [("its tile", tile.volume, tile.matrix)]
    held += [(f"tile {above.path}", above.volume, above.matrix) for above in tile.ancestors]
    if volume is not None:
        held.append(("its own volume", volume, tile.matrix))
    for name, where, matrix in held:
        metres = metres_outside(where, matrix, points)
        if metres > TOLERANCE_M:
            yield Fault(tile.path, "content-outside", f"a vertex is {metres:.4f} m outside of {name}", metres)


def _order(tile: ReadTile) -> Iterator[Fault]:
    if not tile.ancestors:
        return
    above = tile.ancestors[-1]
    if tile.geometric_error > above.geometric_error:
        said = f"its error is {tile.geometric_error} m, that of its parent {above.geometric_error} m"
        yield Fault(tile.path, "error-grows", said)
    if "region" in tile.volume and "region" in above.volume:
        own, outer = np.array(tile.volume["region"]), np.array(above.volume["region"])
        sides = np.concatenate([(outer - own)[[0, 1]] * _RADIUS_M, (own - outer)[[2, 3]] * _RADIUS_M])
        heights = np.array([(outer - own)[4], (own - outer)[5]])
        metres = float(max(sides.max(), heights.max()))
        if metres > TOLERANCE_M:
            yield Fault(tile.path, "child-outside", f"its region is {metres:.4f} m outside of its parent's", metres)
