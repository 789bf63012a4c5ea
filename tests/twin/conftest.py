"""Both stores behind one fixture: every test below that takes `store` runs against each. A folder may put something into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
    return reopen()
