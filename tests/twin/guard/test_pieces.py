"""Pieces and residuals of geometries that are no plain lines: collections, borders of countries, edges that only pass by."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.guard.pieces import MOST_PIECES, cut, metres_per_degree
from twin.guard.residual import residual

LAT = 36.0
BOX = (0.0, 0.0, 1000.0, 1000.0)


def drawn(*wkt: str) -> np.ndarray:
    """Geometries given in metres of the plane, as lon/lat degrees."""
    return np.array(
        [shapely.transform(shapely.from_wkt(text), lambda xy: xy / metres_per_degree(LAT)) for text in wkt],
        dtype=object,
    )


def test_of_an_edge_that_passes_by_only_what_lies_in_the_box_is_cut() -> None:
    found = cut(drawn("LINESTRING (-1000000 500, 1000000 500)", "LINESTRING (-10 999, 10 1030)"), LAT, 10.0, BOX)
    assert len(found) == 100, "the second edge's box meets the box, the edge does not"
    assert found.xy[:, 0] == pytest.approx(np.arange(5.0, 1000, 10))
    assert set(found.feature) == {0}


def test_many_long_edges_do_not_fill_the_memory() -> None:
    zigzag = ", ".join(f"{x} {100_000 * (i % 2)}" for i, x in enumerate(np.linspace(0, 100_000, 400)))
    found = cut(drawn(f"LINESTRING ({zigzag})"), LAT, 25.0, (0.0, 0.0, 150_000.0, 150_000.0))
    assert MOST_PIECES / 2 < len(found) <= MOST_PIECES, "every k-th of 1.6 million"
    assert np.ptp(found.xy[:, 0]) > 99_000, "from all of it"


def test_the_residual_against_a_collection_is_a_number() -> None:
    lamp = drawn("POINT (500 500)")
    near = drawn("GEOMETRYCOLLECTION (LINESTRING (0 530, 1000 530), GEOMETRYCOLLECTION (POLYGON EMPTY))")
    assert residual(lamp, near) == pytest.approx((30.0, 1.0), abs=0.1)
    area = drawn("GEOMETRYCOLLECTION (POLYGON ((0 0, 0 300, 1000 300, 1000 0, 0 0)))")
    assert residual(lamp, area) == pytest.approx((200.0, 0.0), abs=0.1)


@pytest.mark.parametrize("nothing", ["GEOMETRYCOLLECTION EMPTY", "GEOMETRYCOLLECTION (POINT EMPTY)", "POLYGON EMPTY"])
def test_there_is_no_residual_where_there_is_nothing(nothing: str) -> None:
    lamp = drawn("POINT (500 500)")
    assert residual(lamp, drawn(nothing)) is None
    assert residual(drawn(nothing), lamp) is None
