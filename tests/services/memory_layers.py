"""A store of a few features in memory and a foreign decoder of vector tiles, for tests of the tile engine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import mapbox_vector_tile
import numpy as np
import shapely

from twin.bounds import Bounds
from twin.errors import UnknownLayerError
from twin.feature import Feature, FeatureBatch
from twin.interval import Interval
from twin.query import FeatureQuery
from twin.schema import Property, PropertyType, Schema
from twin.store.port import GridCount, LayerRecord

BORN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Drawn:
    """One feature as the foreign decoder read it; geometry in tile units, y down."""

    id: int
    properties: dict[str, Any]
    geometry: shapely.Geometry


def decode(data: bytes) -> dict[str, list[Drawn]]:
    """Features of each layer of a tile, read by the package mapbox-vector-tile."""
    layers = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})
    return {
        name: [Drawn(f.get("id", 0), f["properties"], shapely.geometry.shape(f["geometry"])) for f in layer["features"]]
        for name, layer in layers.items()
    }


def schema_of(geometry_type: str, **types: str) -> Schema:
    """A schema in one line: `schema_of("Point", name="string")`."""
    from twin.schema import GeometryType

    return Schema(GeometryType(geometry_type), tuple(Property(n, PropertyType(t)) for n, t in types.items()))


def batch_of(schema: Schema, features: Sequence[Feature]) -> FeatureBatch:
    """A batch as a store gives it: rows numbered from 1, ids given where there were none."""
    batch = FeatureBatch.of(schema, features)
    fids = np.arange(1, len(features) + 1, dtype=np.int64)
    ids = [str(fid) if given is None else given for fid, given in zip(fids, batch.ids, strict=True)]
    return FeatureBatch(schema=schema, fids=fids, ids=ids, wkb=batch.wkb, columns=batch.columns)


class MemoryStore:
    """The reading half of the store port, by brute force. `put` is one committed write."""

    def __init__(self) -> None:
        self.batches: dict[str, FeatureBatch] = {}
        self.documents: dict[str, Mapping[str, Any]] = {}
        self.versions: dict[str, int] = {}
        self.born: dict[str, datetime] = {}
        self.selects = 0

    def put(
        self,
        layer_id: str,
        schema: Schema,
        features: Sequence[Feature],
        document: Mapping[str, Any] | None = None,
        born: datetime = BORN,
    ) -> None:
        self.put_batch(layer_id, batch_of(schema, features), document, born)

    def put_batch(
        self, layer_id: str, batch: FeatureBatch, document: Mapping[str, Any] | None = None, born: datetime = BORN
    ) -> None:
        self.batches[layer_id] = batch
        self.documents[layer_id] = document or self.documents.get(layer_id) or {}
        self.versions[layer_id] = self.versions.get(layer_id, 0) + 1
        self.born[layer_id] = born

    def drop(self, layer_id: str) -> None:
        for kept in (self.batches, self.documents, self.versions, self.born):
            del kept[layer_id]

    def version(self, layer_id: str) -> int:
        try:
            return self.versions[layer_id]
        except KeyError:
            raise UnknownLayerError(f"There is no layer '{layer_id}'.", value=layer_id) from None

    def layers(self) -> list[LayerRecord]:
        return [self.layer(layer_id) for layer_id in sorted(self.batches)]

    def layer(self, layer_id: str) -> LayerRecord:
        version = self.version(layer_id)
        batch = self.batches[layer_id]
        box = shapely.total_bounds(batch.geometries) if len(batch) else np.array([math.nan] * 4)
        bounds = Bounds(*map(float, box)) if np.isfinite(box).all() else None
        return LayerRecord(
            layer_id,
            batch.schema,
            self.documents[layer_id],
            version,
            len(batch),
            bounds,
            self.born[layer_id],
            self.born[layer_id],
        )

    def select(self, layer_id: str, query: FeatureQuery) -> FeatureBatch:
        self.selects += 1
        self.version(layer_id)
        batch = self.batches[layer_id]
        names = batch.schema.names if query.properties is None else query.properties
        rows = self._meeting(batch, query)
        return FeatureBatch(
            schema=Schema(batch.schema.geometry_type, tuple(batch.schema.property(n) for n in names)),
            fids=batch.fids[rows],
            ids=[batch.ids[i] for i in rows],
            wkb=[batch.wkb[i] for i in rows],
            columns={n: [batch.columns[n][i] for i in rows] for n in names},
        )

    def count_grid(
        self,
        layer_id: str,
        bounds: Bounds,
        cell_deg: float,
        *,
        as_of: int | None = None,
        interval: Interval | None = None,
    ) -> list[GridCount]:
        assert as_of is None, "this store knows now alone"
        assert interval is None
        boxes = shapely.bounds(self.batches[layer_id].geometries)
        boxes = boxes[np.isfinite(boxes).all(axis=1)]
        columns = np.floor(((boxes[:, 0] + boxes[:, 2]) / 2 + 180) / cell_deg).astype(int).tolist()
        rows = np.floor(((boxes[:, 1] + boxes[:, 3]) / 2 + 90) / cell_deg).astype(int).tolist()
        return [
            GridCount(column, row, count)
            for (column, row), count in Counter(zip(columns, rows, strict=True)).items()
            if column * cell_deg - 180 <= bounds.east
            and (column + 1) * cell_deg - 180 >= bounds.west
            and row * cell_deg - 90 <= bounds.north
            and (row + 1) * cell_deg - 90 >= bounds.south
        ]

    def _meeting(self, batch: FeatureBatch, query: FeatureQuery) -> list[int]:
        if not len(batch):
            return []
        boxes = shapely.bounds(batch.geometries)
        keep = np.ones(len(boxes), dtype=bool)
        if query.bounds is not None:
            box = query.bounds
            keep = ~(
                (boxes[:, 0] > box.east)
                | (boxes[:, 2] < box.west)
                | (boxes[:, 1] > box.north)
                | (boxes[:, 3] < box.south)
            )
        width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        keep &= ~((width < query.min_extent_deg) & (height < query.min_extent_deg))
        return np.flatnonzero(keep).tolist()
