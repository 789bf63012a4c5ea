"""A mesh laid out on a picture without cutting or bending it: connected triangles that look about the same way are seen from there.

Ten directions: up, down and the eight winds. A triangle is seen at no more than some 55°, so a pixel covers at most 1.7 times the ground
that it would from straight above. What would lie behind something else of its part is found by drawing and becomes a part of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from scenes3d.meshes.drawing import FREE, draw, fringe
from scenes3d.meshes.packing import pack
from twin.ellipsoid import Floats

_AIR = 2
_ROUNDS = 3
# How much a neighbour that is seen from a direction speaks for that direction: ragged borders between parts waste pixels.
_PULL = 0.2
_LEAST_COSINE = 0.2
_SMOOTHINGS = 4
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Where triangles lie on a picture.

    Attributes:
        uv: float64 (t, 3, 2), pixels.
        owner: int32 (height, width), the triangle that each pixel shows, or `FREE`.
        texel_m: Side of a pixel, metres.
    """

    uv: Floats
    owner: npt.NDArray[np.int32]
    texel_m: float


def lay_out(corners: Floats, triangles: npt.NDArray[np.int32], texel_m: float, most_side: int) -> Layout:
    """Lay out a mesh with pixels of `texel_m`, or larger ones where the picture would be wider or higher than `most_side`.

    Args:
        corners: float64 (t, 3, 3), metres, z up.
        triangles: int32 (t, 3), joined corners: what shares two of them is connected.
    """
    directions = _directions()
    pairs = _neighbours(triangles)
    label = _labels(corners, directions, pairs)
    layer = np.zeros(len(triangles), dtype=np.int64)
    turn = 0
    while True:
        layout = _drawn(corners, label, _parts(label, layer, pairs), directions, texel_m, most_side)
        clashes = np.zeros(len(triangles), dtype=np.bool_)
        draw(layout.uv, layout.owner, clashes)
        if turn == _ROUNDS or not clashes.any():
            break
        # What clashes still in the last round is laid out triangle by triangle.
        turn += 1
        layer[clashes] = turn if turn < _ROUNDS else np.arange(int(clashes.sum())) + _ROUNDS
    fringe(layout.uv, layout.owner)
    return layout


def _directions() -> Floats:
    winds = np.arange(8) * np.pi / 4
    around = np.column_stack([np.cos(winds), np.sin(winds), np.zeros(8)])
    return np.concatenate([[[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]], around])


def _neighbours(triangles: npt.NDArray[np.int32]) -> Ints:
    """Pairs of triangles that share a side, (n, 2)."""
    sides = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1).astype(np.int64)
    key = sides[:, 0] << 32 | sides[:, 1]
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    return np.column_stack([order[:-1][same] // 3, order[1:][same] // 3])


def _labels(corners: Floats, directions: Floats, pairs: Ints) -> Ints:
    """The direction that each triangle is seen from, (t,): the one it faces, or nearly so where its neighbours are seen from there."""
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    facing = normals / np.where(lengths > 0, lengths, 1.0)[:, None] @ directions.T
    possible = facing >= _LEAST_COSINE
    possible[~possible.any(axis=1)] = True
    label: Ints = facing.argmax(axis=1)
    both = np.concatenate([pairs, pairs[:, ::-1]])
    count, kinds = len(corners), len(directions)
    for _ in range(_SMOOTHINGS):
        around = np.bincount(both[:, 0] * kinds + label[both[:, 1]], minlength=count * kinds).reshape(count, kinds)
        label = np.where(possible, facing + _PULL * around, -np.inf).argmax(axis=1)
    return label


def _parts(label: Ints, layer: Ints, pairs: Ints) -> Ints:
    """Connected triangles seen from the same direction in the same layer, numbered from 0, (t,)."""
    one, two = pairs[:, 0], pairs[:, 1]
    held = (label[one] == label[two]) & (layer[one] == layer[two])
    graph = coo_array((np.ones(int(held.sum()), dtype=np.int8), (one[held], two[held])), shape=(len(label),) * 2)
    _, part = connected_components(graph, directed=False)
    return np.asarray(part, dtype=np.int64)


def _drawn(corners: Floats, label: Ints, part: Ints, directions: Floats, texel_m: float, most_side: int) -> Layout:
    """Parts beside each other on one picture, nothing drawn yet."""
    flat = np.empty((len(corners), 3, 2))
    for number, direction in enumerate(directions):
        own = label == number
        across = np.array([1.0, 0.0, 0.0]) if abs(direction[2]) > 0.5 else np.array([-direction[1], direction[0], 0.0])
        flat[own] = corners[own] @ np.column_stack([across, np.cross(across, direction)])
    number = int(part.max()) + 1
    low, high = np.full((number, 2), np.inf), np.full((number, 2), -np.inf)
    np.minimum.at(low, part, flat.min(axis=1))
    np.maximum.at(high, part, flat.max(axis=1))
    while True:
        sizes = np.ceil((high - low) / texel_m).astype(np.int64) + 1 + 2 * _AIR
        packed = pack(sizes)
        largest = max(packed.width, packed.height)
        if largest <= most_side:
            break
        texel_m *= max(1.05, largest / most_side)
    uv = (flat - low[part][:, None]) / texel_m + packed.places[part][:, None] + _AIR + 0.5
    return Layout(uv, np.full((packed.height, packed.width), FREE, dtype=np.int32), texel_m)
