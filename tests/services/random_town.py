"""Buildings, streets and lamps at random, and what a tile shows of them by another decoder."""

from __future__ import annotations

import math
import random

import mapbox_vector_tile
import numpy as np
import shapely

from twin.feature import FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema

SCHEMA = Schema(
    GeometryType.GEOMETRY,
    (
        Property("name", PropertyType.STRING),
        Property("floors", PropertyType.INTEGER),
        Property("area", PropertyType.NUMBER),
    ),
)
WEST, SOUTH = 119.95, 36.20


def random_shape(rng: random.Random) -> shapely.Geometry:
    """A building with or without a court, several buildings, a street, or a lamp."""
    lon, lat = WEST + rng.random() * 0.1, SOUTH + rng.random() * 0.1
    size = 10 ** rng.uniform(-4.5, -2.3)
    kind = rng.randrange(6)
    if kind == 0:
        return shapely.Point(lon, lat)
    if kind == 1:
        return shapely.LineString(
            [(lon + rng.gauss(0, size), lat + rng.gauss(0, size)) for _ in range(rng.randrange(2, 30))]
        )
    corners = sorted(rng.random() * 2 * math.pi for _ in range(rng.randrange(4, 20)))
    ring = [
        (lon + size * rng.uniform(0.3, 1) * math.cos(a), lat + size * rng.uniform(0.3, 1) * math.sin(a))
        for a in corners
    ]
    solid = shapely.make_valid(shapely.Polygon(ring), method="structure", keep_collapsed=False)
    if kind == 2:
        return solid.difference(shapely.Point(lon, lat).buffer(size * 0.1))
    if kind == 3:
        return shapely.MultiPolygon(
            [
                shapely.box(lon, lat, lon + size, lat + size),
                shapely.box(lon + 2 * size, lat, lon + 3 * size, lat + size),
            ]
        )
    return solid


def random_batch(rng: random.Random, count: int) -> FeatureBatch:
    shapes = [random_shape(rng) for _ in range(count)]
    return FeatureBatch(
        schema=SCHEMA,
        fids=np.arange(1, count + 1, dtype=np.int64),
        ids=[str(i + 1) if i % 3 else f"楼{i + 1}" for i in range(count)],
        wkb=[shapely.to_wkb(shape) if not shape.is_empty else None for shape in shapes],
        columns={
            "name": [rng.choice(["胶州", "兰州路", "a", None]) for _ in range(count)],
            "floors": [rng.choice([None, -1, 3, 2**40]) for _ in range(count)],
            "area": [rng.choice([None, 0.5, 1.0, 3e9]) for _ in range(count)],
        },
    )


def decoded(data: bytes, name: str = "town") -> dict[int, dict]:
    if not data:
        return {}
    layer = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})[name]
    return {feature["id"]: feature for feature in layer["features"]}
