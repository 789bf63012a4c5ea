"""A base map of two small layers, to be released, edited and released again."""

from __future__ import annotations

from datetime import UTC, date, datetime

import shapely

from twin.feature import Feature, FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec, Store

EDITOR = Author("王工", "survey")
POINTS = Schema(
    GeometryType.POINT,
    (
        Property("name", PropertyType.STRING),
        Property("floors", PropertyType.INTEGER),
        Property("height_m", PropertyType.NUMBER),
        Property("open", PropertyType.BOOLEAN),
        Property("built", PropertyType.DATE),
        Property("seen", PropertyType.DATETIME),
    ),
)
AREAS = Schema(GeometryType.MULTIPOLYGON, (Property("kind", PropertyType.STRING),))


def sights(reverse: bool = False) -> list[Feature]:
    """Three points; each kind of value is there, and unknown."""
    rows = [
        Feature(
            "S1",
            shapely.Point(120.0, 36.25),
            {
                "name": "三里河",
                "floors": 3,
                "height_m": 0.1 + 0.2,
                "open": True,
                "built": date(1998, 5, 1),
                "seen": datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
            },
        ),
        Feature("S2", shapely.Point(120.01, 36.26, 4.5), {"name": "塔", "open": False}),
        Feature("S3", None, {"name": "", "floors": -(2**53) - 1}),
    ]
    return rows[::-1] if reverse else rows


def blocks() -> list[Feature]:
    return [
        Feature(f"B{i}", shapely.box(120 + i * 0.001, 36.2, 120.001 + i * 0.001, 36.201), {"kind": "block"})
        for i in range(4)
    ]


def fill(store: Store, *, reverse: bool = False) -> None:
    """Make the layers `sights` and `blocks`."""
    document = {
        "department": "basemap",
        "title": {"zh": "景点", "en": "Sights"},
        "owner": "Survey",
        "licence": "CC0-1.0",
    }
    for layer_id, schema, features in (("sights", POINTS, sights(reverse)), ("blocks", AREAS, blocks())):
        spec = LayerSpec(layer_id, schema, {**document, "crs": "EPSG:4490", "accuracy_m": 0.5})
        with store.write(layer_id, EDITOR, create=spec) as writer:
            writer.upsert(FeatureBatch.of(schema, features))


def edit(store: Store) -> None:
    """S1 moves 0.001 degree east, S2 gets another name, S3 goes, S4 comes; one block is written again as it was."""
    moved, renamed, _ = sights()
    with store.write("sights", EDITOR) as writer:
        writer.replace(Feature("S1", shapely.Point(120.001, 36.25), moved.properties))
        writer.replace(Feature("S2", renamed.geometry, {**renamed.properties, "name": "新塔", "floors": 9}))
        writer.delete("S3")
        writer.insert(Feature("S4", shapely.Point(120.02, 36.27), {"name": "新"}))
    with store.write("blocks", EDITOR) as writer:
        writer.replace(blocks()[0])
