"""Density grids and the level below which they stand in for features."""

from __future__ import annotations

import pytest
import shapely

from memory_layers import MemoryStore, decode, schema_of
from tiles.address import Tile
from tiles.density import COMFORTABLE_FEATURES, MOST_FEATURES, density_zoom
from tiles.features import StoreTileSource
from tiles.grids import CGCS2000_QUAD, GRIDS, WEB_MERCATOR_QUAD, Grid
from twin.bounds import Bounds
from twin.feature import Feature

TOKYO = Bounds(139.5825, 35.5326, 139.9176, 35.8175)
JIAOZHOU = Bounds(119.6, 36.0, 120.2, 36.5)


def points(places: list[tuple[float, float]]) -> list[Feature]:
    return [Feature(None, shapely.Point(place)) for place in places]


def source_of(features: list[Feature], min_zoom: int) -> StoreTileSource:
    store = MemoryStore()
    store.put("lamps", schema_of("Point"), features, {"style": {"min_zoom": min_zoom}})
    return StoreTileSource(store)


def lamps(source: StoreTileSource, tile: Tile, grid: Grid = WEB_MERCATOR_QUAD) -> list:
    return decode(source.tile(source.describe("lamps"), tile, grid).data).get("lamps", [])


def test_a_small_layer_is_drawn_at_every_zoom() -> None:
    assert density_zoom(COMFORTABLE_FEATURES, JIAOZHOU, None) == 0
    assert density_zoom(0, None, None) == 0


def test_the_buildings_of_tokyo_turn_to_density_below_14() -> None:
    # The fullest z14 tile of the real file holds 20,941 of its 1,277,744 buildings, the fullest z13 tile 62,778.
    assert density_zoom(1_277_744, TOKYO, None) == 14


def test_a_wish_is_kept_until_a_tile_would_hold_too_many() -> None:
    assert density_zoom(25_000, JIAOZHOU, 5) == 5
    assert density_zoom(25_000, JIAOZHOU, 16) == 16
    assert density_zoom(1_277_744, TOKYO, 3) > 10
    assert density_zoom(MOST_FEATURES, TOKYO, 0) == 0


def test_features_in_one_spot_do_not_run_away() -> None:
    assert density_zoom(10_000_000, Bounds(120, 36, 120, 36), None) <= 22


def test_a_layer_in_one_spot_beyond_all_levels_is_never_cut() -> None:
    assert density_zoom(30_000, Bounds(120, 36, 120, 36), None) == 22


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
def test_each_feature_is_counted_once_over_all_tiles_of_a_level(grid: Grid) -> None:
    places = [(120 + (i * 37 % 101) / 150, 36 + (i * 53 % 97) / 150) for i in range(500)]
    source = source_of(points(places), min_zoom=14)
    cells: dict[int, int] = {}
    first, last = grid.tile_at(120, 36.66, 10), grid.tile_at(120.68, 36, 10)
    for x in range(first.x, last.x + 1):
        for y in range(first.y, last.y + 1):
            for cell in lamps(source, Tile(z=10, x=x, y=y), grid):
                assert cells.setdefault(cell.id, cell.properties["_count"]) == cell.properties["_count"]
    assert sum(cells.values()) == 500


def test_a_cell_is_a_square_in_degrees_round_its_features() -> None:
    source = source_of(points([(120.0335, 36.2645)] * 3), min_zoom=14)
    tile = CGCS2000_QUAD.tile_at(120.0335, 36.2645, 9)
    (cell,) = lamps(source, tile, CGCS2000_QUAD)
    assert cell.properties == {"_count": 3}
    west, north, east, south = cell.geometry.bounds
    assert (east - west, south - north) == (64, 64)
    box = CGCS2000_QUAD.lonlat_bounds(tile)
    x = (120.0335 - box.west) / (box.east - box.west) * 4096
    y = (box.north - 36.2645) / (box.north - box.south) * 4096
    assert west <= x < east
    assert north <= y < south


def test_density_gives_way_to_features_at_the_layers_level_in_both_grids() -> None:
    source = source_of(points([(120.0335, 36.2645)]), min_zoom=12)
    for grid, level in ((WEB_MERCATOR_QUAD, 12), (CGCS2000_QUAD, 11)):
        (below,) = lamps(source, grid.tile_at(120.0335, 36.2645, level - 1), grid)
        (above,) = lamps(source, grid.tile_at(120.0335, 36.2645, level), grid)
        assert below.geometry.geom_type == "Polygon"
        assert above.geometry.geom_type == "Point"


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
def test_a_feature_on_the_edge_of_the_world_is_counted(grid: Grid) -> None:
    source = source_of(points([(180.0, 0.0), (179.999, 0.001)]), min_zoom=14)
    tile = grid.tile_at(180.0, 0.001, 3)
    assert sum(cell.properties["_count"] for cell in lamps(source, tile, grid)) == 2


def test_neighbouring_cells_do_not_leak_into_a_tile() -> None:
    tile = CGCS2000_QUAD.tile_at(120.0335, 36.2645, 9)
    box = CGCS2000_QUAD.lonlat_bounds(tile)
    source = source_of(points([(box.east + 1e-6, box.south + 0.01), (box.west + 0.01, box.south - 1e-6)]), min_zoom=14)
    assert lamps(source, tile, CGCS2000_QUAD) == []
