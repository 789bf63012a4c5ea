"""The `search` part of a manifest: what it may say, and what the place index reads from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from layers.manifest import parse_manifest
from layers.manifest_patch import merge_manifest
from layers.seeding import shipped_manifests
from twin.errors import BadManifestError
from twin.places.sources import rule_of
from twin.store.port import LayerRecord

SCHEMA = [{"name": name, "type": "string"} for name in ("title", "addr", "sort", "code")] + [
    {"name": "floors", "type": "integer"}
]


def manifest(**more: Any) -> dict[str, Any]:
    return {
        "id": "shops",
        "title": "商店",
        "department": "commerce",
        "owner": "Bureau",
        "licence": "CC0-1.0",
        "geometry_type": "Point",
        "schema": SCHEMA,
        **more,
    }


def record(document: dict[str, Any]) -> LayerRecord:
    parsed = parse_manifest(document)
    schema = parsed.to_schema()
    assert schema is not None
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return LayerRecord(parsed.id, schema, parsed.to_document(), 1, 0, None, now, now)


def test_what_the_manifest_says_is_searched() -> None:
    search = {"name": "title", "aliases": ["code"], "kind": "sort", "kind_is": "poi", "role": "place"}
    rule = rule_of(record(manifest(search=search)))

    assert (rule.name, rule.aliases, rule.kind, rule.kind_is, rule.role) == ("title", ("code",), "sort", "poi", "place")
    assert rule.address == "addr"  # by its name, since the manifest says nothing of it
    assert rule.is_searchable


def test_without_a_word_the_usual_names_are_searched() -> None:
    rule = rule_of(record(manifest()))

    assert (rule.name, rule.address, rule.kind_is) == ("", "addr", "facility")


def test_a_layer_may_stay_out_of_the_search() -> None:
    assert not rule_of(record(manifest(search={"off": True}))).is_searchable


def test_numbers_are_no_names() -> None:
    assert rule_of(record(manifest(search={"name": "floors"}))).name == ""


def test_every_fault_is_named_with_its_place() -> None:
    search = {"name": "nome", "aliases": ["code", "ref"], "kind_is": "castle", "role": "king", "weight": 3}
    with pytest.raises(BadManifestError) as caught:
        parse_manifest(manifest(search=search))

    assert {finding.where for finding in caught.value.findings} == {
        "/search/name",
        "/search/aliases/1",
        "/search/kind_is",
        "/search/role",
        "/search/weight",
    }


def test_search_can_be_changed_by_a_patch() -> None:
    document = parse_manifest(manifest(search={"name": "title"})).to_document()

    patched = merge_manifest(document, {"search": {"name": "code"}})
    assert patched.search is not None
    assert patched.search.name == "code"
    assert merge_manifest(document, {"search": None}).search is None


def test_the_shipped_layers_say_what_lies_at_a_point() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    roles = {}
    for shipped in shipped_manifests():
        schema = shipped.to_schema()
        assert schema is not None
        rule = rule_of(LayerRecord(shipped.id, schema, shipped.to_document(), 1, 0, None, now, now))
        roles[shipped.id] = rule.role

    assert {role: layer for layer, role in roles.items() if role in ("town", "grid", "road")} == {
        "town": "districts",
        "grid": "grid-cells",
        "road": "roads",
    }
