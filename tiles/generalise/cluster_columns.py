"""Clusters of a tile out of a snapshot, counted anew for every tile: as fresh as the state they are counted from."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import ref

import numpy as np

from tiles.generalise.clusters import Clustered, Ints, cluster_points
from tiles.generalise.wishes import Clusters, cluster_values
from tiles.kernel.layer import EncodedPart, Part, encode_columns, met_by
from tiles.kernel.window import TileWindow
from tiles.snapshot.index import pack_tree
from tiles.snapshot.layout import POINTS, SHELL, UNKNOWN, Columns
from tiles.snapshot.values import ValueTable, value_field

_STATUSES_KEPT = 16
_local = threading.local()


@dataclass(frozen=True, slots=True)
class _Found:
    """Points of one part that lie in the tile.

    Attributes:
        numbers: int64 (n,) their numbers.
        x, y, row: int64 (n,) the place of the first point of each, in world units.
        status: int64 (n,) number of the status of each.
    """

    numbers: Ints
    x: Ints
    y: Ints
    row: Ints
    status: Ints


def encode_clusters(name: str, parts: Sequence[Part], wish: Clusters, window: TileWindow) -> EncodedPart:
    """A layer of a vector tile with a cluster for every cell of several points, and the points that are drawn as themselves.

    Clusters have `_count`, and where the layer names a status `_alarms` and how many points have each status that occurs
    among them; no `id`. A feature of several points lies where its first one does.

    Args:
        name: Name of the layer in the tile.
        parts: At least one, with the same keys.
        wish: What is counted.
        window: The tile.
    """
    found = [_points_in(part, wish, window) for part in parts]
    x, y, row, status = (
        np.concatenate([getattr(part, field) for part in found]) for field in ("x", "y", "row", "status")
    )
    ordinates = y if window.is_mercator else row
    clustered = cluster_points(x, ordinates, status, wish.alarm_mask(), window.bits)
    drawn = [Part(_cluster_columns(parts[0].columns.keys, clustered, wish, _middle(window)))]
    first = 0
    for part, points in zip(parts, found, strict=True):
        end = first + len(points.numbers)
        alone = clustered.alone[(clustered.alone >= first) & (clustered.alone < end)] - first
        hidden = np.ones(len(part.columns), dtype=np.uint8)
        hidden[points.numbers[alone]] = 0
        drawn.append(Part(part.columns, hidden))
        first = end
    return encode_columns(name, drawn, window)


def _points_in(part: Part, wish: Clusters, window: TileWindow) -> _Found:
    columns = part.columns
    numbers = met_by(columns, window)
    if part.hidden is not None:
        numbers = numbers[part.hidden[numbers] == 0]
    vertices = columns.path_vertices[columns.feature_paths[numbers]]
    x, y, row = (axis[vertices].astype(np.int64) for axis in (columns.x, columns.y, columns.row))
    ordinates = y if window.is_mercator else row
    inside = (x >> window.bits == window.tile.x) & (ordinates >> window.bits == window.tile.y)
    numbers = numbers[inside]
    return _Found(numbers, x[inside], y[inside], row[inside], status_numbers(columns, numbers, wish))


def status_numbers(columns: Columns, numbers: Ints, wish: Clusters) -> Ints:
    """The number of each point's status: its place among the known values, then one for others, one for unknown."""
    known = len(wish.statuses)
    if wish.status is None:
        return np.full(len(numbers), known + 1, dtype=np.int64)
    codes = columns.codes[numbers, columns.keys.index(wish.status)].astype(np.int64)
    table = np.array((*_codes_of(columns, wish.statuses), UNKNOWN), dtype=np.int64)
    order = np.argsort(table, kind="stable")
    nearest = order[np.minimum(np.searchsorted(table[order], codes), known)]
    places = np.where(table[nearest] == codes, nearest, known)
    return np.where(codes == UNKNOWN, known + 1, places)


def _codes_of(columns: Columns, values: tuple[str | int, ...]) -> tuple[int, ...]:
    """Numbers of some values in the table of values, `UNKNOWN` for those that it lacks; remembered with the table."""
    kept: dict[tuple[int, tuple[str | int, ...]], tuple[object, tuple[int, ...]]]
    kept = _local.__dict__.setdefault("codes", {})
    key = (id(columns.value_starts), values)
    found = kept.get(key)
    if found is not None and isinstance(found[0], ref) and found[0]() is columns.value_starts:
        return found[1]
    while len(kept) >= _STATUSES_KEPT:
        kept.pop(next(iter(kept)))
    codes = tuple(_code_of(columns, value_field(value) or b"") for value in values)
    kept[key] = (ref(columns.value_starts), codes)
    return codes


def _code_of(columns: Columns, encoded: bytes) -> int:
    starts = columns.value_starts
    for code in np.flatnonzero(np.diff(starts) == len(encoded)).tolist():
        if columns.value_bytes[starts[code] : starts[code + 1]].tobytes() == encoded:
            return int(code)
    return UNKNOWN


def _middle(window: TileWindow) -> tuple[int, int]:
    """A place inside the tile, in `x` and `y`, whatever the grid."""
    west, north, east, south = window.mercator_box()
    return (west + east) // 2, (north + south) // 2


def _cluster_columns(keys: tuple[str, ...], clustered: Clustered, wish: Clusters, middle: tuple[int, int]) -> Columns:
    """The clusters as columns. Their keys follow those of the layer, so that every other part may stand behind this one.

    Their ordinates are those of the tile's grid; their boxes say no more than that they lie in it.
    """
    values = cluster_values(clustered, wish)
    table = ValueTable(len(values))
    count = len(clustered.counts)
    codes = np.full((count, len(keys) + len(values)), UNKNOWN, dtype=np.int32)
    for column, name in enumerate(values):
        codes[:, len(keys) + column] = table.numbers(column, values[name])
    x, y = clustered.x.astype(np.uint32), clustered.y.astype(np.uint32)
    boxes = np.tile(np.array([*middle, *middle], dtype=np.uint32), (count, 1))
    tree_boxes, tree_levels = pack_tree(boxes)
    value_starts, value_bytes = table.packed_along(codes)
    each = np.arange(count + 1, dtype=np.int64)
    return Columns(
        keys=(*keys, *values),
        fids=np.full(count, -1, dtype=np.int64),
        kinds=np.full(count, POINTS, dtype=np.uint8),
        first_zoom=np.zeros(count, dtype=np.uint8),
        boxes=boxes,
        centres=boxes[:, :2],
        feature_paths=each,
        path_vertices=each,
        path_roles=np.full(count, SHELL, dtype=np.uint8),
        x=x,
        y=y,
        row=y,
        vertex_zoom=np.zeros(count, dtype=np.uint8),
        codes=codes,
        value_starts=value_starts,
        value_bytes=value_bytes,
        tree_boxes=tree_boxes,
        tree_levels=tree_levels,
    )
