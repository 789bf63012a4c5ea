"""The application over a store with the lamps, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from lamp_layer import with_lamps
from tiles.kernel import readiness
from twin.store import open_store
from twin.store.port import Store


@pytest.fixture(scope="session", autouse=True)
def _kernels() -> None:
    """Tiles made while the kernels are loading are not remembered: here they are loaded before."""
    assert readiness.wait_for_kernels()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = with_lamps(open_store(tmp_path / "twin.gpkg"))
    yield store
    store.close()


@pytest.fixture(params=["geopackage", "postgis"])
def either_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each store in turn, for tests where the difference matters: a file names it `store` for itself."""
    target = request.getfixturevalue("postgis_url") if request.param == "postgis" else tmp_path / "twin.gpkg"
    store = with_lamps(open_store(target))
    yield store
    store.close()


@pytest.fixture
def client(store: Store) -> AppClient:
    return AppClient(create_app(Settings(), store))
