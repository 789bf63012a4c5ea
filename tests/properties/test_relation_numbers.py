"""Whatever is offered in whatever order: what is taken keeps to the number at every instant, and what is refused would not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.relations.board import LinkBoard
from twin.relations.link import NewLink, Ref, Window
from twin.relations.relation_type import Cardinality, RelationType
from twin.text import LocalText

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
YEARS = 6
INSTANTS = [EPOCH + timedelta(days=365 * year + 1) for year in range(-1, YEARS + 1)]


def instant(year: int | None) -> datetime | None:
    return None if year is None else EPOCH + timedelta(days=365 * year)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start = draw(st.none() | st.integers(0, YEARS - 1))
    end = draw(st.none() | st.integers(1 if start is None else start + 1, YEARS))
    return Window(instant(start), instant(end))


ends = st.sampled_from([Ref("layer", name) for name in "abcd"])
links = st.builds(NewLink, st.just("t"), ends, ends, windows()).filter(lambda link: link.source != link.target)


def is_in_order(taken: list[NewLink], cardinality: Cardinality, *, symmetric: bool) -> bool:
    """The rule itself, instant by instant."""
    for moment in INSTANTS:
        held = [(link.source, link.target) for link in taken if link.window.holds_at(moment)]
        same = [tuple(sorted(pair)) for pair in held] if symmetric else held
        sources, targets = [source for source, _ in held], [target for _, target in held]
        if len(set(same)) < len(same):
            return False
        if cardinality.one_target and len(set(sources)) < len(sources):
            return False
        if cardinality.one_source and len(set(targets)) < len(targets):
            return False
    return True


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("cardinality", list(Cardinality))
@given(offered=st.lists(links, max_size=12))
def test_the_board_takes_exactly_what_the_rule_allows(
    cardinality: Cardinality, symmetric: bool, offered: list[NewLink]
) -> None:
    back = "t" if symmetric else "back"
    board = LinkBoard(RelationType("t", LocalText(), back, LocalText(), cardinality=cardinality))
    taken: list[NewLink] = []
    for link in offered:
        fits = is_in_order([*taken, link], cardinality, symmetric=symmetric)
        assert (board.fault(1, link) is None) == fits
        if fits:
            board.put(link.source, link.target, link.window, "before")
            taken.append(link)
