"""A grid of streets with loose ends, crossings and doubles put in by hand."""

from __future__ import annotations

import pytest
import shapely

from drawn_sheets import box, by_kind, line, sheet_of, streets
from twin.topology.network import check_network
from twin.topology.rules import NetworkCheck

GRID = streets(3, 3)


def run(shapes, check=None, border=None, **columns):
    return check_network(sheet_of(shapes, columns), check or NetworkCheck(), border)


def found(shapes, check=None, border=None, **columns):
    return by_kind(run(shapes, check, border, **columns).faults)


def test_a_grid_cut_at_every_crossing_has_no_fault():
    outcome = run(GRID)
    assert by_kind(outcome.faults) == {}
    assert outcome.dead_ends == 0


def test_an_end_a_metre_short_of_a_street_is_an_undershoot_of_a_metre():
    faults = found([*GRID, line((50, 50), (50, 99))])
    assert faults["undershoot"] == [("25", "4", pytest.approx(1.0))]
    assert "overshoot" not in faults


def test_an_end_that_ran_past_a_street_is_an_overshoot_of_its_tail():
    faults = found([*GRID, line((50, 50), (50, 101.5))])
    assert faults["overshoot"] == [("25", "4", pytest.approx(1.5))]
    assert [pair[:2] for pair in faults["crossing-without-node"]] == [("4", "25")]
    assert "undershoot" not in faults


def test_the_piece_that_cutting_an_overshoot_leaves_is_an_overshoot():
    """The street and its tail both meet the crossing at (50, 100), which the grid is cut at."""
    west, east = line((0, 100), (50, 100)), line((50, 100), (100, 100))
    lines = [west, east, line((50, 50), (50, 100)), line((50, 100), (50, 101))]
    faults = found(lines)
    assert [(feature, measure) for feature, _, measure in faults["overshoot"]] == [("4", pytest.approx(1.0))]


def test_an_end_far_from_any_line_is_a_dead_end_and_no_fault():
    outcome = run([*GRID, line((0, 0), (-50, -50))])
    assert by_kind(outcome.faults) == {}
    assert outcome.dead_ends == 1
    told = found([*GRID, line((0, 0), (-50, -50))], NetworkCheck(dead_ends=True))
    assert [feature for feature, _, _ in told["dead-end"]] == ["25"]


def test_ends_at_the_city_border_are_excused():
    lines = [line((0, 0), (99, 0)), line((0, 0), (150, 50))]
    border = box(-100, -100, 100, 100)
    outcome = run(lines, NetworkCheck(border_m=5), border)
    assert (outcome.excused_at_border, outcome.dead_ends) == (2, 0)
    assert run(lines, NetworkCheck(border_m=0.5), border).dead_ends == 1


def test_a_street_that_ends_on_one_that_is_not_cut_there():
    lines = [line((0, 0), (100, 0)), line((50, 0), (50, 50))]
    assert found(lines)["unsplit-junction"] == [("2", "1", pytest.approx(float("nan"), nan_ok=True))]
    assert "unsplit-junction" not in found(lines, NetworkCheck(split=False))


def test_two_streets_that_cross_without_a_node():
    lines = [line((0, 0), (100, 0)), line((50, -50), (50, 50))]
    assert [pair[:2] for pair in found(lines)["crossing-without-node"]] == [("1", "2")]


def test_a_bridge_excuses_a_crossing():
    lines = [line((0, 0), (100, 0)), line((50, -50), (50, 50))]
    check = NetworkCheck(levels=("bridge",))
    assert "crossing-without-node" not in found(lines, check, bridge=[None, True])
    assert "crossing-without-node" in found(lines, check, bridge=[None, False])
    assert "crossing-without-node" in found(lines, check, bridge=[True, True])


def test_a_common_vertex_is_a_node_where_lines_need_not_be_cut():
    lines = [line((0, 0), (50, 0), (100, 0)), line((50, -50), (50, 0), (50, 50))]
    assert "crossing-without-node" not in found(lines, NetworkCheck(split=False))
    assert "crossing-without-node" in found(lines, NetworkCheck(split=True))


def test_lines_on_each_other_share_a_stretch_of_known_length():
    lines = [line((0, 0), (100, 0)), line((60, 0), (130, 0))]
    assert found(lines)["overlapping-lines"] == [("2", "1", pytest.approx(40))]


def test_a_line_of_no_length_is_named_and_taken_out():
    faults = found([*GRID, line((50, 50), (50, 50.01))])
    assert faults == {"zero-length": [("25", None, pytest.approx(0.01))]}


def test_a_turning_loop_is_no_loose_end():
    """The lane runs up, round, and back into itself."""
    outcome = run([*GRID, line((0, 0), (-20, 0), (-40, 0), (-40, 20), (-20, 20), (-20, 0))])
    assert (by_kind(outcome.faults), outcome.dead_ends) == ({}, 0)


def test_a_ring_has_no_ends():
    outcome = run([line((0, 0), (10, 0), (10, 10), (0, 0))])
    assert (by_kind(outcome.faults), outcome.dead_ends) == ({}, 0)


def test_a_lane_that_leaves_at_a_small_angle_is_a_dead_end():
    """It stays within the snapping distance of the street that it leaves, all along its 9 m."""
    outcome = run([line((0, 0), (50, 0)), line((50, 0), (100, 0)), line((50, 0), (58.9, 1.5))])
    assert "undershoot" not in by_kind(outcome.faults)


def test_a_pseudo_node_is_reported_on_request():
    lines = [line((0, 0), (50, 0)), line((50, 0), (100, 0))]
    sheet = sheet_of(lines, digests=[7, 7])
    told = by_kind(check_network(sheet, NetworkCheck(pseudo_nodes=True), None).faults)
    assert [pair[:2] for pair in told["pseudo-node"]] == [("1", "2")]
    other = by_kind(check_network(sheet_of(lines), NetworkCheck(pseudo_nodes=True), None).faults)
    assert "pseudo-node" not in other


def test_parts_of_a_multi_line_are_lines_of_their_own():
    multi = shapely.multilinestrings([line((0, 0), (50, 0)), line((50, 1), (50, 50))])
    faults = found([multi])
    assert {feature for feature, _, _ in faults["undershoot"]} == {"1"}
