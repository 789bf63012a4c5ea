"""Tiles made from the store at every request: simple, always fresh. The tile source until snapshots take over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

import numpy as np

from tiles.address import Tile
from tiles.cache import SingleFlightCache
from tiles.density import COMFORTABLE_FEATURES, cell_size_deg, density_batch, inner_bounds
from tiles.generalise.budget_batch import encode_batch, only_rows
from tiles.generalise.cluster_batch import cluster_batch
from tiles.grids import Grid
from tiles.mvt.window import Window
from tiles.plan import as_it_stood, holding_at, plan_layer
from tiles.source import NOW, TileBytes, TileLayer
from twin.bounds import Bounds
from twin.errors import StoreBusyError
from twin.moment import Moment, resolve_as_of
from twin.query import FeatureQuery
from twin.schema import GeometryType
from twin.standing import is_shown, require_shown
from twin.store.port import LayerRecord, Store

log = logging.getLogger(__name__)

# Counts of past versions, and boxes of other times, that are remembered: dates that people go to and fro between.
_COUNTS_KEPT = 4096
_BOXES_KEPT_BYTES = 1024 * 1024
# Readings of a whole layer for its box at the same time: callers can name as many times as there are microseconds.
_BOXES_AT_ONCE = 2
_BOX_WAIT_S = 5.0

_WITH_EXTENT = {
    GeometryType.LINESTRING,
    GeometryType.MULTILINESTRING,
    GeometryType.POLYGON,
    GeometryType.MULTIPOLYGON,
}


@dataclass(frozen=True, slots=True)
class _Known:
    """A layer as it was last read, until `forget` or its time is up."""

    read_at: float
    record: LayerRecord
    plan: TileLayer


@dataclass(frozen=True, slots=True)
class _Box:
    """A box as it is kept; None while there is nothing to hold."""

    bounds: Bounds | None
    size: int = 100


class StoreTileSource:
    """The tile source over a store.

    Args:
        store: Where the layers live.
        properties: Attributes that travel in tiles; None for all.
        remember_s: How long the description of a layer is believed while its version stands. Only a changed manifest
            (another process may have written it) is noticed this late; changed data is noticed at once.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        store: Store,
        *,
        properties: tuple[str, ...] | None = None,
        remember_s: float = 2.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._properties = properties
        self._remember_s = remember_s
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._counts: dict[tuple[str, datetime, int], int] = {}
        self._boxes: SingleFlightCache[_Box] = SingleFlightCache(_BOXES_KEPT_BYTES)
        self._box_slots = threading.BoundedSemaphore(_BOXES_AT_ONCE)

    def layer_ids(self) -> tuple[str, ...]:
        """The published layers."""
        return tuple(record.id for record in self._store.layers() if is_shown(record.document))

    def describe(self, layer_id: str, moment: Moment = NOW) -> TileLayer:
        """The layer as its tiles are made for a moment. Raises UnknownLayerError, BadMomentError."""
        known = self._read(layer_id)
        plan = known.plan
        if moment.as_of is not None:
            plan = self._plan_of_version(known.record, resolve_as_of(self._store, layer_id, moment.as_of))
        return plan if moment.interval is None else holding_at(plan, moment.interval)

    def bounds(self, layer: TileLayer) -> Bounds | None:
        """The box of what the layer's tiles show. For another time it is read from every box of the index, once.

        Raises:
            StoreBusyError: if others are reading such boxes and do not come to an end.
        """
        if layer.as_of is None and layer.interval is None:
            return layer.bounds
        return self._boxes.get_or_make((layer.id, layer.stamp), lambda: self._read_box(layer)).bounds

    def _plan_of_version(self, record: LayerRecord, version: int) -> TileLayer:
        """The plan of a version: texts, wishes and (for the density only) the box of now, the count of then."""
        count = self._count_at(record, version)
        box = record.bounds
        if box is None and count > COMFORTABLE_FEATURES:  # it holds nothing any more: only then the box of then is read
            box = self.bounds(as_it_stood(plan_layer(replace(record, version=version), self._properties), version))
        then = replace(record, version=version, feature_count=count, bounds=box)
        return as_it_stood(plan_layer(then, self._properties), version)

    def _count_at(self, record: LayerRecord, version: int) -> int:
        """Features of a version: a number that never changes while the layer lives."""
        if version == record.version:
            return record.feature_count
        key = (record.id, record.created_at, version)
        with self._lock:
            count = self._counts.get(key)
        if count is None:
            count = self._store.count_at(record.id, version)
            with self._lock:
                if len(self._counts) >= _COUNTS_KEPT:
                    self._counts.clear()
                self._counts[key] = count
        return count

    def _read_box(self, layer: TileLayer) -> _Box:
        if not self._box_slots.acquire(timeout=_BOX_WAIT_S):
            raise StoreBusyError("The extents of other times are being read.", remedy="Ask again in a few seconds.")
        try:
            return _Box(self._store.layer(layer.id, as_of=layer.as_of, interval=layer.interval).bounds)
        finally:
            self._box_slots.release()

    def _read(self, layer_id: str) -> _Known:
        """The layer as it stands. Raises UnknownLayerError if there is none, HeldLayerError if it is held."""
        version = self._store.version(layer_id)
        with self._lock:
            known = self._known.get(layer_id)
        if known and known.record.version == version and self._clock() - known.read_at < self._remember_s:
            return known
        read_at = self._clock()
        record = self._store.layer(layer_id)
        require_shown(layer_id, record.document)
        known = _Known(read_at, record, plan_layer(record, self._properties))
        with self._lock:
            self._known[layer_id] = known
        return known

    def weight(self, layer: TileLayer, tile: Tile, grid: Grid) -> int | None:
        """None: the store is asked for every tile."""
        return None

    def forget(self, layer_id: str) -> None:
        with self._lock:
            self._known.pop(layer_id, None)

    def tile(self, layer: TileLayer, tile: Tile, grid: Grid) -> TileBytes:
        """Features of one tile, or below the layer's levels for them its density grid or its clusters."""
        grid.check(tile)
        window = Window(grid, tile)
        not_yet = 0
        if layer.is_density(tile, grid):
            counts = self._store.count_grid(
                layer.id,
                inner_bounds(tile, grid),
                cell_size_deg(tile, grid),
                as_of=layer.as_of,
                interval=layer.interval,
            )
            batch = density_batch(counts, tile, grid)
        elif (clusters := layer.clusters_of(tile, grid)) is not None:
            query = self._query(layer, window)
            batch = cluster_batch(self._store, layer.id, query, layer.schema, clusters, tile, grid)
        else:
            batch = self._store.select(layer.id, self._query(layer, window))
            if layer.classes is not None:
                first = layer.classes.first_zooms(batch.columns[layer.classes.property])
                drawn = np.flatnonzero(first <= tile.z + grid.zoom_offset)
                batch, not_yet = only_rows(batch, drawn), len(batch) - len(drawn)
        encoded, beyond = encode_batch(layer.id, batch, window, layer.clusters)
        if encoded.broken:
            log.warning(
                "%d features of layer %s have coordinates that are not finite and are on no tile.",
                encoded.broken,
                layer.id,
            )
        return TileBytes(encoded.data, encoded.features, encoded.too_small + encoded.broken + not_yet + beyond)

    def _query(self, layer: TileLayer, window: Window) -> FeatureQuery:
        box = window.grid.lonlat_bounds(window.tile, window.margin)
        smallest = 0.0
        if layer.schema.geometry_type in _WITH_EXTENT:
            # Half a tile unit, in whichever direction a unit spans fewer degrees.
            smallest = 0.5 * min(box.east - box.west, box.north - box.south) / (window.extent + 2 * window.buffer)
        return FeatureQuery(
            bounds=box,
            boxes_only=True,
            as_of=layer.as_of,
            interval=layer.interval,
            properties=layer.schema.names,
            min_extent_deg=smallest,
        )
