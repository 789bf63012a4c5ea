"""Heights of tiles against closed forms, against the real SRTM file read by others, and against their own neighbours."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio import Affine

from tiles.address import Tile
from tiles.grids import CGCS2000_QUAD, WEB_MERCATOR_QUAD
from tiles.terrain.elevation import Elevation, open_elevation
from tiles.terrain.lattice import pixel_centres, spacing_m
from tiles.terrain.rgb import height_image, pack_heights
from tiles.terrain.surface import Surface
from twin.errors import MissingCRSError, TileOutsideGridError, UnreadableFileError

VOID = -32768.0
STEP_DEG = 0.001


def write_dem(
    path: Path, heights: np.ndarray, crs: str | None = "EPSG:4326", origin=(120.0, 36.5), step=STEP_DEG
) -> Path:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=heights.shape[0],
        width=heights.shape[1],
        count=1,
        dtype="float32",
        crs=crs,
        transform=Affine(step, 0.0, origin[0], 0.0, -step, origin[1]),
        nodata=VOID,
    ) as out:
        out.write(heights.astype(np.float32), 1)
    return path


def plane(rows: int = 300, columns: int = 400) -> np.ndarray:
    """Rises 2 m a pixel to the east and 1 m a pixel to the south."""
    return np.add.outer(np.arange(rows) * 1.0, np.arange(columns) * 2.0)


def plane_at(lon, lat):
    return 2.0 * ((lon - 120.0) / STEP_DEG - 0.5) + ((36.5 - lat) / STEP_DEG - 0.5)


def unpacked(data: bytes, packing: str) -> np.ndarray:
    red, green, blue = np.moveaxis(np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.float64), -1, 0)
    if packing == "mapbox":
        return -10000 + (red * 65536 + green * 256 + blue) * 0.1
    return red * 256 + green + blue / 256 - 32768


@pytest.fixture
def slope(tmp_path):
    dem = open_elevation(write_dem(tmp_path / "plane.tif", plane()))
    yield dem
    dem.close()


@pytest.mark.parametrize("grid", [WEB_MERCATOR_QUAD, CGCS2000_QUAD], ids=lambda grid: grid.id)
@pytest.mark.parametrize(("packing", "step"), [("mapbox", 0.1), ("terrarium", 1 / 256)])
@pytest.mark.parametrize("kind", ["png", "webp"])
def test_a_plane_comes_back_to_half_a_step(slope, grid, packing, step, kind):
    tile = grid.tile_at(120.2, 36.35, 14)
    image = height_image(Surface(slope), grid, tile, packing=packing, kind=kind)
    lon, lat = pixel_centres(grid, tile, 256)
    assert image.filled == image.outside == 0
    assert np.abs(unpacked(image.data, packing) - plane_at(lon, lat)).max() <= step / 2 + 1e-3


def test_rounding_goes_to_the_nearest_step_and_stays_in_range():
    colours = pack_heights(np.array([[0.0, -10.0, 0.05, 1e9, -1e9]], dtype=np.float32), "mapbox")
    assert colours[0].tolist() == [[1, 134, 160], [1, 134, 60], [1, 134, 161], [255, 255, 255], [0, 0, 0]]
    assert pack_heights(np.array([[0.0]], dtype=np.float32), "terrarium")[0, 0].tolist() == [128, 0, 0]


def halves_agree(dem: Elevation, lon, lat, level: int) -> None:
    """Every part of a place's surroundings asked for alone gives the very heights of the whole."""
    whole = dem.heights(lon, lat, level)
    for part in (np.s_[:, :20], np.s_[:, 20:], np.s_[:20, :], np.s_[20:, :], np.s_[7:9, 30:33]):
        np.testing.assert_array_equal(dem.heights(lon[part], lat[part], level), whole[part])


@pytest.mark.parametrize("level", [0, 2])
def test_a_height_does_not_depend_on_what_else_is_asked_for(tmp_path, level):
    rough = np.random.default_rng(7).uniform(0, 500, (300, 400))
    rough[100:112, 100:140] = VOID
    rough[180:260, 180:260] = VOID
    dem = open_elevation(write_dem(tmp_path / "rough.tif", rough))
    lon, lat = np.meshgrid(np.linspace(119.98, 120.42, 90), np.linspace(36.52, 36.18, 90))
    halves_agree(dem, lon, lat, level)
    dem.close()


def test_small_voids_are_filled_and_wide_ones_stay_unknown(tmp_path):
    heights = plane()
    heights[100:104, 100:104] = VOID
    heights[150:250, 150:250] = VOID
    dem = open_elevation(write_dem(tmp_path / "voids.tif", heights))
    small, wide, outside = dem.heights(np.array([120.102, 120.2, 119.9]), np.array([36.398, 36.3, 36.3]))
    assert small == pytest.approx(plane_at(120.102, 36.398), abs=3.0)
    assert np.isnan(wide)
    assert np.isnan(outside)
    dem.close()


def test_a_tile_without_heights_is_none_and_one_outside_the_grid_is_refused(slope):
    assert height_image(Surface(slope), WEB_MERCATOR_QUAD, WEB_MERCATOR_QUAD.tile_at(10.0, 50.0, 12)) is None
    edge = height_image(Surface(slope), WEB_MERCATOR_QUAD, WEB_MERCATOR_QUAD.tile_at(120.2, 36.35, 6))
    assert 0 < edge.outside < 256 * 256
    assert edge.filled == 0
    assert unpacked(edge.data, "mapbox").min() == pytest.approx(Surface(slope).ground_m)
    with pytest.raises(TileOutsideGridError):
        height_image(Surface(slope), WEB_MERCATOR_QUAD, Tile(z=3, x=8, y=0))


def test_projected_heights_are_where_they_belong(tmp_path):
    heights = np.full((100, 100), 5.0)
    heights[:, 50:] = 80.0
    path = write_dem(tmp_path / "step.tif", heights, "EPSG:4549", origin=(499_500.0, 4_020_500.0), step=10.0)
    dem = open_elevation(path, "EPSG:5737")
    west, east = dem.heights(np.array([119.998, 120.002]), np.array([36.31, 36.31]))
    assert (west, east, dem.vertical_datum) == (5.0, 80.0, "EPSG:5737")
    dem.close()


def test_files_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(MissingCRSError):
        open_elevation(write_dem(tmp_path / "bare.tif", plane(), None))
    (tmp_path / "高程.tif").write_bytes(b"no raster")
    with pytest.raises(UnreadableFileError) as caught:
        open_elevation(tmp_path / "高程.tif")
    assert "高程.tif" in str(caught.value.value)


def test_andorra_agrees_with_the_pixels_another_reader_sees(shared_data, tmp_path):
    with zipfile.ZipFile(shared_data / "raster/srtm3-n42e001-andorra.hgt.zip") as archive:
        path = Path(archive.extract("N42E001.hgt", tmp_path))
    dem = open_elevation(path)
    raw = np.frombuffer(path.read_bytes(), dtype=">i2").reshape(1201, 1201)
    row, column = np.random.default_rng(4).integers(0, 1201, (2, 5000))
    found = dem.heights(1.0 + column / 1200.0, 43.0 - row / 1200.0)
    known = raw[row, column] != VOID
    assert 0.9 < known.mean() < 1.0
    np.testing.assert_allclose(found[known], raw[row, column][known], atol=0.02)
    lon, lat = np.meshgrid(np.linspace(1.2, 1.9, 90), np.linspace(42.9, 42.2, 90))
    halves_agree(dem, lon, lat, dem.level_for(spacing_m(WEB_MERCATOR_QUAD, 9, 256)))
    dem.close()
