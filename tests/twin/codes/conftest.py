"""Both stores behind one fixture, for the tests of this folder that keep something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from twin.store import open_store
from twin.store.port import Store


@pytest.fixture(params=["geopackage", "postgis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    target = request.getfixturevalue("postgis_url") if request.param == "postgis" else tmp_path / "twin.gpkg"
    store = open_store(target)
    yield store
    store.close()
