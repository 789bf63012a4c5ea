"""A made-up town of any number of buildings: boxes, L-shapes and courtyards on a grid, as features of a layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from twin.feature import FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.text import LocalText

SCHEMA = Schema(
    GeometryType.POLYGON,
    (
        Property("name", PropertyType.STRING, LocalText("名称", "Name")),
        Property("height", PropertyType.NUMBER, LocalText("高度", "Height"), "m"),
        Property("floors", PropertyType.INTEGER, LocalText("层数", "Floors")),
    ),
)
WEST, SOUTH = 119.95, 36.2
_EAST_DEG, _NORTH_DEG = 1 / 89_900.0, 1 / 110_970.0  # of a metre, here


def batch_of(shapes: list[shapely.Geometry | None], **columns: list[object]) -> FeatureBatch:
    """Features with these geometries in degrees; columns that are not given are unknown."""
    count = len(shapes)
    return FeatureBatch(
        schema=SCHEMA,
        fids=np.arange(1, count + 1),
        ids=[f"b{number}" for number in range(count)],
        wkb=[None if shape is None else shapely.to_wkb(shape, flavor="iso") for shape in shapes],
        columns={name: columns.get(name, [None] * count) for name in SCHEMA.names},
    )


def metres(*points: tuple[float, float]) -> list[tuple[float, float]]:
    """Points in metres from the town's corner as degrees."""
    return [(WEST + x * _EAST_DEG, SOUTH + y * _NORTH_DEG) for x, y in points]


def box_town(count: int, spacing_m: float = 60.0, seed: int = 1) -> Iterator[FeatureBatch]:
    """`count` buildings, 10,000 a batch."""
    chance = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    corner = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)[:count] * spacing_m
    size = chance.uniform(8, 28, (count, 2))
    angle = chance.uniform(-0.6, 0.6, count)
    heights = np.round(np.maximum(chance.gamma(2.0, 7.0, count), 3.0), 2)
    outlines = [_box(), _ell(), _court()]
    kinds = chance.choice(3, count, p=[0.72, 0.24, 0.04])
    shapes = np.empty(count, dtype=object)
    for kind, outline in enumerate(outlines):
        rows = np.flatnonzero(kinds == kind)
        for ring, points in enumerate(outline):
            local = points[None] * size[rows, None, :]
            turned = np.stack(
                [
                    local[..., 0] * np.cos(angle[rows, None]) - local[..., 1] * np.sin(angle[rows, None]),
                    local[..., 0] * np.sin(angle[rows, None]) + local[..., 1] * np.cos(angle[rows, None]),
                ],
                axis=-1,
            )
            placed = (turned + corner[rows, None, :] + 30) * (_EAST_DEG, _NORTH_DEG) + (WEST, SOUTH)
            rings = shapely.linearrings(placed)
            shapes[rows] = (
                shapely.polygons(rings)
                if ring == 0
                else shapely.polygons(shapely.get_exterior_ring(shapes[rows]), rings[:, None])
            )
    for start in range(0, count, 10_000):
        stop = min(start + 10_000, count)
        numbers = range(start, stop)
        yield FeatureBatch(
            schema=SCHEMA,
            fids=np.arange(start + 1, stop + 1),
            ids=[f"b{number}" for number in numbers],
            wkb=shapely.to_wkb(shapes[start:stop], flavor="iso").tolist(),
            columns={
                "name": [f"{number % 300 + 1}号楼" for number in numbers],
                "height": heights[start:stop].tolist(),
                "floors": np.maximum(heights[start:stop] / 3, 1).astype(int).tolist(),
            },
        )


def _box() -> list[np.ndarray]:
    return [np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])]


def _ell() -> list[np.ndarray]:
    return [np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.0], [0.0, 0.0], [0.0, 0.5], [-0.5, 0.5]])]


def _court() -> list[np.ndarray]:
    return [_box()[0], _box()[0][::-1] * 0.5]
