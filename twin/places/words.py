"""Names and queries as words: what counts of a text, one Chinese character or one Latin word at a time.

Full width and half width, capitals and accents, blanks and punctuation make no difference: 12－3號 and 12-3号 differ in the
character 號 alone, and that one is found by its sound. House numbers stay whole words: 12号 is (12, 号), 12-3号 is (12, 3, 号).
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

# Longer names are cut for the index: what people type is never longer.
MAX_KEY = 60
BETWEEN_NUMBERS = "·"

_U = frozenset("üǖǘǚǜÜǕǗǙǛ")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: a character of a script without blanks, or a run of Latin letters and digits.

    Attributes:
        text: As it is compared.
        start, end: Where it stands in the text as written.
    """

    text: str
    start: int
    end: int

    @property
    def is_latin(self) -> bool:
        return self.text.isascii()


@lru_cache(maxsize=8_192)
def split_words(text: str) -> tuple[Word, ...]:
    """The words of a text, punctuation, blanks, symbols and lone surrogates left out."""
    words: list[Word] = []
    joined = False
    for position, written in enumerate(text):
        folded = _folded(written, text[position - 1] if position and written in _U else "")
        if not folded:
            # An apostrophe inside a word (Fu'an) holds it together.
            joined = joined and written in "'’"
            continue
        if folded.isascii() and joined:
            last = words[-1]
            words[-1] = Word(last.text + folded, last.start, position + 1)
        else:
            words.append(Word(folded, position, position + 1))
        joined = folded.isascii()
    return tuple(words)


@lru_cache(maxsize=65_536)
def _folded(written: str, before: str) -> str:
    """One written character as it is compared: "" for what does not count; the ü of lü and nü is typed v."""
    if before in ("l", "n", "L", "N"):
        return "v"
    plain = unicodedata.normalize("NFKC", written).casefold()
    if plain[:1].isascii() or not plain[:1].isalpha():
        return "".join(c for c in plain if c.isascii() and c.isalnum())
    stripped = unicodedata.normalize("NFKD", plain)
    if stripped[0].isascii():
        return "".join(c for c in stripped if c.isascii() and c.isalnum())
    return plain[0]


def key_of(text: str) -> str:
    """All words of a text without anything between them: equal keys are equal names.

    Only two numbers stay apart, by a dot: number 12-3 is another house than number 123.
    """
    return joined_words([word.text for word in split_words(text)])[:MAX_KEY]


def joined_words(words: list[str]) -> str:
    """Words as a key."""
    made = ""
    for word in words:
        made += f"{BETWEEN_NUMBERS}{word}" if made[-1:].isdigit() and word[:1].isdigit() else word
    return made


def without_soft_ending(key: str) -> str:
    """A key without the ending that people leave out (胶州市 → 胶州); itself where too little would be left."""
    for ending in _shipped().soft:
        if key.endswith(ending) and len(key) - len(ending) >= 2:
            return key[: -len(ending)]
    return key


def shortened(key: str) -> str:
    """A key as people say it (胶州市第一中学 → 胶州一中)."""
    for pattern, spoken in _shipped().shortenings:
        key = pattern.sub(spoken, key)
    return key


@dataclass(frozen=True, slots=True)
class _Shipped:
    soft: tuple[str, ...]
    shortenings: tuple[tuple[re.Pattern[str], str], ...]


@cache
def _shipped() -> _Shipped:
    document = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
    return _Shipped(
        soft=tuple(sorted(document["soft"], key=len, reverse=True)),
        shortenings=tuple((re.compile(pattern), spoken) for pattern, spoken in document["shortenings"]),
    )
