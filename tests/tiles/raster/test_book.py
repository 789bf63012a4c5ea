"""Rasters come in whole, checked and dated, or not at all."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rio_cogeo.cogeo import cog_validate

from raster_files import photo, slope, write_raster
from tiles.raster.book import RasterBook, Shown
from tiles.raster.cog import RasterWish, import_raster
from twin.errors import (
    BadManifestError,
    DuplicateRasterError,
    MissingCRSError,
    OffsetDatumError,
    TooLargeError,
    UnknownRasterError,
    UnreadableFileError,
)
from twin.files import file_sha256
from twin.text import LocalText


def wish(image: str = "a", **more) -> RasterWish:
    return RasterWish("ortho", image, LocalText("胶州正射影像", "Orthophoto"), **more)


@pytest.fixture
def book(reopen, tmp_path) -> RasterBook:
    return RasterBook(reopen(), tmp_path / "rasters")


def left_behind(book: RasterBook) -> list[Path]:
    return [path for path in book.folder.rglob("*") if path.is_file()]


def test_a_raster_becomes_a_valid_cog_with_the_same_pixels(book, tmp_path, reopen):
    pixels = photo()
    record = import_raster(book, write_raster(tmp_path / "in.tif", pixels), wish(day=date(2024, 5, 1), owner="规划局"))
    assert cog_validate(str(record.path), strict=True, quiet=True) == (True, [], [])
    with rasterio.open(record.path) as cog:
        assert np.array_equal(cog.read(), pixels)
        assert cog.crs.to_epsg() == 4490
    assert record.sha256 == file_sha256(record.path)
    read = RasterBook(reopen(), book.folder).dataset("ortho")
    assert read == record, "another process reads what was written"
    assert read.title.zh == "胶州正射影像"
    assert read.bounds.as_tuple() == pytest.approx((120.0, 36.24, 120.07, 36.3))


def test_nan_is_no_measurement_and_survives_the_book(book, tmp_path):
    record = import_raster(book, write_raster(tmp_path / "dem.tif", slope()), wish(vertical_datum="5737"))
    read = book.dataset("ortho")
    assert np.isnan(read.nodata)
    assert read.vertical_datum == "EPSG:5737"
    assert read.bands[0].high < 300
    with rasterio.open(record.path) as cog:
        assert cog.read(1, masked=True).mask[:20, :20].all()


def test_a_picture_with_a_world_file_needs_only_its_system(book, tmp_path):
    path = tmp_path / "scan.png"
    Image.fromarray(photo(40, 50).transpose(1, 2, 0)).save(path)
    with pytest.raises(MissingCRSError, match="world file"):
        import_raster(book, path, wish(crs="EPSG:4549"))
    path.with_suffix(".pgw").write_text("2\n0\n0\n-2\n500001\n4019999\n")
    with pytest.raises(MissingCRSError, match="--crs"):
        import_raster(book, path, wish())
    assert import_raster(book, path, wish(crs="EPSG:4549")).bounds.west == pytest.approx(120.0, abs=1e-3)


def test_a_raster_of_a_bent_datum_is_refused(book, tmp_path):
    with pytest.raises(OffsetDatumError):
        import_raster(book, write_raster(tmp_path / "in.tif", photo(9, 9)), wish(crs="GCJ-02"))
    assert left_behind(book) == []


def test_the_newest_image_of_a_time_is_the_raster(book, tmp_path):
    source = write_raster(tmp_path / "in.tif", photo(60, 60))
    old = import_raster(book, source, wish("old", day=date(2020, 1, 1)))
    new = import_raster(book, source, wish("new", day=date(2024, 1, 1)))
    undated = import_raster(book, source, wish("undated"))
    assert book.images("ortho") == (new, old, undated)
    assert book.dataset("ortho", Shown(until=date(2023, 1, 1))) == old
    assert book.dataset("ortho", Shown(known_at=old.registered_at)) == old
    with pytest.raises(UnknownRasterError):
        book.dataset("ortho", Shown(known_at=old.registered_at - timedelta(days=1)))


def test_a_name_is_taken_once_and_free_again_when_removed(book, tmp_path):
    source = write_raster(tmp_path / "in.tif", photo(60, 60))
    first = import_raster(book, source, wish())
    with pytest.raises(DuplicateRasterError):
        import_raster(book, source, wish())
    assert first.path.is_file()
    book.remove("ortho")
    assert left_behind(book) == []
    with pytest.raises(UnknownRasterError):
        book.images("ortho")
    import_raster(book, source, wish())


@pytest.mark.parametrize("name", ["../etc", "胶州", "", "A"])
def test_a_name_that_could_be_a_path_is_refused(book, tmp_path, name):
    with pytest.raises(BadManifestError):
        import_raster(book, write_raster(tmp_path / "in.tif", photo(9, 9)), wish(name))


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.98])
def test_a_file_that_breaks_off_is_named_and_leaves_nothing(book, tmp_path, kept):
    rng = np.random.default_rng(1)
    whole = write_raster(tmp_path / "in.tif", rng.integers(0, 255, (3, 300, 300), dtype=np.uint8)).read_bytes()
    broken = tmp_path / "断.tif"
    broken.write_bytes(whole[: kept if isinstance(kept, int) else int(len(whole) * kept)])
    with pytest.raises(UnreadableFileError) as caught:
        import_raster(book, broken, wish())
    assert caught.value.value == "断.tif"
    assert left_behind(book) == []
    with pytest.raises(UnknownRasterError):
        book.images("ortho")


def test_a_claim_of_endless_pixels_is_refused_before_anything_is_read(book, tmp_path):
    path = tmp_path / "huge.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=2_000_000, height=2_000_000, count=1, dtype="float32", crs="EPSG:4490",
        transform=rasterio.transform.from_origin(120, 36.3, 1e-7, 1e-7), sparse_ok=True, tiled=True, bigtiff="yes",
        blockxsize=8192, blockysize=8192,
    ):  # fmt: skip
        pass
    with pytest.raises(TooLargeError):
        import_raster(book, path, wish())
    assert left_behind(book) == []


def test_a_full_disk_is_said_and_leaves_nothing(book, tmp_path, monkeypatch):
    source = write_raster(tmp_path / "in.tif", photo())
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(TooLargeError, match="磁盘"):
        import_raster(book, source, wish())
    assert left_behind(book) == []


def test_a_failed_commit_leaves_no_row(book, tmp_path):
    source = write_raster(tmp_path / "in.tif", photo(60, 60))

    def fails() -> None:
        raise OSError(28, "No space left on device")

    record = import_raster(book, source, wish())
    book.remove("ortho")
    with pytest.raises(OSError, match="No space"):
        book.add(record, fails)
    with pytest.raises(UnknownRasterError):
        book.images("ortho")


@pytest.mark.parametrize("nodata", [300.0, float("nan")])
def test_a_nodata_value_that_no_pixel_can_hold_is_refused(book, tmp_path, nodata):
    with pytest.raises(BadManifestError):
        import_raster(book, write_raster(tmp_path / "in.tif", photo(9, 9)), wish(nodata=nodata))


def test_real_rasters_come_in(book, shared_data):
    for name in ("naip-m4709963se-20100629", "uav-pix4d-orthomosaic-bali", "sentinel2-l2a-fishbourne"):
        record = import_raster(book, shared_data / "raster" / f"{name}.tif", wish(name))
        assert cog_validate(str(record.path), strict=True, quiet=True)[0]
        with rasterio.open(record.path) as cog, rasterio.open(shared_data / "raster" / f"{name}.tif") as source:
            assert np.array_equal(cog.read(), source.read(), equal_nan=True)
