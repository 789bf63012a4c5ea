"""Laws of the place search: whatever a place is called, its name finds it, and no text breaks anything."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from places_town import AUTHOR, CITY, Town, point
from twin.errors import BadPlaceQueryError
from twin.feature import FeatureBatch
from twin.places import open_place_index
from twin.places.asking import MAX_TYPED, take_apart
from twin.places.forms import decode_keys, encode_keys, forms_of
from twin.places.fts5 import as_match
from twin.places.highlight import highlighted
from twin.places.matching import best_match
from twin.places.pinyin import read_aloud
from twin.places.port import How, PlaceQuery
from twin.places.words import MAX_KEY, key_of, split_words
from twin.store import open_store

CHARACTERS = (
    "胶州市第一中学阜安街道铺集镇三里河重庆长江路银行医院公园大小东西南北十百１2３ABéüＫ·-－ ()（）'\"*:😀\u0301"
)
texts = st.text(alphabet=st.one_of(st.sampled_from(CHARACTERS), st.characters()), max_size=30)
names = st.text(alphabet=st.sampled_from(CHARACTERS), min_size=1, max_size=20).filter(key_of)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    store = open_store(tmp_path_factory.mktemp("places") / "twin.gpkg")
    index = open_place_index(store)
    made = Town(store, index)
    made.layer("poi", point("0", "胶州一中", name_en=None, address=None))
    yield made
    index.close()
    store.close()


@settings(max_examples=60)
@given(name=names)
def test_a_name_that_has_just_been_written_finds_its_place_first_or_among_equals(town: Town, name: str) -> None:
    with town.store.write("poi", AUTHOR) as writer:
        writer.upsert(FeatureBatch.of(town.store.layer("poi").schema, [point("0", name)]))

    found = [p for p in town.search(name) if not p.formerly]
    assert [(p.feature_id, p.how) for p in found] == [("0", How.EXACT)]
    start_to_end = found[0].highlight
    assert "".join(key_of(found[0].matched[a:b]) for a, b in start_to_end).replace("·", "") == key_of(
        " ".join(name.split())
    ).replace("·", "")


@given(text=texts)
def test_no_text_breaks_the_search(town: Town, text: str) -> None:
    try:
        found = town.index.search(PlaceQuery(text, CITY, {"poi": None}))
    except BadPlaceQueryError:
        assert not split_words(text) or len(text) > MAX_TYPED
        return
    for place in found:
        assert 0 < place.score <= 1
        assert all(0 <= a < b <= len(place.matched) for a, b in place.highlight)


@given(name=texts, english=texts, address=texts)
def test_forms_survive_their_way_through_the_index(name: str, english: str, address: str) -> None:
    keys = forms_of(name, english, address, ())

    assert decode_keys(encode_keys(keys)) == tuple(keys)
    assert all(0 < len(key.text) <= MAX_KEY * 7 for key in keys)


@given(text=texts)
def test_words_tell_where_they_stand(text: str) -> None:
    words = split_words(text)

    assert all(0 <= word.start < word.end <= len(text) for word in words)
    assert all(a.end <= b.start for a, b in itertools.pairwise(words))
    assert all(word.text.isalnum() or not word.is_latin for word in words)
    assert len(read_aloud(text).syllables) == len(words)


@given(text=names)
def test_questions_to_the_database_hold_nothing_but_quoted_terms(text: str) -> None:
    from twin.places import asking

    typed = take_apart(text)
    for ask in (asking.exact, asking.whole, asking.all_words, asking.words_and_address, asking.same_sound):
        expression = ask(typed)
        if expression is not None:
            outside = as_match(expression).split('"')[::2]
            assert {word for part in outside for word in part.replace("(", " ").replace(")", " ").split()} <= {
                "AND",
                "OR",
                "*",
            }


@given(name=names)
def test_a_name_matches_itself_exactly(name: str) -> None:
    typed = take_apart(name)
    match = best_match(typed, forms_of(name, "", "", ()), errors=False)

    assert match is not None
    assert (match.how, match.quality) == (How.EXACT, 1.0)
    assert highlighted(name, typed, match)
