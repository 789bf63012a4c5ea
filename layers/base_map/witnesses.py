"""The base map as the guard's witness: what its layers have around a sample, read only as far as it is asked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import shapely

from layers.manifest import BASEMAP
from twin.bounds import Bounds
from twin.guard.judging import Witness
from twin.guard.sample import SampleTaker
from twin.guard.votes import REACH_M
from twin.query import FeatureQuery
from twin.standing import is_shown
from twin.store.port import LayerRecord, Store

# Features of one layer that are read at most; where there are more, a smaller window around the sample's middle is.
MOST_FEATURES = 20_000
# Their coordinates at most; where there are more, every second feature is left out, every second of these, and so on.
MOST_COORDINATES = 1_000_000
_REACH_DEG = REACH_M / 80_000
_NARROWEST_DEG = 0.02


def iter_witnesses(store: Store, sample: npt.NDArray[np.object_], but: str | None) -> Iterator[Witness]:
    """The base map's layers around a sample, small ones first: they are quick, and borders and rivers are good witnesses.

    Args:
        sample: Lon/lat degrees, object (n,), finite.
        but: Layer that shall not be its own witness.
    """
    box = shapely.bounds(sample)
    low, high = box[:, :2].min(axis=0) - _REACH_DEG, box[:, 2:].max(axis=0) + _REACH_DEG
    window = _within_world(*low, *high)
    records = [record for record in store.layers() if _can_tell(record, window, but)]
    for record in sorted(records, key=lambda record: (record.feature_count, record.id)):
        yield Witness(record.id, _read(store, record.id, window, np.median((box[:, :2] + box[:, 2:]) / 2, axis=0)))


def _can_tell(record: LayerRecord, window: Bounds, but: str | None) -> bool:
    return (
        record.document.get("department") == BASEMAP
        and record.id != but
        and is_shown(record.document)
        and record.bounds is not None
        and record.bounds.intersects(window)
    )


def _read(store: Store, layer_id: str, window: Bounds, middle: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    while store.count(layer_id, FeatureQuery(bounds=window, boxes_only=True)) > MOST_FEATURES:
        across, along = (window.east - window.west) / 4, (window.north - window.south) / 4
        if max(across, along) < _NARROWEST_DEG:
            break
        window = _within_world(middle[0] - across, middle[1] - along, middle[0] + across, middle[1] + along)
    query = FeatureQuery(bounds=window, boxes_only=True, properties=(), limit=MOST_FEATURES)
    taker = SampleTaker(MOST_FEATURES, MOST_COORDINATES)
    for batch in store.iterate(layer_id, query, rows=1000):
        taker.take(batch.geometries)
    return taker.geometries()


def _within_world(west: float, south: float, east: float, north: float) -> Bounds:
    return Bounds(max(-180.0, float(west)), max(-90.0, float(south)), min(180.0, float(east)), min(90.0, float(north)))
