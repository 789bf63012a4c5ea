"""Relatives of BeiDou cells: parents, children, neighbours, and the fewest cells for an area."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.codes import beidou
from twin.codes.beidou_family import children, compact, cover, expand, neighbours, parents
from twin.codes.beidou_levels import LEVELS
from twin.errors import BadCodeError


def test_a_parent_is_how_the_code_begins():
    code = beidou.encode(120.0335, 36.2645, 10)
    for level in LEVELS:
        assert parents(code, level.number).tolist() == [code[0][: level.length]]
    with pytest.raises(BadCodeError, match="no parent"):
        parents(["N51J00"], 3)


@pytest.mark.parametrize("code", ["N51J", "S30A", "N30V", "S51J00225", "N01A000000", "S21H764C31B3"])
def test_children_fill_their_parent_exactly(code):
    if len(code) == 10:
        with pytest.raises(BadCodeError):
            children(code)
        return
    inner = children(code)
    level = LEVELS[beidou.decode(inner)[2] - 1]
    assert len(set(inner.tolist())) == level.columns * level.rows
    boxes = beidou.bounds(inner)
    whole = beidou.cell(code)
    assert (boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()) == whole.as_tuple()
    assert shapely.union_all(shapely.box(*boxes.T)).area == pytest.approx(shapely.box(*whole.as_tuple()).area)
    assert set(parents(inner, level.number - 1).tolist()) == {code}
    assert inner[0] == beidou.encode(whole.west + 1e-9, whole.north - 1e-9, level.number)[0]


def test_the_finest_cell_has_no_children():
    assert children("N51J002250D020361341").tolist() == []


@settings(max_examples=60)
@given(lon=st.floats(-180, 180), lat=st.floats(-87, 87), level=st.integers(2, 8))
def test_neighbours_touch_and_know_each_other(lon, lat, level):
    (code,) = beidou.encode([lon], [lat], level).tolist()
    around = neighbours(code)
    assert len(set(around.values()) | {code}) == 9
    back = {"n": "s", "ne": "sw", "e": "w", "se": "nw", "s": "n", "sw": "ne", "w": "e", "nw": "se"}
    for direction, other in around.items():
        assert neighbours(other)[back[direction]] == code


def test_neighbours_cross_meridian_equator_antimeridian_and_stop_at_the_caps():
    assert neighbours("N31A")["sw"] == "S30A"
    assert neighbours("N60A")["e"] == "N01A"
    assert set(neighbours("N31V")) == {"e", "se", "s", "sw", "w"}


def test_compacting_an_area_keeps_it_exactly():
    area = shapely.Point(120.0, 36.2).buffer(0.05)
    codes = cover(area, 5)
    few = compact(codes)
    assert len(few) < len(codes) / 2
    assert expand(few, 5).tolist() == sorted(codes.tolist())
    assert compact(few) == few


@settings(max_examples=60)
@given(st.lists(st.integers(0, 95), min_size=0, max_size=96), st.sampled_from(["N51J", "S30A", "N01V"]))
def test_compact_and_expand_undo_each_other(chosen, parent):
    codes = np.array(children(parent).tolist(), dtype=str)[chosen]
    few = compact(codes) if len(codes) else []
    assert expand(few, 2).tolist() == sorted(set(codes.tolist()))


def test_all_children_are_their_parent_and_inner_cells_are_left_out():
    assert compact([*children("N51J00").tolist(), "N51J00225"]) == ["N51J00"]
    assert compact(["N51J", "N51J002250D", "N50J"]) == ["N50J", "N51J"]
    with pytest.raises(BadCodeError):
        expand(["N51J002250D"], 4)
