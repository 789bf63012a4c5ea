"""The picture of a leaf: the parts of the source's pictures that its triangles use, copied pixel by pixel beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from scenes3d.meshes.packing import Packed, pack
from scenes3d.meshes.records import Records, join
from scenes3d.meshes.tile_mesh import Pixels

MOST_SIDE = 4096
_AIR = 2  # pixels around each part, so that neither filtering nor JPEG mixes neighbours
_PATCH = 8  # side of a patch of one colour
# So many pixels of a repeating picture are cut out at once; what repeats more often is thinned.
_MOST_CUT = 1 << 25


@dataclass(frozen=True)
class Painted:
    """A picture and where triangles lie in it: uv float32 (t, 3, 2)."""

    pixels: Pixels
    uv: npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Islands:
    """Connected parts of the source's pictures.

    Attributes:
        of: int64 (t,), the island of each triangle.
        material: int64 (i,).
        low, high: int64 (i, 2), pixels of its material's picture, air included; beyond the picture where it repeats.
    """

    of: npt.NDArray[np.int64]
    material: npt.NDArray[np.int64]
    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]


def paint_leaf(records: Records, sizes: npt.NDArray[np.int64], images: Mapping[int, Pixels]) -> Painted:
    """The picture of these triangles, at most 4096 x 4096; parts keep their pixels where all of them fit.

    Args:
        sizes: int64 (m, 2), width and height of each material's picture.
        images: The pictures by material, (height, width, 3).
    """
    pictured = np.isfinite(records["uv"]).all(axis=(1, 2))
    uv = np.zeros((len(records), 3, 2))
    islands = _islands(records[pictured], sizes)
    colours, patch = join(records["colour"][~pictured, 0, :3])
    share, packed = _fitted(islands, len(colours))
    pixels = np.zeros((packed.height, packed.width, 3), dtype=np.uint8)
    for number in range(len(islands.material)):
        material = int(islands.material[number])
        part = _part(images[material], islands.low[number], islands.high[number], share)
        column, row = packed.places[number]
        pixels[row : row + part.shape[0], column : column + part.shape[1]] = part
    for number, colour in enumerate(colours):
        column, row = packed.places[len(islands.material) + number]
        pixels[row : row + _PATCH, column : column + _PATCH] = colour
    if len(islands.material):
        held = records[pictured]
        own = held["uv"] * sizes[held["material"]][:, None]
        taken = _taken(islands, share)
        stretch = taken / (islands.high - islands.low)
        uv[pictured] = (own - islands.low[islands.of][:, None]) * stretch[islands.of][:, None]
        uv[pictured] += packed.places[islands.of][:, None]
    if len(colours):
        uv[~pictured] = packed.places[len(islands.material) + patch][:, None] + _PATCH / 2
    return Painted(pixels, (uv / [packed.width, packed.height]).astype(np.float32))


def _islands(records: Records, sizes: npt.NDArray[np.int64]) -> _Islands:
    if not len(records):
        none = np.zeros(0, dtype=np.int64)
        return _Islands(none, none, none.reshape(0, 2), none.reshape(0, 2))
    material = np.repeat(records["material"], 3)
    bits = np.ascontiguousarray(records["uv"].reshape(-1, 2)).view(np.int32)
    _, corner = join(np.column_stack([material, bits]))
    corners = corner.reshape(-1, 3)
    ends = corners[:, [0, 1, 1, 2]].reshape(-1, 2)
    count = int(corners.max()) + 1
    graph = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
    _, label = connected_components(graph, directed=False)
    _, of = np.unique(label[corners[:, 0]], return_inverse=True)
    places = records["uv"].astype(np.float64) * sizes[records["material"]][:, None]
    number = int(of.max()) + 1
    low, high = np.full((number, 2), np.inf), np.full((number, 2), -np.inf)
    np.minimum.at(low, of, places.min(axis=1))
    np.maximum.at(high, of, places.max(axis=1))
    of_island = np.zeros(number, dtype=np.int64)
    of_island[of] = records["material"]
    return _Islands(of, of_island, np.floor(low).astype(np.int64) - _AIR, np.ceil(high).astype(np.int64) + _AIR)


def _taken(islands: _Islands, share: float) -> npt.NDArray[np.int64]:
    """Width and height of each island in the leaf's picture."""
    return np.asarray(np.maximum(np.rint((islands.high - islands.low) * share), 1).astype(np.int64))


def _fitted(islands: _Islands, patches: int) -> tuple[float, Packed]:
    """By how much the islands must shrink, and where they lie then."""
    share = 1.0
    while True:
        sizes = np.concatenate([_taken(islands, share), np.full((patches, 2), _PATCH)])
        packed = pack(sizes)
        largest = max(packed.width, packed.height)
        if largest <= MOST_SIDE:
            return share, packed
        share *= min(0.95, MOST_SIDE / largest)


def _part(image: Pixels, low: npt.NDArray[np.int64], high: npt.NDArray[np.int64], share: float) -> Pixels:
    """An island's pixels; beyond the edges the edge goes on, or the picture begins again where it is meant to repeat."""
    height, width = image.shape[:2]
    across, down = (high - low).tolist()
    step = max(1, int(np.sqrt(across * down / _MOST_CUT)))
    columns, rows = np.arange(low[0], high[0], step), np.arange(low[1], high[1], step)
    repeats = low[0] < -_AIR or low[1] < -_AIR or high[0] > width + _AIR or high[1] > height + _AIR
    columns, rows = (
        (columns % width, rows % height) if repeats else (columns.clip(0, width - 1), rows.clip(0, height - 1))
    )
    part = np.asarray(image[rows[0] : rows[-1] + 1] if (np.diff(rows) == 1).all() else image[rows])[:, columns]
    if share == 1.0 and step == 1:
        return part
    size = max(1, round(across * share)), max(1, round(down * share))
    return np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BOX))
