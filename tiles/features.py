"""Tiles made from the store at every request: simple, always fresh. The tile source until snapshots take over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic

from tiles.address import Tile
from tiles.density import cell_size_deg, density_batch, inner_bounds
from tiles.grids import Grid
from tiles.mvt.encode import encode_layer
from tiles.mvt.window import Window
from tiles.plan import as_it_stood, holding_at, plan_layer
from tiles.source import NOW, TileBytes, TileLayer
from twin.interval import Interval
from twin.moment import Moment, resolve_as_of
from twin.query import FeatureQuery
from twin.schema import GeometryType
from twin.standing import is_shown, require_shown
from twin.store.port import Store

log = logging.getLogger(__name__)

# Plans of past versions that are remembered: dates that people go to and fro between.
_PAST_KEPT = 1024

_WITH_EXTENT = {
    GeometryType.LINESTRING,
    GeometryType.MULTILINESTRING,
    GeometryType.POLYGON,
    GeometryType.MULTIPOLYGON,
}


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
        self._plans: dict[str, tuple[float, TileLayer]] = {}
        self._past: dict[tuple[object, ...], TileLayer] = {}

    def layer_ids(self) -> tuple[str, ...]:
        """The published layers."""
        return tuple(record.id for record in self._store.layers() if is_shown(record.document))

    def describe(self, layer_id: str, moment: Moment = NOW) -> TileLayer:
        """The layer as its tiles are made for a moment. Raises UnknownLayerError, BadMomentError."""
        layer = self._describe_now(layer_id)
        if moment == NOW:
            return layer
        version = None if moment.as_of is None else resolve_as_of(self._store, layer_id, moment.as_of)
        return self._describe_then(layer, version, moment.interval)

    def _describe_then(self, present: TileLayer, version: int | None, interval: Interval | None) -> TileLayer:
        """The plan of one version and one time never changes while the layer lives and looks as it does."""
        key = (present.id, present.looks, version if version is not None else f"now {present.version}", interval)
        with self._lock:
            known = self._past.get(key)
        if known is None:
            record = self._store.layer(present.id, as_of=version, interval=interval)
            known = plan_layer(record, self._properties)
            known = known if version is None else as_it_stood(known, version)
            known = known if interval is None else holding_at(known, interval)
            with self._lock:
                if len(self._past) >= _PAST_KEPT:
                    self._past.clear()
                self._past[key] = known
        return known

    def _describe_now(self, layer_id: str) -> TileLayer:
        """The layer as its tiles are made now. Raises UnknownLayerError if there is none, or it is held."""
        version = self._store.version(layer_id)
        with self._lock:
            known = self._plans.get(layer_id)
        if known and known[1].version == version and self._clock() - known[0] < self._remember_s:
            return known[1]
        read_at = self._clock()
        record = self._store.layer(layer_id)
        require_shown(layer_id, record.document)
        layer = plan_layer(record, self._properties)
        with self._lock:
            self._plans[layer_id] = (read_at, layer)
        return layer

    def forget(self, layer_id: str) -> None:
        with self._lock:
            self._plans.pop(layer_id, None)

    def tile(self, layer: TileLayer, tile: Tile, grid: Grid) -> TileBytes:
        """Features, or below the layer's density level the density grid, of one tile."""
        grid.check(tile)
        window = Window(grid, tile)
        if layer.is_density(tile, grid):
            counts = self._store.count_grid(
                layer.id,
                inner_bounds(tile, grid),
                cell_size_deg(tile, grid),
                as_of=layer.as_of,
                interval=layer.interval,
            )
            batch = density_batch(counts, tile, grid)
        else:
            batch = self._store.select(layer.id, self._query(layer, window))
        encoded = encode_layer(layer.id, batch, window)
        if encoded.broken:
            log.warning(
                "%d features of layer %s have coordinates that are not finite and are on no tile.",
                encoded.broken,
                layer.id,
            )
        return TileBytes(encoded.data, encoded.features, encoded.too_small + encoded.broken)

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
