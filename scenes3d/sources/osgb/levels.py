"""The graph of an OSGB as levels: what is drawn together, until when, and what takes its place then.

`PagedLOD` and `LOD` say from how many pixels on (or from how near) a child is drawn. A level's successor is drawn in its place, as
`refine: REPLACE` of 3D Tiles has it; it stands in the same file or in another one, whose levels then are the successors.

Source: OpenSceneGraph 3.6, osg/LOD (ranges: at least … and less than …), osg/PagedLOD.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from scenes3d.models.shaping import Faults
from scenes3d.sources.osgb.scene_text import Block
from twin.ellipsoid import Floats

NODE_LEFT_OUT = "osgb-node-of-a-kind-that-is-not-read"
LEVEL_LEFT_OUT = "osgb-level-between-two-others"
MOST_DRAWABLES = 20_000
_DEEPEST = 100
# Both words in which the height of the picture stands for the error of a tile: 3D Tiles viewers refine at 16 pixels.
_PIXELS_OF_ERROR = 16.0
# A screen of 1,080 rows with a view of 60°: what a distance means in pixels.
_ROWS, _VIEW = 1080.0, 2 * np.tan(np.radians(30.0))
_LISTS = {"RangeList", "FileNameList", "StateSet", "Matrix"}


@dataclass(frozen=True, slots=True)
class Drawable:
    """A geometry where it stands.

    Attributes:
        geometry: Its block.
        states: State sets that hold for it, the outermost first.
        matrix: float64 (4, 4), for rows: from its own coordinates to those of the file and of whatever names the file.
    """

    geometry: Block
    states: tuple[Block, ...]
    matrix: Floats


@dataclass(frozen=True, slots=True)
class FileOfLevels:
    """Another file that takes a level's place: its name as written, and what its coordinates are multiplied by, for rows."""

    name: str
    matrix: Floats


@dataclass(frozen=True, slots=True)
class Switch:
    """When a level is drawn no more.

    Attributes:
        pixels: From so many pixels on, of the diameter on the screen; 0 where the distance decides.
        distance_m: From so near on.
        radius_m: Of the node; not positive where the file leaves it to whoever draws.
    """

    pixels: float
    distance_m: float
    radius_m: float

    def error_m(self, radius_m: float) -> float:
        """The geometric error that makes viewers of 3D Tiles change at the same place.

        Args:
            radius_m: Of what the level draws, for nodes that do not say theirs.
        """
        if self.pixels > 0:
            radius = self.radius_m if self.radius_m > 0 else radius_m
            return _PIXELS_OF_ERROR * 2.0 * radius / self.pixels
        return float(_PIXELS_OF_ERROR * self.distance_m * _VIEW / _ROWS)


@dataclass(slots=True)
class Level:
    """What is drawn together.

    Attributes:
        switch: When its successors take its place; None where it has none.
        finer, files: Its successors, here and in other files.
    """

    drawables: list[Drawable] = field(default_factory=list)
    switch: Switch | None = None
    finer: list[Level] = field(default_factory=list)
    files: list[FileOfLevels] = field(default_factory=list)


def levels_of(scene: Block, matrix: Floats, faults: Faults, name: str) -> list[Level]:
    """The levels of a file that are drawn first, side by side.

    Args:
        scene: As `parse_scene` gives it.
        matrix: What stands above the file, for rows.
        faults: Grows by what is not read.

    Raises:
        ValueError: if ranges and children do not fit, or the graph is larger than a tile can mean.
    """
    return _Walk(faults, name).levels(scene.below, matrix, ())


