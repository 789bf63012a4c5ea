"""Rings of links are found exactly: the same answer as trying every instant one by one on graphs small enough for that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from twin.relations.link import Ref, Window
from twin.relations.rings import Edge, edges_that_close_a_ring

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
YEARS = 5


def instant(year: int) -> datetime:
    return EPOCH + timedelta(days=365 * year)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = draw(st.none() | st.integers(0, YEARS - 1))
    end = draw(st.none() | st.integers(1 if start is None else start + 1, YEARS))
    return Window(None if start is None else instant(start), None if end is None else instant(end))


ends = st.sampled_from([Ref("layer", name) for name in "abcde"])
edges = st.tuples(ends, ends, windows()).filter(lambda edge: edge[0] != edge[1])


def has_ring(graph: list[Edge]) -> bool:
    """Whether the graph has a ring at any instant, by trying each: ends that nothing leaves are taken away until none is left."""
    for year in range(-1, YEARS + 1):
        held = [(s, t) for s, t, window in graph if window.holds_at(instant(year) + timedelta(days=1))]
        while True:
            rest = [(s, t) for s, t in held if any(t == other for other, _ in held)]
            if rest == held:
                break
            held = rest
        if held:
            return True
    return False


@given(st.lists(edges, max_size=7), st.lists(edges, max_size=7))
def test_exactly_the_edges_that_close_a_ring_are_found(before: list[Edge], new: list[Edge]) -> None:
    standing: list[Edge] = []
    for edge in before:
        if not has_ring([*standing, edge]):
            standing.append(edge)
    graph, expected = list(standing), []
    for index, edge in enumerate(new):
        if has_ring([*graph, edge]):
            expected.append(index)
        else:
            graph.append(edge)
    assert edges_that_close_a_ring(standing, new) == expected


def test_a_long_chain_is_judged_without_deep_recursion() -> None:
    chain = [(Ref("l", str(i)), Ref("l", str(i + 1)), Window()) for i in range(50_000)]
    closing = (Ref("l", "50000"), Ref("l", "0"), Window())
    assert edges_that_close_a_ring([], chain) == []
    assert edges_that_close_a_ring(chain, [closing]) == [0]
