"""Which part of a name the typed text stands for, for people to see why it was found."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from twin.places.asking import Typed
from twin.places.forms import Form
from twin.places.matching import Match
from twin.places.pinyin import read_aloud
from twin.places.words import BETWEEN_NUMBERS, Word, split_words

Stretch = tuple[int, int]


def highlighted(text: str, typed: Typed, match: Match) -> tuple[Stretch, ...]:
    """Stretches of `text` (start, end), in order and apart; empty where only the sound with errors was alike."""
    words = split_words(text)
    form, end = match.key.form, match.end
    if end == 0:
        return _merged([(w.start, w.end) for w in words if w.text in typed.words])
    if form in (Form.PINYIN, Form.SHORT_PINYIN):
        edges = (*match.key.breaks, len(match.key.text))
        syllables = [match.key.text[a:b] for a, b in itertools.pairwise(edges)]
        touched = [edges[i] < end and edges[i + 1] > match.start for i in range(len(syllables))]
        return _of_sequence(words, list(read_aloud(text).syllables), syllables, touched)
    if form is Form.INITIALS:
        touched = [match.start <= i < end for i in range(len(match.key.text))]
        return _of_sequence(words, [s[:1] for s in read_aloud(text).syllables], list(match.key.text), touched)
    if form is Form.SHORT:
        parts = [word.text for word in split_words(match.key.text)]
        return _of_sequence(words, [word.text for word in words], parts, [True] * len(parts))
    return _of_key(words, match.start, end)


def _of_key(words: Sequence[Word], start: int, end: int) -> tuple[Stretch, ...]:
    """Characters of the text behind a stretch of its key."""
    stretches: list[Stretch] = []
    place, before = 0, ""
    for word in words:
        if before[-1:].isdigit() and word.text[:1].isdigit():
            place += len(BETWEEN_NUMBERS)
        first, last = max(start, place), min(end, place + len(word.text))
        if first < last:
            if word.end - word.start == len(word.text):
                stretches.append((word.start + first - place, word.start + last - place))
            else:
                stretches.append((word.start, word.end))
        place, before = place + len(word.text), word.text
    return _merged(stretches)


def _of_sequence(
    words: Sequence[Word], spoken: Sequence[str], parts: Sequence[str], touched: Sequence[bool]
) -> tuple[Stretch, ...]:
    """Words of the text that the touched parts of a form stand for: the form leaves words out, it does not mix them."""
    stretches: list[Stretch] = []
    place = 0
    for part, is_touched in zip(parts, touched, strict=True):
        while place < len(words) and spoken[place] != part:
            place += 1
        if place == len(words):
            break
        if is_touched:
            stretches.append((words[place].start, words[place].end))
        place += 1
    return _merged(stretches)


def _merged(stretches: Sequence[Stretch]) -> tuple[Stretch, ...]:
    made: list[Stretch] = []
    for start, end in sorted(stretches):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return tuple(made)