class _Walk:
    def __init__(self, faults: Faults, name: str) -> None:
        self._faults, self._name = faults, name
        self._count = 0

    def levels(self, nodes: list[Block], matrix: Floats, states: tuple[Block, ...], depth: int = 0) -> list[Level]:
        """What these nodes draw without a condition as one level, and each node with levels beside it."""
        still = Level()
        found: list[Level] = []
        for node in nodes:
            self._visit(node, matrix, states, depth, still, found)
        return [still, *found] if still.drawables else found

    def _visit(
        self, node: Block, matrix: Floats, states: tuple[Block, ...], depth: int, still: Level, found: list[Level]
    ) -> None:
        if node.name in _LISTS:
            return
        if depth > _DEEPEST:
            raise ValueError(f"nodes are nested more than {_DEEPEST} deep")
        own = node.first("StateSet")
        states = states if own is None else (*states, own)
        if node.name == "Geometry":
            self._count += 1
            if self._count > MOST_DRAWABLES:
                raise ValueError(f"it draws more than {MOST_DRAWABLES:,} geometries")
            still.drawables.append(Drawable(node, states, matrix))
        elif node.name in {"Group", "Node", "Geode"}:
            for child in node.below:
                self._visit(child, matrix, states, depth + 1, still, found)
        elif node.name == "MatrixTransform":
            below = _matrix_of(node) @ matrix
            for child in node.below:
                self._visit(child, below, states, depth + 1, still, found)
        elif node.name in {"LOD", "PagedLOD"}:
            found += self._chain(node, matrix, states, depth + 1)
        elif node.said("nodeMask") or node.said("num_children"):
            self._faults.add(NODE_LEFT_OUT, f"{self._name}: {node.name}")

    def _chain(self, node: Block, matrix: Floats, states: tuple[Block, ...], depth: int) -> list[Level]:
        """The levels of one node, each the successor of the one before; gives the coarsest, and what else is drawn with it."""
        stages = list(_stages(node))
        in_files = [stage for stage in stages if stage.files]
        for stage in in_files[:-1]:
            # The levels of that file would be between two others, and nobody can say where they end.
            self._faults.add(LEVEL_LEFT_OUT, f"{self._name}: {stage.files[0]}")
        followed: list[Level] = []
        files: list[FileOfLevels] = []
        for stage in reversed(stages):
            if stage.files and stage is not in_files[-1]:
                continue
            drawn = self.levels(stage.children, matrix, states, depth)
            named = [FileOfLevels(file, matrix) for file in stage.files]
            if not stage.children:
                files += named
                continue
            if followed or files:
                level = Level([d for other in drawn for d in _coarsest(other)], stage.switch, followed, files)
                followed, files = [level], named
            else:
                followed, files = drawn, named
        if files:
            return [Level([], None, followed, files)]
        return followed


@dataclass(frozen=True, slots=True)
class _Stage:
    children: list[Block]
    files: list[str]
    switch: Switch


def _stages(node: Block) -> Iterator[_Stage]:
    """Children and files with the same range, the coarsest first."""
    ranges_block, names_block = node.first("RangeList"), node.first("FileNameList")
    numbers = np.empty(0) if ranges_block is None or ranges_block.numbers is None else ranges_block.numbers
    ranges = numbers.reshape(-1, 2).tolist()
    children = [child for child in node.below if child.name not in _LISTS]
    names = [] if names_block is None else [" ".join(line) for line in names_block.lines]
    if len(children) > len(ranges) or len(names) > len(ranges):
        raise ValueError(f"{node.name} has {len(children)} children, {len(names)} files and {len(ranges)} ranges")
    by_pixels = node.said("RangeMode")[:1] == ("PIXEL_SIZE_ON_SCREEN",)
    radius = float(node.said("Radius")[0]) if node.said("Radius") else -1.0
    order = sorted({(low, high) for low, high in ranges}, key=lambda pair: pair if by_pixels else (-pair[1], -pair[0]))
    for pair in order:
        rows = [row for row, (low, high) in enumerate(ranges) if (low, high) == pair]
        inside = [children[row] for row in rows if row < len(children)]
        files = [names[row] for row in rows if row < len(names) and names[row]]
        switch = Switch(pair[1], 0.0, radius) if by_pixels else Switch(0.0, pair[0], radius)
        if inside or files:
            yield _Stage(inside, files, switch)


def _coarsest(level: Level) -> list[Drawable]:
    """What a level draws as long as it can; that of its first successor where it draws nothing itself."""
    return level.drawables or [drawable for finer in level.finer for drawable in _coarsest(finer)]


def _matrix_of(node: Block) -> Floats:
    block = node.first("Matrix")
    if block is None or block.numbers is None or len(block.numbers) != 16 or not np.isfinite(block.numbers).all():
        raise ValueError("a transform has no matrix")
    return block.numbers.reshape(4, 4)
