"""Footprints of many buildings as flat arrays: what is left of them when shapes and rows are gone, some 100 bytes each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scenes3d.glb.property_table import Column
from twin.ellipsoid import Floats, metres_per_degree

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Roofs:
    """Roofs of n buildings.

    Attributes:
        shapes: `RoofShape` of each, int8 (n,); 0 for a flat one.
        eaves_m: float64 (n,), above the foot; that of a flat roof is the building's height.
        facing: float64 (n,), radians counter-clockwise from east: where a skillion falls to, across the ridge of a gabled roof.
    """

    shapes: npt.NDArray[np.int8]
    eaves_m: Floats
    facing: Floats

    @property
    def is_pitched(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.shapes != 0)

    def take(self, rows: Ints) -> Roofs:
        """The roofs of these buildings in this order."""
        return Roofs(self.shapes[rows], self.eaves_m[rows], self.facing[rows])

    @classmethod
    def flat(cls, eaves_m: Floats) -> Roofs:
        """Flat roofs at these heights."""
        return cls(np.zeros(len(eaves_m), dtype=np.int8), eaves_m, np.zeros(len(eaves_m)))

    @classmethod
    def joined(cls, parts: Sequence[Roofs]) -> Roofs:
        """All roofs, one after another."""
        return cls(
            np.concatenate([part.shapes for part in parts]),
            np.concatenate([part.eaves_m for part in parts]),
            np.concatenate([part.facing for part in parts]),
        )


@dataclass(frozen=True)
class Footprints:
    """n features of polygons of rings of points, each level an array of offsets into the next.

    Attributes:
        xy: float64 (m, 2), degrees; rings are not closed, outer rings run counter-clockwise, holes clockwise.
        rings: int64 (r + 1,), offsets into `xy`.
        polygons: int64 (p + 1,), offsets into `rings`; the first ring of each is its outer one.
        features: int64 (n + 1,), offsets into `polygons`.
        base_m, height_m: float64 (n,), the foot in the scene's datum and the height above it.
        columns: Attributes, the feature's id first, n values each.
        roofs: What stands on the eaves; None where all roofs are flat.
    """

    xy: Floats
    rings: Ints
    polygons: Ints
    features: Ints
    base_m: Floats
    height_m: Floats
    columns: tuple[Column, ...]
    roofs: Roofs | None = None

    def __len__(self) -> int:
        return len(self.height_m)

    @cached_property
    def feature_rings(self) -> Ints:
        """int64 (n + 1,), offsets of features into rings."""
        return self.polygons[self.features]

    @cached_property
    def feature_points(self) -> Ints:
        """int64 (n + 1,), offsets of features into `xy`."""
        return self.rings[self.feature_rings]

    @cached_property
    def boxes(self) -> Floats:
        """float64 (n, 4), degrees: west, south, east, north of each feature."""
        if not len(self):
            return np.empty((0, 4))
        starts = self.feature_points[:-1]
        return np.column_stack([np.minimum.reduceat(self.xy, starts), np.maximum.reduceat(self.xy, starts)])

    @cached_property
    def sizes_m(self) -> Floats:
        """float64 (n,): the longer of height and diagonal of the ground plan, what is missed of a building not drawn."""
        east, north = metres_per_degree(self.boxes[:, [1, 3]].mean(axis=1))
        across, along = (self.boxes[:, 2] - self.boxes[:, 0]) * east, (self.boxes[:, 3] - self.boxes[:, 1]) * north
        return np.maximum(np.hypot(across, along), self.height_m)

    def take(self, rows: Ints) -> Footprints:
        """These features in this order."""
        polygon_rows, features = _gather(self.features, rows)
        ring_rows, polygons = _gather(self.polygons, polygon_rows)
        point_rows, rings = _gather(self.rings, ring_rows)
        chosen = pa.array(rows)
        return Footprints(
            xy=self.xy[point_rows],
            rings=rings,
            polygons=polygons,
            features=features,
            base_m=self.base_m[rows],
            height_m=self.height_m[rows],
            columns=tuple(Column(c.name, c.kind, c.values.take(chosen), c.title, c.semantic) for c in self.columns),
            roofs=None if self.roofs is None else self.roofs.take(rows),
        )

    def slice(self, start: int, stop: int) -> Footprints:
        """Features `start` up to `stop`; nothing is copied but offsets."""
        polygon = self.features[start : stop + 1]
        ring = self.polygons[polygon[0] : polygon[-1] + 1]
        point = self.rings[ring[0] : ring[-1] + 1]
        return Footprints(
            xy=self.xy[point[0] : point[-1]],
            rings=point - point[0],
            polygons=ring - ring[0],
            features=polygon - polygon[0],
            base_m=self.base_m[start:stop],
            height_m=self.height_m[start:stop],
            columns=tuple(
                Column(c.name, c.kind, c.values.slice(start, stop - start), c.title, c.semantic) for c in self.columns
            ),
            roofs=None if self.roofs is None else self.roofs.take(np.arange(start, stop)),
        )

    @classmethod
    def concatenated(cls, parts: Sequence[Footprints]) -> Footprints:
        """All features of the parts, one after another; there must be one part at least, and all have the same columns."""
        first = parts[0]
        return cls(
            xy=np.concatenate([part.xy for part in parts]),
            rings=_joined([part.rings for part in parts]),
            polygons=_joined([part.polygons for part in parts]),
            features=_joined([part.features for part in parts]),
            base_m=np.concatenate([part.base_m for part in parts]),
            height_m=np.concatenate([part.height_m for part in parts]),
            columns=tuple(
                Column(
                    c.name, c.kind, pa.concat_arrays([part.columns[at].values for part in parts]), c.title, c.semantic
                )
                for at, c in enumerate(first.columns)
            ),
            roofs=None if first.roofs is None else Roofs.joined([part.roofs for part in parts if part.roofs]),
        )


def runs(starts: Ints, lengths: Ints) -> Ints:
    """Numbers start, start + 1, … of each run, one run after another.

    >>> runs(np.array([7, 0]), np.array([2, 3])).tolist()
    [7, 8, 0, 1, 2]
    """
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - ends + lengths, lengths)


def offsets_of(lengths: Ints) -> Ints:
    """Where runs of these lengths begin, and where the last one ends: int64 (n + 1,)."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])


def _gather(offsets: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Members of these rows, and the offsets of the rows in their new order."""
    lengths = offsets[rows + 1] - offsets[rows]
    return runs(offsets[rows], lengths), offsets_of(lengths)


def _joined(offsets: Sequence[Ints]) -> Ints:
    return offsets_of(np.concatenate([np.diff(each) for each in offsets]))
