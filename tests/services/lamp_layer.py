"""A layer of 25 street lamps on a line in Jiaozhou, with every property type: what the tests of the feature API read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import shapely

from twin.feature import Feature, FeatureBatch
from twin.schema import CodeValue, GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec, Store
from twin.text import LocalText

COUNT = 25
SCHEMA = Schema(
    GeometryType.POINT,
    (
        Property("name", PropertyType.STRING, LocalText("名称", "Name")),
        Property(
            "lamp_type",
            PropertyType.STRING,
            LocalText("灯型", "Lamp type"),
            codes=(CodeValue("led", LocalText("LED灯", "LED")), CodeValue("sodium", LocalText("钠灯", "Sodium"))),
        ),
        Property("height_m", PropertyType.NUMBER, LocalText("高度", "Height"), unit="m"),
        Property("lamps", PropertyType.INTEGER),
        Property("lit", PropertyType.BOOLEAN),
        Property("built", PropertyType.DATE),
        Property("checked_at", PropertyType.DATETIME),
    ),
)
DOCUMENT = {
    "id": "lamps",
    "title": {"zh": "路灯", "en": "Street lamps"},
    "description": {"zh": "测试图层", "en": "A layer for tests"},
    "department": "municipal-works",
    "attribution": "synthetic",
}


def lamp(number: int) -> Feature:
    """Lamp `number` at 120.00°E + number/1000, 36.20°N + number/1000; every fifth has no height, every fourth no date."""
    checked = datetime(2024, 5, 1, 8, tzinfo=UTC) + timedelta(days=number)
    return Feature(
        f"lamp-{number}",
        shapely.Point(120 + number / 1000, 36.2 + number / 1000),
        {
            "name": f"路灯 {number}",
            "lamp_type": "led" if number % 2 else "sodium",
            "height_m": None if number % 5 == 0 else float(number % 7) + 0.5,
            "lamps": number % 3,
            "lit": number % 2 == 0,
            "built": None if number % 4 == 0 else date(2019, 1, 1) + timedelta(days=number),
            "checked_at": checked,
        },
        valid_from=checked,
        valid_to=checked + timedelta(days=10),
    )


def with_lamps(store: Store, layer_id: str = "lamps") -> Store:
    """The store with the layer and its lamps, written at version 1."""
    spec = LayerSpec(layer_id, SCHEMA, {**DOCUMENT, "id": layer_id})
    with store.write(layer_id, Author("clerk"), create=spec) as writer:
        writer.upsert(FeatureBatch.of(SCHEMA, [lamp(number) for number in range(COUNT)]))
    return store
