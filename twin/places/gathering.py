"""From a question to judged candidates: stages from the surest to the most forgiving, each asked only while places are wanting.

A question that very many names answer ("胶", "zh") is asked again tier by tier and cell by cell, so that towns and what lies
near are among the candidates whatever the order of the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from twin.places import asking
from twin.places.asking import Typed
from twin.places.candidates import Candidate, CandidateReader, Reach
from twin.places.expressions import Expression, Term, all_of, some_of
from twin.places.forms import decode_keys
from twin.places.kinds import kinds_called, tiers
from twin.places.matching import Match, best_match, match_of_kind
from twin.places.terms import cells_around, kind_term

_AT_ONCE, _OF_A_PART = 150, 60
# Errors are forgiven only while so few names answer without.
_FEW = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate and how it answers."""

    candidate: Candidate
    match: Match


@dataclass(frozen=True, slots=True)
class Gathering:
    """One question to the index.

    Attributes:
        wanted: Stages end once so many places answer.
    """

    reader: CandidateReader
    typed: Typed
    reach: Reach
    near: tuple[float, float] | None
    kinds: tuple[str, ...]
    wanted: int

    def judged(self) -> list[Judged]:
        """The candidates that answer, each with its best match."""
        found: dict[int, Judged] = {}
        seen: set[int] = set()
        for candidates, errors in self._stages():
            if len(found) >= (min(_FEW, self.wanted) if errors else self.wanted):
                break
            for candidate in candidates():
                if candidate.fid in found or (candidate.fid in seen and not errors):
                    continue
                seen.add(candidate.fid)
                match = self._judge(candidate, errors=errors)
                if match is not None:
                    found[candidate.fid] = Judged(candidate, match)
        return list(found.values())

    def _judge(self, candidate: Candidate, *, errors: bool) -> Match | None:
        keys = decode_keys(candidate.forms)
        match = best_match(self.typed, keys, errors=errors) if keys else None
        if match is None and keys and {candidate.kind, candidate.value} & set(kinds_called(self.typed.key)):
            return match_of_kind(keys)
        return match

    def _stages(self) -> Iterator[tuple[Callable[[], list[Candidate]], bool]]:
        typed = self.typed
        for ask, errors in (
            (asking.exact, False),
            (asking.whole, False),
            (asking.all_words, False),
            (asking.words_and_address, False),
            (asking.of_kind, False),
            (asking.same_sound, False),
            (asking.nearly_whole, True),
            (asking.nearly_part, True),
        ):
            expression = ask(typed)
            if expression is not None:
                yield partial(self._drawn, expression), errors
        if typed.is_latin and typed.errors:
            yield partial(self.reader.similar, typed.sound, self.reach, _OF_A_PART), True

    def _drawn(self, expression: Expression) -> list[Candidate]:
        """Candidates of one question: all of them, or of very many a fair choice."""
        of_kind = some_of(Term(kind_term(kind)) for kind in self.kinds)
        asked = all_of([expression, of_kind])
        assert asked is not None
        drawn = self.reader.matching(asked, self.reach, _AT_ONCE)
        if len(drawn) < _AT_ONCE:
            return drawn
        for narrower in self._narrower():
            narrowed = all_of([asked, narrower])
            assert narrowed is not None
            drawn += self.reader.matching(narrowed, self.reach, _OF_A_PART)
        return drawn

    def _narrower(self) -> Iterator[Expression | None]:
        for tier in tiers()[:-1]:
            yield Term(f"t{tier}")
        if self.near is not None:
            for cells in cells_around(*self.near):
                yield some_of(Term(cell) for cell in cells)
