"""How Chinese names are read: local readings first (`readings.json`), the dictionary of pypinyin for the rest.

A name is read as a whole, since one character may have several readings: 重庆路 is chóng qìng lù, 长江路 cháng jiāng lù.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from twin.places.words import key_of, split_words

# One syllable typed with the number of its tone: zhou1.
_NUMBERED = re.compile(r"(?:[a-z]{1,6}[1-5])+")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, read aloud; one entry for each of its words.

    Attributes:
        syllables: Without tones, ü as v; Latin words and numbers as they are.
        toned: The same with tone marks.
    """

    syllables: tuple[str, ...]
    toned: tuple[str, ...]

    @property
    def shown(self) -> str:
        """As people read it: Jiāozhōu Yīzhōng without word boundaries, which no dictionary knows."""
        return " ".join(self.toned)


def initials_of(syllables: Iterable[str]) -> str:
    """First letter of each syllable; numbers whole."""
    return "".join(s if s.isdigit() else s[:1] for s in syllables)


@lru_cache(maxsize=8_192)
def read_aloud(text: str) -> Reading:
    """The reading of a name; characters without one stand for themselves."""
    toned: list[str] = []
    words = [word.text for word in split_words(text)]
    run: list[str] = []
    for word in [*words, ""]:
        if word and not word.isascii():
            run.append(word)
            continue
        toned += _read_run("".join(run))
        run.clear()
        if word:
            toned.append(word)
    return Reading(tuple(map(_plain, toned)), tuple(toned))


@lru_cache(maxsize=8_192)
def _plain(syllable: str) -> str:
    return key_of(syllable) or syllable


def without_tone_numbers(word: str) -> str:
    """A word typed as jiao1zhou1 without its numbers; any other word as it is."""
    return re.sub(r"[1-5]", "", word) if _NUMBERED.fullmatch(word) else word


def _read_run(run: str) -> list[str]:
    """Characters without Latin between them: stretches with a local reading, and the dictionary between those."""
    if not run:
        return []
    toned: list[str] = []
    start = 0
    for found in _local().pattern.finditer(run):
        toned += _dictionary(run[start : found.start()])
        toned += _local().readings[found.group()]
        start = found.end()
    return toned + _dictionary(run[start:])


def _dictionary(run: str) -> list[str]:
    if not run:
        return []
    from pypinyin import Style, lazy_pinyin

    read = lazy_pinyin(run, style=Style.TONE, errors=_by_character)  # type: ignore[arg-type]  # its documentation allows a list
    return read if len(read) == len(run) else list(run)


def _by_character(run: str) -> list[str]:
    """What the dictionary does not know stands for itself."""
    return list(run)


@dataclass(frozen=True, slots=True)
class _Local:
    readings: dict[str, list[str]]
    pattern: re.Pattern[str]


@cache
def _local() -> _Local:
    document = json.loads(Path(__file__).with_name("readings.json").read_text(encoding="utf-8"))
    readings = {name: reading.split() for name, reading in document["readings"].items()}
    longest_first = sorted(readings, key=len, reverse=True)
    return _Local(readings, re.compile("|".join(map(re.escape, longest_first))))
