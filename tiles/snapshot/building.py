"""Features to columns: one pass over batches, then one sort along the curve."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import shapely

from tiles.generalise.blocks import Blocks
from tiles.generalise.classes import LineClasses
from tiles.kernel.cover import with_cover
from tiles.kernel.vertex_zoom import vertex_zooms
from tiles.mvt.encode import PUBLIC_ID, foreign_ids
from tiles.mvt.shapes import drawable_rows, in_one_dimension
from tiles.snapshot.index import pack_tree
from tiles.snapshot.layout import POLYGONS, Columns
from tiles.snapshot.paths import paths_of, ranges, starts_of
from tiles.snapshot.values import ValueTable
from tiles.snapshot.world import world_units
from twin.feature import FeatureBatch
from twin.hilbert import hilbert_keys
from twin.schema import Schema

Ints = npt.NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class _Piece:
    """Features of one batch and one dimension, in order of arrival; see `Columns` for the arrays.

    Attributes:
        rows: int64 (n,) their places in the batch.
    """

    rows: Ints
    kind: int
    sizes_of_features: Ints
    sizes_of_paths: Ints
    roles: npt.NDArray[np.uint8]
    x: npt.NDArray[np.uint32]
    y: npt.NDArray[np.uint32]
    row: npt.NDArray[np.uint32]


def build_columns(
    batches: Iterable[FeatureBatch],
    schema: Schema,
    progress: Callable[[int], None] = lambda _: None,
    classes: LineClasses | None = None,
    blocks: Blocks | None = None,
) -> Columns:
    """The columns of all features that have something to draw.

    Nulls, empty geometries and such with a coordinate that is not finite are left out; a geometry collection is drawn by its
    parts of the highest dimension.

    Args:
        batches: Features in CGCS2000 lon/lat, each with the properties of `schema`.
        schema: Properties that travel in tiles; one called `_id` gives way to the public id.
        progress: Told the number of features read so far.
        classes: From which level lines are drawn; None for always.
        blocks: Below which level polygons are merged; None for never.
    """
    keys = tuple(name for name in schema.names if name != PUBLIC_ID)
    table = ValueTable(len(keys) + 1)
    pieces: list[_Piece] = []
    fids: list[Ints] = []
    codes: list[npt.NDArray[np.int32]] = []
    zooms: list[npt.NDArray[np.uint8]] = []
    read = 0
    for batch in batches:
        numbers = np.empty((len(batch), len(keys) + 1), dtype=np.int32)
        for column, key in enumerate(keys):
            numbers[:, column] = table.numbers(column, batch.columns[key])
        numbers[:, -1] = table.numbers(len(keys), foreign_ids(batch))
        first = (
            np.zeros(len(batch), np.uint8) if classes is None else classes.first_zooms(batch.columns[classes.property])
        )
        for piece in _pieces(batch):
            pieces.append(piece)
            zooms.append(first[piece.rows])
            fids.append(batch.fids[piece.rows])
            codes.append(numbers[piece.rows])
        read += len(batch)
        progress(read)
    columns = _in_order(pieces, fids, codes, zooms, (*keys, PUBLIC_ID), table)
    return columns if blocks is None else with_cover(columns, blocks.below)


def _pieces(batch: FeatureBatch) -> list[_Piece]:
    geometries = batch.geometries
    present, _ = drawable_rows(geometries)
    dimensions = shapely.get_dimensions(geometries[present])
    single = in_one_dimension(geometries[present], dimensions)
    found = []
    for dimension in range(3):
        chosen = np.flatnonzero(dimensions == dimension)
        if len(chosen):
            found.append(_without_repeats(present[chosen], single[chosen], dimension + 1))
    return found


def _without_repeats(rows: Ints, geometries: npt.NDArray[np.object_], kind: int) -> _Piece:
    """One piece in world units; a vertex where the one before it on its path already was is dropped, of lines and rings."""
    paths = paths_of(geometries)
    x, y, row = world_units(paths.coordinates[:, 0], paths.coordinates[:, 1])
    sizes = np.diff(paths.path_vertices)
    if kind > 1 and len(x):
        path = np.repeat(np.arange(len(sizes)), sizes)
        new = np.ones(len(x), dtype=bool)
        new[1:] = (x[1:] != x[:-1]) | (y[1:] != y[:-1]) | (row[1:] != row[:-1]) | (path[1:] != path[:-1])
        sizes = np.bincount(path[new], minlength=len(sizes))
        x, y, row = x[new], y[new], row[new]
    return _Piece(rows, kind, np.diff(paths.feature_paths), sizes.astype(np.int64), paths.roles, x, y, row)


def _in_order(
    pieces: list[_Piece],
    fids: list[Ints],
    codes: list[npt.NDArray[np.int32]],
    zooms: list[npt.NDArray[np.uint8]],
    keys: tuple[str, ...],
    table: ValueTable,
) -> Columns:
    """Everything on end, then along the curve."""
    kinds = _joined([np.full(len(p.rows), p.kind, dtype=np.uint8) for p in pieces], np.uint8)
    feature_paths = starts_of(_joined([p.sizes_of_features for p in pieces], np.int64))
    path_vertices = starts_of(_joined([p.sizes_of_paths for p in pieces], np.int64))
    roles = _joined([p.roles for p in pieces], np.uint8)
    x, y, row = (_joined([getattr(p, axis) for p in pieces], np.uint32) for axis in ("x", "y", "row"))
    boxes = _boxes(x, y, path_vertices[feature_paths])
    centres = _centres(boxes)
    order = np.argsort(hilbert_keys(boxes.astype(np.float64)), kind="stable")
    paths, sizes_of_features = ranges(feature_paths, order)
    vertices, sizes_of_paths = ranges(path_vertices, paths)
    boxes = boxes[order]
    tree_boxes, tree_levels = pack_tree(boxes)
    starts, ends = starts_of(sizes_of_paths), starts_of(sizes_of_features)
    x, y = x[vertices], y[vertices]
    closed = (np.repeat(kinds[order], sizes_of_features) == POLYGONS).astype(np.uint8)
    all_codes = (np.concatenate(codes) if codes else np.empty((0, len(keys)), dtype=np.int32))[order]
    value_starts, value_bytes = table.packed_along(all_codes)
    return Columns(
        keys=keys,
        fids=_joined(fids, np.int64)[order],
        kinds=kinds[order],
        first_zoom=_joined(zooms, np.uint8)[order],
        boxes=boxes,
        centres=centres[order],
        feature_paths=ends,
        path_vertices=starts,
        path_roles=roles[paths],
        x=x,
        y=y,
        row=row[vertices],
        vertex_zoom=vertex_zooms(x, y, starts, closed),
        codes=all_codes,
        value_starts=value_starts,
        value_bytes=value_bytes,
        tree_boxes=tree_boxes,
        tree_levels=tree_levels,
    )


def _boxes(x: npt.NDArray[np.uint32], y: npt.NDArray[np.uint32], starts: Ints) -> npt.NDArray[np.uint32]:
    """Boxes of runs of vertices, none of them empty."""
    if len(starts) < 2:
        return np.empty((0, 4), dtype=np.uint32)
    first = starts[:-1]
    low, high = np.minimum.reduceat, np.maximum.reduceat
    return np.column_stack([low(x, first), low(y, first), high(x, first), high(y, first)])


def _centres(boxes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    wide = boxes.astype(np.uint64)
    return ((wide[:, :2] + wide[:, 2:]) // 2).astype(np.uint32)


def _joined(parts: list[npt.NDArray[Number]], dtype: type[Number]) -> npt.NDArray[Number]:
    """Arrays on end; an empty one where there is none."""
    return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)
