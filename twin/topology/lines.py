"""The lines of a layer as a network: single lines, their ends, and the nodes that ends form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from twin.topology.sheet import Geometries, Sheet

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """Single lines of a layer; end 2i is the start of line i, end 2i + 1 its other end.

    Attributes:
        shapes: Object (n,), LineStrings in metres, none shorter than a node is wide.
        owner: int64 (n,). Row in the sheet that each line belongs to.
        node_m: Ends this near to each other are one node.
    """

    sheet: Sheet
    shapes: Geometries
    owner: Integers
    node_m: float

    @cached_property
    def ends(self) -> Geometries:
        """Object (2n,), the points at both ends of every line."""
        both = np.column_stack([shapely.get_point(self.shapes, 0), shapely.get_point(self.shapes, -1)])
        return np.asarray(both.reshape(-1), dtype=object)

    @cached_property
    def ends_of_lines(self) -> Geometries:
        """Object (n,), both ends of each line as one MultiPoint."""
        index = np.repeat(np.arange(len(self.shapes)), 2)
        return np.asarray(shapely.multipoints(self.ends, indices=index), dtype=object)

    @cached_property
    def _pairs(self) -> tuple[Integers, Integers]:
        a, b = shapely.STRtree(self.ends).query(self.ends, predicate="dwithin", distance=self.node_m)
        return a, b

    @cached_property
    def degrees(self) -> Integers:
        """int64 (2n,). How many ends are within `node_m` of each end, itself included."""
        return np.bincount(self._pairs[0], minlength=len(self.ends))

    @cached_property
    def nodes(self) -> Integers:
        """int64 (2n,). A number for each end, the same for ends of one node: the smallest end near it."""
        nodes = np.arange(len(self.ends))
        np.minimum.at(nodes, self._pairs[0], self._pairs[1])
        return nodes

    @cached_property
    def closed_ends(self) -> npt.NDArray[np.bool_]:
        """Ends of lines that end where they began, bool (2n,)."""
        return np.repeat(shapely.is_closed(self.shapes), 2)

    @cached_property
    def lengths(self) -> npt.NDArray[np.float64]:
        """float64 (n,), metres."""
        return np.asarray(shapely.length(self.shapes), dtype=np.float64)

    @property
    def digests(self) -> Integers:
        """int64 (n,). Equal where all properties are equal."""
        return self.sheet.digests[self.owner]

    def line_of_end(self, end: Any) -> Any:
        """Which line an end, or each of many, belongs to."""
        return end // 2

    def ids_of_lines(self, lines: Integers) -> list[str]:
        """Ids of the features that lines belong to."""
        return self.sheet.named(self.owner[lines])

    def ids_of_ends(self, ends: Integers) -> list[str]:
        """Ids of the features that ends belong to."""
        return self.ids_of_lines(ends // 2)


def lines_of(sheet: Sheet, node_m: float) -> tuple[Lines, Lines]:
    """The single lines of a layer, and apart from them those not longer than `node_m`, which have no two ends."""
    shapes = np.where(shapely.is_missing(sheet.geometries), shapely.GeometryCollection(), sheet.geometries)
    parts, owner = shapely.get_parts(shapes, return_index=True)
    linear = shapely.get_type_id(parts) == 1
    parts, owner = parts[linear], owner[linear]
    short = shapely.length(parts) <= node_m
    return Lines(sheet, parts[~short], owner[~short], node_m), Lines(sheet, parts[short], owner[short], node_m)
