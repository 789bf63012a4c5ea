"""The tiles of a mesh, each made alone from files: units of work for whoever does them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenes3d.frames import Frame
from scenes3d.meshes.cells import Leaf
from scenes3d.meshes.content import encode_tile
from scenes3d.meshes.leaf import leaf_mesh
from scenes3d.meshes.parent import parent_mesh
from scenes3d.meshes.records import RECORD
from scenes3d.meshes.spooling import Spooled
from scenes3d.meshes.tile_mesh import TileMesh


@dataclass(frozen=True, slots=True)
class Cell:
    """A tile to be made of those below it."""

    path: str
    children: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What is known of a tile when it stands.

    Attributes:
        region: Of its own content.
        frame: Longitude, latitude, height of its frame.
        measured_m: No place of it is farther from the source's surface, nor the other way round.
        texel_m: Side of a pixel of its picture, or the way between its colours; 0 where it has none.
        triangles: With its skirt.
    """

    region: list[float]
    frame: list[float]
    measured_m: float
    texel_m: float
    triangles: int

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class TileWriter:
    """Where tiles go, and what all of them are made with.

    Attributes:
        out: Folder of the tileset.
        bins: Folder of records, pictures and meshes of tiles.
        scene: The frame that places count from.
    """

    out: Path
    bins: Path
    scene: Frame
    spooled: Spooled
    most_triangles: int
    most_side: int

    def mesh_file(self, path: str) -> Path:
        """Where the mesh of a tile waits for the tile above."""
        return self.bins / f"{path}.mesh"

    def write(self, path: str, mesh: TileMesh) -> Written:
        """Write a tile and its mesh."""
        content = encode_tile(mesh, self.scene)
        (self.out / address(path)).write_bytes(content.data)
        mesh.save(self.mesh_file(path))
        frame = content.frame
        place = [frame.lon, frame.lat, frame.height_m]
        return Written(content.region.to_list(), place, mesh.error_m, mesh.texel_m, content.triangles)


def make_tile(work: tuple[TileWriter, Leaf | Cell]) -> dict[str, Any]:
    """Make one tile; what is known of it, as a document."""
    writer, cell = work
    if isinstance(cell, Leaf):
        images: Mapping[int, Any] = {
            number: np.load(writer.bins / f"{number}.npy", mmap_mode="r")
            for number, (width, _) in enumerate(writer.spooled.sizes)
            if width
        }
        mesh = leaf_mesh(np.fromfile(cell.file, RECORD), writer.spooled, images)
    else:
        below = [TileMesh.load(writer.mesh_file(child)) for child in cell.children]
        mesh = parent_mesh(below, writer.most_triangles, writer.most_side)
    return writer.write(cell.path, mesh).to_document()


def cells_above(leaves: Sequence[str]) -> list[Cell]:
    """Tiles above the leaves with these paths, the deepest first. A cell with only one part is that part, and no tile of its own."""
    found: list[Cell] = []

    def descend(path: str, below: Sequence[str]) -> str:
        if len(below) == 1:
            return below[0]
        parts: dict[str, list[str]] = {}
        for leaf in below:
            parts.setdefault(leaf[: len(path) + 1], []).append(leaf)
        children = tuple(descend(part, parts[part]) for part in sorted(parts))
        if len(children) == 1:
            return children[0]
        found.append(Cell(path, children))
        return path

    descend("", sorted(leaves))
    return sorted(found, key=lambda cell: (-len(cell.path), cell.path))


def address(path: str) -> str:
    """Name of a tile's file."""
    return f"r{path}.glb"
