"""Footprints to tiles, one at a time, so that no more than one tile's triangles are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from scenes3d.buildings.extrusion import frame_of, raised, region_of
from scenes3d.buildings.footprints import Footprints, Ints
from scenes3d.buildings.pitched import roof_columns
from scenes3d.buildings.quadtree import Codes, assign, place_codes
from scenes3d.frames import Floats, Frame
from scenes3d.glb.mesh import write_mesh
from scenes3d.tileset.region import Region
from twin.errors import TooLargeError

CLASS = "building"
MOST_FEATURES = 65_535


@dataclass(frozen=True, slots=True)
class Rows:
    """What the tree needs to know of n buildings.

    Attributes:
        ids: Arrow array of text.
        codes: uint64 (n,), places along the Z curve.
        sizes_mm: int64 (n,), whole millimetres.
    """

    ids: pa.Array
    codes: Codes
    sizes_mm: Ints

    def take(self, rows: Ints) -> Rows:
        """These buildings in this order."""
        return Rows(self.ids.take(pa.array(rows)), self.codes[rows], self.sizes_mm[rows])

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """The buildings of all parts, one after another."""
        return cls(
            pa.concat_arrays([pa.array([], pa.large_string()), *(part.ids for part in parts)]),
            np.concatenate([np.empty(0, np.uint64), *(part.codes for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.sizes_mm for part in parts)]),
        )


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
    return Rows(buildings.columns[0].values, place_codes(buildings.boxes), sizes_mm(buildings.sizes_m))


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
        names = rows.ids.take(pa.array(order[tied])).to_pylist()
        by_id = sorted(range(len(tied)), key=lambda at: (int(codes[tied[at]]), names[at]))
        order[tied] = order[tied[by_id]]
    return order


@dataclass(frozen=True)
class Layout:
    """Buildings in the order of their tiles.

    Attributes:
        levels, codes: Cells with something in them, wide ones first, in the order of the curve.
        edges: Where the buildings of each begin, and where the last ones end.
    """

    buildings: Footprints
    levels: tuple[int, ...]
    codes: tuple[int, ...]
    edges: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def cells(self) -> Iterator[tuple[int, int]]:
        """Level and code of each tile."""
        return zip(self.levels, self.codes, strict=True)

    def tile(self, number: int, copyright_note: str = "") -> TileWork:
        """What one tile is made of."""
        buildings = self.buildings.slice(self.edges[number], self.edges[number + 1])
        return TileWork(buildings, self.levels[number], self.codes[number], copyright_note)


@dataclass(frozen=True)
class TileWork:
    """What one tile is made of: its buildings in the order of `order_of`, its cell, and whose data it is."""

    buildings: Footprints
    level: int
    code: int
    copyright_note: str = ""


def layout_of(buildings: Footprints) -> Layout:
    """Which tile each building is in."""
    if not len(buildings):
        return Layout(buildings, (), (), (0,))
    rows = rows_of(buildings)
    order = order_of(rows)
    cells = assign(rows.codes[order], rows.sizes_mm[order])
    by_level = np.argsort(cells.levels, kind="stable")
    levels, codes = cells.levels[by_level], cells.codes[by_level]
    sorted_buildings = buildings.take(order[by_level])
    del buildings, rows
    change = np.flatnonzero((levels[1:] != levels[:-1]) | (codes[1:] != codes[:-1])) + 1
    starts = [0, *change.tolist()]
    return Layout(
        sorted_buildings, tuple(levels[starts].tolist()), tuple(codes[starts].tolist()), (*starts, len(levels))
    )


def build_tile(work: TileWork) -> BuiltTile:
    """One tile.

    Raises:
        TooLargeError: if there are more buildings than a feature id can count.
    """
    buildings = work.buildings
    if len(buildings) > MOST_FEATURES:
        raise TooLargeError(
            "同一地点的建筑过多。There are too many buildings in one place.",
            value=len(buildings),
            limit=f"{MOST_FEATURES} within two centimetres",
            remedy="Remove what is there more than once.",
        )
    frame = frame_of(buildings)
    content = write_mesh(
        raised(buildings, frame), (*buildings.columns, *roof_columns(buildings)), CLASS, work.copyright_note
    )
    rows = rows_of(buildings)
    return BuiltTile(work.level, work.code, content, region_of(buildings), frame, int(rows.sizes_mm.max()) / 1000, rows)
