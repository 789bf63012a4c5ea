"""A registry over each store, with a small base map in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from base_map_town import base_map_manifests
from layers.policy import Actor
from layers.registry import Registry
from twin.store import open_store

ACTOR = Actor("王工")


@pytest.fixture(params=["geopackage", "postgis"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    target = str(tmp_path / "twin.gpkg")
    if request.param == "postgis":
        target = str(request.getfixturevalue("postgis_url"))
    store = open_store(target)
    registry = Registry(store)
    for manifest in base_map_manifests():
        registry.register(manifest, ACTOR)
    yield registry
    store.close()
