"""From a question to judged candidates: stages from the surest to the most forgiving, each asked only while places are wanting.

A question that very many names answer ("胶", "zh") is asked again tier by tier and cell by cell, so that towns and what lies
near are among the candidates whatever the order of the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
# Quality from which on a name is the one that was typed.
_A_NAME = 0.75


@dataclass(frozen=True, slots=True)
class _Stage:
    """One question.

    Attributes:
        while_fewer: It is asked only while fewer places have been found.
        errors: Whether typing errors are forgiven in its candidates.
        is_filling: Whether it is left out once a long text has found its name.
    """

    candidates: Callable[[], list[Candidate]]
    while_fewer: int
    errors: bool
    is_filling: bool


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
        for stage in self._stages():
            if len(found) >= min(self.wanted, stage.while_fewer) or (stage.is_filling and self._is_settled(found)):
                continue
            for candidate in stage.candidates():
                if candidate.fid in found or (candidate.fid in seen and not stage.errors):
                    continue
                seen.add(candidate.fid)
                match = self._judge(candidate, errors=stage.errors)
                if match is not None:
                    found[candidate.fid] = Judged(candidate, match)
        return list(found.values())

    def _is_settled(self, found: Mapping[int, Judged]) -> bool:
        """Whether a long text is a name as it stands: what else might be meant is not worth looking for."""
        return self.typed.is_long and any(judged.match.quality >= _A_NAME for judged in found.values())

    def _judge(self, candidate: Candidate, *, errors: bool) -> Match | None:
        keys = decode_keys(candidate.forms)
        match = best_match(self.typed, keys, errors=errors) if keys else None
        if match is None and keys and {candidate.kind, candidate.value} & set(kinds_called(self.typed.key)):
            return match_of_kind(keys)
        return match

    def _stages(self) -> Iterator[_Stage]:
        typed = self.typed
        for ask, while_fewer in (
            (asking.exact, self.wanted),
            (asking.whole, self.wanted),
            (asking.all_words, self.wanted),
            (asking.of_kind, self.wanted),
            (asking.words_and_address, _FEW),
            (asking.same_sound, _FEW),
        ):
            is_filling = ask not in (asking.exact, asking.whole)
            expression = ask(typed)
            if expression is not None:
                yield _Stage(partial(self._drawn, expression), while_fewer, errors=False, is_filling=is_filling)
        for ask_nearly in (asking.nearly_whole, asking.nearly_part):
            for errors in range(1, typed.errors + 1):
                expression = ask_nearly(typed, errors)
                if expression is not None:
                    draw = partial(self._drawn, expression, fairly=False)
                    first = errors == 1 and ask_nearly is asking.nearly_whole
                    yield _Stage(draw, _FEW if first else 1, errors=True, is_filling=True)
        if typed.is_latin and typed.errors:
            alike = partial(self.reader.similar, typed.sound, self.reach, _OF_A_PART)
            yield _Stage(alike, 1, errors=True, is_filling=True)

    def _drawn(self, expression: Expression, *, fairly: bool = True) -> list[Candidate]:
        """Candidates of one question: all of them, or of very many a fair choice by kind and nearness."""
        of_kind = some_of(Term(kind_term(kind)) for kind in self.kinds)
        asked = all_of([expression, of_kind])
        assert asked is not None
        drawn = self.reader.matching(asked, self.reach, _AT_ONCE)
        if len(drawn) < _AT_ONCE or not fairly:
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
