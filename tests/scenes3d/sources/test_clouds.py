"""LAS, LAZ and COPC files: the real ones, the lying ones and the broken ones, each named and refused for its own reason."""

from __future__ import annotations

import struct

import laspy
import numpy as np
import pyproj
import pytest
import shapely

from scenes3d.points.building import build_cloud
from scenes3d.sources.clouds.header import read_header
from scenes3d.sources.clouds.source import open_clouds
from scenes3d.sources.landing import Place
from scenes3d.sources.reference import Stated
from twin.bounds import Bounds
from twin.crs import parse_crs, transform_points
from twin.errors import MissingCRSError, SuspiciousDatumError, UnreadableFileError, VerticalDatumError

JIAOZHOU = Place("Jiaozhou", Bounds(119.63, 36.01, 120.22, 36.5))
OURS = Stated("EPSG:4549", "EPSG:5737")


@pytest.fixture(scope="session")
def clouds(shared_data):
    return shared_data / "pointcloud"


@pytest.fixture
def written(tmp_path):
    """A function that writes a small cloud near Jiaozhou; gives its path."""

    def write(name="small.las", points=300, change=lambda header, record: None):
        header = laspy.LasHeader(version="1.4", point_format=7)
        header.scales, header.offsets = np.full(3, 0.001), np.array([500_000.0, 4_013_000.0, 0.0])
        record = laspy.ScaleAwarePointRecord.zeros(points, header=header)
        number = np.arange(points)
        record.x, record.y, record.z = 500_000 + number % 20, 4_013_000 + number // 20, 20 + number * 0.01
        record.intensity = number.astype(np.uint16)
        record.red = record.green = record.blue = (number % 256).astype(np.uint16)
        change(header, record)
        with laspy.open(tmp_path / name, mode="w", header=header) as writer:
            writer.write_points(record)
        return tmp_path / name

    return write


def test_delft_says_no_crs_and_is_asked_for_it(clouds):
    with pytest.raises(MissingCRSError, match="--crs") as caught:
        open_clouds([clouds / "ahn3-delft-west.laz"], Stated(), None)
    assert caught.value.value == "ahn3-delft-west.laz: x 84,904.15, y 447,527.05, z 9.41"
    with pytest.raises(VerticalDatumError, match="--vertical-datum"):
        open_clouds([clouds / "ahn3-delft-west.laz"], Stated("EPSG:28992"), None)


def test_autzen_counts_in_feet_and_is_asked_about_its_heights(clouds):
    autzen = [clouds / "autzen-stadium-rgb.las"]
    with pytest.raises(VerticalDatumError, match="--height-unit") as caught:
        open_clouds(autzen, Stated(vertical_datum="unknown"), None)
    assert "foot (0.3048 m)" in caught.value.message
    source = open_clouds(autzen, Stated(vertical_datum="unknown", height_unit="foot"), None)
    # The stadium of Eugene, Oregon, lies some 130 m above the sea.
    heights = np.concatenate([chunk.height_m for chunk in source.chunks()])
    assert 123.8 < heights.min() < heights.max() < 158.7
    assert (source.frame.lon, source.frame.lat) == pytest.approx((-123.071, 44.051), abs=1e-3)


def test_lone_star_lies_about_its_crs(clouds):
    lone = [clouds / "lone-star.copc.laz"]
    with pytest.raises(SuspiciousDatumError, match="4,945 km") as caught:
        open_clouds(lone, Stated(), None)
    assert caught.value.value == "lone-star.copc.laz: x 515,384.8, y 4,918,360.7, z 2,330.7"
    with pytest.raises(SuspiciousDatumError, match=r"km from Jiaozhou, which is at 119\.92500E 36\.25500N") as caught:
        open_clouds(lone, Stated("EPSG:32613", "unknown"), JIAOZHOU)
    assert "-104.80674E 44.41838N" in caught.value.value
    source = open_clouds(lone, Stated("EPSG:32613", "unknown"), None)
    assert sum(len(chunk.lon) for chunk in source.chunks()) == 518_862


def test_points_land_where_proj_says(written):
    source = open_clouds([written()], OURS, JIAOZHOU)
    (chunk,) = source.chunks()
    number = np.arange(300)
    lon, lat = transform_points(
        500_000 + number % 20, 4_013_000 + number // 20, parse_crs("EPSG:4549"), parse_crs("EPSG:4490")
    )
    assert np.abs(chunk.lon - lon).max() < 1e-9
    assert np.abs(chunk.lat - lat).max() < 1e-9
    assert np.abs(chunk.height_m - 20 - number * 0.01).max() < 0.0006
    assert (chunk.intensity == number).all()


def test_what_the_user_says_wins_and_heights_in_feet_are_turned_into_metres(written):
    def lie(header, record):
        header.add_crs(pyproj.CRS.from_epsg(32613))

    source = open_clouds([written(change=lie)], Stated("EPSG:4549+5737", height_unit="us-foot"), JIAOZHOU)
    (chunk,) = source.chunks()
    assert chunk.height_m[0] == pytest.approx(20 * 1200 / 3937)
    with pytest.raises(SuspiciousDatumError, match="km from Jiaozhou"):
        open_clouds([written(change=lie)], Stated(vertical_datum="EPSG:5737"), JIAOZHOU)


