"""A small layer with every property type, used by the store tests."""

from __future__ import annotations

from datetime import UTC, date, datetime

import shapely

from twin.feature import Feature
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec, Store

SCHEMA = Schema(
    GeometryType.POINT,
    (
        Property("name", PropertyType.STRING),
        Property("lamps", PropertyType.INTEGER),
        Property("power_kw", PropertyType.NUMBER),
        Property("built", PropertyType.DATE),
        Property("checked_at", PropertyType.DATETIME),
        Property("lit", PropertyType.BOOLEAN),
        Property("geom", PropertyType.STRING),
    ),
)
CLERK = Author("clerk", "spring survey")
SPEC = LayerSpec("street-lights", SCHEMA, {"id": "street-lights", "title": {"zh": "路灯", "en": "Street lights"}})

NORTH = Feature(
    "north",
    shapely.Point(120.01, 36.30),
    {
        "name": "北路灯",
        "lamps": 2,
        "power_kw": 0.25,
        "built": date(2019, 6, 1),
        "checked_at": datetime(2024, 5, 1, 8, 30, 0, 123000, tzinfo=UTC),
        "lit": True,
        "geom": "a property that wears a system column's name",
    },
)
SOUTH = Feature("south", shapely.Point(120.05, 36.10), {"name": "南路灯", "lamps": 1, "power_kw": 0.5, "lit": False})
LOST = Feature("lost", None, {"name": "Ünknown place", "lamps": 2})


def with_three_lights(store: Store) -> Store:
    """The store with the layer and its three features, written at version 1."""
    with store.write(SPEC.id, CLERK, create=SPEC) as writer:
        for feature in (NORTH, SOUTH, LOST):
            writer.insert(feature)
    return store
