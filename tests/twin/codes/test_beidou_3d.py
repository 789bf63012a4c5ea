"""BeiDou codes in three dimensions: published vectors, layers above and below the ellipsoid, every level."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalar_codes import beidou_code, beidou_code_3d
from twin.codes import beidou_3d
from twin.codes.beidou import codes_of_cells
from twin.codes.beidou_heights import HIGHEST_M, LAYERS, LOWEST_M, floor_of_layer, layers_of
from twin.codes.beidou_levels import LEVELS
from twin.errors import BadCodeError, OutsideCodeSystemError

POINT = (120.0335, 36.2645)
heights = st.floats(-12_000, 60_000) | st.floats(LOWEST_M, HIGHEST_M, exclude_max=True)


@pytest.mark.parametrize(
    ("height_m", "code"), [(50.0, "N051J00000202500D000206364131414"), (-5.0, "N151J00000202500D000200365131417")]
)
def test_the_published_vectors(height_m, code):
    assert beidou_3d.encode(*POINT, height_m).tolist() == [code]
    cell = beidou_3d.cell(code)
    assert cell.low_m <= height_m < cell.high_m
    assert cell.bounds.west <= POINT[0] <= cell.bounds.east


def test_the_sample_of_the_standards_first_table():
    code = "N036J0093000780B3010010520430140"
    cell = beidou_3d.cell(code)
    assert beidou_3d.encode(cell.bounds.west, cell.bounds.south, 0.0).tolist() == [code]
    assert cell.low_m == 0.0


def test_layer_numbers_and_range_are_those_of_the_text():
    assert layers_of(np.array([50.0, -5.0, 1000.0, 0.0])).tolist() == [3340, -335, 66802, 0]
    assert pytest.approx(-6302.107, abs=5e-4) == LOWEST_M / 1000
    assert pytest.approx(528_680.171, abs=5e-4) == HIGHEST_M / 1000


@pytest.mark.parametrize(
    ("level", "thickness_m"), [(1, 522_600), (2, 63_100), (3, 31_500), (4, 1962), (5, 122.6), (7, 7.66), (10, 0.01497)]
)
def test_layers_are_as_thick_as_the_bits_make_them(level, thickness_m):
    (code,) = beidou_3d.encode(*POINT, 0.0, level).tolist()
    assert beidou_3d.cell(code).high_m == pytest.approx(thickness_m, rel=2e-3)


@settings(max_examples=40)
@given(layer=st.integers(-LAYERS, LAYERS - 1))
def test_every_limit_is_in_its_own_layer_and_the_number_before_it_is_not(layer):
    limit = floor_of_layer([layer])
    assert layers_of(limit).tolist() == [layer]
    if layer > -LAYERS:
        assert layers_of(np.nextafter(limit, -math.inf)).tolist() == [layer - 1]


@settings(max_examples=40)
@given(lon=st.floats(-180, 180), lat=st.floats(-87.9, 87.9), height_m=heights)
def test_any_point_has_the_code_that_bit_by_bit_reckoning_gives(lon, lat, height_m):
    (code,) = beidou_3d.encode([lon], [lat], [height_m]).tolist()
    (layer,) = layers_of(np.array([height_m])).tolist()
    assert code == beidou_code_3d(lon, lat, layer)
    assert floor_of_layer(layer) <= height_m < floor_of_layer(layer + 1)


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=40)
@given(lon=st.floats(-180, 180), lat=st.floats(-87.9, 87.9), height_m=heights)
def test_a_point_lies_in_its_cell_at_every_level(level, lon, lat, height_m):
    (code,) = beidou_3d.encode([lon], [lat], [height_m], level.number).tolist()
    assert len(code) == level.length_3d
    cell = beidou_3d.cell(code)
    assert cell.level == level.number
    assert cell.low_m <= height_m < cell.high_m
    assert cell.bounds.west <= lon <= cell.bounds.east
    assert cell.bounds.south <= lat <= cell.bounds.north
    columns, rows, below, _, number = beidou_3d.decode([code])
    assert number == level.number
    assert bool(below[0]) == (height_m < 0)
    assert codes_of_cells(columns, rows, number).tolist() == [beidou_code(lon, lat, number)]


def test_a_coarser_code_is_the_beginning_of_a_finer_one():
    whole = beidou_3d.encode(*POINT, -5.0)[0]
    for level in LEVELS:
        assert beidou_3d.encode(*POINT, -5.0, level.number)[0] == whole[: level.length_3d]


@pytest.mark.parametrize("height_m", [HIGHEST_M, LOWEST_M - 1, float("nan"), float("inf")])
def test_heights_beyond_the_system_are_refused(height_m):
    with pytest.raises(OutsideCodeSystemError, match="height of point 1"):
        beidou_3d.encode([120, 120], [36, 36], [0.0, height_m])
    assert beidou_3d.encode([120], [36], [height_m], outside="blank").tolist() == [""]


def test_the_lowest_and_the_highest_layer_have_codes():
    for height_m in (LOWEST_M, np.nextafter(HIGHEST_M, 0)):
        for level in LEVELS:
            cell = beidou_3d.cell(beidou_3d.encode(*POINT, height_m, level.number)[0])
            assert cell.low_m <= height_m < cell.high_m


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("N251J00", "01 at place 2"),
        ("N051J64", "00 to 63"),
        ("N051J63", "a layer number below"),
        ("N051J0A", "at place 7"),
        ("N051J00008", "at place 10"),
        ("N051J0000022", "at place 12"),
        ("N151J00000202500D000200360130410", "sign 1 only"),
        ("N051J000", "7, 10, 12"),
    ],
)
def test_what_is_no_code_is_refused_with_the_limit(code, limit):
    with pytest.raises(BadCodeError) as caught:
        beidou_3d.cell(code)
    assert limit in caught.value.limit


def test_height_digits_of_levels_four_and_five_may_be_f():
    (code,) = beidou_3d.encode(*POINT, floor_of_layer((1 << 21) - 1)).tolist()
    assert code[14] == "F"
    assert beidou_3d.cell(code).high_m == pytest.approx(floor_of_layer(1 << 21))
