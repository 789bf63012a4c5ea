"""A tile never holds more than its budget; what stays is the most important, and the rest is counted."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import mapbox_vector_tile
import numpy as np
import pytest
import shapely

from tiles.generalise.budget import BUDGET, Budget, encode_within, importance
from tiles.generalise.budget_batch import encode_batch
from tiles.generalise.budget_columns import encode_budgeted
from tiles.generalise.wishes import Clusters
from tiles.grids import GRIDS, WEB_MERCATOR_QUAD, Grid
from tiles.kernel.layer import Part
from tiles.kernel.window import TileWindow
from tiles.mvt.window import Window
from tiles.snapshot.building import build_columns
from twin.feature import FeatureBatch
from twin.schema import CodeValue, GeometryType, Property, PropertyType, Schema
from twin.text import LocalText

WEST, SOUTH = 119.95, 36.20
STATUS = Property("status", PropertyType.STRING, codes=tuple(CodeValue(v, LocalText(v)) for v in ("ok", "报警")))
SCHEMA = Schema(GeometryType.GEOMETRY, (STATUS,))
WISH = Clusters(12, "status", ("ok", "报警"), ("报警",))


def batch_of(shapes: list[shapely.Geometry], statuses: list[str] | None = None) -> FeatureBatch:
    return FeatureBatch(
        schema=SCHEMA,
        fids=np.arange(1, len(shapes) + 1, dtype=np.int64),
        ids=[str(i + 1) for i in range(len(shapes))],
        wkb=[shape.wkb for shape in shapes],
        columns={"status": statuses or ["ok"] * len(shapes)},
    )


def houses(count: int) -> list[shapely.Geometry]:
    rng = random.Random(11)
    found = []
    for _ in range(count):
        lon, lat, size = WEST + rng.random() * 0.05, SOUTH + rng.random() * 0.05, 10 ** rng.uniform(-3.6, -2.4)
        found.append(shapely.box(lon, lat, lon + size, lat + size * rng.uniform(0.3, 1)))
    return found


def ids(data: bytes) -> set[int]:
    return {f["id"] for f in mapbox_vector_tile.decode(data)["town"]["features"]} if data else set()


def half_way_round(shape: shapely.Geometry) -> float:
    """In the plane of Web Mercator, from the formula of the projection."""
    west, south, east, north = shape.bounds
    up = [math.degrees(math.asinh(math.tan(math.radians(lat)))) for lat in (south, north)]
    return (east - west) + (up[1] - up[0])


Draw = Callable[[FeatureBatch, Window, Budget], tuple[bytes, int]]


def from_snapshot(batch: FeatureBatch, window: Window, budget: Budget) -> tuple[bytes, int]:
    parts = [Part(build_columns([batch], SCHEMA))]
    drawn, beyond = encode_budgeted("town", parts, TileWindow(window.grid, window.tile), WISH, budget)
    return drawn.data, beyond


def from_store(batch: FeatureBatch, window: Window, budget: Budget) -> tuple[bytes, int]:
    drawn, beyond = encode_batch("town", batch, window, WISH, budget)
    return drawn.data, beyond


@pytest.mark.parametrize("draw", [from_snapshot, from_store])
@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_the_largest_stay_and_the_rest_is_counted(draw: Draw, grid: Grid) -> None:
    shapes = houses(1500)
    here = (grid.tile_at(WEST + 0.025, SOUTH + 0.025, z) for z in range(9, 0, -1))
    boxes = ((tile, grid.lonlat_bounds(tile)) for tile in here)
    around = next(
        tile for tile, b in boxes if b.west < WEST and b.east > WEST + 0.06 and b.south < SOUTH < b.north - 0.06
    )
    window = Window(grid, around)
    data, beyond = draw(batch_of(shapes), window, Budget(features=200))
    by_size = sorted(range(len(shapes)), key=lambda i: -half_way_round(shapes[i]))
    drawn = ids(data)
    assert len(drawn) == 200
    assert beyond == 1300
    # World units are whole: features whose sizes differ by less may change places.
    assert len(drawn ^ {i + 1 for i in by_size[:200]}) <= 2


@pytest.mark.parametrize("draw", [from_snapshot, from_store])
def test_bytes_are_met_and_mostly_used(draw: Draw) -> None:
    shapes = houses(1500)
    window = Window(WEB_MERCATOR_QUAD, WEB_MERCATOR_QUAD.tile_at(WEST + 0.025, SOUTH + 0.025, 10))
    whole, _ = draw(batch_of(shapes), window, BUDGET)
    assert len(ids(whole)) == 1500
    data, beyond = draw(batch_of(shapes), window, Budget(data_bytes=10_000))
    assert 7_000 < len(data) <= 10_000 < len(whole)
    assert len(ids(data)) == 1500 - beyond
    smallest = min(half_way_round(shapes[i - 1]) for i in ids(data))
    assert all(half_way_round(shapes[i - 1]) <= smallest + 1e-6 for i in set(range(1, 1501)) - ids(data))


@pytest.mark.parametrize("draw", [from_snapshot, from_store])
def test_an_alarm_stays_whatever_its_size(draw: Draw) -> None:
    rng = random.Random(12)
    shapes = [*houses(300), *(shapely.Point(WEST + rng.random() * 0.05, SOUTH + 0.01) for _ in range(20))]
    window = Window(WEB_MERCATOR_QUAD, WEB_MERCATOR_QUAD.tile_at(WEST + 0.025, SOUTH + 0.025, 10))
    data, _ = draw(batch_of(shapes, ["ok"] * 300 + ["报警"] * 20), window, Budget(features=50))
    assert set(range(301, 321)) <= ids(data)
    assert len(ids(data)) == 50


def test_a_feature_larger_than_the_budget_is_drawn_alone() -> None:
    made, beyond = encode_within(np.array([2, 0, 1]), lambda stays: stays, lambda _: 10**9, Budget())
    assert made.tolist() == [False, False, True]
    assert beyond == 2


def test_points_that_stay_are_spread_like_all_and_nested() -> None:
    fids = np.arange(1, 10_001, dtype=np.int64)
    order = importance(np.zeros(10_000), fids)
    counts = np.histogram(fids[order[:1000]], bins=10, range=(1, 10_001))[0]
    assert counts.min() >= 90
    assert counts.max() <= 110
    fewer = importance(np.zeros(5_000), fids[:5_000])
    assert set(fewer[:100].tolist()) <= set(order[:400].tolist())
