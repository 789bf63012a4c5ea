"""Roofs and ground of footprints out of a classified point cloud, with memory bounded for any number of points.

A roof is a percentile of the heights of building points in the footprint, its ground one of ground points around it, as 3dfier does:
H. Ledoux et al., "3dfier: automatic reconstruction of 3D city models", Journal of Open Source Software 6(57), 2021. A percentile here
is a height that was measured: the one at place n × share of n in order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.buildings.cloud_kernels import GROUND, ROOF, count_cells, fill_cells, match
from scenes3d.buildings.footprints import Footprints, Ints, offsets_of
from scenes3d.points.records import Chunk
from twin.ellipsoid import Floats, metres_per_degree
from twin.errors import BadCall

BIN_BYTES = 256 << 20
_LEAST_SIDE_M, _MOST_CELLS = 10.0, 4_000_000
_OUT_WORDS = 2_000_000
_MM = 1000.0
_MOST_REACH_M = 50.0
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class CloudRule:
    """How heights are taken.

    Attributes:
        roof_percentile, ground_percentile: 0 to 100.
        roof_classes, ground_classes: Codes of points that count (ASPRS: 2 ground, 6 building); none for all.
        roof_reach_m, ground_reach_m: So far outside of a footprint points still count. Ground lies around a building, not in it.
        least_points: Fewer tell nothing.
    """

    roof_percentile: float = 90.0
    ground_percentile: float = 10.0
    roof_classes: tuple[int, ...] = (6,)
    ground_classes: tuple[int, ...] = (2,)
    roof_reach_m: float = 0.0
    ground_reach_m: float = 2.0
    least_points: int = 3

    def __post_init__(self) -> None:
        shares = (self.roof_percentile, self.ground_percentile)
        reaches = (self.roof_reach_m, self.ground_reach_m)
        codes = (*self.roof_classes, *self.ground_classes)
        if (
            not all(0 <= share <= 100 for share in shares)
            or not all(0 <= reach <= _MOST_REACH_M for reach in reaches)
            or not all(0 <= code <= 255 for code in codes)
            or self.least_points < 1
        ):
            raise BadCall(
                "这些取高参数无效。Heights cannot be taken so.",
                value=str(self.to_dict()),
                limit=f"percentiles 0 to 100, reaches 0 to {_MOST_REACH_M:.0f} m, classes 0 to 255, one point at least",
                remedy="Leave the options away: 90, 10, classes 6 and 2.",
            )

    def to_dict(self) -> dict[str, Any]:
        return {
            "roof_percentile": self.roof_percentile,
            "ground_percentile": self.ground_percentile,
            "roof_classes": list(self.roof_classes),
            "ground_classes": list(self.ground_classes),
            "roof_reach_m": self.roof_reach_m,
            "ground_reach_m": self.ground_reach_m,
            "least_points": self.least_points,
        }


@dataclass(frozen=True, slots=True)
class CloudHeights:
    """What a cloud says of n footprints.

    Attributes:
        roof_m, ground_m: float64 (n,), in the cloud's datum; NaN where too few points tell.
        roof_points, ground_points: int64 (n,), how many there were.
    """

    roof_m: Floats
    ground_m: Floats
    roof_points: Ints
    ground_points: Ints

    @property
    def height_m(self) -> Floats:
        return self.roof_m - self.ground_m


def heights_from_cloud(
    outlines: Footprints,
    chunks: Iterable[Chunk],
    points: int,
    rule: CloudRule,
    advance: Callable[[int], None] = lambda count: None,
) -> CloudHeights:
    """Roof and ground of each outline.

    Distances are measured in a plane at the outlines' middle latitude: over 50 km a reach of 3 m is right to 2 cm.

    Args:
        outlines: Of which only the outlines count.
        chunks: The cloud; its coordinates are those of the outlines.
        points: How many there will be, for the size of work files.
        advance: Told the number of points after each chunk.
    """
    grid = _Grid.over(outlines, max(rule.roof_reach_m, rule.ground_reach_m))
    bins = max(1, -(-points * 16 // BIN_BYTES))
    share = max(1, -(-len(outlines) // bins))
    kinds = _kinds(rule)
    with tempfile.TemporaryDirectory(prefix="onemap-heights-") as folder:
        spool = _Spool(Path(folder), share)
        for chunk in chunks:
            for words in grid.words(chunk, kinds[chunk.classification], rule):
                spool.add(words)
            advance(len(chunk.lon))
        parts = [
            _heights_of(spool.read(start // share), start, min(start + share, len(outlines)), rule)
            for start in range(0, len(outlines), share)
        ]
    roof, ground, roofs, grounds = (np.concatenate(column) for column in zip(*parts, strict=True))
    return CloudHeights(roof, ground, roofs, grounds)


@dataclass(frozen=True)
class _Grid:
    """Outlines in metres from a corner, and which of them each cell of a grid may meet."""

    corner: Floats
    scale: Floats
    side: float
    shape: tuple[int, int]
    cells: Ints
    members: npt.NDArray[np.int32]
    boxes: Floats
    outlines: Footprints
    xy: Floats

    @classmethod
    def over(cls, outlines: Footprints, reach_m: float) -> _Grid:
        boxes = outlines.boxes
        middle = (boxes[:, 1].min() + boxes[:, 3].max()) / 2
        scale = np.array([float(length) for length in metres_per_degree(middle)])
        corner = boxes[:, :2].min(axis=0) - (reach_m + 1.0) / scale
        local = (boxes - np.tile(corner, 2)) * np.tile(scale, 2)
        span = local[:, 2:].max(axis=0) + reach_m + 1.0
        side = max(_LEAST_SIDE_M, float(np.sqrt(span[0] * span[1] / _MOST_CELLS)))
        columns, rows = (int(length // side) + 1 for length in span.tolist())
        spans = ((local + np.array([-reach_m, -reach_m, reach_m, reach_m])) // side).astype(np.int64)
        counts = np.zeros(columns * rows, dtype=np.int64)
        count_cells(columns, spans, counts)
        cells = offsets_of(counts)
        members = np.empty(int(cells[-1]), dtype=np.int32)
        fill_cells(columns, spans, cells[:-1].copy(), members)
        xy = (outlines.xy - corner) * scale
        return cls(corner, scale, side, (columns, rows), cells, members, local, outlines, xy)

    def words(self, chunk: Chunk, kinds: npt.NDArray[np.uint8], rule: CloudRule) -> Iterable[Words]:
        """The chunk's points that lie in or near outlines, some millions at a time."""
        x, y = (chunk.lon - self.corner[0]) * self.scale[0], (chunk.lat - self.corner[1]) * self.scale[1]
        known = np.isfinite(x) & np.isfinite(y) & (np.abs(chunk.height_m) < 2e6)
        kinds = np.where(known, kinds, np.uint8(0))
        heights = np.rint(np.where(known, chunk.height_m, 0.0) * _MM).astype(np.int64) + 2**31
        widest = int(np.diff(self.cells).max(initial=0))
        out = np.empty(max(_OUT_WORDS, 2 * widest), dtype=np.uint64)
        start = 0
        while start < len(x):
            count, start = match(
                start, x, y, heights.astype(np.uint32), kinds, self.side, *self.shape, self.cells, self.members,
                self.boxes, self.outlines.feature_rings, self.outlines.rings, self.xy[:, 0].copy(), self.xy[:, 1].copy(),
                rule.roof_reach_m**2, rule.ground_reach_m**2, out,
            )  # fmt: skip
            yield np.sort(out[:count])


