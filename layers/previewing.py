"""A layer under review beside the base map: a sample of it as delivered, and as the suggested correction would put it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from layers.correcting import corrected, parse_correction
from layers.layer_sample import sample_layer
from twin.crs import CGCS2000, parse_crs
from twin.standing import STANDING
from twin.store.port import LayerRecord, Store

MOST_SHOWN = 600
# Two metres: a reviewer compares places, not corners.
_TOLERANCE_DEG = 0.00002


@dataclass(frozen=True, slots=True)
class Preview:
    """What a reviewer sees.

    Attributes:
        delivered: Sampled geometries as they were read, CGCS2000 lon/lat, object (n,), simplified to two metres.
        corrected: The same as the suggested correction puts them; None where nothing is suggested.
        count: Features of the layer.
    """

    delivered: npt.NDArray[np.object_]
    corrected: npt.NDArray[np.object_] | None
    count: int


def preview(store: Store, record: LayerRecord) -> Preview:
    """At most `MOST_SHOWN` features of the layer, spread over all of it, on both sides.

    Raises:
        BallparkTransformError: if only a guess leads from the suggested CRS to CGCS2000.
    """
    sample = sample_layer(store, record.id).geometries()
    sample = shapely.simplify(sample[:: max(1, math.ceil(len(sample) / MOST_SHOWN))], _TOLERANCE_DEG)
    suggested = _suggestion(record)
    if suggested is None or not len(sample):
        return Preview(sample, None, record.feature_count)
    stated = parse_crs(str(record.document.get("crs") or CGCS2000))
    return Preview(sample, corrected(sample, stated, parse_correction(suggested)), record.feature_count)


def _suggestion(record: LayerRecord) -> Any:
    """The correction that the guard suggests; None for none."""
    standing = record.document.get(STANDING) or {}
    return (standing.get("belief") or {}).get("correction")
