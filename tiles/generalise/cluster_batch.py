"""Clusters of a tile out of the store: two readings, places and statuses of all points first, then the few that are drawn."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import shapely

from tiles.address import Tile
from tiles.generalise.clusters import Clustered, Ints, cluster_points
from tiles.generalise.wishes import Clusters, cluster_properties, cluster_values
from tiles.grids import WEB_MERCATOR_QUAD, Grid
from tiles.snapshot.layout import WORLD_BITS
from tiles.snapshot.world import WORLD, world_units
from twin.feature import FeatureBatch
from twin.query import FeatureQuery
from twin.schema import Schema
from twin.store.port import Store

# Ids named in one reading.
_IDS_AT_ONCE = 500


def cluster_batch(
    store: Store, layer_id: str, query: FeatureQuery, schema: Schema, wish: Clusters, tile: Tile, grid: Grid
) -> FeatureBatch:
    """The clusters of a tile, then the points that are drawn as themselves, as one batch.

    A cluster has the row number -1. Memory grows with the points of the tile (some 100 bytes each), not with their properties.

    Args:
        query: What the tile shows: its window and its times.
        schema: The properties that travel.
        wish: What is counted.
    """
    ids, x, y, status = _places(store, layer_id, query, wish, tile, grid)
    clustered = cluster_points(x, y, status, wish.alarm_mask(), _bits(tile, grid))
    alone = _select(store, layer_id, query, [ids[i] for i in clustered.alone.tolist()])
    return _joined(schema, wish, clustered, alone, grid)


def _bits(tile: Tile, grid: Grid) -> int:
    return WORLD_BITS - tile.z - grid.zoom_offset


def _places(
    store: Store, layer_id: str, query: FeatureQuery, wish: Clusters, tile: Tile, grid: Grid
) -> tuple[list[str], Ints, Ints, Ints]:
    """Ids, places in world units and statuses of the points in the tile."""
    ids: list[str] = []
    found: list[npt.NDArray[np.int64]] = [np.empty((0, 3), dtype=np.int64)]
    wanted = replace(query, properties=() if wish.status is None else (wish.status,))
    numbers = {value: place for place, value in enumerate(wish.statuses)}
    with closing(store.iterate(layer_id, wanted)) as batches:
        for batch in batches:
            inside, x, y = _inside(batch, tile, grid)
            status = np.full(len(inside), len(numbers) + 1, dtype=np.int64)
            if wish.status is not None:
                values = batch.columns[wish.status]
                known = (values[i] for i in inside.tolist())
                status[:] = [len(numbers) + 1 if v is None else numbers.get(v, len(numbers)) for v in known]
            found.append(np.column_stack([x, y, status]))
            ids += [str(batch.ids[i]) for i in inside.tolist()]
    x, y, status = np.concatenate(found).T
    return ids, x, y, status


def _inside(batch: FeatureBatch, tile: Tile, grid: Grid) -> tuple[Ints, Ints, Ints]:
    """Rows whose first point lies in the tile, and where, in world units of the grid."""
    coordinates, rows = shapely.get_coordinates(batch.geometries, return_index=True)
    rows, first = np.unique(rows, return_index=True)
    coordinates = coordinates[first]
    finite = np.isfinite(coordinates).all(axis=1)
    rows, coordinates = rows[finite], coordinates[finite]
    columns, mercator, degrees = world_units(coordinates[:, 0], coordinates[:, 1])
    x = columns.astype(np.int64)
    y = (mercator if grid.id == WEB_MERCATOR_QUAD.id else degrees).astype(np.int64)
    bits = _bits(tile, grid)
    inside = (x >> bits == tile.x) & (y >> bits == tile.y)
    return rows[inside].astype(np.int64), x[inside], y[inside]


def _select(store: Store, layer_id: str, query: FeatureQuery, ids: list[str]) -> list[FeatureBatch]:
    return [
        store.select(layer_id, replace(query, bounds=None, boxes_only=False, ids=tuple(ids[i : i + _IDS_AT_ONCE])))
        for i in range(0, len(ids), _IDS_AT_ONCE)
    ]


def _joined(
    schema: Schema, wish: Clusters, clustered: Clustered, alone: list[FeatureBatch], grid: Grid
) -> FeatureBatch:
    values = cluster_values(clustered, wish)
    count = len(clustered.counts)
    singles = sum(len(batch) for batch in alone)
    columns: dict[str, list[object]] = {name: [None] * count for name in schema.names}
    for name in schema.names:
        for batch in alone:
            columns[name] += batch.columns[name]
    columns |= {name: [*counts, *([None] * singles)] for name, counts in values.items()}
    rows_of_world = WORLD if grid.columns == 1 else WORLD // 2
    points = [
        shapely.Point(360.0 * x / WORLD - 180.0, grid.latitude(y / rows_of_world)).wkb
        for x, y in zip(clustered.x.tolist(), clustered.y.tolist(), strict=True)
    ]
    return FeatureBatch(
        schema=Schema(schema.geometry_type, (*schema, *cluster_properties(schema, wish))),
        fids=np.concatenate([np.full(count, -1, dtype=np.int64), *(batch.fids for batch in alone)]),
        ids=["-1"] * count + [str(each) for batch in alone for each in batch.ids],
        wkb=[*points, *(wkb for batch in alone for wkb in batch.wkb)],
        columns=dict(columns),
    )
