"""Both stores behind one fixture, and two small base-map layers in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from twin.store import open_store
from twin.store.port import Store
from two_layers import fill


@pytest.fixture(params=["geopackage", "postgis"])
def store_target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
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
    """A store with the layers of `two_layers`."""
    opened = reopen()
    fill(opened)
    return opened
