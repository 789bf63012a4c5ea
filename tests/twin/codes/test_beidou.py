"""BeiDou codes in the plane: published vectors, all quadrants, edges to the last bit, and an independent scalar reckoning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalar_codes import BEIDOU, beidou_code
from twin.codes import beidou
from twin.codes.beidou_levels import LEVELS
from twin.errors import BadCodeError, OutsideCodeSystemError

LEVEL_NUMBERS = range(1, 11)
longitudes = st.floats(-180, 180)
latitudes = st.floats(-88, 88, exclude_min=True, exclude_max=True)


def dms(degrees, minutes, seconds):
    return degrees + minutes / 60 + seconds / 3600


@pytest.mark.parametrize(
    ("lon", "lat", "levels", "codes"),
    [
        (
            dms(116, 18, 45.37),
            dms(39, 59, 35.38),
            range(1, 9),
            "N50J N50J47 N50J475 N50J47539 N50J47539B8 N50J47539B82 N50J47539B8255 N50J47539B825534",
        ),
        (dms(116, 19, 14.3184), dms(39, 59, 56.1444), [5], "N50J475493E"),
        (dms(116, 19, 5.9808), dms(39, 59, 59.7012), [5], "N50J475491E"),
        (dms(116, 19, 9.354), dms(39, 59, 56.526), [5], "N50J475492E"),
        (-57.702155, -31.396478, [10], "S21H764C31B375022200"),
        (
            120.0335,
            36.2645,
            LEVEL_NUMBERS,
            " ".join("N51J002250D020361341"[:n] for n in (4, 6, 7, 9, 11, 12, 14, 16, 18, 20)),
        ),
    ],
)
def test_the_published_vectors(lon, lat, levels, codes):
    assert [beidou.encode(lon, lat, level)[0] for level in levels] == codes.split()


def test_the_sample_of_the_standards_first_table_is_where_it_was():
    box = beidou.cell("N36J93078B3101524314")
    assert beidou.encode([box.west], [box.south]).tolist() == ["N36J93078B3101524314"]
    assert (box.west, box.south) == pytest.approx((34.629492, 37.636757), abs=1e-6)


@pytest.mark.parametrize("level", LEVEL_NUMBERS)
@settings(max_examples=40)
@given(lon=longitudes, lat=latitudes)
def test_any_point_has_the_code_that_exact_fractions_give_and_lies_in_its_cell(level, lon, lat):
    (code,) = beidou.encode([lon], [lat], level).tolist()
    assert code == beidou_code(lon, lat, level)
    box = beidou.cell(code)
    assert box.west <= lon <= box.east
    assert box.south <= lat <= box.north


@pytest.mark.parametrize("level", LEVEL_NUMBERS)
@settings(max_examples=40)
@given(data=st.data())
def test_an_edge_belongs_to_the_cell_away_from_meridian_and_equator(level, data):
    width, height, _ = BEIDOU[level - 1]
    column = data.draw(st.integers(0, int(180 / width) - 1))
    row = data.draw(st.integers(0, int(88 / height) - 1))
    x, y = data.draw(st.sampled_from([(1, 1), (-1, 1), (-1, -1), (1, -1)]))
    lon, lat = x * float(column * width), y * float(row * height)
    (code,) = beidou.encode([lon], [lat], level).tolist()
    box = beidou.cell(code)
    near_lon, near_lat = (box.west if lon >= 0 else box.east), (box.south if lat >= 0 else box.north)
    assert (near_lon, near_lat) == (lon, lat)
    assert beidou.encode([np.nextafter(lon, x * 181)], [np.nextafter(lat, y * 91)], level).tolist() == [
        code if column and row else beidou_code(np.nextafter(lon, x * 181), np.nextafter(lat, y * 91), level)
    ]
    if column and row:
        assert beidou.encode([np.nextafter(lon, 0)], [np.nextafter(lat, 0)], level).tolist() != [code]


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=40)
@given(data=st.data())
def test_decode_undoes_encode_for_every_cell(level, data):
    grid = level.grid
    column = data.draw(st.integers(grid.column_range[0], grid.column_range[1] - 1))
    row = data.draw(st.integers(grid.row_range[0], grid.row_range[1] - 1))
    codes = beidou.codes_of_cells(np.array([column]), np.array([row]), level.number)
    assert [int(v) for v in (*beidou.decode(codes)[0], *beidou.decode(codes)[1])] == [column, row]
    box = beidou.bounds(codes)[0]
    assert beidou.encode([(box[0] + box[2]) / 2], [(box[1] + box[3]) / 2], level.number) == codes


def test_whole_arrays_are_points_one_by_one():
    rng = np.random.default_rng(39409)
    lon, lat = rng.uniform(-180, 180, 40_000), rng.uniform(-88, 88, 40_000)
    lon[:500], lat[:500] = np.round(lon[:500] * 900) / 900, np.round(lat[:500] * 900) / 900
    picked = [*range(500), *range(16_300, 16_500), *range(39_900, 40_000)]
    for level in (1, 3, 5, 6, 8, 10):
        codes = beidou.encode(lon, lat, level)
        assert codes[picked].tolist() == [beidou_code(lon[i], lat[i], level) for i in picked]
        box = beidou.bounds(codes)
        assert ((box[:, 0] <= lon) & (lon <= box[:, 2]) & (box[:, 1] <= lat) & (lat <= box[:, 3])).all()


def test_the_two_sides_of_120_east_share_no_more_than_the_first_letter():
    assert beidou.encode([119.99, 120.0], [36.3, 36.3], 5).astype("<U3").tolist() == ["N50", "N51"]


def test_meridian_equator_and_antimeridian_are_decided():
    assert beidou.encode([0.0, -0.0, -1e-300], [0.0, -0.0, -1e-300], 1).tolist() == ["N31A", "N31A", "S30A"]
    assert beidou.encode([180.0, -180.0], [10.0, 10.0], 1).tolist() == ["N60C", "N01C"]


@pytest.mark.parametrize(
    ("lon", "lat"), [(120, 88), (120, -88), (120, 90), (180.5, 0), (float("nan"), 0), (0, float("inf"))]
)
def test_polar_caps_and_nonsense_are_refused(lon, lat):
    with pytest.raises(OutsideCodeSystemError) as caught:
        beidou.encode([lon], [lat], 5)
    assert "-88 to 88" in caught.value.limit
    assert beidou.encode([lon], [lat], 5, outside="blank").tolist() == [""]


@pytest.mark.parametrize("level", [0, 11, -1])
def test_there_are_ten_levels(level):
    with pytest.raises(BadCodeError, match="no level"):
        beidou.encode(120, 36, level)


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("X51J", "NS at place 1"),
        ("N00J", "01 to 60"),
        ("N61J", "01 to 60"),
        ("N51W", "at place 4"),
        ("N51JC0", "0 to B at place 5"),
        ("N51J08", "0 to 7 at place 6"),
        ("N51J006", "0 to 5 at place 7"),
        ("N51J002F5", "0 to E at place 8"),
        ("N51J0022A0", "4, 6, 7"),
        ("N51J002250DO", "at place 12"),
        ("N51J00225aD", "at place 10"),
        ("N51", "4, 6, 7"),
    ],
)
def test_what_is_no_code_is_refused_with_place_and_limit(code, limit):
    with pytest.raises(BadCodeError) as caught:
        beidou.cell(code)
    assert limit in caught.value.limit


def test_levels_may_be_mixed_for_bounds_but_not_for_decoding():
    assert beidou.bounds(["N51J", "S30A"]).tolist() == [[120, 36, 126, 40], [-6, -4, 0, 0]]
    assert beidou.bounds(["N51J00", "N51J"]).tolist() == [[120, 36, 120.5, 36.5], [120, 36, 126, 40]]
    with pytest.raises(BadCodeError):
        beidou.decode(["N51J00", "N51J"])
