"""The forms a name can be asked for in: itself, shortened, read aloud, by initials, in English, by its address.

Forms are kept with each name in the index, one line each, so that answers are judged without reading a name aloud again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from twin.places.pinyin import Reading, initials_of, read_aloud
from twin.places.words import MAX_KEY, key_of, shortened, split_words, without_soft_ending


class Form(StrEnum):
    """What a key is, by the letter that stands before it in the index."""

    NAME = "n"
    SHORT = "s"
    PINYIN = "p"
    SHORT_PINYIN = "q"
    INITIALS = "i"
    ENGLISH = "e"
    ALIAS = "l"
    ADDRESS = "a"


class Key(NamedTuple):
    """One form of one name.

    Attributes:
        text: The key; of a reading all syllables in one.
        breaks: Where syllables of a reading begin, in characters of `text`; empty for other forms.
        source: Which of the feature's texts it comes from: 0 Chinese name, 1 English name, 2 address, 3 and on the aliases.
    """

    form: Form
    text: str
    breaks: tuple[int, ...] = ()
    source: int = 0


_FORMS = {form.value: form for form in Form}
CHINESE, ENGLISH, ADDRESS, FIRST_ALIAS = 0, 1, 2, 3


def forms_of(name: str, english: str, address: str, aliases: Sequence[str]) -> list[Key]:
    """Every form of a feature's names, without repeats, the name itself first."""
    keys = [*_spoken(name, Form.NAME, CHINESE)]
    if english and key_of(english):
        keys.append(Key(Form.ENGLISH, key_of(english), (), ENGLISH))
    for number, alias in enumerate(aliases, FIRST_ALIAS):
        keys += _spoken(alias, Form.ALIAS, number)
    if address and key_of(address):
        keys.append(Key(Form.ADDRESS, key_of(address), (), ADDRESS))
    return list({(key.form, key.text): key for key in reversed(keys)}.values())[::-1]


def _spoken(text: str, form: Form, source: int) -> Iterable[Key]:
    """A name, what people shorten it to, and how both are read."""
    whole = key_of(text)
    if not whole:
        return
    yield Key(form, whole, (), source)
    if whole.isascii():
        return
    reading = read_aloud(whole)
    yield _read(reading.syllables, Form.PINYIN, source)
    yield Key(Form.INITIALS, initials_of(reading.syllables)[:MAX_KEY], (), source)
    for short in dict.fromkeys((without_soft_ending(whole), shortened(whole))):
        if short != whole:
            syllables = _read_as_part(short, whole, reading)
            yield Key(Form.SHORT, short, (), source)
            yield _read(syllables, Form.SHORT_PINYIN, source)
            yield Key(Form.INITIALS, initials_of(syllables)[:MAX_KEY], (), source)


def _read_as_part(short: str, whole: str, reading: Reading) -> Sequence[str]:
    """A shortened name as it is read within the whole one: it leaves words out and changes none."""
    words = iter(zip((word.text for word in split_words(whole)), reading.syllables, strict=True))
    syllables = [next((s for word, s in words if word == part.text), None) for part in split_words(short)]
    known = [syllable for syllable in syllables if syllable is not None]
    return known if len(known) == len(syllables) else read_aloud(short).syllables


def _read(syllables: Sequence[str], form: Form, source: int) -> Key:
    breaks, length = [], 0
    for syllable in syllables:
        breaks.append(length)
        length += len(syllable)
    return Key(form, "".join(syllables), tuple(breaks), source)


def encode_keys(keys: Sequence[Key]) -> str:
    """Keys as the index keeps them: a line each, the form's letter, the source's digit, syllables apart by apostrophes."""
    return "\n".join(f"{key.form}{key.source % 10}{_syllabled(key)}" for key in keys)


@lru_cache(maxsize=8_192)
def decode_keys(lines: str) -> tuple[Key, ...]:
    """The reverse of `encode_keys`; remembered, since the next keystroke asks for much the same names."""
    return tuple(_decoded(line) for line in lines.split("\n")) if lines else ()


def _syllabled(key: Key) -> str:
    edges = (*key.breaks, len(key.text))
    return "'".join(key.text[a:b] for a, b in itertools.pairwise(edges)) if key.breaks else key.text


def _decoded(line: str) -> Key:
    form, source, body = _FORMS[line[0]], int(line[1]), line[2:]
    if form is not Form.PINYIN and form is not Form.SHORT_PINYIN:
        return Key(form, body, (), source)
    breaks, length = [], 0
    for syllable in body.split("'"):
        breaks.append(length)
        length += len(syllable)
    return Key(form, body.replace("'", ""), tuple(breaks), source)
