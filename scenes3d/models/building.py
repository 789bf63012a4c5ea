"""Shapes to tiles: the quadtree, the tiles and the edition of buildings, with the surfaces that were delivered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scenes3d.buildings.quadtree import assign, place_codes
from scenes3d.buildings.tiling import MOST_FEATURES, BuiltTile, Rows, order_of, sizes_mm
from scenes3d.editions.building import PAYS_FROM
from scenes3d.editions.edition import Edition, Entry, cell_name
from scenes3d.editions.folder import SceneFolder
from scenes3d.frames import Frame
from scenes3d.glb.mesh import Mesh, write_mesh
from scenes3d.glb.property_table import Column
from scenes3d.models.columns import columns_of
from scenes3d.models.shaping import Faults, Shape
from scenes3d.tileset.region import Region
from twin.disk import told_when_full
from twin.ellipsoid import Floats, metres_per_degree
from twin.errors import BadGeometryError, DuplicateFeatureError, TooLargeError
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Alive, Tasks, Unit, still_wanted

CLASS = "feature"


@dataclass(frozen=True)
class ModelReport:
    """What was built.

    Attributes:
        features, triangles: In the tileset; every feature once.
        area_m2: Of all surfaces drawn.
        lods: Features by level of detail.
        faults: What was left out.
    """

    features: int
    triangles: int
    area_m2: float
    lods: dict[str, int]
    faults: Faults

    def to_document(self) -> dict[str, Any]:
        return {
            "built": self.features,
            "triangles": self.triangles,
            "area_m2": round(self.area_m2, 3),
            "lods": self.lods,
            "faults": self.faults.to_document(),
        }


@dataclass(frozen=True, slots=True)
class TileWork:
    """What one tile is made of: its shapes with their attributes, and its cell."""

    shapes: list[Shape]
    columns: tuple[Column, ...]
    rows: Rows
    level: int
    code: int


def build_model(
    shapes: Iterable[Shape],
    faults: Faults,
    folder: SceneFolder,
    version: int,
    extras: dict[str, Any],
    tasks: Tasks = IN_THREAD,
    alive: Alive = still_wanted,
) -> tuple[Edition, ModelReport]:
    """Write all tiles into the scene's folder and give the edition, which the caller saves.

    Args:
        faults: Grows while `shapes` are made.
        version: Number of the edition.
        extras: What tileset.json says of it: datum, sources.
        tasks: Who makes the tiles.
        alive: What it raises ends the build.

    Raises:
        BadGeometryError: if no feature has a surface.
        DuplicateFeatureError: if two have the same id.
        TooLargeError: if more lie in one place than a feature id can count.
    """
    known = list(shapes)
    if not known:
        raise BadGeometryError(
            "没有可构建的要素。No feature of the source has a surface that can be drawn.",
            value=", ".join(f"{count} × {fault}" for fault, count in faults.counts.items()) or "no features",
            limit="at least one",
            remedy="Look at the faults; export the model again with its surfaces.",
        )
    _require_unique(known)
    table = columns_of([s.id for s in known], [s.kind for s in known], [s.attributes for s in known])
    units = (Unit(f"tile {cell_name((work.level, work.code))}", (folder.path, work)) for work in _tiles(known, table))
    hands = tasks if len(known) >= PAYS_FROM else IN_THREAD
    with closing(hands.map(put_tile, units, alive)) as made:
        entries = tuple(made)
    lods: dict[str, int] = {}
    for shape in known:
        lods[f"{shape.lod:g}"] = lods.get(f"{shape.lod:g}", 0) + 1
    report = ModelReport(
        len(known),
        sum(len(s.corners) for s in known),
        sum(s.area_m2 for s in known),
        dict(sorted(lods.items())),
        faults,
    )
    return Edition(version, entries, {"source": "delivered"}, extras, report.to_document()), report


def _tiles(shapes: Sequence[Shape], table: tuple[Column, ...]) -> Iterator[TileWork]:
    boxes = np.array([shape.box for shape in shapes])
    rows = Rows(
        pa.array([shape.id for shape in shapes], pa.large_string()), place_codes(boxes[:, :4]), sizes_mm(_sizes(boxes))
    )
    order = order_of(rows)
    cells = assign(rows.codes[order], rows.sizes_mm[order])
    by_level = np.argsort(cells.levels, kind="stable")
    order, levels, codes = order[by_level], cells.levels[by_level], cells.codes[by_level]
    change = np.flatnonzero((levels[1:] != levels[:-1]) | (codes[1:] != codes[:-1])) + 1
    for start, stop in pairwise([0, *change.tolist(), len(order)]):
        members = order[start:stop]
        # Attributes are in the columns already.
        own = [replace(shapes[row], attributes={}) for row in members]
        yield TileWork(own, _taken(table, members), rows.take(members), int(levels[start]), int(codes[start]))


def put_tile(work: tuple[Path, TileWork]) -> Entry:
    """Make a tile and keep it in the scene's folder. Raises TooLargeError if the disk is full, or as `build_tile`."""
    path, tile = work
    with told_when_full(f"a tile of {path.name}"):
        return SceneFolder(path).put(build_tile(tile))


