"""Values of a snapshot: encoded many at a time as one by one, and in the order in which features meet them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tiles.snapshot.layout import UNKNOWN
from tiles.snapshot.values import ValueTable, value_field, value_fields

TEXTS = st.text(max_size=300)
VALUES = st.one_of(
    st.lists(TEXTS, max_size=20),
    st.lists(st.floats(), max_size=20),
    st.lists(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS), max_size=20),
)


@given(VALUES)
def test_many_are_encoded_as_one_by_one(values: list[object]) -> None:
    assert value_fields(values) == [value_field(value) for value in values]


@given(st.lists(st.lists(st.sampled_from(["甲", "b", "", None, "d", "e"]), min_size=2, max_size=2), max_size=30))
def test_values_lie_in_the_order_in_which_they_are_met(rows: list[list[str | None]]) -> None:
    table = ValueTable(2)
    table.numbers(0, ["never met", "e"])
    codes = np.array(
        [table.numbers(column, [row[column] for row in rows]) for column in range(2)], dtype=np.int32
    ).T.copy()
    starts, data = table.packed_along(codes)
    met = list(dict.fromkeys(value for row in rows for value in row if value is not None))
    assert [data[a:b].tobytes() for a, b in pairwise(starts)] == [*map(value_field, met)]
    assert codes.tolist() == [[UNKNOWN if value is None else met.index(value) for value in row] for row in rows]
