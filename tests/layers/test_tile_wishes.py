"""The `tiles` part of a manifest: every fault at once, each with its place."""

from __future__ import annotations

from typing import Any

import pytest

from layers.manifest import parse_manifest
from layers.manifest_patch import merge_manifest
from twin.errors import BadManifestError

CODES = [{"value": "normal"}, {"value": "alarm"}]
MANIFEST: dict[str, Any] = {
    "id": "sensors",
    "title": "Sensors",
    "department": "iot",
    "owner": "o",
    "licence": "l",
    "geometry_type": "Point",
    "schema": [{"name": "status", "type": "string", "codes": CODES}, {"name": "name", "type": "string"}],
}
GOOD = {"clusters_below": 14, "status": "status", "alarms": ["alarm"]}


def faults(**parts: Any) -> dict[str, str]:
    with pytest.raises(BadManifestError) as caught:
        parse_manifest(MANIFEST | parts)
    return {finding.where: finding.value for finding in caught.value.findings}


def test_wishes_are_kept_and_may_change() -> None:
    manifest = parse_manifest(MANIFEST | {"tiles": GOOD})
    assert manifest.to_document()["tiles"] == GOOD
    assert merge_manifest(manifest.to_document(), {"tiles": {"clusters_below": 12}}).to_document()["tiles"] == GOOD | {
        "clusters_below": 12
    }
    assert "tiles" not in parse_manifest(MANIFEST).to_document()


def test_every_fault_is_named_at_once() -> None:
    wishes = {"clusters_below": 14, "status": "status", "alarms": ["alarm", "fire", 3]}
    assert faults(tiles=wishes) == {"/tiles/alarms/1": "fire", "/tiles/alarms/2": "3"}
    assert faults(tiles=GOOD | {"clusters_below": 40, "sorts": 1}).keys() == {"/tiles/clusters_below", "/tiles/sorts"}
    assert faults(tiles=GOOD, geometry_type="Polygon") == {"/tiles/clusters_below": "14"}


@pytest.mark.parametrize("status", ["name", "lost"])
def test_a_status_has_codes(status: str) -> None:
    assert faults(tiles=GOOD | {"status": status}) == {"/tiles/status": status}


def test_what_belongs_together_comes_together() -> None:
    assert faults(tiles={"status": "status"}) == {"/tiles/status": "status"}
    assert faults(tiles={"clusters_below": 9, "alarms": ["alarm"]}) == {"/tiles/alarms": "['alarm']"}


def test_lines_name_the_property_of_their_classes() -> None:
    lines = {"geometry_type": "LineString", "tiles": {"class_property": "name", "class_zooms": {"lane": 14}}}
    assert parse_manifest(MANIFEST | lines).to_document()["tiles"] == lines["tiles"] | {"alarms": []}
    assert faults(tiles={"class_property": "name"}) == {"/tiles/class_property": "name"}
    assert faults(**lines | {"tiles": {"class_property": "kind"}}) == {"/tiles/class_property": "kind"}
    assert list(faults(**lines | {"tiles": {"class_zooms": {"lane": 14}}})) == ["/tiles/class_zooms"]