def build_tile(work: TileWork) -> BuiltTile:
    """One tile. Raises TooLargeError if there are more features than an id can count."""
    shapes, rows = work.shapes, work.rows
    if len(shapes) > MOST_FEATURES:
        raise TooLargeError(
            "同一地点的要素过多。There are too many features in one place.",
            value=len(shapes),
            limit=f"{MOST_FEATURES} within two centimetres",
            remedy="Remove what is there more than once.",
        )
    boxes = np.array([shape.box for shape in shapes])
    west, south, low = boxes[:, [0, 1, 4]].min(axis=0).tolist()
    east, north, high = boxes[:, [2, 3, 5]].max(axis=0).tolist()
    frame = Frame((west + east) / 2, (south + north) / 2)
    counts = [len(shape.earth) for shape in shapes]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    names, part = _parts(shapes)
    mesh = Mesh(
        frame.local(np.concatenate([shape.earth for shape in shapes])),
        (np.concatenate([shape.normals for shape in shapes]) @ frame.axes.T).astype(np.float32),
        np.repeat(np.arange(len(shapes)), counts).astype(np.uint16),
        np.concatenate([shape.corners + start for shape, start in zip(shapes, starts, strict=True)])
        .ravel()
        .astype(np.uint32),
        parts=names,
        part=part,
    )
    region = Region.around(np.array([west, east]), np.array([south, north]), np.array([low, high]))
    content = write_mesh(mesh, work.columns, CLASS)
    return BuiltTile(work.level, work.code, content, region, frame, int(rows.sizes_mm.max()) / 1000, rows)


def _parts(shapes: Sequence[Shape]) -> tuple[tuple[str, ...], npt.NDArray[np.uint16] | None]:
    """The parts that surfaces of these shapes are of, and that of each vertex; none where nobody says of any."""
    if all(shape.part is None or not shape.part.any() for shape in shapes):
        return (), None
    names = {"": 0}
    rows: list[npt.NDArray[np.uint16]] = []
    for shape in shapes:
        if shape.part is None:
            rows.append(np.zeros(len(shape.earth), dtype=np.uint16))
            continue
        used = np.unique(shape.part)
        known = np.zeros(len(shape.parts), dtype=np.uint16)
        for row in used.tolist():
            known[row] = names.setdefault(shape.parts[row], len(names))
        rows.append(known[shape.part])
    return tuple(names), np.concatenate(rows)


def _taken(table: tuple[Column, ...], members: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[Column, ...]:
    chosen = pa.array(members)
    return tuple(Column(c.name, c.kind, c.values.take(chosen), c.title, c.semantic) for c in table)


def _sizes(boxes: Floats) -> Floats:
    """The longer of height and diagonal of the ground plan, metres."""
    east, north = metres_per_degree(boxes[:, [1, 3]].mean(axis=1))
    across, along = (boxes[:, 2] - boxes[:, 0]) * east, (boxes[:, 3] - boxes[:, 1]) * north
    return np.maximum(np.hypot(across, along), boxes[:, 5] - boxes[:, 4])


def _require_unique(shapes: Sequence[Shape]) -> None:
    seen: set[str] = set()
    for shape in shapes:
        if shape.id in seen:
            raise DuplicateFeatureError(
                "两个要素的标识相同。Two features have the same id.",
                value=shape.id,
                limit="one feature for each id",
                remedy="Give every feature an id of its own.",
            )
        seen.add(shape.id)
