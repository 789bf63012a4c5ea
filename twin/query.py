"""What to read from a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twin.bounds import Bounds
from twin.errors import BadLimitError
from twin.interval import Interval


@dataclass(frozen=True, slots=True)
class SortKey:
    """Order by one property; equal values and unknown values (which come last) fall back to order of arrival."""

    property: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the last row's values of the sort keys, then its row number."""

    values: tuple[Any, ...]
    fid: int


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """Window, time, filter, order and page of one read.

    Attributes:
        bounds: Only features whose geometry meets this box (CGCS2000 lon/lat).
        boxes_only: Answer `bounds` by the index's boxes alone: cheaper, and some features outside come along. For those who cut
            at the window themselves, such as tiles.
        as_of: The layer as it stood at this version of it (system time): what had been written by then, and nothing of what was
            written since. None for now; `Store.version_at` gives the version of an instant.
        interval: Only what holds in the world then (valid time); unknown ends are open. Without it, each feature's newest slice.
        filter: CQL2 in its JSON encoding (OGC 21-065r2), already checked by `twin.cql2`; geometries in CGCS2000 lon/lat.
        ids: Only these features.
        properties: Columns wanted, in this order; None for all, empty for none.
        geometry: Whether geometries are wanted at all.
        sort: Order; empty is order of arrival.
        limit: At most so many rows; None for all.
        after: Start behind this position (keyset paging: no offset is ever counted).
        every: Only rows whose number is a multiple of this: a sample spread over the whole layer without reading all of it.
        min_extent_deg: Leave out features whose box is smaller than this in both directions (low zooms); 0 keeps all.
    """

    bounds: Bounds | None = None
    boxes_only: bool = False
    as_of: int | None = None
    interval: Interval | None = None
    filter: Mapping[str, Any] | None = None
    ids: tuple[str, ...] | None = None
    properties: tuple[str, ...] | None = None
    geometry: bool = True
    sort: tuple[SortKey, ...] = ()
    limit: int | None = None
    after: Position | None = None
    min_extent_deg: float = 0.0
    every: int = 1

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise BadLimitError("A limit cannot be negative.", value=self.limit, limit=">= 0")
