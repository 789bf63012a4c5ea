"""A geometry of an OSGB as triangles: every way of drawing taken apart, what cannot be drawn left out and counted.

Source: OpenSceneGraph 3.6, osg/PrimitiveSet; OpenGL 2.1, section 2.6.1 (begin and end objects).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from scenes3d.models.cutting import Ints
from scenes3d.models.shaping import NO_NUMBER, Faults
from scenes3d.sources.osgb.levels import Drawable
from scenes3d.sources.osgb.scene_text import Block
from twin.ellipsoid import Floats

NOT_TRIANGLES = "osgb-lines-or-points"
MOST_CORNERS = 20_000_000


@dataclass(frozen=True, slots=True)
class Triangles:
    """What a geometry draws.

    Attributes:
        points: float64 (n, 3), in the coordinates of the tree, each used by a triangle.
        corners: uint32 (3 t,), rows of the points.
        uv: float32 (n, 2), (0, 0) the lower left corner of the image as OpenGL has it; None without.
        colours: float64 (n, 4), 0…1 as a screen shows them; None without.
    """

    points: Floats
    corners: npt.NDArray[np.uint32]
    uv: npt.NDArray[np.float32] | None
    colours: Floats | None


def triangles_of(drawable: Drawable, faults: Faults, name: str) -> Triangles | None:
    """The triangles; None where there are none.

    Args:
        faults: Grows by what is left out.

    Raises:
        ValueError: if arrays do not fit, or a triangle names a vertex that is not there.
    """
    geometry = drawable.geometry
    vertices = _array(geometry, "VertexArray", 3)
    if vertices is None:
        return None
    corners = np.concatenate([*_all_corners(geometry, len(vertices), faults, name), np.empty((0, 3), dtype=np.int64)])
    if len(corners) == 0:
        return None
    if corners.min() < 0 or corners.max() >= len(vertices):
        raise ValueError(f"a triangle names vertex {corners.max()} of {len(vertices)}")
    points = vertices @ drawable.matrix[:3, :3] + drawable.matrix[3, :3]
    standing = np.asarray(np.isfinite(points).all(axis=1))
    sound = standing[corners].all(axis=1)
    if not sound.all():
        faults.add(NO_NUMBER, name, int((~sound).sum()))
    a, b, c = corners.T
    drawn = sound & (a != b) & (b != c) & (c != a)
    if not drawn.any():
        return None
    used, renamed = np.unique(corners[drawn], return_inverse=True)
    uv = _array(geometry, "TexCoordArray", 2, len(vertices))
    colours = _colours(geometry, len(vertices))
    return Triangles(
        points[used],
        renamed.reshape(-1).astype(np.uint32),
        None if uv is None else uv[used].astype(np.float32),
        None if colours is None else colours[used],
    )


def _array(geometry: Block, name: str, width: int, count: int | None = None) -> Floats | None:
    """The numbers (n, width) of the first array of that name; of texture coordinates, those of unit 0."""
    block = geometry.first(name)
    if block is None or block.numbers is None:
        return None
    said = int(block.words[-1])
    if said < 1 or len(block.numbers) % said or len(block.numbers) // said < width:
        raise ValueError(f"{name} claims {said} elements and has {len(block.numbers)} numbers")
    if count is not None and said != count:
        raise ValueError(f"{name} has {said} elements for {count} vertices")
    return block.numbers.reshape(said, -1)[:, :width]


def _colours(geometry: Block, count: int) -> Floats | None:
    """One for each vertex, or one for all; bytes as fractions."""
    block, bound = geometry.first("ColorArray"), geometry.said("ColorBinding")[:1]
    if block is None or block.numbers is None or bound not in {("PER_VERTEX",), ("OVERALL",)}:
        return None
    table = _array(geometry, "ColorArray", 3)
    assert table is not None
    if len(block.numbers) == 4 * len(table):
        table = block.numbers.reshape(-1, 4)
    if "ub" in block.words[0] or "UByte" in block.words[0]:
        table = table / 255
    whole = np.column_stack([table, np.ones((len(table), 4 - table.shape[1]))])
    if bound == ("OVERALL",):
        whole = np.repeat(whole[:1], count, axis=0)
    return np.clip(whole, 0.0, 1.0) if len(whole) == count and np.isfinite(whole).all() else None


def _all_corners(geometry: Block, vertices: int, faults: Faults, name: str) -> Iterator[Ints]:
    sets = geometry.first("PrimitiveSets")
    total = 0
    for mode, indices in [] if sets is None else _runs(sets, vertices):
        total += len(indices)
        if total > MOST_CORNERS:
            raise ValueError(f"it draws more than {MOST_CORNERS:,} corners")
        corners = _cut(mode, indices)
        if corners is None:
            faults.add(NOT_TRIANGLES, f"{name}: {mode}")
        else:
            yield corners


def _runs(sets: Block, vertices: int) -> Iterator[tuple[str, Ints]]:
    """Each way of drawing and the vertices it takes, in order."""
    for line in sets.lines:
        if line[0] == "DrawArrays":
            first, count = int(line[2]), int(line[3])
            _require_there(first, count, vertices)
            yield line[1], np.arange(first, first + count)
    for block in sets.below:
        numbers = np.empty(0) if block.numbers is None else block.numbers
        if block.name.startswith("DrawElements"):
            yield block.words[0], numbers.astype(np.int64)
        elif block.name == "DrawArrayLengths":
            ends = np.concatenate([[0], np.cumsum(numbers)]).astype(np.int64) + int(block.words[1])
            for start, end in pairwise(ends.tolist()):
                _require_there(start, end - start, vertices)
                yield block.words[0], np.arange(start, end)


def _require_there(first: int, count: int, vertices: int) -> None:
    if first < 0 or count < 0 or first + count > vertices:
        raise ValueError(f"it draws vertices {first:,} to {first + count:,} of {vertices:,}")


def _cut(mode: str, run: Ints) -> Ints | None:
    """Triangles (t, 3) of a run of vertices; None for what are no triangles."""
    if mode == "TRIANGLES":
        return run[: len(run) // 3 * 3].reshape(-1, 3)
    if mode == "TRIANGLE_STRIP":
        table = np.column_stack([run[:-2], run[1:-1], run[2:]]) if len(run) > 2 else np.empty((0, 3), dtype=np.int64)
        table[1::2] = table[1::2][:, [1, 0, 2]]
        return table
    if mode in {"TRIANGLE_FAN", "POLYGON"}:
        middle = np.full(max(len(run) - 2, 0), run[0] if len(run) else 0)
        return np.column_stack([middle, run[1:-1], run[2:]]) if len(run) > 2 else np.empty((0, 3), dtype=np.int64)
    if mode == "QUADS":
        four = run[: len(run) // 4 * 4].reshape(-1, 4)
        return np.concatenate([four[:, [0, 1, 2]], four[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    if mode == "QUAD_STRIP":
        pairs = run[: len(run) // 2 * 2].reshape(-1, 2)
        four = np.column_stack([pairs[:-1], pairs[1:, ::-1]])
        return np.concatenate([four[:, [0, 1, 2]], four[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    return None
