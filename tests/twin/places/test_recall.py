"""How many of the names that people mean are found: on names made of real words, and on the real ones of Shanghai."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from place_corpus import CITY, SCHEMA, Named, Typed, batches, generated, shanghai, typed_for
from places_town import AUTHOR, Town
from twin.places.port import How, PlaceQuery
from twin.store.port import LayerSpec

# Share of names that must be among the first ten.
STATED = {
    "zh": 1.0,
    "prefix": 0.8,
    "pinyin": 1.0,
    "pinyin, blanks and tones": 1.0,
    "initials": 0.9,
    "English": 1.0,
    "address": 1.0,
    "typo, Chinese": 0.95,
    "typo, pinyin": 0.95,
}
# What may be any of very many names is asked for only where it can tell them apart.
REAL = {"zh": 1.0, "pinyin": 0.98, "pinyin, blanks and tones": 0.98, "typo, Chinese": 0.9, "typo, pinyin": 0.9}


def fill(town: Town, names: Sequence[Named]) -> None:
    spec = LayerSpec("poi", SCHEMA, {"department": "basemap"})
    with town.store.write("poi", AUTHOR, create=spec) as writer:
        for batch in batches(names):
            writer.upsert(batch)
    assert not town.index.refresh(600).is_stale


def shares(town: Town, texts: Sequence[Typed]) -> dict[str, float]:
    """By way of typing: the share of texts whose name is among the first ten."""
    found: dict[str, list[bool]] = {}
    for typed in texts:
        places = town.index.search(PlaceQuery(typed.text, CITY, {"poi": None}, limit=10))
        found.setdefault(typed.way, []).append(typed.meant in [place.name.zh for place in places])
    return {way: sum(answers) / len(answers) for way, answers in found.items()}


def missed(measured: dict[str, float], stated: dict[str, float]) -> dict[str, float]:
    return {way: share for way, share in measured.items() if share < stated[way]}


def test_names_made_of_real_words_are_found_in_every_way(town: Town) -> None:
    names = generated(3_000, seed=7)
    fill(town, names)

    measured = shares(town, typed_for(names, list(STATED), 40))
    assert set(measured) == set(STATED)
    assert missed(measured, STATED) == {}


@pytest.mark.slow
def test_the_real_names_of_shanghai_are_found(town: Town, shared_data: Path) -> None:
    names = shanghai(shared_data)
    assert len(names) == 23_850
    fill(town, names[::4])

    measured = shares(town, typed_for(names[::4], list(REAL), 40))
    assert missed(measured, REAL) == {}


def test_every_indexed_name_is_first_or_among_equals(town: Town) -> None:
    names = generated(400, seed=11)
    fill(town, names)

    for named in names:
        places = town.index.search(PlaceQuery(named.name, CITY, {"poi": None}, limit=10))
        equals = [place.name.zh for place in places if place.score == places[0].score]
        assert named.name in equals, named.name
        assert places[0].how is How.EXACT
