"""Map sheet numbers: the standard's own example, edges to the last bit, and an independent scalar reckoning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalar_codes import SHEETS, sheet_number
from twin.codes import sheets
from twin.codes.sheet_scales import scale_table
from twin.errors import BadCodeError, OutsideCodeSystemError

LETTERS = "ABCDEFGHIJK"
VECTORS = {
    (114 + 33 / 60 + 45 / 3600, 39 + 22 / 60 + 30 / 3600): (
        "J50 J50B001001 J50C001001 J50D002002 J50E004003 J50F008005 J50G015010 J50H030019 J50I090055 J50J01800109 J50K03600217"
    ),
    (120.0335, 36.2645): (
        "J51 J51B002001 J51C004001 J51D012001 J51E023001 J51F045001 J51G090001 J51H180002 J51I538004 J51J10760007 J51K21520013"
    ),
    (119.9, 36.1): (
        "J50 J50B002002 J50C004004 J50D012012 J50E024024 J50F047048 J50G094095 J50H188189 J50I562567 J50J11241133 J50K22472266"
    ),
}
longitudes = st.floats(-180, 180)
latitudes = st.floats(0, 60, exclude_max=True)


@pytest.mark.parametrize("point", VECTORS)
def test_the_vectors_of_the_standard(point):
    assert [sheets.encode(*point, letter)[0] for letter in LETTERS] == VECTORS[point].split()


@pytest.mark.parametrize("letter", LETTERS)
@settings(max_examples=40)
@given(lon=longitudes, lat=latitudes)
def test_any_point_has_the_number_that_exact_fractions_give_and_lies_on_its_sheet(letter, lon, lat):
    (code,) = sheets.encode([lon], [lat], letter).tolist()
    assert code == sheet_number(lon, lat, letter)
    box = sheets.cell(code)
    assert box.west <= lon <= box.east
    assert box.south <= lat < box.north


@pytest.mark.parametrize("letter", LETTERS)
@settings(max_examples=40)
@given(data=st.data())
def test_an_edge_belongs_to_the_sheet_east_and_north_of_it(letter, data):
    n = SHEETS.get(letter, 1)
    column, row = data.draw(st.integers(-30 * n, 30 * n - 1)), data.draw(st.integers(0, 15 * n - 1))
    lon, lat = column * 6 / n, row * 4 / n
    (code,) = sheets.encode([lon], [lat], letter).tolist()
    box = sheets.cell(code)
    assert (box.west, box.south) == (lon, lat)
    (before,) = sheets.encode([np.nextafter(lon, 181)], [np.nextafter(lat, 91)], letter).tolist()
    assert before == code
    if column > -30 * n and row > 0:
        (below,) = sheets.encode([np.nextafter(lon, -181)], [np.nextafter(lat, -91)], letter).tolist()
        assert below == sheets.neighbours(code)["sw"]


@pytest.mark.parametrize("letter", LETTERS)
@settings(max_examples=40)
@given(data=st.data())
def test_decode_undoes_encode(letter, data):
    grid = scale_table().find(letter).grid
    column, row = data.draw(st.integers(*_inner(grid.column_range))), data.draw(st.integers(*_inner(grid.row_range)))
    codes = sheets.codes_of_cells(np.array([column]), np.array([row]), letter)
    columns, rows, scale = sheets.decode(codes)
    assert (columns[0], rows[0], scale.letter) == (column, row, letter)
    box = sheets.bounds(codes)[0]
    assert sheets.encode([(box[0] + box[2]) / 2], [(box[1] + box[3]) / 2], letter) == codes


def _inner(span):
    return span[0], span[1] - 1


def test_whole_arrays_are_points_one_by_one():
    rng = np.random.default_rng(13989)
    lon, lat = rng.uniform(-180, 180, 40_000), rng.uniform(0, 60, 40_000)
    lon[:500], lat[:500] = np.round(lon[:500] * 24) / 24, np.round(lat[:500] * 24 - 0.5) / 24
    lat = np.abs(lat)
    for letter in "AGIK":
        codes = sheets.encode(lon, lat, letter)
        picked = [*range(500), *range(16_300, 16_500), *range(39_900, 40_000)]
        assert codes[picked].tolist() == [sheet_number(lon[i], lat[i], letter) for i in picked]


def test_the_last_meridian_closes_the_last_sheet():
    assert sheets.encode([180.0, -180.0], [30.0, 30.0], "A").tolist() == ["H60", "H01"]
    assert sheets.neighbours("H60")["e"] == "H01"


def test_the_first_row_has_no_southern_neighbours():
    assert set(sheets.neighbours("A51")) == {"n", "ne", "e", "w", "nw"}


def test_a_scale_goes_by_letter_number_or_print():
    assert {scale_table().find(name).letter for name in ("G", "g", 10000, "10000", "1:10000", "1:10 000")} == {"G"}
    with pytest.raises(BadCodeError, match="no such scale") as caught:
        scale_table().find("1:7000")
    assert "G = 1:10000" in caught.value.limit


@pytest.mark.parametrize(
    ("lon", "lat"), [(120, -0.0001), (120, 60), (120, 88), (180.1, 36), (float("nan"), 36), (120, float("inf"))]
)
def test_points_without_sheets_are_refused_with_value_limit_and_remedy(lon, lat):
    with pytest.raises(OutsideCodeSystemError) as caught:
        sheets.encode([120.0, lon], [36.0, lat], "G")
    assert "point 1" in caught.value.message
    assert str(lon) in caught.value.value
    assert "0 to 60" in caught.value.limit
    assert caught.value.remedy


def test_points_without_sheets_can_be_left_blank():
    assert sheets.encode([120.0335, np.nan], [36.2645, 36.0], "A", outside="blank").tolist() == ["J51", ""]


def test_no_points_have_no_numbers():
    assert sheets.encode([], [], "G").tolist() == []
    assert sheets.bounds([]).shape == (0, 4)


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("J50B003001", "1 to 2"),
        ("J50B001000", "1 to 2"),
        ("J50K23050001", "1 to 2304"),
        ("J61", "01 to 60"),
        ("J00", "01 to 60"),
        ("W50", "ABCDEFGHIJKLMNOPQRSTUV"),
        ("P50", "latitudes 0 to 60"),
        ("J5O", "0123456789"),
        ("J50L001001", "BCDEFGHI"),
        ("J50J001001", "BCDEFGHI"),
        ("J5", "3, 10, 12"),
        ("j50", "ABCDEFGHIJKLMNOPQRSTUV"),
        ("Ｊ50", "ABCDEFGHIJKLMNOPQRSTUV"),
        ("", "3, 10, 12"),
    ],
)
def test_what_is_no_sheet_number_is_refused_with_the_limit(code, limit):
    with pytest.raises(BadCodeError) as caught:
        sheets.cell(code)
    assert limit in caught.value.limit
    assert caught.value.value
    assert caught.value.remedy


def test_numbers_of_mixed_scales_have_their_bounds():
    boxes = sheets.bounds(["J51", "J51B001001", "J50A"[:3], "J51C001001"])
    assert boxes.tolist() == [[120, 36, 126, 40], [120, 38, 123, 40], [114, 36, 120, 40], [120, 39, 121.5, 40]]
