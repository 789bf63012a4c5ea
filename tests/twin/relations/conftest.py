"""Both stores behind one fixture, with a small quarter: buildings, floors, entrances, cells, sensors, and links beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from quarter import with_quarter
from twin.relations.opening import open_relations
from twin.relations.sql import SqlRelations
from twin.store.port import Store


@pytest.fixture
def store(reopen: Callable[[], Store]) -> Store:
    return with_quarter(reopen())


@pytest.fixture
def relations(store: Store) -> SqlRelations:
    return open_relations(store)
