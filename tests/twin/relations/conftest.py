"""Both stores behind one fixture, with a small quarter: buildings, floors, entrances, cells, sensors, and links beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quarter import with_quarter
from twin.relations.opening import open_relations
from twin.relations.sql import SqlRelations
from twin.store import open_store
from twin.store.port import Store


@pytest.fixture(params=["geopackage", "postgis"])
def store_target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """File path or database address of an empty store."""
    if request.param == "geopackage":
        return str(tmp_path / "twin.gpkg")
    return str(request.getfixturevalue("postgis_url"))


@pytest.fixture
def reopen(store_target: str) -> Iterator[Callable[[], Store]]:
    """Opens the same store once more, as another server would."""
    opened: list[Store] = []

    def open_again() -> Store:
        opened.append(open_store(store_target))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def store(reopen: Callable[[], Store]) -> Store:
    return with_quarter(reopen())


@pytest.fixture
def relations(store: Store) -> SqlRelations:
    return open_relations(store)
