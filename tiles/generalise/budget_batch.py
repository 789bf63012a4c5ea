"""A tile out of the store, within the budget."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import shapely

from tiles.generalise.budget import BUDGET, Budget, Mask, encode_within, importance
from tiles.generalise.wishes import Clusters
from tiles.mvt.encode import EncodedLayer, encode_layer
from tiles.mvt.window import Window
from tiles.snapshot.world import world_units
from twin.feature import FeatureBatch


def encode_batch(
    name: str, batch: FeatureBatch, window: Window, clusters: Clusters | None = None, budget: Budget = BUDGET
) -> tuple[EncodedLayer, int]:
    """A layer of a vector tile with the most important features of a batch, and how many the budget left out.

    What is important is said in `tiles.generalise.budget_columns`.
    """
    if len(batch) <= budget.features:
        made = encode_layer(name, batch, window)
        if len(made.data) <= budget.data_bytes:
            return made, 0

    def encode(stays: Mask) -> EncodedLayer:
        return encode_layer(name, only_rows(batch, np.flatnonzero(stays)), window)

    order = importance(_sizes(batch, clusters), batch.fids)
    return encode_within(order, encode, lambda made: len(made.data), budget)


def _sizes(batch: FeatureBatch, clusters: Clusters | None) -> npt.NDArray[np.float64]:
    west, south, east, north = np.nan_to_num(shapely.bounds(batch.geometries)).T
    (left, top, _), (right, bottom, _) = world_units(west, north), world_units(east, south)
    sizes = (right.astype(np.float64) - left) + (bottom.astype(np.float64) - top)
    if clusters is not None and clusters.status in batch.columns:
        alarms = frozenset(clusters.alarms)
        sizes[[value in alarms for value in batch.columns[clusters.status]]] = np.inf
    return sizes


def only_rows(batch: FeatureBatch, rows: npt.NDArray[np.int64]) -> FeatureBatch:
    """Some features of a batch, without their versions and times."""
    chosen = rows.tolist()
    return replace(
        batch,
        fids=batch.fids[rows],
        ids=[batch.ids[i] for i in chosen],
        wkb=[batch.wkb[i] for i in chosen],
        columns={name: [column[i] for i in chosen] for name, column in batch.columns.items()},
        versions=(),
        valid_from=(),
        valid_to=(),
    )
