"""The index terms of a name: what the full-text index of either database holds. The first letter says what a term is.

    s胶州一中        a whole key (name, short form, reading, initials, English, alias, address); prefixes of it are asked for
    a胶  a胶州       its first one and two characters, so that the first keystrokes need no range of the term list
    u胶  ukfc       one word of a name;  d路  one word of the address
    rjia riao raoz  three letters in a row of a reading or of an English name (the typing errors' net)
    ijz  izy  iyz   two initials in a row
    xjaozhou        a short reading (4 to 8 letters) with one letter left out, and as it is
    n14  m4         letters of the reading, words of the name
    t2 kroad ktrunk l7 b.. c6001x5040 g..   tier, kinds, layer, cells of 400 m, 2 km and 10 km

The two databases see the same terms, so that they find the same names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from twin.bounds import Bounds
from twin.places.forms import Form, Key
from twin.places.words import BETWEEN_NUMBERS, split_words

_CELLS = {"b": 0.004, "c": 0.02, "g": 0.1}
# A merged road may cross many cells; beyond this many it is found by its kind, not by its cells.
_CELLS_AT_MOST = 200
# Readings of these lengths are kept with each letter left out once.
SHORT_LATIN = range(4, 9)
_LATIN_FORMS = (Form.PINYIN, Form.SHORT_PINYIN, Form.ENGLISH)


def name_terms(keys: Sequence[Key], texts: Sequence[str], address: str) -> set[str]:
    """Terms that come from a feature's names.

    Args:
        keys: Its forms.
        texts: Its names as written.
        address: As written; "" for none.
    """
    terms: set[str] = set()
    for key in keys:
        terms |= {f"s{key.text}", f"a{key.text[:1]}", f"a{key.text[:2]}"}
        if key.form in _LATIN_FORMS or (key.form is Form.ALIAS and key.text.isascii()):
            terms |= _latin_terms(key.text)
        elif key.form is Form.INITIALS:
            terms |= {f"i{pair}" for pair in runs_of(key.text, 2)}
        elif key.form in (Form.NAME, Form.SHORT, Form.ALIAS):
            terms.add(f"m{len(split_words(key.text))}")
    for text in texts:
        terms |= {f"u{word.text}" for word in split_words(text)}
    for key in keys:
        if key.form is Form.SHORT:
            terms |= {f"u{word.text}" for word in split_words(key.text)}
    return terms | {f"d{word.text}" for word in split_words(address)}


def place_terms(tier: int, kinds: Iterable[str], layer: int, boxes: Sequence[Bounds]) -> set[str]:
    """Terms that say what a place is and where."""
    terms = {f"t{tier}", layer_term(layer), *(kind_term(kind) for kind in kinds if kind)}
    for letter, size in _CELLS.items():
        cells = {cell for box in boxes for cell in _cells(box, size)}
        if len(cells) <= _CELLS_AT_MOST:
            terms |= {f"{letter}{column}x{row}" for column, row in cells}
    return terms


def kind_term(kind: str) -> str:
    """Term of a kind; letters and digits alone count."""
    return "k" + "".join(c for c in kind.casefold() if c.isalnum())


def layer_term(number: int) -> str:
    """Term of a layer, by its number in the index."""
    return f"l{number}"


def cells_around(lon: float, lat: float) -> list[list[str]]:
    """Terms of the three times three cells about a point, of each size, the smallest first."""
    found = []
    for letter, size in _CELLS.items():
        column, row = _cell(lon, lat, size)
        found.append([f"{letter}{column + i}x{row + j}" for i in (-1, 0, 1) for j in (-1, 0, 1)])
    return found


def runs_of(text: str, length: int) -> list[str]:
    """All stretches of that length, in order; numbers kept apart by a dot do not run together."""
    return [run for i in range(len(text) - length + 1) if BETWEEN_NUMBERS not in (run := text[i : i + length])]


def with_one_left_out(text: str) -> set[str]:
    """The text, and the text without each of its characters."""
    return {text, *(text[:i] + text[i + 1 :] for i in range(len(text)))}


def _latin_terms(text: str) -> set[str]:
    terms = {f"r{run}" for run in runs_of(text, 3)} | {f"n{len(text)}"}
    if len(text) in SHORT_LATIN:
        terms |= {f"x{left}" for left in with_one_left_out(text)}
    return terms


def _cell(lon: float, lat: float, size: float) -> tuple[int, int]:
    return math.floor((lon + 180) / size), math.floor((lat + 90) / size)


def _cells(box: Bounds, size: float) -> Iterable[tuple[int, int]]:
    (first, bottom), (last, top) = _cell(box.west, box.south, size), _cell(box.east, box.north, size)
    if (last - first + 1) * (top - bottom + 1) > _CELLS_AT_MOST:
        return []
    return [(column, row) for column in range(first, last + 1) for row in range(bottom, top + 1)]
