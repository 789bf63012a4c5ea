"""The finest tiles: triangles as they came, their corners joined, with what they are painted with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from scenes3d.meshes.islands import paint_leaf
from scenes3d.meshes.records import QUANTUM_M, Records, join
from scenes3d.meshes.spooling import Spooled
from scenes3d.meshes.tile_mesh import Pixels, TileMesh, areas, jpeg
from twin.ellipsoid import Floats


def leaf_mesh(records: Records, spooled: Spooled, images: Mapping[int, Pixels]) -> TileMesh:
    """The mesh of a leaf's triangles."""
    places, corners = join(records["place"].reshape(-1, 3))
    triangles = corners.reshape(-1, 3)
    area = areas(records["place"] * QUANTUM_M)
    if spooled.painted == "image":
        painted = paint_leaf(records, np.array(spooled.sizes, dtype=np.int64).reshape(-1, 2), images)
        image = jpeg(painted.pixels)
        return TileMesh(places, triangles, painted.uv, image, texel_m=_texel(painted.uv, painted.pixels, area))
    if spooled.painted == "colour":
        colours = np.ascontiguousarray(records["colour"][..., :3])
        return TileMesh(places, triangles, colours=colours, texel_m=float(np.sqrt(area.sum() / len(places))))
    return TileMesh(places, triangles)


def _texel(uv: npt.NDArray[np.float32], pixels: Pixels, area: Floats) -> float:
    """Side of a pixel on the ground, metres, over the triangles that show more than one colour."""
    wide = uv.astype(np.float64) * [pixels.shape[1], pixels.shape[0]]
    one, two = wide[:, 1] - wide[:, 0], wide[:, 2] - wide[:, 0]
    texels = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) / 2
    shown = texels > 0
    if not shown.any():
        return float(np.sqrt(area.mean()))
    return float(np.sqrt(area[shown].sum() / texels.sum()))
