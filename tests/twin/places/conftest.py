"""The index over both stores: every test in this folder that takes `town` runs against each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from places_town import Town
from twin.places import open_place_index
from twin.places.port import PlaceIndex
from twin.store import open_store
from twin.store.port import Store


@pytest.fixture
def reopen(store_target: str) -> Iterator[Callable[[], tuple[Store, PlaceIndex]]]:
    """Opens the same store and its index once more, as another server would."""
    opened: list[tuple[Store, PlaceIndex]] = []

    def open_again() -> tuple[Store, PlaceIndex]:
        store = open_store(store_target)
        opened.append((store, open_place_index(store)))
        return opened[-1]

    yield open_again
    for store, index in opened:
        index.close()
        store.close()


@pytest.fixture
def town(reopen: Callable[[], tuple[Store, PlaceIndex]]) -> Town:
    return Town(*reopen())
