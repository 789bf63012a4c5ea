"""Reverse lookup: what lies at a point. Town, community, unit grid cell, the nearest road, address and point of interest.

Answers come from the layers as they stand (or stood), through their own spatial index; distances are metres in the city's
projected system. What a layer tells is its role (`sources.json`, or `search.role` in its manifest).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely

from twin.bounds import Bounds
from twin.crs import from_cgcs2000, parse_crs
from twin.feature import Feature
from twin.interval import Interval
from twin.places.kinds import kind_of, kinds
from twin.places.metres import Metres
from twin.places.sources import SearchRule, kind_title, rule_of
from twin.places.towns import TOWN_ROLE, Town, is_town, name_of, town_of
from twin.query import FeatureQuery
from twin.store.port import LayerRecord, Store
from twin.text import LocalText

# Windows grow until something lies nearer than their edge.
_REACHES_M = (60.0, 250.0, 1_000.0, 4_000.0)
_SIDES = (
    ("北", "north"),
    ("东北", "north-east"),
    ("东", "east"),
    ("东南", "south-east"),
    ("南", "south"),
    ("西南", "south-west"),
    ("西", "west"),
    ("西北", "north-west"),
)
# So many neighbours are read at once: where a window holds more, a smaller one is looked at first.
_ROWS_AT_MOST = 1_000
_SMALLEST_STEP_M = 1.0
_ON_THE_ROAD_M = 1.0
# About 100 m: a chord that long is off by less than a millimetre.
_PIECE_DEG = 0.001


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A feature near a point.

    Attributes:
        kind_title: What people call its kind.
        address: As the layer gives it, "" for none.
        distance_m: To its geometry; 0 inside of it.
        side: Of a road: on which side the point lies (路北, north side); empty on the road itself.
    """

    layer_id: str
    feature_id: str
    name: LocalText
    kind: str
    kind_title: LocalText
    address: str
    distance_m: float
    side: LocalText = field(default_factory=LocalText)


