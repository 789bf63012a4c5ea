"""`town.basemap` against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import twin
from base_map_town import base_map_manifests
from layers.policy import Actor
from layers.registry import Registry
from server_process import ServerProcess
from twin.client import Town
from twin.errors import Conflict, NotFound
from twin.store import open_store


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    data = tmp_path_factory.mktemp("town")
    store = open_store(data / "onemap.gpkg")
    for manifest in base_map_manifests():
        Registry(store).register(manifest, Actor("survey"))
    store.close()
    server = ServerProcess(Path(data), None, ())
    try:
        with twin.connect(server.url, actor="analyst") as connected:
            yield connected
    finally:
        server.stop()


def test_checked_released_compared_and_verified(town: Town) -> None:
    assert len(town.basemap.releases()) == 0
    found = town.basemap.check()
    assert found.to_numpy().tolist() == [["buildings", "line-conflict", "error", 1]]
    assert len(town.read("basemap-findings")) == 1
    assert town.basemap.check(layers=["roads"], rules={"roads": [{"check": "geometry"}]}).empty
    with pytest.raises(Conflict, match="found 1 error"):
        town.basemap.make_release("2026.10")
    made = town.basemap.make_release("2026.10", "first", max_errors=1)
    assert made["author"] == "analyst"
    town.basemap.make_release("2026.11", layers=["roads"], force=True, reason="roads alone")
    releases = town.basemap.releases()
    assert releases.index.tolist() == ["2026.11", "2026.10"]
    assert releases.loc["2026.10", "feature_count"] == 8
    assert releases["at"].dt.tz is not None
    report = town.basemap.report("2026.11")
    assert report.loc["buildings", "removed"] == 2
    assert report.loc["roads", ["added", "removed", "changed"]].tolist() == [0, 0, 0]
    assert report.attrs["document"]["since"] == "2026.10"
    assert town.basemap.report("2026.11", "2026.10").equals(report)
    assert town.basemap.verify("2026.10")["holds"]
    assert town.basemap.release("2026.10")["notes"] == "first"
    assert sorted(town.read("buildings", as_of="release:2026.10").index) == ["H1", "H2"]
    assert town.basemap.stale()["release"].tolist() == ["unreleased"]
    with pytest.raises(NotFound):
        town.basemap.report("1999")
