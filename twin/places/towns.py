"""Which town a point lies in, for the second line of an answer. Town areas are kept as last read, by the version of their layer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import shapely

from twin.feature import Feature
from twin.places.kinds import kind_of
from twin.places.sources import SearchRule, rule_of
from twin.query import FeatureQuery
from twin.store.port import LayerRecord, Store
from twin.text import LocalText

TOWN_ROLE = "town"


@dataclass(frozen=True, slots=True)
class Town:
    """One town; `code` is its administrative code, "" where its layer has none."""

    layer_id: str
    feature_id: str
    name: LocalText
    code: str


@dataclass(frozen=True, slots=True)
class _Areas:
    towns: tuple[Town, ...]
    tree: shapely.STRtree


@dataclass
class TownFinder:
    """Finds towns by points, in the layers whose role it is to tell towns."""

    store: Store
    _known: dict[tuple[str, int], _Areas] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def towns_at(self, records: Sequence[LayerRecord], points: Sequence[tuple[float, float]]) -> list[Town | None]:
        """The town of each point (lon, lat); None outside of all."""
        found: list[Town | None] = [None] * len(points)
        if not points:
            return found
        where = shapely.points(points)
        for record in records:
            rule = rule_of(record)
            if rule.role != TOWN_ROLE:
                continue
            areas = self._areas(record, rule)
            for point, area in areas.tree.query(where, predicate="intersects").T:
                found[point] = found[point] or areas.towns[area]
        return found

    def _areas(self, record: LayerRecord, rule: SearchRule) -> _Areas:
        with self._turn:
            known = self._known.get((record.id, record.version))
            if known is None:
                for old in [key for key in self._known if key[0] == record.id]:
                    del self._known[old]
                known = self._known[record.id, record.version] = _read(self.store, record, rule)
            return known


def _read(store: Store, record: LayerRecord, rule: SearchRule) -> _Areas:
    features = [f for f in store.select(record.id, FeatureQuery()).features() if is_town(f, rule)]
    return _Areas(
        tuple(town_of(record.id, feature, rule) for feature in features),
        shapely.STRtree([feature.geometry for feature in features]),
    )


def is_town(feature: Feature, rule: SearchRule) -> bool:
    """Whether a feature is a town with an area: layers of districts hold counties and cities too."""
    if feature.geometry is None or feature.geometry.geom_type not in ("Polygon", "MultiPolygon"):
        return False
    value = feature.properties.get(rule.kind) if rule.kind else None
    return value is None or kind_of(str(value)).id == "town"


def town_of(layer_id: str, feature: Feature, rule: SearchRule) -> Town:
    """A feature as a town."""
    return Town(layer_id, str(feature.id), name_of(feature, rule), str(feature.properties.get("code") or ""))


def name_of(feature: Feature, rule: SearchRule) -> LocalText:
    """The names of a feature by its layer's rule."""

    def text(name: str) -> str:
        return str(feature.properties.get(name) or "") if name else ""

    return LocalText(text(rule.name), text(rule.name_en))
