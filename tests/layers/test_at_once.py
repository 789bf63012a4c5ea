"""Two people at the same layer in the same moment: nothing is done twice, nothing is undone. On both stores."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

import layers.registry
from layers.importing import ImportOptions, import_file
from layers.layer_sample import sample_layer
from layers.manifest import parse_manifest
from layers.policy import Actor
from layers.registry import Registry
from layers.reviewing import parse_decision
from twin.errors import VersionConflictError
from twin.feature import Feature
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


def test_a_layer_is_judged_once_for_all_who_ask_until_something_changes(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, judge = [], layers.registry.examine_layer

    def counted(*given: Any) -> Any:
        judged.append(given)
        time.sleep(0.2)
        return judge(*given)

    monkeypatch.setattr(layers.registry, "examine_layer", counted)
    with ThreadPoolExecutor(4) as people:
        beliefs = list(people.map(lambda name: registry.examine("lamps", Actor(name)), "王李张刘"))
    assert len(judged) == 1
    assert beliefs == [beliefs[0]] * 4
    with registry.write("lamps", Actor("王"), "moved") as writer:
        writer.replace(Feature("1", shapely.Point(120.1, 36.3), {}))
    registry.examine("lamps", Actor("王"))
    assert len(judged) == 2


def test_a_sample_is_spread_over_the_layer_and_reads_no_more(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry.write("lamps", Actor("王"), "many") as writer:
        for number in range(2, 101):
            writer.insert(Feature(str(number), shapely.Point(120 + number / 1000, 36.2), {}))
    monkeypatch.setattr("layers.layer_sample.MOST_GEOMETRIES", 10)
    taker = sample_layer(registry.store, "lamps")
    assert taker.seen == 10
    assert np.ptp(shapely.get_x(taker.geometries())) > 0.08
    with registry.write("lamps", Actor("王"), "few left") as writer:
        for number in range(10, 101, 10):
            writer.delete(str(number))
    monkeypatch.setattr("layers.layer_sample.MOST_GEOMETRIES", 9)
    assert sample_layer(registry.store, "lamps").seen > 0
