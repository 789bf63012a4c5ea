"""What was typed, read in every way it may be meant, and the stages in which the index is asked for it.

How many typing errors are forgiven depends on the length of what was typed (see `forgiven`):

    Chinese words    1: none    2 to 5: one    6 and more: two     (2: only against whole names)
    Latin letters    1 to 3: none    4 to 11: one    12 and more: two     (4 to 8: only against whole names)

An error is a wrong, missing, extra or exchanged neighbouring character. A wrong character of the same sound is found whatever
the length. Names with so many errors are found because the rest is untouched: the text is cut in pieces, and names are asked for
that hold all pieces but the one or two with the errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from twin.errors import BadPlaceQueryError
from twin.places.expressions import Expression, Term, all_of, some_of
from twin.places.kinds import kinds_called
from twin.places.pinyin import read_aloud, without_tone_numbers
from twin.places.terms import SHORT_LATIN, kind_term, runs_of, with_one_left_out
from twin.places.words import BETWEEN_NUMBERS, joined_words, shortened, split_words, without_soft_ending

MAX_TYPED = 120
# In how many pieces a text is cut, by the number of errors: more pieces leave more of the text untouched.
_PIECES = {1: 6, 2: 7}
_LETTERS_OF_A_PIECE = 2.5


@dataclass(frozen=True, slots=True)
class Typed:
    """A query's text, taken apart.

    Attributes:
        words: Its words.
        key: The words joined.
        short: The key as people shorten it.
        bare: The key without a soft ending.
        sound: How it is read, all syllables joined; for Latin text the text, without tone numbers.
        is_latin: Whether it has no Chinese in it.
    """

    words: tuple[str, ...]
    key: str
    short: str
    bare: str
    sound: str
    is_latin: bool

    @property
    def is_long(self) -> bool:
        """Whether it is likely to be all of a name."""
        return len(self.sound) >= 8 if self.is_latin else len(self.words) >= 4

    @property
    def errors(self) -> int:
        """How many typing errors are forgiven; none in numbers."""
        if self.key.replace(BETWEEN_NUMBERS, "").isdigit():
            return 0
        return forgiven(len(self.sound), latin=True) if self.is_latin else forgiven(len(self.words), latin=False)


def take_apart(text: str) -> Typed:
    """A query's text as `Typed`.

    Raises:
        BadPlaceQueryError: if it is too long, or holds no letter, digit or character.
    """
    if len(text) > MAX_TYPED:
        raise BadPlaceQueryError(
            f"The text to search for has {len(text):,} characters.",
            value=text[:40],
            limit=f"{MAX_TYPED} characters",
            remedy="Give a name, a part of one, or an address.",
        )
    words = tuple(word.text for word in split_words(text))
    if not words:
        raise BadPlaceQueryError(
            "There is nothing to search for.",
            value=text.encode("utf-8", "replace").decode("utf-8"),
            limit="at least one letter, digit or character",
            remedy="Give a name, a part of one, or an address.",
        )
    key = joined_words(list(words))
    latin = key.isascii() or all(word.isascii() for word in words)
    if latin:
        return Typed(words, key, key, key, joined_words([without_tone_numbers(word) for word in words]), is_latin=True)
    sound = "".join(read_aloud(key).syllables)
    return Typed(words, key, shortened(key), without_soft_ending(key), sound, is_latin=False)


def forgiven(length: int, *, latin: bool) -> int:
    """Typing errors that are forgiven in a text of that many letters or Chinese words."""
    if latin:
        return 0 if length < 4 else 1 if length < 12 else 2
    return 0 if length < 2 else 1 if length < 6 else 2


def exact(typed: Typed) -> Expression | None:
    """Names of which some form is the text."""
    return some_of(Term(f"s{key}") for key in dict.fromkeys((typed.key, typed.sound if typed.is_latin else typed.key)))


def whole(typed: Typed) -> Expression | None:
    """Names that begin with the text, or are it but for a soft ending."""
    alternatives = dict.fromkeys((typed.key, typed.sound)) if typed.is_latin else dict.fromkeys((typed.key,))
    parts: list[Expression] = [Term(f"a{k}") if len(k) <= 2 else Term(f"s{k}", prefix=True) for k in alternatives]
    parts += [Term(f"s{key}") for key in dict.fromkeys((typed.short, typed.bare)) if key not in alternatives]
    return some_of(parts)


def all_words(typed: Typed) -> Expression | None:
    """Names that hold every word, the last one perhaps not typed to its end; for Latin text also readings and initials."""
    *done, last = typed.words
    ending = Term(f"u{last}", prefix=len(last) > 1) if last.isascii() else Term(f"u{last}")
    words = all_of([*(Term(f"u{word}") for word in done), ending])
    if not typed.is_latin:
        return words
    letters = all_of(term for word in typed.words for term in _net(without_tone_numbers(word)))
    if len(typed.words) > 1 and any(len(without_tone_numbers(word)) < 3 for word in typed.words):
        letters = all_of([letters, *_net(typed.sound)])
    initials = all_of(Term(f"i{pair}") for pair in runs_of(typed.key, 2)) if len(typed.key) <= 12 else None
    return some_of([words, letters, initials])


def words_and_address(typed: Typed) -> Expression | None:
    """Names that hold every word in the name or in the address."""
    if len(typed.words) < 2:
        return None
    return all_of(some_of([Term(f"u{word}"), Term(f"d{word}")]) for word in typed.words)


def of_kind(typed: Typed) -> Expression | None:
    """Places of the kind that the text is a word for."""
    return some_of(Term(kind_term(kind)) for kind in kinds_called(typed.key))


def same_sound(typed: Typed) -> Expression | None:
    """Names that are read as the text is read, in whole or in part: a wrong character of the same sound."""
    return None if typed.is_latin else all_of(_net(typed.sound))


def nearly_whole(typed: Typed, errors: int) -> Expression | None:
    """Names that are the text but for that many errors."""
    if not typed.is_latin:
        lengths = some_of(Term(f"m{n}") for n in _around(len(typed.words), errors))
        return all_of([_but_for(typed.words, errors), lengths])
    if len(typed.sound) in SHORT_LATIN:
        return some_of(Term(f"x{left}") for left in sorted(with_one_left_out(typed.sound)))
    lengths = some_of(Term(f"n{n}") for n in _around(len(typed.sound), errors))
    return all_of([_letters_but_for(typed.sound, errors), lengths])


def nearly_part(typed: Typed, errors: int) -> Expression | None:
    """Names that hold the text somewhere, but for that many errors."""
    if typed.is_latin:
        return _letters_but_for(typed.sound, errors) if len(typed.sound) > SHORT_LATIN[-1] else None
    return _but_for(typed.words, errors) if len(typed.words) > 2 else None


def _net(text: str) -> list[Expression | None]:
    """Runs of three letters, one behind the other: each further one narrows little and costs as much."""
    runs = runs_of(text, 3)
    return [Term(f"r{run}") for run in dict.fromkeys([*runs[::3], *runs[-1:]])]


def _around(length: int, errors: int) -> range:
    return range(max(1, length - errors), length + errors + 1)


def _but_for(words: Sequence[str], errors: int) -> Expression | None:
    """All words but those of `errors` pieces of the text."""
    pieces = _cut(words, min(len(words), _PIECES[errors]))
    return some_of(
        all_of(Term(f"u{word}") for i, piece in enumerate(pieces) if i not in left for word in piece)
        for left in combinations(range(len(pieces)), min(errors, len(pieces) - 1))
    )


def _letters_but_for(sound: str, errors: int) -> Expression | None:
    """All runs of three letters that no error in `errors` pieces of the text can touch."""
    pieces = _cut(sound, min(_PIECES[errors], int(len(sound) / _LETTERS_OF_A_PIECE)))
    edges = [0]
    for piece in pieces:
        edges.append(edges[-1] + len(piece))
    return some_of(
        all_of(term for stretch in _stretches(sound, edges, left) for term in _net(stretch))
        for left in combinations(range(len(pieces)), errors)
    )


def _stretches(sound: str, edges: Sequence[int], left: Iterable[int]) -> list[str]:
    """What remains of a text in one piece each; a letter behind a gap may have changed its place with one in the gap."""
    stretches, start = [], 0
    for piece in left:
        stretches.append(sound[start : edges[piece]])
        start = edges[piece + 1] + 1
    return [*stretches, sound[start:]]


def _cut(text: Sequence[str], pieces: int) -> list[Sequence[str]]:
    """A text in pieces of nearly equal length."""
    edges = [round(i * len(text) / pieces) for i in range(pieces + 1)]
    return [text[a:b] for a, b in pairwise(edges)]
