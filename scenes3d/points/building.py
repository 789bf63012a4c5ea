"""A point cloud to a tileset, in four steps: spool, spread over bins, cut each bin, put the tiles above the bins together.

Memory holds one chunk of the source or one bin, whatever the number of points; the disk holds 24 bytes a point twice beside the tiles.
The same points in the same order give the same bytes, also after a build was killed and taken up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from scenes3d.frames import Frame
from scenes3d.points.cubes import MOST_POINTS, Bin, Cube, read_records, root_cube, spread
from scenes3d.points.cutting import TAKE_ALL
from scenes3d.points.records import Chunk
from scenes3d.points.spooling import Spooled, spool
from scenes3d.points.tree import Node, Tree, address
from scenes3d.points.writing import TileWriter, cut_bin
from scenes3d.tileset.progress import Counter, Progress, silent
from scenes3d.tileset.work import Work
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Tasks, Unit

_FORMAT = 1


class CloudSource(Protocol):
    """Points to build from.

    Attributes:
        points: How many are expected, for progress.
        frame: Where the scene's frame stands: somewhere in the middle.
    """

    @property
    def points(self) -> int: ...

    @property
    def frame(self) -> Frame: ...

    def identity(self) -> Mapping[str, Any]:
        """What tells this source from every other: a build is taken up again only for the same."""

    def chunks(self) -> Iterable[Chunk]: ...


@dataclass(frozen=True, slots=True)
class CloudOptions:
    """How the tileset is cut.

    Attributes:
        content: "glb", or "pnts" for 3D Tiles 1.0.
        bin_points: Most points in memory at once.
        take_all: A tile with no more points left than this takes them all.
        extras: What the asset says of itself beyond the standard: datum, sources.
    """

    content: str = "glb"
    bin_points: int = MOST_POINTS
    take_all: int = TAKE_ALL
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CloudReport:
    """What was built.

    Attributes:
        points: In the tileset; every point once.
        empty: Left out because a coordinate was no number.
        tiles: With points.
        coloured: Whether the points have colours.
    """

    points: int
    empty: int
    tiles: int
    coloured: bool


def build_cloud(
    source: CloudSource,
    target: Path,
    options: CloudOptions | None = None,
    progress: Progress = silent,
    tasks: Tasks = IN_THREAD,
) -> CloudReport:
    """Build the tileset of a cloud in the folder `target`, which it replaces when all of it is there.

    Args:
        progress: What it raises ends the build; it is taken up again by the next.
        tasks: Who cuts the bins; each worker holds one bin in memory, and writes into the folder of the build.

    Raises:
        AlreadyRunningError: if another process builds the same.
        BadGeometryError: if the points cannot be one cloud (see `scenes3d.points.spooling` and `cubes`).
        BadData: what the source raises.
    """
    options = options or CloudOptions()
    plan = {
        "format": _FORMAT,
        "source": dict(source.identity()),
        "content": options.content,
        "bin": options.bin_points,
        "take": options.take_all,
        "extras": dict(options.extras),
    }
    with Work(target, plan) as work:
        return _Build(source, options, work, progress, tasks).run()


class _Build:
    def __init__(
        self, source: CloudSource, options: CloudOptions, work: Work, progress: Progress, tasks: Tasks
    ) -> None:
        self._source, self._options, self._work, self._progress = source, options, work, progress
        self._tasks = tasks

    def run(self) -> CloudReport:
        spooled = self._spool()
        root = root_cube(np.array(spooled.low), np.array(spooled.high))
        bins = self._spread(root, spooled.points)
        trees = self._cut(bins, root, spooled)
        top = self._assemble(bins, trees, root, spooled)
        tiles = len(top) + sum(len(tree) for tree in trees if tree is not top)
        self._work.finish()
        return CloudReport(spooled.points, spooled.empty, tiles, spooled.brightest > 0)

    def _spool(self) -> Spooled:
        known = self._work.done("spooled")
        if known is not None:
            return Spooled.from_document(known)
        advance = Counter(self._progress, "read", self._source.points)
        spooled = spool(self._source.chunks(), self._source.frame, self._work.spool, advance)
        self._work.finish_step("spooled", spooled.to_document())
        return spooled

    def _spread(self, root: Cube, points: int) -> list[Bin]:
        known = self._work.done("spread")
        if known is not None:
            return [
                Bin(Cube(path, tuple(low), exponent), self._work.folder / file, count)
                for path, low, exponent, file, count in known
            ]
        advance = Counter(self._progress, "spread", points)
        bins = spread(self._work.spool, root, self._work.bins, self._options.bin_points, advance)
        folder = self._work.folder
        listed = [
            (found.cube.path, found.cube.low, found.cube.exponent, str(found.file.relative_to(folder)), found.points)
            for found in bins
        ]
        self._work.finish_step("spread", listed)
        if bins[0].file != self._work.spool:
            self._work.spool.unlink()
        return bins

    def _cut(self, bins: list[Bin], root: Cube, spooled: Spooled) -> list[dict[str, Node]]:
        """Tiles of every bin, written; what their points give to the tiles above stands in a file beside the bin."""
        trees: list[dict[str, Node]] = []
        advance = Counter(self._progress, "cut", spooled.points)
        writer = self._writer(spooled.brightest)
        steps = {f"cut-{bin_.cube.path}": Unit(f"bin {bin_.cube.path}", (writer, bin_, root.exponent)) for bin_ in bins}
        with closing(self._work.outcomes(self._tasks, cut_bin, steps, lambda: advance(0))) as made:
            for bin_, nodes in zip(bins, made, strict=True):
                trees.append({node.path: node for node in map(Node.from_list, nodes)})
                advance(bin_.points)
        return trees

    def _writer(self, brightest: int) -> TileWriter:
        options = self._options
        return TileWriter(self._work.out, self._work.bins, options.content, options.take_all, brightest)

    def _assemble(self, bins: list[Bin], trees: list[dict[str, Node]], root: Cube, spooled: Spooled) -> dict[str, Node]:
        """Tiles above the bins, and the tileset over all of them."""
        if not bins[0].cube.path:
            top, files = trees[0], {}
        else:
            above: dict[str, list[Bin]] = {}
            for bin_ in bins:
                for level in range(len(bin_.cube.path)):
                    above.setdefault(bin_.cube.path[:level], []).append(bin_)
            written = [self._write_above(path, above[path], spooled.brightest) for path in sorted(above)]
            top = {node.path: node for node in written if node is not None}
            files = {
                bin_.cube.path: (f"{address(bin_.cube.path)}.json", Tree(tree, root.exponent, {}).boxes[bin_.cube.path])
                for bin_, tree in zip(bins, trees, strict=True)
                if tree
            }
        tree = Tree(top, root.exponent, files)
        frame = self._source.frame.matrix.T.ravel().tolist()
        self._writer(spooled.brightest).document(tree, "", frame, self._options.extras)
        return top

    def _write_above(self, path: str, bins: list[Bin], brightest: int) -> Node | None:
        writer = self._writer(brightest)
        files = [writer.above(bin_, len(path)) for bin_ in bins]
        parts = [read_records(file) for file in files if file.exists()]
        # Where nothing is left for a tile, the tiles above it took all, and there is none below.
        return writer.tile(path, np.concatenate(parts)) if parts else None
