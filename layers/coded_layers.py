"""Reading layers by code and by place: the one way from a code to the feature that carries it, and from a place to its features."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import shapely

from layers.code_layers import CodeLayer
from layers.policy import Actor
from layers.registry import Registry
from twin.bounds import Bounds
from twin.errors import UnknownLayerError
from twin.feature import Feature, FeatureBatch
from twin.interval import Interval
from twin.query import FeatureQuery

# Few are wanted of an area: parts this small are read on only while codes are wanting.
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Coded:
    """A feature that carries a code, and the layer it lies in."""

    code: str
    layer: str
    feature: Feature

    @property
    def name(self) -> str:
        """Its name, "" where the layer has none."""
        return str(self.feature.properties.get("name") or "")


@dataclass(frozen=True)
class CodedLayers:
    """Layers that carry codes, as one actor may see them on one day."""

    registry: Registry
    actor: Actor
    day: date

    def at_point(self, source: CodeLayer, lon: float, lat: float) -> list[Coded]:
        """The features that hold a place, in order of their codes."""
        found = self._select(source, FeatureQuery(bounds=Bounds(lon, lat, lon, lat)))
        return sorted(found, key=lambda coded: coded.code)

    def meeting(self, source: CodeLayer, geometry: shapely.Geometry, limit: int) -> list[Coded]:
        """The features that share more than an edge with an area (or touch a line or point); at most `limit` + 1 of them."""
        box = Bounds(*geometry.bounds)
        shapely.prepare(geometry)
        area = shapely.get_dimensions(geometry) == 2
        found: list[Coded] = []
        with closing(self._iterate(source, FeatureQuery(bounds=box))) as features:
            for coded in features:
                place = coded.feature.geometry
                if place is None or not geometry.intersects(place) or (area and geometry.touches(place)):
                    continue
                found.append(coded)
                if len(found) > limit:
                    break
        return sorted(found, key=lambda coded: coded.code)

    def with_code(self, source: CodeLayer, code: str) -> list[Coded]:
        """The features of that code."""
        return self._select(source, FeatureQuery(filter={"op": "=", "args": [{"property": source.property}, code]}))

    def beginning(self, source: CodeLayer, digits: str) -> list[Coded]:
        """The features whose code begins with these digits."""
        named = {"property": source.property}
        behind = digits[:-1] + chr(ord(digits[-1]) + 1)  # as a range, which both databases look up in an index
        bounds = [{"op": ">=", "args": [named, digits]}, {"op": "<", "args": [named, behind]}]
        return self._select(source, FeatureQuery(filter={"op": "and", "args": bounds}))

    def _select(self, source: CodeLayer, query: FeatureQuery) -> list[Coded]:
        """The features of a query at once."""
        prepared = self._prepared(source, query)
        if prepared is None:
            return []
        batch = self.registry.store.select(source.layer, prepared)
        return list(_coded(batch, source))

    def _iterate(self, source: CodeLayer, query: FeatureQuery) -> Generator[Coded, None, None]:
        """The same in parts, for queries that may meet many."""
        prepared = self._prepared(source, query)
        if prepared is None:
            return
        with closing(self.registry.store.iterate(source.layer, prepared, _ROWS_AT_ONCE)) as batches:
            for batch in batches:
                yield from _coded(batch, source)

    def _prepared(self, source: CodeLayer, query: FeatureQuery) -> FeatureQuery | None:
        """The query on the day, with the properties that matter; None where the layer is not there, may not be read, or has no codes."""
        try:
            schema = self.registry.layer(source.layer, self.actor).schema
        except UnknownLayerError:
            return None
        if source.property not in schema:
            return None
        wanted = tuple(dict.fromkeys(name for name in (source.property, "name", "name_en") if name in schema))
        instant = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        return replace(query, properties=wanted, interval=Interval(instant, instant))


def _coded(batch: FeatureBatch, source: CodeLayer) -> Iterator[Coded]:
    """The features of a batch that have a code."""
    for feature in batch.features():
        code = feature.properties.get(source.property)
        if isinstance(code, str) and code:
            yield Coded(code, source.layer, feature)
