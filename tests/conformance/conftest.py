"""The application over a GeoPackage with the lamps, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from lamp_layer import with_lamps
from twin.store import open_store
from twin.store.port import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = with_lamps(open_store(tmp_path / "twin.gpkg"))
    yield store
    store.close()


@pytest.fixture
def client(store: Store) -> AppClient:
    return AppClient(create_app(Settings(), store))
