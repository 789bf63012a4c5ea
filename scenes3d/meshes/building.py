"""A mesh to a tileset, in three steps: spool, spread over leaves, make the tiles from the leaves to the root.

Memory holds one run of the source, one picture of it while it is unpacked, or one tile with the four below it, whatever the number of
triangles. The same triangles in the same order give the same bytes, also after a build was killed and taken up again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from scenes3d.frames import Frame
from scenes3d.meshes.baking import MOST_SIDE
from scenes3d.meshes.cells import MOST_TRIANGLES, Leaf, spread
from scenes3d.meshes.spooling import MeshSource, Spooled, spool
from scenes3d.meshes.writing import Cell, TileWriter, Written, address, cells_above, make_tile
from scenes3d.tileset.progress import Counter, Progress, silent
from scenes3d.tileset.region import Region
from scenes3d.tileset.tile import Tile, Tileset
from scenes3d.tileset.work import Work
from twin.ellipsoid import SEMI_MAJOR_M
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Tasks, Unit

_FORMAT = 1
# Viewers take the next level where an error covers 16 points of the screen: a pixel of the picture covers two of them then.
_TEXELS = 8.0


@dataclass(frozen=True, slots=True)
class MeshOptions:
    """How the tileset is cut.

    Attributes:
        most_triangles: Of a tile, its skirt not counted.
        most_side: Of the picture of a tile that stands for others, pixels.
        extras: What the asset says of itself beyond the standard: datum, sources.
    """

    most_triangles: int = MOST_TRIANGLES
    most_side: int = MOST_SIDE
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MeshReport:
    """What was built.

    Attributes:
        triangles: Of the source, each in one tile of the finest level.
        tiles: All of them.
        levels: From the root to the deepest leaf.
        painted: "image", "colour" or "".
        error_m: Of the root: no place of it is farther from the source.
        region: Of all vertices.
        faults: What was left out, with counts and examples.
        source: What the source knew when it was read.
    """

    triangles: int
    tiles: int
    levels: int
    painted: str
    error_m: float
    region: Region
    faults: list[dict[str, Any]]
    source: dict[str, Any]


def build_mesh(
    source: MeshSource,
    target: Path,
    options: MeshOptions | None = None,
    progress: Progress = silent,
    tasks: Tasks = IN_THREAD,
) -> MeshReport:
    """Build the tileset of a mesh in the folder `target`, which it replaces when all of it is there.

    Args:
        progress: What it raises ends the build; it is taken up again by the next.
        tasks: Who makes the tiles of a level; each worker holds one tile and those below it, and writes into the folder of the build.

    Raises:
        AlreadyRunningError: if another process builds the same.
        BadGeometryError: if the triangles cannot be one mesh (see `scenes3d.meshes.spooling` and `cells`).
        BadData: what the source raises.
    """
    options = options or MeshOptions()
    plan = {"format": _FORMAT, "source": dict(source.identity()), "options": asdict(options)}
    with Work(target, plan) as work:
        return _Build(source, options, work, progress, tasks).run()


class _Build:
    def __init__(self, source: MeshSource, options: MeshOptions, work: Work, progress: Progress, tasks: Tasks) -> None:
        self._source, self._options, self._work, self._progress = source, options, work, progress
        self._tasks = tasks

    def run(self) -> MeshReport:
        spooled = self._spool()
        leaves = self._spread(spooled)
        cells = cells_above([leaf.path for leaf in leaves])
        written = self._tiles(spooled, leaves, cells)
        root = self._tree(leaves, cells, written)
        west, south, east, north = root.region.to_list()[:4]
        whole = float(np.hypot(east - west, north - south)) * SEMI_MAJOR_M
        tileset = Tileset(root, max(whole, root.geometric_error), dict(self._options.extras), "REPLACE")
        (self._work.out / "tileset.json").write_bytes(tileset.to_json())
        self._work.finish()
        top = cells[-1].path if cells else leaves[0].path
        return MeshReport(
            spooled.triangles,
            len(written),
            _depth(root),
            spooled.painted,
            written[top].measured_m,
            root.region,
            spooled.faults,
            spooled.source,
        )

    def _spool(self) -> Spooled:
        known = self._work.done("spooled")
        if known is None:
            advance = Counter(self._progress, "read", self._source.length)
            known = asdict(spool(self._source, self._work.spool, self._work.bins, advance))
            self._work.finish_step("spooled", known)
        return Spooled(**known | {"low": tuple(known["low"]), "high": tuple(known["high"])})

    def _spread(self, spooled: Spooled) -> list[Leaf]:
        known = self._work.done("spread")
        folder = self._work.folder
        if known is None:
            advance = Counter(self._progress, "spread", spooled.triangles)
            found = spread(self._work.spool, spooled, self._work.bins, self._options.most_triangles, advance)
            known = [asdict(leaf) | {"file": str(leaf.file.relative_to(folder))} for leaf in found]
            self._work.finish_step("spread", known)
            if found[0].file != self._work.spool:
                self._work.spool.unlink()
        return [Leaf(**said | {"file": folder / said["file"], "low": tuple(said["low"])}) for said in known]

    def _tiles(self, spooled: Spooled, leaves: Sequence[Leaf], cells: Sequence[Cell]) -> dict[str, Written]:
        """All tiles, written: the leaves, then level by level those above."""
        options, work = self._options, self._work
        writer = TileWriter(work.out, work.bins, self._source.frame, spooled, options.most_triangles, options.most_side)
        advance = Counter(self._progress, "tiles", len(leaves) + len(cells))
        found: dict[str, Written] = {}
        levels: list[Sequence[Leaf | Cell]] = [leaves]
        levels += [list(level) for _, level in groupby(cells, key=lambda cell: len(cell.path))]
        for level in levels:
            self._level(level, writer, found, advance)
            # What a level above has taken in is read by nobody any more.
            for cell in level:
                for child in cell.children if isinstance(cell, Cell) else ():
                    writer.mesh_file(child).unlink(missing_ok=True)
        return found

    def _level(
        self,
        level: Sequence[Leaf | Cell],
        writer: TileWriter,
        found: dict[str, Written],
        advance: Callable[[int], None],
    ) -> None:
        steps = {f"tile-{cell.path}": Unit(f"tile {cell.path}", (writer, cell)) for cell in level}
        with closing(self._work.outcomes(self._tasks, make_tile, steps, lambda: advance(0))) as made:
            for cell, document in zip(level, made, strict=True):
                found[cell.path] = Written(**document)
                advance(1)

    def _tree(self, leaves: Sequence[Leaf], cells: Sequence[Cell], written: Mapping[str, Written]) -> Tile:
        """The tree of tiles, each with the regions and errors of those below."""
        tiles: dict[str, Tile] = {}
        everything: list[Leaf | Cell] = [*leaves, *cells]
        for cell in everything:
            own = written[cell.path]
            children = tuple(tiles[child] for child in cell.children) if isinstance(cell, Cell) else ()
            region = Region.union([Region(*own.region), *(child.region for child in children)])
            below = [child.geometric_error for child in children]
            error = max([own.measured_m, _TEXELS * own.texel_m, *below]) if children else 0.0
            tiles[cell.path] = Tile(region, error, address(cell.path), Region(*own.region), Frame(*own.frame), children)
        return tiles[cells[-1].path if cells else leaves[0].path]


def _depth(tile: Tile) -> int:
    return 1 + max((_depth(child) for child in tile.children), default=0)