def test_ellipsoidal_heights_become_1985_heights_only_by_a_stated_geoid_height(written):
    said = Stated("EPSG:4549", "ellipsoidal", geoid_height_m=8.5)
    source = open_clouds([written()], said, JIAOZHOU)
    (chunk,) = source.chunks()
    assert (source.vertical_datum, chunk.height_m[0]) == ("EPSG:5737", 11.5)
    with pytest.raises(VerticalDatumError, match="ellipsoidal heights only"):
        open_clouds([written()], Stated("EPSG:4549", "EPSG:5737", geoid_height_m=8.5), JIAOZHOU)


def test_a_cloud_far_from_the_terrain_is_refused_with_both_heights(written):
    place = Place("Jiaozhou", JIAOZHOU.bounds, ground=lambda lon, lat: np.full_like(lon, 1_220.0))
    with pytest.raises(SuspiciousDatumError, match=r"-1,199 m from the terrain, which is at 1,220\.0 m") as caught:
        open_clouds([written()], OURS, place)
    assert "21.5 m" in caught.value.value


def test_files_with_different_datums_are_not_one_scene(written):
    def said(code):
        return lambda header, _: header.add_crs(pyproj.CRS.from_user_input(f"EPSG:4549+{code}"))

    files = [written("a.las", change=said(5737)), written("b.las", change=said(5736))]
    with pytest.raises(VerticalDatumError, match=r"b\.las count from Yellow Sea 1956"):
        open_clouds(files, Stated(), JIAOZHOU)


def test_withheld_points_are_left_out_and_counted(written):
    def withhold(header, record):
        record.withheld[:] = np.arange(300) % 3 == 0

    source = open_clouds([written(change=withhold)], OURS, None)
    assert sum(len(chunk.lon) for chunk in source.chunks()) == 200
    assert source.withheld == 100


def test_eight_bit_colours_are_taken_for_what_they_are(written, tmp_path):
    build_cloud(open_clouds([written()], OURS, None), tmp_path / "cloud")
    data = (tmp_path / "cloud/r.glb").read_bytes()
    assert b"COLOR_0" in data
    build_cloud(open_clouds([written("black.las", change=_blacken)], OURS, None), tmp_path / "black")
    assert b"COLOR_0" not in (tmp_path / "black/r.glb").read_bytes()


def _blacken(header, record):
    record.red = record.green = record.blue = np.zeros(300, dtype=np.uint16)


@pytest.mark.parametrize("name", ["ahn3-delft-west.laz", "lone-star.copc.laz", "autzen-stadium-rgb.las"])
@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.999])
def test_files_that_were_cut_off_are_refused(clouds, tmp_path, name, share):
    data = (clouds / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UnreadableFileError, match="cannot be read") as caught:
        read_header(tmp_path / name, believe_crs=False)
    assert caught.value.value == name


def test_absurd_counts_are_refused_before_a_point_is_read(clouds, tmp_path):
    data = bytearray((clouds / "ahn3-delft-east.laz").read_bytes())
    struct.pack_into("<I", data, 107, 4_000_000_000)
    (tmp_path / "claims.laz").write_bytes(data)
    with pytest.raises(UnreadableFileError, match="claims 4,000,000,000 points and its 5 chunks hold 250,000 at most"):
        read_header(tmp_path / "claims.laz")
    data = bytearray((clouds / "autzen-stadium-rgb.las").read_bytes())
    struct.pack_into("<I", data, 107, 3_000_000_000)
    (tmp_path / "claims.las").write_bytes(data)
    with pytest.raises(UnreadableFileError, match="claims 3,000,000,000 points and has room for 110,000"):
        read_header(tmp_path / "claims.las")


@pytest.mark.parametrize(("at", "what"), [(131, "scale"), (155, "offset"), (179, "box")])
def test_numbers_that_are_none_are_refused(written, at, what):
    path = written()
    data = bytearray(path.read_bytes())
    struct.pack_into("<d", data, at, float("nan"))
    path.write_bytes(data)
    with pytest.raises(UnreadableFileError, match=what):
        read_header(path)


def test_a_folder_of_letters_is_no_cloud(tmp_path):
    (tmp_path / "letter.las").write_text("Dear planner, " * 100)
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        read_header(tmp_path / "letter.las")


def test_every_point_of_a_shape_stays_in_it(written):
    """A second opinion on east and north: shapely's hull of the points in the plane against that of the places."""
    source = open_clouds([written()], OURS, None)
    (chunk,) = source.chunks()
    x, y = transform_points(chunk.lon, chunk.lat, parse_crs("EPSG:4490"), parse_crs("EPSG:4549"))
    hull = shapely.convex_hull(shapely.multipoints(np.column_stack([x, y])))
    assert hull.area == pytest.approx(19 * 14, abs=0.01)