@dataclass(frozen=True, slots=True)
class Community:
    """A community; `feature_id` is the cell's where no layer has communities of its own."""

    layer_id: str
    feature_id: str
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class GridCell:
    """A unit grid cell, with the post or person on duty where the layer says."""

    layer_id: str
    feature_id: str
    name: str
    code: str
    duty: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies at a point.

    Attributes:
        inside: Whether the point is in the city; outside everything else is None.
        road: The nearest road with a name, within 4 km.
        address: The nearest feature with an address; poi: the nearest named place or building.
    """

    lon: float
    lat: float
    inside: bool
    town: Town | None = None
    community: Community | None = None
    cell: GridCell | None = None
    road: Neighbour | None = None
    address: Neighbour | None = None
    poi: Neighbour | None = None


@dataclass(frozen=True)
class Surveyor:
    """Looks around points in one store.

    Attributes:
        records: The layers that may be looked at.
        bounds: Of the city; area: its boundary, lon/lat, where one is known.
        projected: Code of the city's projected system, metres.
        versions: Layer versions to read as of; None or absent for now.
        interval: What has to hold then; None for now.
    """

    store: Store
    records: Sequence[LayerRecord]
    bounds: Bounds
    projected: str
    versions: Mapping[str, int | None] = field(default_factory=dict)
    interval: Interval | None = None
    area: shapely.Geometry | None = None

    def at(self, lon: float, lat: float) -> Surroundings:
        """What lies at lon/lat (degrees, CGCS2000)."""
        if not self._is_inside(lon, lat):
            return Surroundings(lon, lat, inside=False)
        rules = [(record, rule_of(record)) for record in self.records]
        cell = self._cell(rules, lon, lat)
        return Surroundings(
            lon,
            lat,
            inside=True,
            town=self._town(rules, lon, lat),
            community=self._community(rules, lon, lat),
            cell=cell,
            road=self._nearest([(r, rule) for r, rule in rules if rule.role == "road"], lon, lat, _names_of),
            address=self._nearest([(r, rule) for r, rule in rules if rule.address], lon, lat, _address_of),
            poi=self._nearest([(r, rule) for r, rule in rules if rule.role == "place"], lon, lat, _names_of),
        )

    def _is_inside(self, lon: float, lat: float) -> bool:
        """Within the city's boundary, or in its box where no boundary is known."""
        if self.area is None:
            return self.bounds.intersects(Bounds(lon, lat, lon, lat))
        return bool(shapely.intersects_xy(self.area, lon, lat))

    # -- areas -------------------------------------------------------------------------------------------------------

    def _town(self, rules: Sequence[tuple[LayerRecord, SearchRule]], lon: float, lat: float) -> Town | None:
        for record, rule in rules:
            if rule.role == TOWN_ROLE:
                for feature in self._holding(record, rule, lon, lat):
                    if is_town(feature, rule):
                        return town_of(record.id, feature, rule)
        return None

    def _community(self, rules: Sequence[tuple[LayerRecord, SearchRule]], lon: float, lat: float) -> Community | None:
        """From a layer of communities; else from what a grid cell says of its own."""
        for record, rule in rules:
            if rule.role == "community":
                for feature in self._holding(record, rule, lon, lat):
                    name = name_of(feature, rule)
                    return Community(record.id, str(feature.id), name.zh or name.en, _text(feature, "code"))
        for record, rule in rules:
            if rule.role == "grid" and rule.community:
                for feature in self._holding(record, rule, lon, lat):
                    code = _text(feature, rule.community_code)
                    return Community(record.id, str(feature.id), _text(feature, rule.community), code)
        return None

    def _cell(self, rules: Sequence[tuple[LayerRecord, SearchRule]], lon: float, lat: float) -> GridCell | None:
        for record, rule in rules:
            if rule.role == "grid":
                for feature in self._holding(record, rule, lon, lat):
                    code = _text(feature, "code") or str(feature.id)
                    name = name_of(feature, rule)
                    return GridCell(record.id, str(feature.id), name.zh or name.en, code, _text(feature, rule.duty))
        return None

    def _holding(self, record: LayerRecord, rule: SearchRule, lon: float, lat: float) -> list[Feature]:
        """Features that hold the point, in order of arrival: on a common edge the first one."""
        return list(self.store.select(record.id, self._query(record, rule, Bounds(lon, lat, lon, lat))).features())

    # -- neighbours --------------------------------------------------------------------------------------------------

    def _nearest(
        self,
        rules: Sequence[tuple[LayerRecord, SearchRule]],
        lon: float,
        lat: float,
        texts: Callable[[SearchRule], tuple[str, ...]],
    ) -> Neighbour | None:
        """The nearest feature that has one of these texts; of equally near ones the first by layer and id."""
        here = self._in_metres(np.array([shapely.Point(lon, lat)], dtype=object))[0]
        looked, reaches = 0.0, list(_REACHES_M)
        while reaches:
            reach = reaches[0]
            limit = _ROWS_AT_MOST if reach - looked > _SMALLEST_STEP_M else None
            found = self._within_reach([(*pair, texts(pair[1])) for pair in rules], (lon, lat), here, reach, limit)
            if found is None:
                reaches.insert(0, (looked + reach) / 2)
                continue
            if found:
                distance, _, _, feature, record, rule, geometry = min(found, key=lambda entry: entry[:3])
                side = _side(geometry, here) if rule.role == "road" and distance > _ON_THE_ROAD_M else LocalText()
                return _neighbour(record, rule, feature, distance, side)
            looked = reaches.pop(0)
        return None

    def _within_reach(
        self,
        sources: Sequence[tuple[LayerRecord, SearchRule, tuple[str, ...]]],
        place: tuple[float, float],
        here: shapely.Geometry,
        reach: float,
        limit: int | None,
    ) -> list[tuple[float, str, str, Feature, LayerRecord, SearchRule, Any]] | None:
        """Features with a text at most `reach` metres away, with their distances; None where more than `limit` would be read."""
        lon, lat = place
        x, y = Metres(lon, lat).per_degree
        window = Bounds(lon - reach / x, lat - reach / y, lon + reach / x, lat + reach / y)
        found: list[tuple[float, str, str, Feature, LayerRecord, SearchRule, Any]] = []
        for record, rule, texts in sources:
            if not texts:
                continue
            said = [{"op": "<>", "args": [{"property": name}, ""]} for name in texts]
            # By boxes: what does not reach into the window falls out by its distance anyway.
            asked = replace(self._query(record, rule, window), filter=_any_of(said), boxes_only=True)
            query = replace(asked, limit=limit and limit + 1)
            features = [f for f in self.store.select(record.id, query).features() if f.geometry is not None]
            if limit is not None and len(features) > limit:
                return None
            moved = self._in_metres(_within(np.array([f.geometry for f in features], dtype=object), window))
            for feature, geometry, distance in zip(features, moved, shapely.distance(moved, here), strict=True):
                if distance <= reach:  # what does not reach into the window has no distance
                    found.append((float(distance), record.id, str(feature.id), feature, record, rule, geometry))
        return found

    def _in_metres(self, geometries: Any) -> Any:
        return from_cgcs2000(geometries, parse_crs(self.projected)) if len(geometries) else geometries

    def _query(self, record: LayerRecord, rule: SearchRule, window: Bounds) -> FeatureQuery:
        told = (*rule.properties, rule.community, rule.community_code, rule.duty, "code")
        wanted = tuple(dict.fromkeys(name for name in told if name and name in record.schema))
        return FeatureQuery(
            bounds=window, properties=wanted, as_of=self.versions.get(record.id), interval=self.interval
        )


def _any_of(conditions: list[dict[str, Any]]) -> dict[str, Any]:
    return conditions[0] if len(conditions) == 1 else {"op": "or", "args": conditions}


def _within(geometries: Any, window: Bounds) -> Any:
    """What of lon/lat geometries lies in a window, long edges in short pieces: an edge is straight in degrees, not in metres."""
    return shapely.segmentize(shapely.clip_by_rect(geometries, *window.as_tuple()), _PIECE_DEG)


def _neighbour(record: LayerRecord, rule: SearchRule, feature: Feature, distance: float, side: LocalText) -> Neighbour:
    value = _text(feature, rule.kind)
    name = name_of(feature, rule)
    kind = kind_of(value, rule.kind_is) if name.zh or name.en else kinds()["address"]
    title = kind_title(record, rule, value, kind.title)
    return Neighbour(
        record.id, str(feature.id), name, kind.id, title, _text(feature, rule.address), round(distance, 1), side
    )


def _side(road: Any, here: Any) -> LocalText:
    """The side of a road on which a point lies, by the bearing from the road's nearest point."""
    nearest = shapely.get_point(shapely.shortest_line(road, here), 0)
    east, north = here.x - nearest.x, here.y - nearest.y
    bearing = float(np.degrees(np.arctan2(east, north))) % 360
    zh, en = _SIDES[round(bearing / 45) % 8]
    return LocalText(f"路{zh}", f"{en} side")


def _names_of(rule: SearchRule) -> tuple[str, ...]:
    return tuple(name for name in (rule.name, rule.name_en) if name)


def _address_of(rule: SearchRule) -> tuple[str, ...]:
    return (rule.address,) if rule.address else ()


def _text(feature: Feature, name: str) -> str:
    value = feature.properties.get(name) if name else None
    return "" if value is None else str(value)
