"""The picture of a reduced mesh: every pixel takes the colour of the nearest place on the finer meshes that it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from scenes3d.meshes.charts import lay_out
from scenes3d.meshes.drawing import FREE, blend, look_up, places_of, spill
from scenes3d.meshes.proximity import Surface
from scenes3d.meshes.tile_mesh import Pixels, TileMesh, areas
from twin.ellipsoid import Floats

MOST_SIDE = 2048
COARSER = 2.0
"""A pixel is so much wider than one of the finer meshes: a tile's picture holds as many pixels as each of the four below it."""


@dataclass(frozen=True)
class Baked:
    """A picture, where triangles lie in it (uv float32 (t, 3, 2)), and the side of its pixels in metres."""

    pixels: Pixels
    uv: npt.NDArray[np.float32]
    texel_m: float


def bake(
    corners: Floats, triangles: npt.NDArray[np.int32], finer: Surface, children: Sequence[TileMesh], most_side: int
) -> Baked:
    """The picture of a mesh.

    Args:
        corners: float64 (t, 3, 3), metres, of the reduced mesh.
        triangles: int32 (t, 3), its corners joined.
        finer: The triangles of all children, one behind the other, in the same metres.
        children: What they are painted with.
    """
    wanted = COARSER * _texel(children)
    layout = lay_out(corners, triangles, wanted, most_side)
    rows, columns = np.nonzero(layout.owner != FREE)
    places = np.empty((len(rows), 3))
    places_of(layout.uv, corners, rows, columns, layout.owner, places)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    nearest = finer.nearest(places.astype(np.float32), normals[layout.owner[rows, columns]].astype(np.float32))
    pixels = np.zeros((*layout.owner.shape, 3), dtype=np.uint8)
    start = 0
    for child in children:
        own = np.flatnonzero((nearest.triangle >= start) & (nearest.triangle < start + len(child.triangles)))
        triangle, shares = nearest.triangle[own] - start, nearest.shares[own]
        pixels[rows[own], columns[own]] = _colours(child, triangle, shares, layout.texel_m)
        start += len(child.triangles)
    if len(rows):
        spill(pixels, layout.owner)
    height, width = layout.owner.shape
    return Baked(pixels, (layout.uv / [width, height]).astype(np.float32), layout.texel_m)


def _colours(
    child: TileMesh, triangle: npt.NDArray[np.int32], shares: npt.NDArray[np.float32], texel_m: float
) -> Pixels:
    """Colours of places on a child, sRGB (n, 3); from its picture thinned to pixels no finer than those that are painted."""
    out = np.empty((len(triangle), 3), dtype=np.uint8)
    if child.uv is None:
        assert child.colours is not None
        blend(child.colours, triangle, shares, out)
        return out
    pixels = child.pixels()
    thinner = max(1, int(texel_m / child.texel_m + 0.25))
    if thinner > 1:
        height, width = (-(-side // thinner) * thinner for side in pixels.shape[:2])
        # Whole blocks, so that places stay where they are.
        whole = np.pad(pixels, ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0)), mode="edge")
        reduced = np.asarray(Image.fromarray(whole).reduce(thinner))
        scale = np.array([pixels.shape[1] / width, pixels.shape[0] / height], dtype=np.float32)
        look_up(reduced, child.uv * scale, triangle, shares, out)
        return out
    look_up(pixels, child.uv, triangle, shares, out)
    return out


def _texel(children: Sequence[TileMesh]) -> float:
    """Side of a pixel of all children together, by the ground that each covers."""
    ground = np.array([float(areas(c.metres(c.middle)[c.triangles]).sum()) for c in children])
    sides = np.array([c.texel_m for c in children])
    return float(np.sqrt((ground * sides**2).sum() / max(ground.sum(), 1e-12)))
