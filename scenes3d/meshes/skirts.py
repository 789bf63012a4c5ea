"""Skirts: strips from the border of a tile outwards and behind the surface, so that no gap beside another tile lets light through.

They do not hang straight down: where a border runs up a wall, they would leave it open as seen from above. Each side has a strip of its
own: at the teeth of a border there is no way out that all sides share.

Tiles meet at the same corners, so what a skirt hides is rounding, or what a reduced border is off by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.ellipsoid import Floats

# A mesh with so many open sides for its triangles is a bag of pieces, and no surface with a border.
_MOST_OPEN = 1.5
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Skirt:
    """Strips below open sides.

    Attributes:
        places: float64 (n, 3), metres: the lower ends.
        above: int64 (n,), the place that each of them hangs from.
        triangles: int64 (m, 3); numbers from the count of the mesh's places on are those of `places`.
        painted: int64 (m, 3), the corner of the mesh, three times its triangle and which of three, whose colour each corner takes.
    """

    places: Floats
    above: Ints
    triangles: Ints
    painted: Ints


def normals_of(points: Floats, triangles: npt.NDArray[np.int32]) -> Floats:
    """Directions at places (n, 3): the mean of the triangles around, weighted by area; up where they cancel out."""
    vectors = np.cross(
        points[triangles[:, 1]] - points[triangles[:, 0]], points[triangles[:, 2]] - points[triangles[:, 0]]
    )
    normals = np.zeros_like(points)
    for axis in range(3):
        for corner in range(3):
            normals[:, axis] += np.bincount(triangles[:, corner], vectors[:, axis], minlength=len(points))
    lengths = np.linalg.norm(normals, axis=1)
    normals[lengths == 0] = (0.0, 0.0, 1.0)
    return np.asarray(normals / np.where(lengths > 0, lengths, 1.0)[:, None])


def skirt_of(points: Floats, triangles: npt.NDArray[np.int32], normals: Floats, depth_m: float) -> Skirt:
    """The skirt of a mesh, `depth_m` outwards from its border and as much against its normals."""
    sides = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).astype(np.int64)
    ends = np.sort(sides, axis=1)
    _, number, times = np.unique(ends[:, 0] << 32 | ends[:, 1], return_inverse=True, return_counts=True)
    open_sides = np.flatnonzero(times[number] == 1)
    if not len(open_sides) or len(open_sides) > _MOST_OPEN * len(triangles):
        none = np.zeros(0, dtype=np.int64)
        return Skirt(np.zeros((0, 3)), none, none.reshape(0, 3), none.reshape(0, 3))
    first, second = sides[open_sides].T
    outwards = np.cross(points[second] - points[first], normals[first] + normals[second])
    lengths = np.linalg.norm(outwards, axis=1)
    outwards /= np.where(lengths > 0, lengths, 1.0)[:, None]
    above = np.concatenate([first, second])
    places = points[above] + depth_m * (np.tile(outwards, (2, 1)) - normals[above])
    one, two = np.arange(2 * len(first)).reshape(2, -1) + len(points)
    strips = np.stack([second, first, one, second, one, two], axis=1).reshape(-1, 3)
    corner = open_sides // 3 * 3
    from_first, from_second = corner + open_sides % 3, corner + (open_sides % 3 + 1) % 3
    painted = np.stack([from_second, from_first, from_first, from_second, from_first, from_second], axis=1)
    return Skirt(places, above, strips, painted.reshape(-1, 3))
