"""Footprints to tiles, one at a time, so that no more than one tile's triangles are in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scenes3d.buildings.extrusion import frame_of, raised, region_of
from scenes3d.buildings.footprints import Footprints, Ints
from scenes3d.buildings.quadtree import Codes, assign, place_codes
from scenes3d.frames import Floats, Frame
from scenes3d.glb.mesh import write_mesh
from scenes3d.tileset.region import Region
from twin.errors import TooLargeError

CLASS = "building"
MOST_FEATURES = 65_535


@dataclass(frozen=True, slots=True)
class Rows:
    """What the tree needs to know of buildings: ids, places along the Z curve, sizes in whole millimetres."""

    ids: list[str]
    codes: Codes
    sizes_mm: Ints


@dataclass(frozen=True, slots=True)
class BuiltTile:
    """One tile.

    Attributes:
        level, code: Its cell.
        content: The GLB.
        largest_m: Size of the largest building in it.
        rows: Its buildings, in the order of their feature ids in the GLB.
    """

    level: int
    code: int
    content: bytes
    region: Region
    frame: Frame
    largest_m: float
    rows: Rows


def rows_of(buildings: Footprints) -> Rows:
    """What the tree needs to know of them, in their order."""
    ids = buildings.columns[0].values.to_pylist()
    return Rows(ids, place_codes(buildings.boxes), sizes_mm(buildings.sizes_m))


def sizes_mm(sizes_m: Floats) -> Ints:
    """Sizes in whole millimetres, rounded up, at least one."""
    return np.maximum(np.ceil(sizes_m * 1000), 1).astype(np.int64)


def order_of(rows: Rows) -> Ints:
    """The order of buildings along the curve, those of one place by id: int64 (n,)."""
    order = np.argsort(rows.codes, kind="stable")
    codes = rows.codes[order]
    same = np.flatnonzero(codes[1:] == codes[:-1])
    if len(same):
        tied = np.unique(np.concatenate([same, same + 1]))
        by_id = sorted(tied.tolist(), key=lambda at: (int(codes[at]), rows.ids[order[at]]))
        order[tied] = order[by_id]
    return order


def tiles_of(buildings: Footprints, copyright_note: str = "") -> Iterator[BuiltTile]:
    """All tiles of a scene, wide cells first, in the order of the curve."""
    if not len(buildings):
        return
    rows = rows_of(buildings)
    order = order_of(rows)
    cells = assign(rows.codes[order], rows.sizes_mm[order])
    by_level = np.argsort(cells.levels, kind="stable")
    levels, codes = cells.levels[by_level], cells.codes[by_level]
    sorted_buildings = buildings.take(order[by_level])
    del buildings, rows
    change = np.flatnonzero((levels[1:] != levels[:-1]) | (codes[1:] != codes[:-1])) + 1
    edges = [0, *change.tolist(), len(levels)]
    for start, stop in pairwise(edges):
        yield build_tile(sorted_buildings.slice(start, stop), int(levels[start]), int(codes[start]), copyright_note)


def build_tile(buildings: Footprints, level: int, code: int, copyright_note: str = "") -> BuiltTile:
    """The tile of these buildings, which come in the order of `order_of`.

    Raises:
        TooLargeError: if there are more than a feature id can count.
    """
    if len(buildings) > MOST_FEATURES:
        raise TooLargeError(
            "同一地点的建筑过多。There are too many buildings in one place.",
            value=len(buildings),
            limit=f"{MOST_FEATURES} within two centimetres",
            remedy="Remove what is there more than once.",
        )
    frame = frame_of(buildings)
    content = write_mesh(raised(buildings, frame), buildings.columns, CLASS, copyright_note)
    rows = rows_of(buildings)
    return BuiltTile(level, code, content, region_of(buildings), frame, int(rows.sizes_mm.max()) / 1000, rows)
