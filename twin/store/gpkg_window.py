"""Which rows of a window meet it by their geometry: judged on whole columns, where a call per row from SQL would cost more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from twin.bounds import Bounds
from twin.geometry import window_shape
from twin.store.gpkg_blob import decode_blobs

_HEADER_WITH_BOX = 40
_ENVELOPE_XY = 0b00000011


def rows_that_meet(rows: Sequence[tuple[Any, ...]], geometry: int, bounds: Bounds) -> list[tuple[Any, ...]]:
    """The rows whose geometry meets a window, in their order.

    Args:
        rows: Rows with a GeoPackage blob, never None, at index `geometry`.
        geometry: Index of the blob.
        bounds: The window, wide enough to have an inside.
    """
    if not rows:
        return []
    blobs = [row[geometry] for row in rows]
    west, south, east, north = bounds.as_tuple()
    box = _boxes(blobs)
    apart = (box[:, 0] > east) | (box[:, 2] < west) | (box[:, 1] > north) | (box[:, 3] < south)
    within = (box[:, 0] >= west) & (box[:, 2] <= east) & (box[:, 1] >= south) & (box[:, 3] <= north)
    keep = within
    asked = np.flatnonzero(~apart & ~within)
    if len(asked):
        window = window_shape(bounds)
        shapely.prepare(window)
        keep[asked] = shapely.intersects(window, shapely.from_wkb(decode_blobs([blobs[i] for i in asked])))
    return list(rows) if keep.all() else list(compress(rows, keep))


def _boxes(blobs: Sequence[bytes]) -> npt.NDArray[np.float64]:
    """float64 (n, 4) west, south, east, north: read off the headers, or off the geometries where one has no box."""
    if all(blob[3] == _ENVELOPE_XY for blob in blobs):
        edges = np.frombuffer(b"".join([blob[8:_HEADER_WITH_BOX] for blob in blobs]), dtype="<f8").reshape(-1, 4)
        return edges[:, [0, 2, 1, 3]]
    return np.asarray(shapely.bounds(shapely.from_wkb(decode_blobs(blobs))))
