"""Tiles of rasters beside rio-tiler's, at the edges of the world, out of turned grids, and from many threads at once."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import Affine, from_origin
from rio_tiler.io import Reader

from raster_files import photo, slope, write_raster
from tiles.address import Tile
from tiles.grids import GRIDS, WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD
from tiles.raster.book import RasterBook
from tiles.raster.cog import RasterWish, import_raster
from tiles.raster.look import read_look
from tiles.raster.placing import TileFrame
from tiles.raster.pool import CogPool
from tiles.raster.record import RasterRecord
from tiles.raster.sampling import Wanted, sample_images
from tiles.raster.service import raster_service
from twin.store import open_store
from twin.text import LocalText


@pytest.fixture
def book(tmp_path) -> RasterBook:
    return RasterBook(open_store(tmp_path / "twin.gpkg"), tmp_path / "rasters")


def imported(book: RasterBook, path: Path, name: str = "ortho") -> RasterRecord:
    return import_raster(book, path, RasterWish(name, "a", LocalText("影像", "Raster")))


def sampled(record: RasterRecord, tile: Tile, grid=WEB_MERCATOR_QUAD, bands=(1,)):
    return sample_images(CogPool(), [record], TileFrame(grid, tile), Wanted(bands))


@pytest.mark.parametrize("name", ["naip-m4709963se-20100629", "uav-pix4d-orthomosaic-bali", "sentinel2-l2a-fishbourne"])
def test_tiles_of_real_files_are_those_of_rio_tiler(book, shared_data, name):
    record = imported(book, shared_data / "raster" / f"{name}.tif")
    lon, lat = (record.bounds.west + record.bounds.east) / 2, (record.bounds.south + record.bounds.north) / 2
    level = {"naip": 15, "uav-": 18, "sent": 14}[name[:4]]
    tile = WEB_MERCATOR_QUAD.tile_at(lon, lat, level)
    ours = sampled(record, tile, bands=(1, 2, 3))
    with Reader(str(record.path)) as reader:
        theirs = reader.tile(
            tile.x, tile.y, tile.z, indexes=(1, 2, 3), resampling_method="bilinear", reproject_method="bilinear"
        )
    known = ~np.ma.getmaskarray(theirs.array).all(axis=0) & np.isfinite(theirs.array.data).all(axis=0)
    both = (ours.alpha == 255) & known
    assert both.mean() > 0.1
    assert ((ours.alpha > 0) != known).mean() < 0.01
    reach = np.ptp(theirs.array.data[:, both])
    # Theirs is warped twice (to a grid of GDAL's choice and to the tile) and rounded; edges of fields differ most.
    assert np.abs(ours.values - theirs.array.data)[:, both].mean() < 0.015 * reach


def test_a_raster_over_the_antimeridian_shows_on_both_sides(book, tmp_path):
    pixels = np.broadcast_to(np.arange(200, dtype=np.float32), (1, 50, 200))
    path = tmp_path / "fiji.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=50, width=200, dtype="float32", crs="EPSG:4326",
        transform=from_origin(179.0, -16.0, 0.01, 0.01),
    ) as file:  # fmt: skip
        file.write(pixels)
    record = imported(book, path)
    columns, _ = WORLD_CRS84_QUAD.matrix_size(8)
    row = WORLD_CRS84_QUAD.tile_at(0, -16.2, 8).y
    west, east = (sampled(record, Tile(z=8, x=x, y=row), WORLD_CRS84_QUAD) for x in (columns - 1, 0))
    for side, first in ((west, 180 - 180 / 256), (east, 180.0)):
        known = side.alpha[100] == 255
        lon = first + (np.arange(256) + 0.5) / 256 * (180 / 256)
        assert known.mean() > 0.9
        expected = (lon - 179.0) / 0.01 - 0.5
        assert np.abs(side.values[0, 100] - expected)[known & (lon < 180.99)].max() < 0.02


def test_a_raster_at_the_pole_lies_where_it_should(book, tmp_path):
    path = tmp_path / "pole.tif"
    side = 200
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=side, width=side, dtype="float32", crs="EPSG:3995",
        transform=from_origin(-500_000, 500_000, 5000, 5000),
    ) as file:  # fmt: skip
        y, x = np.mgrid[0:side, 0:side]
        file.write(np.hypot(x - 99.5, y - 99.5)[None].astype(np.float32))  # pixels from the pole
    record = imported(book, path)
    tile = WORLD_CRS84_QUAD.tile_at(90.0, 89.99, 4)
    made = sampled(record, tile, WORLD_CRS84_QUAD)
    lat = 90 - (np.arange(256) + 0.5) / 256 * (180 / 16)
    known = made.alpha[:, 128] == 255
    assert known[5:60].all()
    # Stereographic, true at 71 degrees: (1 + sin 71) / 2 of the arc near the pole; pixels of 5 km.
    expected = (90 - lat[:60]) * 111.69 * (1 + np.sin(np.radians(71))) / 2 / 5
    assert np.abs(made.values[0, :60, 128] - expected)[5:].max() < 0.3


def test_a_turned_grid_is_put_straight(book, tmp_path):
    path = tmp_path / "turned.tif"
    turned = Affine.translation(120.03, 36.28) * Affine.rotation(30) * Affine.scale(1e-4, -1e-4)
    pixels = np.broadcast_to(np.arange(300, dtype=np.float32), (1, 300, 300))
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=300, width=300, dtype="float32", crs="EPSG:4490", transform=turned
    ) as file:
        file.write(pixels)
    record = imported(book, path)
    lon, lat = turned * (150, 150)
    tile = WORLD_CRS84_QUAD.tile_at(lon, lat, 13)
    made = sampled(record, tile, WORLD_CRS84_QUAD)
    j, i = (int(v) for v in np.argwhere(made.alpha == 255)[len(np.argwhere(made.alpha == 255)) // 2])
    step = 180 / (1 << 13) / 256
    column, _ = ~turned * (-180 + (tile.x * 256 + i + 0.5) * step, 90 - (tile.y * 256 + j + 0.5) * step)
    assert made.values[0, j, i] == pytest.approx(column - 0.5, abs=0.05)


def test_what_is_unknown_has_no_weight_and_does_not_spread(book, tmp_path):
    record = imported(book, write_raster(tmp_path / "dem.tif", slope(), nodata=-9999.0))
    made = sampled(record, WEB_MERCATOR_QUAD.tile_at(120.001, 36.299, 17))
    assert {0, 255} == set(np.unique(made.alpha))
    known = made.values[0][made.alpha == 255]
    assert np.isfinite(known).all()
    assert known.min() >= 0


def test_every_level_from_the_world_to_the_pixel_draws(book, tmp_path):
    record = imported(book, write_raster(tmp_path / "in.tif", photo()))
    service = raster_service(0)
    look = read_look(record, {})
    for grid in GRIDS.values():
        for z in range(grid.max_zoom + 1):
            made = service.tile([record], look, grid, grid.tile_at(120.035, 36.27, z), 256, "png")
            # Further out the whole raster is less than a pixel, and no centre of one may lie in it.
            assert made.body or z < 6, (grid.id, z)
            assert not made.body or Image.open(io.BytesIO(made.body)).size == (256, 256)


def test_many_threads_get_the_same_tiles_from_a_bounded_pool(book, tmp_path):
    record = imported(book, write_raster(tmp_path / "in.tif", photo()))
    service, look = raster_service(0), read_look(record, {})
    service.pool.most = 3
    first = WEB_MERCATOR_QUAD.tile_at(120.02, 36.28, 15)
    tiles = [Tile(z=15, x=first.x + n % 3, y=first.y + n // 3) for n in range(6)]

    def drawn(n: int) -> bytes:
        return service.tile([record], look, WEB_MERCATOR_QUAD, tiles[n % 6], 256, "png").body

    alone = [drawn(n) for n in range(6)]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(drawn, range(120)))
    assert made == alone * 20
    assert len(service.pool) <= 3
    service.close()
    assert len(service.pool) == 0
