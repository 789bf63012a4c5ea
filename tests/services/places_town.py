"""A store with named layers and its place index, in few words, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shapely

from twin.bounds import Bounds
from twin.feature import Feature, FeatureBatch
from twin.places.port import Place, PlaceIndex, PlaceQuery
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec, Store

CITY = Bounds(119.5, 35.9, 120.4, 36.6)
MIDDLE = (120.0, 36.27)
AUTHOR = Author("tester")


@dataclass(frozen=True)
class Town:
    store: Store
    index: PlaceIndex

    def layer(
        self,
        layer_id: str,
        *features: Feature,
        kind: GeometryType = GeometryType.POINT,
        document: Mapping[str, Any] | None = None,
    ) -> None:
        """A new layer whose properties are all the text properties that its features have."""
        names = dict.fromkeys(name for feature in features for name in feature.properties)
        schema = Schema(kind, tuple(Property(name, PropertyType.STRING) for name in names or ("name",)))
        with self.store.write(layer_id, AUTHOR, create=LayerSpec(layer_id, schema, dict(document or {}))) as writer:
            if features:
                writer.upsert(FeatureBatch.of(schema, list(features)))

    def search(self, text: str, **asked: Any) -> list[Place]:
        """Places of all layers, the index brought up first."""
        self.index.refresh(60)
        layers = asked.pop("layers", None) or {record.id: None for record in self.store.layers()}
        return self.index.search(PlaceQuery(text, asked.pop("bounds", CITY), layers, **asked))

    def names(self, text: str, **asked: Any) -> list[str]:
        """Chinese names of the places found, English ones where there is none."""
        return [place.name.pick("zh") or place.address for place in self.search(text, **asked)]


def point(
    feature_id: str,
    name: str | None,
    lon: float = MIDDLE[0],
    lat: float = MIDDLE[1],
    *,
    valid: tuple[datetime | None, datetime | None] = (None, None),
    **properties: str | None,
) -> Feature:
    """A named point."""
    return Feature(
        feature_id, shapely.Point(lon, lat), {"name": name, **properties}, valid_from=valid[0], valid_to=valid[1]
    )


def line(feature_id: str, name: str | None, *corners: tuple[float, float], **properties: str | None) -> Feature:
    """A named line."""
    return Feature(feature_id, shapely.LineString(corners), {"name": name, **properties})
