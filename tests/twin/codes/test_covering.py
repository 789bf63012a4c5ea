"""Cells of areas, lines and points, compared with trying every cell in shapely."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from twin.codes import beidou, beidou_family, sheets
from twin.errors import BadGeometryError, OutsideCodeSystemError, TooManyCodesError

HALF = Fraction(1, 2)
quarter_minutes = st.integers(-120, 120)


def every_cell(geometry, width, height, code_of):
    """Codes of the cells of a lattice round the geometry that share its inside (areas) or touch it (lines)."""
    west, south, east, north = geometry.bounds
    x = [float(i * width) for i in range(math.floor(west / width) - 1, math.ceil(east / width) + 2)]
    y = [float(j * height) for j in range(math.floor(south / height) - 1, math.ceil(north / height) + 2)]
    left, low = (edges.ravel() for edges in np.meshgrid(x[:-1], y[:-1]))
    right, high = (edges.ravel() for edges in np.meshgrid(x[1:], y[1:]))
    boxes = shapely.box(left, low, right, high)
    if geometry.geom_type == "Polygon":
        met = shapely.relate_pattern(geometry, boxes, "T********")
    else:
        met = shapely.intersects(geometry, boxes)
    return set(code_of((left + right)[met] / 2, (low + high)[met] / 2).tolist())


@st.composite
def shapes(draw, centres=((0, 0), (120, 36), (-60, -31), (60, 0))):
    """Polygons and lines of up to a degree around these places, many with vertices on cell edges."""
    x0, y0 = draw(st.sampled_from(centres))
    ring = draw(st.lists(st.tuples(quarter_minutes, quarter_minutes), min_size=3, max_size=7, unique=True))
    points = [((x0 * 240 + x) / 240, (y0 * 240 + y) / 240) for x, y in ring]
    shape = shapely.LineString(points) if draw(st.booleans()) else shapely.Polygon(points)
    assume(shape.is_valid and not shape.is_empty)
    assume(shape.geom_type == "LineString" or shape.area > 0)
    return shape


@settings(max_examples=40)
@given(shape=shapes(), level=st.sampled_from([(2, HALF, HALF), (3, HALF / 2, HALF / 3), (4, HALF / 30, HALF / 30)]))
def test_beidou_cells_are_those_that_trying_every_cell_finds(shape, level):
    number, width, height = level
    found = beidou_family.cover(shape, number).tolist()
    assert len(set(found)) == len(found)
    assert set(found) == every_cell(shape, width, height, lambda x, y: beidou.encode(x, y, number))


@settings(max_examples=40)
@given(
    shape=shapes(((120, 36), (0, 1), (-60, 44))),
    scale=st.sampled_from([("D", HALF, HALF * 2 / 3), ("G", HALF / 8, HALF / 12)]),
)
def test_sheets_are_those_that_trying_every_sheet_finds(shape, scale):
    letter, width, height = scale
    found = set(sheets.cover(shape, letter).tolist())
    wanted = every_cell(shape, width, height, lambda x, y: sheets.encode(x, y, letter, outside="blank"))
    assert found == wanted - {""}


def test_a_box_that_ends_at_an_edge_is_not_on_the_next_sheet():
    assert sheets.cover(shapely.box(120, 36, 126, 40), "A").tolist() == ["J51"]
    assert sheets.cover(shapely.box(119.9, 36.1, 120.1, 36.3), "D").tolist() == ["J50D012012", "J51D012001"]


def test_a_line_on_an_edge_is_on_both_sheets_and_a_point_on_one():
    assert sheets.cover(shapely.LineString([(120, 36.1), (120, 36.2)]), "A").tolist() == ["J50", "J51"]
    assert sheets.cover(shapely.Point(120, 36.1), "A").tolist() == ["J51"]
    assert beidou_family.cover(shapely.MultiPoint([(-6, -4), (0, 0), (179, 87.9)]), 1).tolist() == [
        "N60V",
        "N31A",
        "S29B",
    ]


def test_collections_are_the_sum_of_their_parts():
    hole = shapely.box(0, 0, 12, 8).difference(shapely.box(6, 4, 12, 8))
    mixed = shapely.GeometryCollection([hole, shapely.Point(100, 10), shapely.MultiLineString([[(50, 10), (51, 10)]])])
    assert beidou_family.cover(mixed, 1).tolist() == ["N39C", "N47C", "N31B", "N31A", "N32A"]


def test_overlapping_areas_of_a_collection_have_each_cell_once():
    left, right = shapely.box(0, 0, 12, 8), shapely.box(6, 0, 18, 8)
    both = beidou_family.cover(shapely.GeometryCollection([left, right]), 1).tolist()
    assert both == beidou_family.cover(shapely.box(0, 0, 18, 8), 1).tolist()
    parts = shapely.MultiPolygon([shapely.box(0, 0, 6, 4), shapely.box(12, 0, 18, 4)])
    assert beidou_family.cover(parts, 1).tolist() == ["N31A", "N33A"]


def _scribble(vertices):
    """A line from side to side of a box, which crosses itself at nearly every pair of its segments."""
    turns = np.arange(vertices)
    y = 36 + 0.05 * (np.sin(turns * 1.7) + 1)
    return shapely.LineString(np.column_stack([119.9 + 0.2 * (turns % 2), y]))


def test_a_line_that_crosses_itself_is_never_cut_at_its_crossings(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a union makes a vertex of every crossing")

    for name in ("union_all", "unary_union", "union", "node"):
        monkeypatch.setattr(shapely, name, refuse)
    line = _scribble(2_000)
    codes = beidou_family.cover(line, 4)
    assert set(codes.tolist()) == every_cell(line, HALF / 30, HALF / 30, lambda x, y: beidou.encode(x, y, 4))


def test_geometries_of_too_many_vertices_or_areas_are_refused_with_the_numbers():
    angle = np.linspace(0, 2 * np.pi, 100_000, endpoint=False)
    ring = shapely.Polygon(np.column_stack([120 + 0.01 * np.cos(angle), 36 + 0.01 * np.sin(angle)]))
    with pytest.raises(BadGeometryError) as caught:
        beidou_family.cover(ring, 4)
    assert (caught.value.value, caught.value.limit) == ("100,001 vertices", "100,000 vertices")
    many = shapely.GeometryCollection([shapely.box(120, 36, 120.01, 36.01)] * 101)
    with pytest.raises(BadGeometryError) as caught:
        beidou_family.cover(many, 4)
    assert (caught.value.value, caught.value.limit) == ("101 areas", "100 areas")
    assert "MultiPolygon" in caught.value.remedy


def test_the_order_is_north_to_south_and_west_to_east():
    assert sheets.cover(shapely.box(114, 32, 126, 40), "A").tolist() == ["J50", "J51", "I50", "I51"]


def test_a_large_area_costs_its_boundary():
    area = shapely.Point(120, 36.2).buffer(0.06)
    codes = beidou_family.cover(area, 5)
    boxes = shapely.box(*beidou.bounds(codes).T)
    assert shapely.area(shapely.intersection(area, boxes)).sum() == pytest.approx(area.area, rel=1e-9)
    assert shapely.intersects(area, boxes).all()


def test_too_many_cells_are_refused_before_they_are_made():
    with pytest.raises(TooManyCodesError) as caught:
        beidou_family.cover(shapely.box(119, 35, 121, 37), 10, limit=1000)
    assert caught.value.limit == "1000 cells"
    assert "coarser" in caught.value.remedy


@pytest.mark.parametrize(
    "shape", [shapely.Polygon(), shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), shapely.Point(float("nan"), 0)]
)
def test_broken_geometries_are_refused(shape):
    with pytest.raises(BadGeometryError):
        beidou_family.cover(shape, 3)


@pytest.mark.parametrize("box", [(119, 87, 121, 89), (179, 30, 181, 31), (500_000, 4_000_000, 500_100, 4_000_100)])
def test_areas_beyond_the_system_are_refused(box):
    with pytest.raises(OutsideCodeSystemError):
        beidou_family.cover(shapely.box(*box), 1)
    with pytest.raises(OutsideCodeSystemError):
        sheets.cover(shapely.box(100, -1, 101, 1), "A")


def test_the_outermost_edges_are_within():
    assert beidou_family.cover(shapely.box(174, 84, 180, 88), 1).tolist() == ["N60V"]
    assert beidou_family.cover(shapely.Point(180, 88), 1).tolist() == ["N60V"]
