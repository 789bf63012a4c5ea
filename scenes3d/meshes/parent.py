"""A coarser tile from the finer ones below it: joined, reduced, painted anew, and measured against them.

Corners on the border of the joined mesh stay where they are, so tiles beside each other fit at every level, and whichever levels are
drawn. Only where that leaves far too much is the border reduced too; the tile says then by how much it may be off there.
"""

from __future__ import annotations

from collections.abc import Sequence

import fast_simplification
import numpy as np
import numpy.typing as npt

from scenes3d.meshes.baking import MOST_SIDE, bake
from scenes3d.meshes.proximity import Surface, hausdorff
from scenes3d.meshes.records import QUANTUM_M, join
from scenes3d.meshes.tile_mesh import TileMesh, jpeg
from twin.ellipsoid import Floats

_SHARE = 4
_LEAST_TRIANGLES = 500
# A reduction that holds the border may end so far above its aim, or at half of what a tile may have, before the border is let go.
_TOO_MANY = 2
_AGGRESSION = 5.0
# How close the bound of the error is, in sides of the reduced triangles: half of it takes four times as long.
_TOLERANCE = 1 / 16
Triangles = npt.NDArray[np.int32]


def parent_mesh(children: Sequence[TileMesh], most_triangles: int, most_side: int = MOST_SIDE) -> TileMesh:
    """The mesh that stands for the children, at least one, until they are drawn."""
    places, corners = join(np.concatenate([child.places for child in children]))
    starts = np.cumsum([0, *(len(child.places) for child in children)])
    triangles = np.concatenate(
        [corners[start + child.triangles] for start, child in zip(starts, children, strict=False)]
    )
    origin = np.floor((places.min(axis=0).astype(np.float64) + places.max(axis=0)) / 2)
    finer = Surface(_corners(places, triangles, origin))
    few, kept, held = _reduced(places, triangles, origin, most_triangles)
    own = _corners(few, kept, origin)
    coarser = Surface(own)
    painted = any(child.texel_m for child in children)
    baked = bake(own, kept, finer, children, most_side) if painted else None
    away = hausdorff(coarser, finer, _TOLERANCE * float(np.linalg.norm(own[:, 1] - own[:, 0], axis=1).mean()))
    error = away + max(child.error_m for child in children)
    seam = max(child.seam_m for child in children) + (0.0 if held else away)
    if baked is None:
        return TileMesh(few, kept, error_m=error, seam_m=seam)
    return TileMesh(few, kept, baked.uv, jpeg(baked.pixels), None, baked.texel_m, error, seam)


def _corners(places: npt.NDArray[np.int32], triangles: Triangles, origin: Floats) -> Floats:
    return np.asarray((places[triangles] - origin) * QUANTUM_M)


def _reduced(
    places: npt.NDArray[np.int32], triangles: Triangles, origin: Floats, most: int
) -> tuple[npt.NDArray[np.int32], Triangles, bool]:
    """Fewer triangles, and whether all corners of the border are still there."""
    wanted = min(max(len(triangles) // _SHARE, _LEAST_TRIANGLES), most)
    if len(triangles) <= wanted:
        return places, triangles, True
    points = (places - origin) * QUANTUM_M
    for held in (True, False):
        few, kept = fast_simplification.simplify(
            points, triangles, target_count=wanted, agg=_AGGRESSION, preserve_border=held
        )
        if held and len(kept) > max(_TOO_MANY * wanted, most // 2):
            continue
        joined, left = _sound(few, kept, origin)
        if len(left):
            return joined, left, held
    return places, triangles, True


def _sound(points: Floats, triangles: Triangles, origin: Floats) -> tuple[npt.NDArray[np.int32], Triangles]:
    """Places in quanta, each once, and the triangles that have an area still, each once."""
    quanta = np.rint(points / QUANTUM_M + origin).astype(np.int32)
    _, number = join(quanta)
    renamed = number[triangles]
    _, first = np.unique(np.sort(renamed, axis=1), axis=0, return_index=True)
    corners = quanta[triangles[np.sort(first)]].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    kept = triangles[np.sort(first)][area > 0]
    joined, number = join(quanta[kept].reshape(-1, 3))
    return joined, number.reshape(-1, 3)
