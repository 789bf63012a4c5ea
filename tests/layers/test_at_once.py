"""Two people at the same layer in the same moment: nothing is done twice, nothing is undone. On both stores."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest

import layers.registry
from layers.importing import ImportOptions, import_file
from layers.manifest import parse_manifest
from layers.policy import Actor
from layers.registry import Registry
from layers.reviewing import parse_decision
from twin.errors import VersionConflictError
from twin.query import FeatureQuery
from twin.store import open_store

MANIFEST = parse_manifest({"id": "lamps", "title": "路灯", "department": "works", "owner": "o", "licence": "l"})
PLACE = (120.0, 36.2)


@pytest.fixture(params=["geopackage", "postgis"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    target = tmp_path / "s.gpkg" if request.param == "geopackage" else request.getfixturevalue("postgis_url")
    store = open_store(target)
    lamp = {"type": "Feature", "id": 1, "geometry": {"type": "Point", "coordinates": PLACE}, "properties": {}}
    path = tmp_path / "lamps.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [lamp]}), encoding="utf-8")
    import_file(store, path, ImportOptions("lamps", manifest=MANIFEST))
    yield Registry(store)
    store.close()


def test_of_two_corrections_at_once_one_moves_the_layer(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_read = threading.Barrier(2, timeout=20)
    monkeypatch.setattr("layers.reviewing.current_release_name", lambda _: both_have_read.wait() and None)
    decision = parse_decision({"decision": "correct", "correction": {"shift_m": [0.0, 1109.5]}, "reason": "r"})
    with ThreadPoolExecutor(2) as people:
        asked = [people.submit(registry.review, "lamps", decision, Actor(name)) for name in ("王", "李")]
    errors = [future.exception() for future in asked]
    assert sorted(type(error) for error in errors if error) == [VersionConflictError]
    (point,) = registry.store.select("lamps", FeatureQuery()).geometries
    assert point.y == pytest.approx(PLACE[1] + 0.01, abs=1e-6), "once, not twice"
    record = registry.store.layer("lamps")
    reviews = [entry for entry in record.document["lineage"] if entry["step"] == "review"]
    assert (record.version, len(reviews)) == (2, 1)


def test_a_new_title_does_not_undo_a_decision_taken_meanwhile(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision = parse_decision({"decision": "reject", "reason": "r"})
    merge, pending = layers.registry.merge_manifest, []
    with ThreadPoolExecutor(1) as reviewer:

        def merge_while_somebody_decides(*given: Any) -> Any:
            pending.append(reviewer.submit(registry.review, "lamps", decision, Actor("李")))
            wait(pending, timeout=1.0)
            return merge(*given)

        monkeypatch.setattr(layers.registry, "merge_manifest", merge_while_somebody_decides)
        registry.describe("lamps", {"title": "新名"}, Actor("王"))
    pending[0].result()
    document = registry.store.layer("lamps").document
    assert (document["standing"]["state"], document["title"]["zh"]) == ("rejected", "新名")
    assert [entry["step"] for entry in document["lineage"]] == ["import", "review"]
    assert registry.store.version("lamps") == 1, "neither of them changed the data"
