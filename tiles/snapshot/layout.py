"""Features as flat arrays: what builders write, files keep, and kernels read.

World units: the world is 2**32 units wide, 9.3 mm at the equator. `x` counts them east from 180°W (longitude itself); `y` counts them south
from the northern edge of the Web Mercator square; `row` counts them south from the North Pole on the plain grid of degrees (the world
is 2**31 units high there). One snapshot so serves every grid: a tile of any of them is a right shift and an origin away, no projection
and no floating point. A tile of a degree grid at its level L is as wide as a Web Mercator tile at level L + 1.

Values that do not fit are clamped to the world's edge: latitudes beyond 85.0511° in `y`, 180°E in `x`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

UNKNOWN = -1
"""Code of a value that is not known: the feature does not carry that key."""

NOTHING, POINTS, LINES, POLYGONS = 0, 1, 2, 3
"""Kinds of geometry, numbered as in vector tiles; `NOTHING` is a feature without a place (or with a broken one)."""

HOLE, SHELL = 0, 1
"""Roles of a path: a ring that bounds a hole follows its shell; lines and runs of points are `SHELL`."""

WORLD_BITS = 32


def _nothing(dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.empty(0, dtype=dtype)


@dataclass(frozen=True, slots=True)
class Columns:
    """Features of a layer in Hilbert order of their boxes' middles, without those that have nothing to draw.

    n features, m paths (rings without their closing vertex, lines, or all points of a multipoint as one path), k vertices, p properties,
    v distinct values.

    Attributes:
        keys: p names of properties, in the order of the schema, then `_id` for public ids that are not the row number.
        fids: int64 (n,) row numbers.
        kinds: uint8 (n,) kind of geometry.
        first_zoom: uint8 (n,) Web Mercator level from which a feature is drawn; 0 for always.
        boxes: uint32 (n, 4) west, north, east, south in `x` and `y`.
        centres: uint32 (n, 2) the middle of each box, in `x` and `y`.
        feature_paths: int64 (n + 1,) where the paths of each feature begin.
        path_vertices: int64 (m + 1,) where the vertices of each path begin.
        path_roles: uint8 (m,) shell or hole.
        x, y, row: uint32 (k,) vertices in world units.
        vertex_zoom: uint8 (k,) Web Mercator level from which a vertex is needed to draw its path within half a tile unit
            (Douglas-Peucker with extent 4096, by `x` and `y`); 0 for the ends of a path and enough others to keep a ring a ring.
        codes: int32 (n, p) number of each value in the table of values, or `UNKNOWN`.
        value_starts: int64 (v + 1,) where each value begins in `value_bytes`.
        value_bytes: uint8: encoded `values` fields of a layer of the Mapbox Vector Tile (tag, length, message), each distinct one once, in
            the order in which the features meet them.
        tree_boxes: uint32 (t, 4) boxes of the nodes of a packed R-tree over `boxes`, 16 features or nodes to a node, lowest level first,
            the root last.
        tree_levels: int64: where each level of the tree begins, and their end.
        cover_keys, cover_shares: uint64, float32 (c,) cells on which small polygons lie, as row << 32 | column, ascending within each
            level, and the part of each that they cover (`tiles.kernel.cover`); none where the layer has no blocks.
        cover_levels: int64 where the cells of each Web Mercator level begin, and their end.
        cover_large: int64 numbers of the polygons that are too large for the cells of some level.
    """

    keys: tuple[str, ...]
    fids: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.uint8]
    first_zoom: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.uint32]
    centres: npt.NDArray[np.uint32]
    feature_paths: npt.NDArray[np.int64]
    path_vertices: npt.NDArray[np.int64]
    path_roles: npt.NDArray[np.uint8]
    x: npt.NDArray[np.uint32]
    y: npt.NDArray[np.uint32]
    row: npt.NDArray[np.uint32]
    vertex_zoom: npt.NDArray[np.uint8]
    codes: npt.NDArray[np.int32]
    value_starts: npt.NDArray[np.int64]
    value_bytes: npt.NDArray[np.uint8]
    tree_boxes: npt.NDArray[np.uint32]
    tree_levels: npt.NDArray[np.int64]
    cover_keys: npt.NDArray[np.uint64] = field(default_factory=lambda: _nothing(np.uint64))
    cover_shares: npt.NDArray[np.float32] = field(default_factory=lambda: _nothing(np.float32))
    cover_levels: npt.NDArray[np.int64] = field(default_factory=lambda: _nothing(np.int64))
    cover_large: npt.NDArray[np.int64] = field(default_factory=lambda: _nothing(np.int64))

    def __len__(self) -> int:
        return len(self.fids)
