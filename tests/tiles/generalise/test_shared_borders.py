"""Neighbours that share a border share it at every level: no gap, no overlap. The judge is GEOS."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import mapbox_vector_tile
import numpy as np
import pytest
import shapely

from tiles.address import Tile
from tiles.grids import GRIDS, Grid
from tiles.kernel.layer import Part, encode_columns
from tiles.kernel.vertex_zoom import vertex_zooms
from tiles.kernel.window import TileWindow
from tiles.snapshot.building import build_columns
from tiles.snapshot.layout import Columns
from twin.feature import FeatureBatch
from twin.schema import GeometryType, Schema

SCHEMA = Schema(GeometryType.POLYGON, ())
WEST, SOUTH, CELL = 119.7, 36.0, 0.04
SIDE = 12
Point = tuple[float, float]


def wiggly_towns() -> list[shapely.Geometry]:
    """A lattice of towns with borders of 60 vertices each; one town is an island in a hole of its neighbour."""
    rng = random.Random(7)
    corners = {
        (i, j): (WEST + CELL * (i + rng.uniform(-0.2, 0.2)), SOUTH + CELL * (j + rng.uniform(-0.2, 0.2)))
        for i in range(SIDE + 1)
        for j in range(SIDE + 1)
    }
    borders: dict[tuple[tuple[int, int], tuple[int, int]], list[Point]] = {}

    def border(a: tuple[int, int], b: tuple[int, int]) -> list[Point]:
        if (b, a) in borders:
            return borders[b, a][::-1]
        if (a, b) not in borders:
            (ax, ay), (bx, by) = corners[a], corners[b]
            drift = np.cumsum([rng.gauss(0, 0.0004) for _ in range(59)])
            drift -= np.linspace(0, drift[-1], 59)
            inner = [
                (ax + (bx - ax) * t + d * (by - ay) / CELL, ay + (by - ay) * t - d * (bx - ax) / CELL)
                for t, d in zip(np.linspace(0, 1, 61)[1:-1], drift, strict=True)
            ]
            borders[a, b] = [corners[a], *inner, corners[b]]
        return borders[a, b]

    towns = []
    for i in range(SIDE):
        for j in range(SIDE):
            around = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1), (i, j)]
            ring = [place for a, b in pairwise(around) for place in border(a, b)[:-1]]
            towns.append(shapely.Polygon(ring))
    island = shapely.Point(WEST + 2.5 * CELL, SOUTH + 2.5 * CELL).buffer(CELL / 8, quad_segs=40)
    towns[2 * SIDE + 2] = shapely.Polygon(towns[2 * SIDE + 2].exterior, [island.exterior.coords[::-1]])
    # The island begins elsewhere than the hole, and runs the other way.
    towns.append(shapely.Polygon([*island.exterior.coords[50:-1], *island.exterior.coords[:50]]))
    return towns


def columns_of(shapes: list[shapely.Geometry]) -> Columns:
    wkb = [shapely.to_wkb(shape) for shape in shapes]
    numbers = np.arange(1, len(shapes) + 1, dtype=np.int64)
    return build_columns([FeatureBatch(SCHEMA, numbers, [str(n) for n in numbers.tolist()], wkb, {})], SCHEMA)


def drawn(columns: Columns, tile: Tile, grid: Grid) -> np.ndarray:
    data = encode_columns("towns", [Part(columns)], TileWindow(grid, tile)).data
    features = mapbox_vector_tile.decode(data)["towns"]["features"]
    return np.array([shapely.geometry.shape(feature["geometry"]) for feature in features])


@pytest.fixture(scope="module")
def towns() -> Columns:
    return columns_of(wiggly_towns())


@pytest.mark.parametrize("grid", GRIDS.values(), ids=lambda grid: grid.id)
def test_neighbours_keep_touching_at_every_level(towns: Columns, grid: Grid) -> None:
    sizes = []
    for z in range(4, 15):
        shapes = drawn(towns, grid.tile_at(WEST + 2.5 * CELL, SOUTH + 2.5 * CELL, z), grid)
        together = shapely.get_parts(shapely.unary_union(shapes))
        assert len(together) == 1
        # Where rounding folds a border over itself, a polygon that GEOS mends may keep the fold: slivers of an eighth of a pixel.
        gaps = shapely.Polygon(together[0].exterior).area - together[0].area
        overlaps = shapely.area(shapes).sum() - together[0].area
        assert max(gaps, overlaps) <= min(30, 1e-5 * together[0].area), (z, gaps, overlaps)
        sizes.append(shapely.get_num_coordinates(shapes).sum() / len(shapes))
    assert sizes[0] < sizes[5] / 5  # thinned, and still touching


def test_towns_thinned_each_for_itself_would_part(towns: Columns) -> None:
    """The test above can fail: without the neighbours' levels there are gaps and overlaps."""
    alone = np.zeros(len(towns.x), dtype=np.uint8)
    for first, end in pairwise(towns.path_vertices.tolist()):
        ring, one = slice(first, end), np.array([0, end - first])
        alone[ring] = vertex_zooms(towns.x[ring], towns.y[ring], one, np.ones(1, dtype=np.uint8))
    grid = GRIDS["WebMercatorQuad"]
    tile = grid.tile_at(WEST + 2.5 * CELL, SOUTH + 2.5 * CELL, 6)
    shapes = drawn(replace(towns, vertex_zoom=alone), tile, grid)
    assert shapely.area(shapes).sum() - shapely.unary_union(shapes).area > 50


def test_a_border_is_thinned_alike_from_both_sides(towns: Columns) -> None:
    places = (towns.x.astype(np.uint64) << np.uint64(32)) | towns.y
    order = np.argsort(places, kind="stable")
    same = places[order][1:] == places[order][:-1]
    levels = towns.vertex_zoom[order]
    assert same.sum() > 10_000
    assert (levels[1:][same] == levels[:-1][same]).all()


def test_each_ring_alone_is_thinned_as_before() -> None:
    rng = random.Random(3)
    for _ in range(30):
        angles = np.sort([rng.uniform(0, 2 * np.pi) for _ in range(rng.randrange(3, 80))])
        radii = [rng.uniform(0.001, 0.01) for _ in angles]
        ring = [(120 + r * np.cos(a), 36 + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)]
        columns = columns_of([shapely.Polygon(ring)])
        for z in (8, 11, 14):
            kept = columns.vertex_zoom <= z
            assert kept.sum() >= 3
            thinned = shapely.LinearRing(np.column_stack([columns.x, columns.y])[kept])
            dropped = shapely.points(columns.x[~kept].astype(float), columns.y[~kept].astype(float))
            assert (shapely.distance(dropped, thinned) <= 2.0 ** (19 - z)).all()
