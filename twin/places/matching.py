"""How well a name answers what was typed: one quality from 0 to 1, and in which way.

    exact name 1 · without its soft ending or shortened .79 · exact reading .78 · beginning .62 to .76 · reading's beginning .55 to .67
    exact initials .70 · their beginning .48 to .60 · inside .45 to .58 · all words .36 to .50 · address .50 to .78 · of the kind .33 · errors .20 to .44

The bands keep "exact, then beginning, then all words, then errors" whatever the kind of place (weights of 0.8 and more).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from twin.places.asking import Typed, forgiven
from twin.places.forms import Form, Key
from twin.places.port import How


@dataclass(frozen=True, slots=True)
class Match:
    """How one name answers.

    Attributes:
        quality: 0 to 1.
        key: The form that answered.
        start, end: The stretch of the key that the text stands for; both 0 where it is no one stretch.
    """

    quality: float
    how: How
    key: Key
    start: int = 0
    end: int = 0


_NUMBER = re.compile(r"\d+")
_READ = (Form.PINYIN, Form.SHORT_PINYIN)
_WRITTEN = (Form.NAME, Form.ENGLISH, Form.ALIAS)
# Quality of an exact answer, and the band of one that begins so, by form.
_EXACT = {
    Form.NAME: (1.0, How.EXACT),
    Form.ENGLISH: (1.0, How.EXACT),
    Form.ALIAS: (0.99, How.EXACT),
    Form.SHORT: (0.79, How.EXACT),
    Form.PINYIN: (0.78, How.PINYIN),
    Form.SHORT_PINYIN: (0.77, How.PINYIN),
    Form.ADDRESS: (0.78, How.ADDRESS),
    Form.INITIALS: (0.70, How.INITIALS),
}
_BEGINS = {
    Form.NAME: (0.62, 0.76, How.PREFIX),
    Form.ENGLISH: (0.62, 0.76, How.PREFIX),
    Form.ALIAS: (0.60, 0.74, How.PREFIX),
    Form.SHORT: (0.58, 0.70, How.PREFIX),
    Form.PINYIN: (0.55, 0.67, How.PINYIN),
    Form.SHORT_PINYIN: (0.54, 0.66, How.PINYIN),
    Form.ADDRESS: (0.52, 0.66, How.ADDRESS),
    Form.INITIALS: (0.48, 0.60, How.INITIALS),
}
_INSIDE = {
    Form.NAME: (0.47, 0.58, How.PART),
    Form.ENGLISH: (0.46, 0.57, How.PART),
    Form.ALIAS: (0.45, 0.55, How.PART),
    Form.SHORT: (0.45, 0.56, How.PART),
    Form.PINYIN: (0.40, 0.52, How.PINYIN),
    Form.SHORT_PINYIN: (0.40, 0.52, How.PINYIN),
    Form.ADDRESS: (0.42, 0.54, How.ADDRESS),
    Form.INITIALS: (0.30, 0.42, How.INITIALS),
}


def best_match(typed: Typed, keys: Sequence[Key], *, errors: bool) -> Match | None:
    """The best way in which one of a name's forms answers; None if none does.

    Args:
        typed: What was typed.
        keys: The name's forms.
        errors: Whether typing errors are forgiven.
    """
    found = max(_literal(typed, keys), key=lambda match: match.quality, default=None)
    if found is None or found.quality < 0.45:
        words = _all_words(typed, keys)
        if words is not None and (found is None or words.quality > found.quality):
            found = words
    if found is None and errors:
        found = max(_with_errors(typed, keys), key=lambda match: match.quality, default=None)
    return found


def match_of_kind(keys: Sequence[Key]) -> Match:
    """A place that is of the kind that was typed (学校, bank), whatever its name."""
    return Match(0.33, How.KIND, keys[0])


def _literal(typed: Typed, keys: Sequence[Key]) -> Iterator[Match]:
    """Forms that are the text, begin with it or hold it."""
    for key in keys:
        for text in _texts_for(typed, key.form):
            place = key.text.find(text)
            if place < 0 or not _at_a_break(key, place):
                continue
            end, share = place + len(text), len(text) / len(key.text)
            if text == typed.bare != typed.key and (share < 1 or key.form not in _WRITTEN):
                # 胶州路 is not 胶州湾路, nor 胶州市: only a place called so answers without the ending.
                continue
            if share == 1:
                quality, how = _EXACT[key.form]
                yield Match(quality if text == typed.key or typed.is_latin else min(quality, 0.76), how, key, 0, end)
                continue
            low, high, how = (_INSIDE if place else _BEGINS)[key.form]
            yield Match(low + (high - low) * share, how, key, place, end)
    if not typed.is_latin:
        yield from _same_sound(typed, keys)


def _texts_for(typed: Typed, form: Form) -> tuple[str, ...]:
    """The ways of reading the text that a form can answer."""
    if typed.is_latin:
        return (typed.sound,) if form in _READ else (typed.key,)
    if form in _READ or form is Form.INITIALS:
        return ()
    return tuple(dict.fromkeys((typed.key, typed.short, typed.bare)))


def _at_a_break(key: Key, place: int) -> bool:
    """Readings answer from the beginning of a syllable on."""
    return not key.breaks or place in key.breaks


def _same_sound(typed: Typed, keys: Sequence[Key]) -> Iterator[Match]:
    """Chinese names that sound like the text."""
    for key in keys:
        if key.form not in _READ:
            continue
        place = key.text.find(typed.sound)
        if place < 0 or place not in key.breaks or not _ends_at_a_break(key, place + len(typed.sound)):
            continue
        share = len(typed.sound) / len(key.text)
        quality = 0.44 if share == 1 else 0.30 + 0.08 * share
        yield Match(quality, How.FUZZY, key, place, place + len(typed.sound))


def _ends_at_a_break(key: Key, place: int) -> bool:
    return place == len(key.text) or place in key.breaks


def _all_words(typed: Typed, keys: Sequence[Key]) -> Match | None:
    """A name that holds every word somewhere; with the help of the address where the name alone does not."""
    address = next((key.text for key in keys if key.form is Form.ADDRESS), "")
    for key in keys:
        if key.form in _WRITTEN or key.form is Form.SHORT:
            missing = [word not in key.text for word in typed.words]
            share = min(1.0, len(typed.key) / len(key.text))
            if not any(missing):
                return Match(0.36 + 0.14 * share * _in_order(typed.words, key.text), How.TERMS, key)
            if address and not all(missing) and _stand_in(typed.words, missing, address):
                return Match(0.40 + 0.08 * share, How.ADDRESS, key)
    return None


def _stand_in(words: Sequence[str], missing: Sequence[bool], address: str) -> bool:
    """Whether what the name lacks stands in the address, in stretches of two characters and more."""
    stretches = [
        "".join(word for word, _ in run)
        for lacks, run in groupby(zip(words, missing, strict=True), key=lambda p: p[1])
        if lacks
    ]
    return all(len(stretch) > 1 and stretch in address for stretch in stretches)


def _in_order(words: Sequence[str], text: str) -> float:
    """1 where the words stand in the text in their order, less where they are mixed."""
    place = -1
    for word in words:
        place = text.find(word, place + 1)
        if place < 0:
            return 0.5
    return 1.0


def _with_errors(typed: Typed, keys: Sequence[Key]) -> Iterator[Match]:
    """Forms that answer but for the forgiven errors."""
    for key in keys:
        text = _text_with_errors(typed, key.form)
        allowed = min(typed.errors, forgiven(len(text), latin=key.text.isascii())) if text else 0
        if not allowed or not set(_NUMBER.findall(text)) <= set(_NUMBER.findall(key.text)):
            continue
        apart = OSA.distance(text, key.text, score_cutoff=allowed)
        if apart <= allowed:
            yield Match(0.44 - 0.24 * apart / max(len(text), len(key.text)), How.FUZZY, key)
            continue
        if len(key.text) <= len(text) or len(text) <= 2:
            continue
        begins = min(
            OSA.distance(text, key.text[: len(text) + more], score_cutoff=allowed)
            for more in range(-allowed, allowed + 1)
        )
        if begins <= allowed:
            share = len(text) / len(key.text)
            yield Match(0.26 + 0.10 * share - 0.08 * begins / len(text), How.FUZZY, key)
            continue
        similar = fuzz.partial_ratio(text, key.text, score_cutoff=100 * (1 - allowed / len(text)))
        if similar:
            yield Match(0.20 + 0.08 * len(text) / len(key.text) * similar / 100, How.FUZZY, key)


def _text_with_errors(typed: Typed, form: Form) -> str:
    if form is Form.INITIALS:
        return ""
    if typed.is_latin:
        return typed.sound
    return "" if form in _READ else typed.key
