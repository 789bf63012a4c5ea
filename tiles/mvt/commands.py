"""Integer shapes to the drawing commands of a vector tile: MoveTo, LineTo, ClosePath over zigzag deltas.

Source: Mapbox Vector Tile 2.1, 4.3 (geometry encoding; exterior rings have positive area by the surveyor's formula).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from tiles.mvt.protobuf import pack_varints
from tiles.mvt.window import Geometries

Ints = npt.NDArray[np.int64]

_POLYGON = 3
_MOVE_TO_ONE = 1 << 3 | 1
_CLOSE_PATH = 1 << 3 | 7


@dataclass(frozen=True)
class _Paths:
    """Vertices of many paths on end.

    Attributes:
        xy: int64 (v, 2) tile units.
        path: int64 (v,) which path each vertex belongs to, ascending from 0 without gaps.
        feature: int64 (p,) which feature each path belongs to, ascending.
    """

    xy: Ints
    path: Ints
    feature: Ints

    @property
    def sizes(self) -> Ints:
        return np.bincount(self.path, minlength=len(self.feature)).astype(np.int64)


def encode_points(geometries: Geometries) -> list[bytes]:
    """Commands of points and multipoints."""
    parts, feature = shapely.get_parts(geometries, return_index=True)
    xy = shapely.get_coordinates(parts).astype(np.int64)
    sizes = np.bincount(feature, minlength=len(geometries)).astype(np.int64)
    counts = 1 + 2 * sizes
    out = np.empty(int(counts.sum()), dtype=np.uint32)
    starts = np.cumsum(counts) - counts
    out[starts] = sizes << 3 | 1
    within = np.arange(len(xy)) - (np.cumsum(sizes) - sizes)[feature]
    at = starts[feature] + 1 + 2 * within
    deltas = _deltas(xy, feature)
    out[at], out[at + 1] = deltas[:, 0], deltas[:, 1]
    return pack_varints(out, counts)


def encode_lines(geometries: Geometries) -> list[bytes]:
    """Commands of lines and multilines. Each part has two or more different vertices."""
    parts, feature = shapely.get_parts(geometries, return_index=True)
    coordinates, path = shapely.get_coordinates(parts, return_index=True)
    paths = _without_repeats(coordinates, path, feature)
    return _encode(paths, len(geometries), closed=False)


def encode_polygons(geometries: Geometries) -> list[bytes]:
    """Commands of valid polygons and multipolygons; holes follow their shell."""
    parts, feature = _single_polygons(geometries)
    rings, part = shapely.get_rings(parts, return_index=True)
    coordinates, path = shapely.get_coordinates(rings, return_index=True)
    shell = np.append(True, part[1:] != part[:-1])
    paths = _without_repeats(_turned(coordinates, path, shell), path, feature[part])
    last = np.append(paths.path[1:] != paths.path[:-1], True)  # the closing vertex, which ClosePath stands for
    return _encode(_Paths(paths.xy[~last], paths.path[~last], paths.feature), len(geometries), closed=True)


def _single_polygons(geometries: Geometries) -> tuple[Geometries, Ints]:
    """Parts and the geometry each belongs to; without a copy where none has several parts."""
    if (shapely.get_type_id(geometries) == _POLYGON).all():
        return geometries, np.arange(len(geometries))
    parts, feature = shapely.get_parts(geometries, return_index=True)
    return parts, np.asarray(feature, dtype=np.int64)


def _turned(coordinates: npt.NDArray[np.float64], ring: Ints, shell: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Vertices of closed rings in the order the standard asks for: shells of positive area, holes of negative."""
    x, y = coordinates[:, 0], coordinates[:, 1]
    sizes = np.bincount(ring)
    starts = np.cumsum(sizes) - sizes
    cross = np.append(x[:-1] * y[1:] - x[1:] * y[:-1], 0.0)
    cross[starts + sizes - 1] = 0.0  # from one ring to the next there is no edge
    wrong = (np.add.reduceat(cross, starts) > 0) != shell
    place = np.arange(len(ring))
    backwards = (2 * starts + sizes - 1)[ring] - place
    turned: npt.NDArray[np.float64] = coordinates[np.where(wrong[ring], backwards, place)]
    return turned


def _without_repeats(coordinates: npt.NDArray[np.float64], path: Ints, feature: Ints) -> _Paths:
    """Vertices that differ from the one before them on their path; paths left with a single vertex are dropped."""
    xy = coordinates.astype(np.int64)
    new = np.ones(len(xy), dtype=bool)
    new[1:] = (xy[1:] != xy[:-1]).any(axis=1) | (path[1:] != path[:-1])
    xy, path = xy[new], path[new].astype(np.int64)
    drawn = np.bincount(path, minlength=len(feature)) > 1
    renumbered = np.cumsum(drawn) - 1
    keep = drawn[path]
    return _Paths(xy[keep], renumbered[path[keep]], np.asarray(feature, dtype=np.int64)[drawn])


def _encode(paths: _Paths, features: int, *, closed: bool) -> list[bytes]:
    sizes = paths.sizes
    lengths = 4 + 2 * (sizes - 1) + int(closed)
    starts = np.cumsum(lengths) - lengths
    out = np.empty(int(lengths.sum()), dtype=np.uint32)
    out[starts] = _MOVE_TO_ONE
    out[starts + 3] = (sizes - 1) << 3 | 2
    if closed:
        out[starts + lengths - 1] = _CLOSE_PATH
    within = np.arange(len(paths.xy)) - (np.cumsum(sizes) - sizes)[paths.path]
    at = starts[paths.path] + 1 + 2 * within + (within > 0)
    deltas = _deltas(paths.xy, paths.feature[paths.path])
    out[at], out[at + 1] = deltas[:, 0], deltas[:, 1]
    counts = np.bincount(paths.feature, weights=lengths, minlength=features).astype(np.int64)
    return pack_varints(out, counts)


def _deltas(xy: Ints, feature: Ints) -> Ints:
    """Zigzag steps from vertex to vertex; the pen starts each feature at the tile's corner."""
    steps = np.diff(xy, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    first = np.ones(len(xy), dtype=bool)
    first[1:] = feature[1:] != feature[:-1]
    steps[first] = xy[first]
    return (steps << 1) ^ (steps >> 63)
