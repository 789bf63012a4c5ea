"""The port of the place index: what it can be asked, what it answers, and how fresh the answer is. One page, two adapters.

Rules that hold for both adapters

* The index follows the layers. `refresh` compares the version of each layer with the version indexed last and brings in what
  changed since; it waits a moment for that, and what takes longer goes on in the background while the old state serves.
* Names are kept with the layer versions between which they stood and with the valid time of their feature, so that a search can
  be put as of a date. Without a date an old name finds the feature of today.
* Who may see which layer is the caller's business: only layers handed in are searched.
* Order is total and the same in both databases: score, then kind, then name, layer and feature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import shapely

from twin.bounds import Bounds
from twin.interval import Interval
from twin.text import LocalText


class How(StrEnum):
    """In which way a name answered."""

    EXACT = "exact"
    PREFIX = "prefix"
    PART = "part"
    TERMS = "terms"
    PINYIN = "pinyin"
    INITIALS = "initials"
    ADDRESS = "address"
    KIND = "kind"
    FUZZY = "fuzzy"


@dataclass(frozen=True, slots=True)
class PlaceQuery:
    """One search.

    Attributes:
        text: What was typed: Chinese, pinyin with or without tones and blanks, initials, English, or an address.
        bounds: Only places that meet this box (CGCS2000 lon/lat): the city, or a window inside of it.
        layers: Only these layers, and each as of the layer version beside it (system time); None as the version means now.
        near: Lon/lat in degrees that nearer places are preferred to; None for no preference.
        kinds: Only these kinds (`kinds.json`, or the layer's own kind values); empty for all.
        interval: Only names whose feature is valid in this stretch of time; None for any.
        limit: At most so many places.
        area: Only places whose box meets this area (lon/lat) too; None for all within the bounds.
    """

    text: str
    bounds: Bounds
    layers: Mapping[str, int | None]
    near: tuple[float, float] | None = None
    kinds: tuple[str, ...] = ()
    interval: Interval | None = None
    limit: int = 10
    area: shapely.Geometry | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One answer.

    Attributes:
        layer_id, feature_id: The feature; of a merged line the part nearest to `near`, else the first.
        also: Other features of the same place: the parts of a road, the same town in another layer.
        name: In Chinese and English; a side is empty where it is not known.
        pinyin: Of the Chinese name, with tone marks.
        kind, value: One of `kinds.json`; the layer's own kind of the feature, "" for none.
        address: As the layer gives it; empty where it gives none.
        lon, lat: A point on the feature, degrees.
        bounds: Box of the feature, or of all parts of a merged line.
        distance_m: From `near` to the feature, on the ellipsoid; None without `near`.
        score: 0 to 1; what the order is made of.
        how: The way the name answered.
        matched: The name or address that answered, as people write it.
        highlight: Stretches of `matched` (start, end in characters) that the text stands for.
        formerly: The old name that was searched for, where the feature is called otherwise today; else empty.
    """

    layer_id: str
    feature_id: str
    also: tuple[tuple[str, str], ...]
    name: LocalText
    pinyin: str
    kind: str
    value: str
    address: str
    lon: float
    lat: float
    bounds: Bounds
    distance_m: float | None
    score: float
    how: How
    matched: str
    highlight: tuple[tuple[int, int], ...]
    formerly: str = ""


@dataclass(frozen=True, slots=True)
class LayerStatus:
    """How far one layer is indexed; `indexed_version` is None before its first indexing has ended."""

    layer_id: str
    version: int
    indexed_version: int | None

    @property
    def is_current(self) -> bool:
        return self.version == self.indexed_version


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """State of the index.

    Attributes:
        layers: The layers that have searchable names.
        names: How many names it holds, old ones included; counted only where it was asked for.
        failure: What stopped the last refresh, in words; empty when nothing did.
    """

    layers: tuple[LayerStatus, ...] = ()
    names: int | None = None
    failure: str = field(default="")

    @property
    def is_stale(self) -> bool:
        """Whether some layer has changes that the index has not taken in yet."""
        return not all(layer.is_current for layer in self.layers)


class PlaceIndex(Protocol):
    """Finds places by their names."""

    def refresh(self, wait_s: float = 1.0, *, behind_s: float | None = None) -> IndexStatus:
        """Take in what the layers have changed; waits at most `wait_s` seconds, the rest goes on in the background.

        Args:
            behind_s: How long to wait instead where every layer that is behind has an older state that can serve.
        """

    def search(self, query: PlaceQuery) -> list[Place]:
        """The places that answer, best first, from the index as it stands.

        Raises:
            BadPlaceQueryError: if there is nothing in the text to search for, or it is too long.
        """

    def status(self) -> IndexStatus:
        """How far the index is, with the number of names; changes nothing."""

    def close(self) -> None:
        """Wait for the work in the background to end."""
