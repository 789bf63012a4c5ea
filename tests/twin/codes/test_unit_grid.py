"""Unit grid identifiers and their numbering."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin.codes.unit_grid import compose_unit_grid_id, parse_unit_grid_id
from twin.codes.unit_grid_numbering import number_cells
from twin.errors import BadCodeError, BadGeometryError

COMMUNITY = "370281001001"


def test_an_identifier_falls_into_its_fields():
    made = parse_unit_grid_id("370281001001001")
    assert (made.county, made.town_code, made.community_code, made.sequence) == (
        "370281",
        "370281001",
        COMMUNITY,
        "001",
    )


@given(st.integers(110_101, 659_999), st.integers(1, 999), st.integers(0, 999), st.integers(1, 999))
def test_compose_and_parse_undo_each_other(county, town, community, sequence):
    text = compose_unit_grid_id(county, town, community, sequence)
    made = parse_unit_grid_id(text)
    assert str(made) == text
    assert (int(made.county), int(made.town), int(made.community), int(made.sequence)) == (
        county,
        town,
        community,
        sequence,
    )


@pytest.mark.parametrize(
    "text", ["", "37028100100100", "3702810010010011", "37028100100100a", "370281001001000", "370281000001001"]
)
def test_what_is_no_identifier_is_refused(text):
    with pytest.raises(BadCodeError) as caught:
        parse_unit_grid_id(text)
    assert caught.value.limit
    with pytest.raises(BadCodeError):
        compose_unit_grid_id(370281, 1, 1, 1000)


def lattice(columns, rows, size=100.0, west=0.0, north=0.0):
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(columns), np.arange(rows)))
    return shapely.box(west + x * size, north - (y + 1) * size, west + (x + 1) * size, north - y * size)


def test_cells_are_numbered_west_to_east_in_rows_from_north_to_south():
    cells = lattice(4, 3)
    shuffled = np.random.default_rng(1).permutation(12)
    found = number_cells(cells[shuffled], [COMMUNITY] * 12)
    assert found.tolist() == [f"{COMMUNITY}{n + 1:03d}" for n in shuffled]


def test_a_row_may_wave():
    cells = lattice(6, 4)
    moved = shapely.transform(cells, lambda xy: xy + np.column_stack([np.zeros(len(xy)), 30 * np.sin(xy[:, 0] / 90)]))
    assert number_cells(moved, [COMMUNITY] * 24).tolist() == [f"{COMMUNITY}{n + 1:03d}" for n in range(24)]


def test_every_community_counts_for_itself():
    cells = np.concatenate([lattice(2, 2), lattice(3, 1, size=40.0, west=500.0)])
    communities = [COMMUNITY] * 4 + ["370281002007"] * 3
    order = [6, 0, 3, 4, 1, 5, 2]
    found = number_cells(cells[order], [communities[i] for i in order])
    expected = [f"{COMMUNITY}{n:03d}" for n in range(1, 5)] + [f"370281002007{n:03d}" for n in range(1, 4)]
    assert found.tolist() == [expected[i] for i in order]


def test_identifiers_are_unique_and_whole():
    rng = np.random.default_rng(2)
    cells = shapely.buffer(shapely.points(rng.uniform(0, 1, (500, 2))), rng.uniform(0.001, 0.02, 500))
    communities = [f"3702810010{n:02d}" for n in rng.integers(1, 9, 500)]
    found = number_cells(cells, communities)
    assert len(set(found.tolist())) == 500
    for code, community in zip(found.tolist(), communities, strict=True):
        assert parse_unit_grid_id(code).community_code == community


def test_cells_that_cannot_be_numbered_are_refused():
    with pytest.raises(BadCodeError, match="too many cells"):
        number_cells(lattice(100, 10), [COMMUNITY] * 1000)
    with pytest.raises(BadCodeError, match="communities"):
        number_cells(lattice(1, 1), ["370281001"])
    with pytest.raises(BadGeometryError, match="Cell 1"):
        number_cells([shapely.box(0, 0, 1, 1), None], [COMMUNITY] * 2)
    with pytest.raises(ValueError, match="communities"):
        number_cells(lattice(1, 1), [])
    assert number_cells([], []).tolist() == []
