"""The octree's tileset: boxes around what tiles really hold, errors from the spacing of their points, one file for each bin.

Source: 3D Tiles 1.1, sections 7.4 (tile) and 7.4.1.2 (box).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.points.kernels import GRID_BITS
from scenes3d.points.records import QUANTUM_M, Records, places
from scenes3d.tileset.region import METRES_OF_AIR

# Points of a grid whose spacing covers some pixels still look like a surface: measured with both viewers.
_SPACINGS = 4
_OCTANTS = "01234567"


@dataclass(frozen=True, slots=True)
class Node:
    """A tile with points.

    Attributes:
        path: From the root, an octant a digit.
        points: How many it holds itself.
        low, high: Box of its own points, quanta.
    """

    path: str
    points: int
    low: tuple[int, int, int]
    high: tuple[int, int, int]

    @classmethod
    def of(cls, path: str, records: Records) -> Node:
        low, high = places(records).min(axis=0).tolist(), places(records).max(axis=0).tolist()
        return cls(path, len(records), tuple(low), tuple(high))

    @property
    def middle(self) -> npt.NDArray[np.int64]:
        """Where its frame stands, quanta (3,)."""
        return (np.array(self.low, dtype=np.int64) + np.array(self.high, dtype=np.int64)) // 2

    def to_list(self) -> list[Any]:
        return [self.path, self.points, *self.low, *self.high]

    @classmethod
    def from_list(cls, values: Sequence[Any]) -> Node:
        path, points, *corners = values
        return cls(path, points, tuple(corners[:3]), tuple(corners[3:]))


@dataclass(frozen=True)
class Tree:
    """Nodes of one tileset file.

    Attributes:
        nodes: By path; every node but the first has its parent here.
        exponent: Of the octree's root cube.
        files: Tilesets below this one, by the path of their root: their address, and the box of all their points.
    """

    nodes: dict[str, Node]
    exponent: int
    files: dict[str, tuple[str, Node]]

    def geometric_error(self, path: str) -> float:
        """Of a tile with children at this path."""
        return _SPACINGS * 2.0 ** (self.exponent - len(path) - GRID_BITS) * QUANTUM_M

    def document(self, root: str, frame: Iterable[float] | None, suffix: str, extras: dict[str, Any]) -> dict[str, Any]:
        """tileset.json.

        Args:
            root: Path of the first node.
            frame: The way from the scene's frame to Earth-centred coordinates, 16 numbers by columns; None below other files.
            suffix: Of the content files.
            extras: What the asset says of itself beyond the standard.
        """
        tile = self._tile(root, frame, np.zeros(3, dtype=np.int64), suffix)
        return {
            "asset": {"version": "1.0" if suffix == "pnts" else "1.1", **({"extras": extras} if extras else {})},
            "geometricError": self._error_of_nothing(root, is_first=frame is not None),
            "root": tile | {"refine": "ADD"},
        }

    def _error_of_nothing(self, root: str, *, is_first: bool) -> float:
        """By how much the picture is wrong while not even the first tile is drawn: by all of the cloud.

        A file below others stands in a tile that is drawn: there it is what that tile leaves out.
        """
        coarse = 2 * self.geometric_error(root)
        if not is_first:
            return coarse
        box = self.boxes[root]
        return max(coarse, float(np.linalg.norm(np.subtract(box.high, box.low))) * QUANTUM_M)

    @cached_property
    def boxes(self) -> dict[str, Node]:
        """By path: the box of all points of a node and below, as a node."""
        found: dict[str, Node] = {path: box for path, (_, box) in self.files.items()}
        for path in sorted(self.nodes, key=len, reverse=True):
            below = [found[path + digit] for digit in _OCTANTS if path + digit in found]
            found[path] = _around(path, [self.nodes[path], *below])
        return found

    def _tile(
        self, path: str, frame: Iterable[float] | None, above: npt.NDArray[np.int64], suffix: str
    ) -> dict[str, Any]:
        node = self.nodes[path]
        matrix = np.array(_moved(node.middle - above)).reshape(4, 4)
        if frame is not None:
            matrix = matrix @ np.array(list(frame)).reshape(4, 4)
        children = [
            self._tile(key, None, node.middle, suffix) if key in self.nodes else self._file(key, node.middle)
            for key in (path + digit for digit in _OCTANTS)
            if key in self.nodes or key in self.files
        ]
        said: dict[str, Any] = {
            "boundingVolume": {"box": _box(self.boxes[path], node.middle)},
            "geometricError": self.geometric_error(path) if children else 0.0,
            "transform": matrix.ravel().tolist(),
            "content": {"uri": f"{address(path)}.{suffix}"},
        }
        return said | ({"children": children} if children else {})

    def _file(self, path: str, above: npt.NDArray[np.int64]) -> dict[str, Any]:
        # Its content is drawn with its parent's refinement: until then the picture is as wrong as the parent says.
        # Files below count from the scene's frame: they are written before anybody knows the tiles above them.
        return {
            "boundingVolume": {"box": _box(self.boxes[path], np.zeros(3, dtype=np.int64))},
            "transform": _moved(-above),
            "geometricError": self.geometric_error(path[:-1]),
            "content": {"uri": self.files[path][0]},
        }


def address(path: str) -> str:
    """Name of a tile's files, without suffix."""
    return f"r{path}"


def _moved(by: npt.NDArray[np.int64]) -> list[float]:
    """A move by quanta (3,), as `transform` has it: 16 numbers by columns."""
    matrix = np.identity(4)
    matrix[3, :3] = by * QUANTUM_M
    return matrix.ravel().tolist()


def _around(path: str, nodes: Sequence[Node]) -> Node:
    low = np.min([node.low for node in nodes], axis=0).tolist()
    high = np.max([node.high for node in nodes], axis=0).tolist()
    return Node(path, sum(node.points for node in nodes), tuple(low), tuple(high))


def _box(node: Node, origin: npt.NDArray[np.int64]) -> list[float]:
    """Centre and half axes of a node's box from an origin, metres, with air around it for what encoding rounds."""
    low = (np.array(node.low) - origin) * QUANTUM_M - METRES_OF_AIR
    high = (np.array(node.high) - origin) * QUANTUM_M + METRES_OF_AIR
    x, y, z = ((high - low) / 2).tolist()
    return [*((low + high) / 2).tolist(), x, 0.0, 0.0, 0.0, y, 0.0, 0.0, 0.0, z]
