"""Kinds of places as data: titles, weights, and which value of a layer's own kind property belongs to which."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from twin.places.words import key_of
from twin.text import LocalText

DEFAULT_KIND = "facility"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of place.

    Attributes:
        weight: Factor in the ranking, 0 to 1.
        tier: Group in which candidates are drawn when there are many; 1 is drawn first.
    """

    id: str
    title: LocalText
    weight: float
    tier: int


@cache
def kinds() -> dict[str, Kind]:
    """All kinds by id."""
    return {
        name: Kind(name, LocalText.parse(entry["title"]), float(entry["weight"]), int(entry["tier"]))
        for name, entry in _document()["kinds"].items()
    }


@cache
def tiers() -> tuple[int, ...]:
    """The tiers, first one first."""
    return tuple(sorted({kind.tier for kind in kinds().values()}))


def kind_of(value: str, otherwise: str = DEFAULT_KIND) -> Kind:
    """The kind that a layer's own value belongs to; `otherwise` where no kind lists it."""
    return kinds()[_by_value().get(value, otherwise)]


@cache
def _called() -> dict[str, tuple[str, ...]]:
    called: dict[str, dict[str, None]] = {}
    for value, words in _document()["called"].items():
        for word in (*words, value):
            called.setdefault(key_of(word), {})[value] = None
    for kind in kinds().values():
        for word in (kind.title.zh, kind.title.en):
            called.setdefault(key_of(word), {})[kind.id] = None
    return {word: tuple(values) for word, values in called.items()}


def kinds_called(key: str) -> tuple[str, ...]:
    """Kinds, and layers' own values of them, that people mean by a word; empty where it is none of these words."""
    return _called().get(key, ())


@cache
def _by_value() -> dict[str, str]:
    return {value: name for name, entry in _document()["kinds"].items() for value in entry["values"]}


@cache
def _document() -> dict[str, dict[str, dict[str, Any]]]:
    return json.loads(Path(__file__).with_name("kinds.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]