@dataclass(frozen=True)
class _Spool:
    """Words on disk, a file for each run of `share` outlines."""

    folder: Path
    share: int

    def add(self, words: Words) -> None:
        """Append sorted words to their files."""
        if not len(words):
            return
        first, last = (int(words[at] >> np.uint64(33)) // self.share for at in (0, -1))
        edges = np.array([(number * self.share) << 33 for number in range(first, last + 2)], dtype=np.uint64)
        cuts = np.searchsorted(words, edges).tolist()
        for number, start, stop in zip(range(first, last + 1), cuts, cuts[1:], strict=False):
            if stop > start:
                with self._path(number).open("ab") as file:
                    words[start:stop].tofile(file)

    def read(self, number: int) -> Words:
        """All words of a file, in order."""
        path = self._path(number)
        words = np.fromfile(path, dtype=np.uint64) if path.is_file() else np.empty(0, dtype=np.uint64)
        words.sort()
        return words

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}.words"


def _heights_of(words: Words, start: int, stop: int, rule: CloudRule) -> tuple[Floats, Floats, Ints, Ints]:
    """Roofs, grounds and their numbers of points of the outlines `start` up to `stop`."""
    keys = words >> np.uint64(32)
    edges = np.searchsorted(keys, np.arange(2 * start, 2 * stop + 1, dtype=np.uint64))
    counts = np.diff(edges).reshape(-1, 2)
    heights = ((words & np.uint64(0xFFFFFFFF)).astype(np.int64) - 2**31) / _MM
    found = []
    for column, percentile in enumerate((rule.roof_percentile, rule.ground_percentile)):
        count = counts[:, column]
        place = edges[:-1].reshape(-1, 2)[:, column] + np.minimum(count * percentile // 100, count - 1).astype(np.int64)
        enough = count >= rule.least_points
        values = np.full(len(count), np.nan)
        values[enough] = heights[place[enough]]
        found.append(values)
    return found[0], found[1], counts[:, 0], counts[:, 1]


def _kinds(rule: CloudRule) -> npt.NDArray[np.uint8]:
    """What points of each class tell, uint8 (256,)."""
    kinds = np.zeros(256, dtype=np.uint8)
    for bit, classes in ((ROOF, rule.roof_classes), (GROUND, rule.ground_classes)):
        kinds[list(classes) or slice(None)] |= np.uint8(bit)
    return kinds
