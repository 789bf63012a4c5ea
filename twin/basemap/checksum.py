"""The checksum of a layer's features: the same for the same data, whichever store holds them and in whatever order they came.

Each feature becomes one line of canonical JSON: id, valid time, geometry as ISO WKB (little-endian, hexadecimal), properties in
order of their names; numbers as JSON writes them shortest, dates and instants in ISO 8601. The line's SHA-256 is the feature's
digest. The layer's checksum is the SHA-256 of its schema's line and of all digests, sorted. What a store adds for itself (row
numbers, versions) does not count.

Memory: 32 bytes a feature and one batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import orjson
import shapely

from twin.bounds import Bounds
from twin.feature import FeatureBatch
from twin.query import FeatureQuery
from twin.schema import Schema
from twin.store.port import Store
from twin.store.values import instant_text

_DIGEST = 32
_LITTLE_ENDIAN = 1


@dataclass(frozen=True, slots=True)
class LayerChecksum:
    """What reading all features of a layer shows.

    Attributes:
        sha256: In hexadecimal.
        bounds: Box of all geometries; None where there are none.
    """

    sha256: str
    feature_count: int
    bounds: Bounds | None


def layer_checksum(store: Store, layer_id: str, version: int) -> LayerChecksum:
    """Checksum, number and extent of the features as they stood at a version. Raises UnknownLayerError."""
    schema = store.layer(layer_id).schema
    return features_checksum(schema, store.iterate(layer_id, FeatureQuery(as_of=version)))


def features_checksum(schema: Schema, batches: Iterable[FeatureBatch]) -> LayerChecksum:
    """The same for batches from anywhere."""
    digests = bytearray()
    count, box = 0, np.array([np.inf, np.inf, -np.inf, -np.inf])
    for batch in batches:
        count += len(batch)
        for line in _lines(batch):
            digests += hashlib.sha256(line).digest()
        boxes = shapely.bounds(batch.geometries)
        known = boxes[~np.isnan(boxes[:, 0])]
        if len(known):
            box[:2] = np.minimum(box[:2], known[:, :2].min(axis=0))
            box[2:] = np.maximum(box[2:], known[:, 2:].max(axis=0))
    whole = hashlib.sha256(_schema_line(schema))
    whole.update(np.sort(np.frombuffer(digests, dtype=f"S{_DIGEST}")).tobytes())
    bounds = Bounds(*map(float, box)) if np.isfinite(box).all() else None
    return LayerChecksum(whole.hexdigest(), count, bounds)


def document_checksum(document: object) -> str:
    """SHA-256 of a JSON document in its canonical form: keys sorted, nothing between."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _schema_line(schema: Schema) -> bytes:
    properties = sorted((entry.name, entry.type.value) for entry in schema)
    return orjson.dumps([schema.geometry_type.value, properties]) + b"\n"


def _lines(batch: FeatureBatch) -> Iterable[bytes]:
    names = sorted(batch.columns)
    columns = [_plain(batch.columns[name]) for name in names]
    wkb = shapely.to_wkb(batch.geometries, hex=True, byte_order=_LITTLE_ENDIAN, flavor="iso")
    nothing = [None] * len(batch)
    starts, ends = _plain(batch.valid_from or nothing), _plain(batch.valid_to or nothing)
    rows = zip(batch.ids, starts, ends, wkb, *columns, strict=True)
    return (orjson.dumps(row) for row in rows)


def _plain(values: Sequence[Any]) -> Sequence[Any]:
    """A column with dates and instants as text; everything else is JSON already."""
    if not any(isinstance(value, date) for value in values):
        return values
    return [
        instant_text(value) if isinstance(value, datetime) else value.isoformat() if value is not None else None
        for value in values
    ]
