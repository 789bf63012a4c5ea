"""A sample of a layer as it stands, spread over all of it, without reading all of it."""

from __future__ import annotations

import math

from twin.guard.sample import MOST_GEOMETRIES, SampleTaker
from twin.query import FeatureQuery
from twin.store.port import Store


def sample_layer(store: Store, layer_id: str) -> SampleTaker:
    """At most `MOST_GEOMETRIES` geometries of a layer, CGCS2000 lon/lat, every k-th row of it.

    Raises:
        UnknownLayerError: if there is no such layer.
    """
    every = max(1, math.ceil(store.layer(layer_id).feature_count / MOST_GEOMETRIES))
    taker = _taken(store, layer_id, every)
    # Deletions may have left none of the rows with such a number.
    return taker if taker.seen or every == 1 else _taken(store, layer_id, 1)


def _taken(store: Store, layer_id: str, every: int) -> SampleTaker:
    taker = SampleTaker()
    for batch in store.iterate(layer_id, FeatureQuery(properties=(), every=every)):
        taker.take(batch.geometries)
    return taker
