"""The density of a snapshot beside that of the store: the same squares with the same counts, in every grid."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import mapbox_vector_tile
import numpy as np
import pytest
import shapely

from tiles.address import Tile
from tiles.density import COUNT
from tiles.features import StoreTileSource
from tiles.grids import CGCS2000_QUAD, GRIDS, WEB_MERCATOR_QUAD, Grid
from tiles.kernel.layer import Part
from tiles.snapshot.copying import copied
from tiles.snapshot.drawing import draw
from twin.feature import Feature
from twin.schema import GeometryType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Boxes of different size all over the world, the farthest in its corners."""
    draws = np.random.default_rng(8)
    # Middles lie off the edges of cells: the store's index holds single precision.
    middles = np.column_stack([draws.integers(-1400, 1400, 400), draws.integers(-600, 600, 400)]) * 0.125 + 0.031
    with closing(open_store(str(tmp_path_factory.mktemp("store") / "onemap.gpkg"))) as store:
        spec = LayerSpec("boxes", Schema(GeometryType.POLYGON), {})
        with store.write("boxes", Author("test"), create=spec) as writer:
            for (x, y), half in zip(middles, draws.uniform(0.001, 1.0, 400), strict=True):
                writer.insert(Feature(f"B{x}/{y}/{half}", shapely.box(x - half, y - half, x + half, y + half), {}))
            for x, y in ((-179.9, -84.9), (179.9, 84.9)):
                writer.insert(Feature(f"C{x}", shapely.box(x - 0.1, y - 0.1, x + 0.1, y + 0.1), {}))
        yield store


@pytest.mark.parametrize("grid", list(GRIDS.values()), ids=list(GRIDS))
@pytest.mark.parametrize("z", [0, 2, 5])
def test_counts_are_those_of_the_store(store: Store, grid: Grid, z: int) -> None:
    source = StoreTileSource(store)
    layer = replace(source.describe("boxes"), density_below=24)
    columns = copied(store, layer).columns
    columns_wide, rows_high = grid.matrix_size(z)
    tiles = [Tile(z=z, x=x, y=y) for x in range(columns_wide) for y in range(rows_high)]
    met = 0
    for tile in tiles[:: max(1, len(tiles) // 40)]:
        ours = draw(layer, [Part(columns)], tile, grid)
        theirs = source.tile(layer, tile, grid)
        assert squares(ours.data) == squares(theirs.data)
        assert ours.features == len(squares(ours.data))
        met += ours.features
    assert met >= 5


def squares(data: bytes) -> dict[int, int]:
    features = mapbox_vector_tile.decode(data)["boxes"]["features"] if data else []
    return {feature["id"]: feature["properties"][COUNT] for feature in features}


@pytest.mark.parametrize("grid", [WEB_MERCATOR_QUAD, CGCS2000_QUAD], ids=lambda grid: grid.id)
def test_squares_lie_where_those_of_the_store_do(store: Store, grid: Grid) -> None:
    source = StoreTileSource(store)
    layer = replace(source.describe("boxes"), density_below=24)
    columns = copied(store, layer).columns
    tile = Tile(z=2, x=2, y=1)
    ours, theirs = (
        shapes(each.data) for each in (draw(layer, [Part(columns)], tile, grid), source.tile(layer, tile, grid))
    )
    assert ours.keys() == theirs.keys()
    assert max(shapely.hausdorff_distance(ours[key], theirs[key]) for key in ours) <= 1.5


def shapes(data: bytes) -> dict[int, shapely.Geometry]:
    features = mapbox_vector_tile.decode(data)["boxes"]["features"]
    return {feature["id"]: shapely.geometry.shape(feature["geometry"]) for feature in features}


def test_hidden_features_do_not_count(store: Store) -> None:
    layer = replace(StoreTileSource(store).describe("boxes"), density_below=24)
    columns = copied(store, layer).columns
    hidden = (np.arange(len(columns)) % 2).astype(np.uint8)
    total = [
        sum(squares(draw(layer, [part], Tile(z=0, x=0, y=0), WEB_MERCATOR_QUAD).data).values())
        for part in (Part(columns), Part(columns, hidden), Part(columns, 1 - hidden))
    ]
    assert total[0] == total[1] + total[2] == len(columns)
