"""One layer of a tile out of one or several sets of columns."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tiles.kernel.aside import Pile
from tiles.kernel.encoding import DRAWN, NOT_YET, TOO_SMALL, encode_features
from tiles.kernel.mending import MENDED_ORIGIN, mended_columns
from tiles.kernel.search import search
from tiles.kernel.window import TileWindow
from tiles.kernel.writing import gather_values
from tiles.mvt.protobuf import field_bytes, field_varint, varint
from tiles.snapshot.layout import UNKNOWN, Columns
from tiles.snapshot.world import WORLD

Bytes = bytes | memoryview
# The field `layers` of a tile.
_LAYER = b"\x1a"
_NOTHING_HIDDEN = np.empty(0, dtype=np.uint8)
# Scratch for the numbers of values in a tile's table, one for each table that a thread works with.
_SCRATCHES = 8
_local = threading.local()


@dataclass(frozen=True, slots=True)
class Part:
    """Features that share a table of values.

    Attributes:
        columns: Where they are.
        hidden: uint8 (n,) 1 for features that are not drawn; None where all are.
        met: int64: numbers of those whose boxes meet the window, where somebody has looked for them; None where nobody has.
    """

    columns: Columns
    hidden: npt.NDArray[np.uint8] | None = None
    met: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class EncodedPart:
    """Bytes of a layer, and what became of the features that its window met.

    Attributes:
        data: The `layers` field; empty when no feature is drawn.
        features: Features drawn.
        too_small: Features that vanish when rounded to tile units.
        not_yet: Features that are drawn from a deeper level on.
    """

    data: bytes
    features: int
    too_small: int
    not_yet: int


def encode_columns(name: str, parts: Sequence[Part], window: TileWindow) -> EncodedPart:
    """A layer of a Mapbox Vector Tile 2.1 with the features of all parts that meet the window.

    Every feature has its row number as `id`. Polygons are valid after rounding. Parts have the same keys.

    Args:
        name: Name of the layer in the tile.
        parts: At least one; all of them with the keys of the first.
        window: The tile, its extent and buffer.
    """
    counters = np.zeros(3, dtype=np.int64)
    features: list[Bytes] = []
    values: list[Bytes] = []
    base = 0
    for part in parts:
        drawn = _encode_part(part, window, base, counters)
        base += drawn.values
        features += drawn.features
        values += drawn.table
    keys = parts[0].columns.keys
    if not counters[DRAWN]:
        return EncodedPart(b"", 0, int(counters[TOO_SMALL]), int(counters[NOT_YET]))
    head = field_bytes(1, name.encode())
    tail = [field_bytes(3, key.encode("utf-8", "replace")) for key in keys]
    fields: list[Bytes] = [head, *features, *tail, *values, field_varint(5, window.extent), field_varint(15, 2)]
    fields.insert(0, _LAYER + varint(sum(map(len, fields))))
    data = b"".join(fields)  # once: a tile may have megabytes
    return EncodedPart(data, int(counters[DRAWN]), int(counters[TOO_SMALL]), int(counters[NOT_YET]))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Bytes of a part's features and of its share of the table of values."""

    features: list[Bytes]
    table: list[Bytes]
    values: int


def met_by(columns: Columns, window: TileWindow) -> npt.NDArray[np.int64]:
    """Numbers of the features whose boxes meet the window, ascending: int64."""
    box = np.array(window.mercator_box(), dtype=np.int64)
    numbers: npt.NDArray[np.int64] = search(columns.tree_boxes, columns.tree_levels, columns.boxes, box)
    return numbers


def _encode_part(part: Part, window: TileWindow, base: int, counters: npt.NDArray[np.int64]) -> _Drawn:
    columns = part.columns
    chosen = met_by(columns, window) if part.met is None else part.met
    if len(chosen) == 0:
        return _Drawn([], [], 0)
    remap = _scratch(columns)
    data, used, aside = _run(columns, chosen, part.hidden, window, base, remap, counters, checked=True)
    table: list[Bytes] = [gather_values(used, columns.value_starts, columns.value_bytes).data]
    features: list[Bytes] = [data.data]
    values = len(used)
    if aside.sizes[0]:
        mended, too_small = mended_columns(columns, aside, window)
        counters[TOO_SMALL] += too_small
        data, used, _ = _run(
            mended,
            np.arange(len(mended), dtype=np.int64),
            None,
            window,
            base + values,
            remap,
            counters,
            checked=False,
        )
        features.append(data.data)
        table.append(gather_values(used, columns.value_starts, columns.value_bytes).data)
        values += len(used)
    return _Drawn(features, table, values)


def _run(
    columns: Columns,
    chosen: npt.NDArray[np.int64],
    hidden: npt.NDArray[np.uint8] | None,
    window: TileWindow,
    base: int,
    remap: npt.NDArray[np.int32],
    counters: npt.NDArray[np.int64],
    *,
    checked: bool,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32], Pile]:
    """The kernel over chosen features; unchecked ones are in tile units already (`tiles.kernel.mending`)."""
    low, high = int(window.low), int(window.high)
    if checked:
        frame = [window.zoom, window.bits, window.extent, *window.origin, low, high, 1, window.is_mercator]
        inner = window.inner_box()
    else:
        frame = [window.zoom, 0, 1, MENDED_ORIGIN, MENDED_ORIGIN, low, high, 0, 0]
        inner = (0, 0, WORLD, WORLD)
    result: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32], Pile] = encode_features(
        chosen,
        columns.fids,
        columns.kinds,
        columns.first_zoom,
        columns.boxes,
        columns.feature_paths,
        columns.path_vertices,
        columns.path_roles,
        columns.x,
        columns.y if window.is_mercator else columns.row,
        columns.vertex_zoom,
        columns.codes,
        remap,
        base,
        _NOTHING_HIDDEN if hidden is None else hidden,
        np.array(inner, dtype=np.int64),
        np.array(frame, dtype=np.int64),
        counters,
    )
    return result


def _scratch(columns: Columns) -> npt.NDArray[np.int32]:
    """An array of `UNKNOWN`, as long as the table of values; the kernel leaves it as it found it."""
    kept: dict[int, tuple[object, npt.NDArray[np.int32]]] = _local.__dict__.setdefault("scratches", {})
    found = kept.get(id(columns.value_starts))
    if found is not None and found[0] is columns.value_starts:
        return found[1]
    while len(kept) >= _SCRATCHES:
        kept.pop(next(iter(kept)))
    scratch = np.full(len(columns.value_starts), UNKNOWN, dtype=np.int32)
    kept[id(columns.value_starts)] = (columns.value_starts, scratch)
    return scratch
