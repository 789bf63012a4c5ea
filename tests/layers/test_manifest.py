"""Manifests: every fault is named at once, at its place, with a remedy."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from layers.manifest import Manifest, parse_manifest
from layers.manifest_patch import merge_manifest
from layers.seeding import SHIPPED
from twin.errors import BadManifestError, Finding
from twin.schema import GeometryType, PropertyType

GOOD: dict[str, Any] = {
    "id": "street-lights",
    "title": {"zh": "路灯", "en": "Street lights"},
    "department": "municipal-works",
    "owner": "市政处",
    "licence": "internal use",
    "crs": "EPSG:4549",
    "geometry_type": "Point",
    "schema": [
        {
            "name": "lamp_type",
            "type": "string",
            "codes": [{"value": "led", "title": {"zh": "发光二极管", "en": "LED"}}],
        },
        {"name": "功率", "type": "number", "unit": "W"},
    ],
    "style": {"kind": "circle", "color": "#aabbcc"},
}


def findings(**changes: object) -> dict[str, Finding]:
    document = {**copy.deepcopy(GOOD), **changes}
    with pytest.raises(BadManifestError) as caught:
        parse_manifest({key: value for key, value in document.items() if value is not ...})
    return {finding.where: finding for finding in caught.value.findings}


def test_a_good_manifest_becomes_a_schema():
    manifest = parse_manifest(GOOD)
    schema = manifest.to_schema()
    assert schema is not None
    assert schema.geometry_type is GeometryType.POINT
    assert schema.property("功率").type is PropertyType.NUMBER
    assert schema.property("lamp_type").codes[0].title.en == "LED"


def test_a_manifest_written_out_and_read_again_is_the_same():
    manifest = parse_manifest(GOOD)
    assert parse_manifest(manifest.to_document()) == manifest


def test_a_plain_title_serves_both_languages():
    assert parse_manifest({**GOOD, "title": "路灯"}).title.en == "路灯"


@pytest.mark.parametrize(
    ("where", "changes"),
    [
        ("/id", {"id": "Street Lights"}),
        ("/id", {"id": "check"}),
        ("/id", {"id": "a" * 51}),
        ("/id", {"id": 7}),
        ("/title", {"title": ...}),
        ("/title", {"title": {"zh": "", "en": ""}}),
        ("/title/fr", {"title": {"zh": "路灯", "fr": "Lampadaires"}}),
        ("/department", {"department": "市政"}),
        ("/owner", {"owner": ""}),
        ("/licence", {"licence": ...}),
        ("/crs", {"crs": "beijing"}),
        ("/geometry_type", {"geometry_type": "Dot"}),
        ("/schema", {"schema": "name"}),
        ("/schema/0/name", {"schema": [{"name": "a b", "type": "string"}]}),
        ("/schema/0/name", {"schema": [{"name": "_id", "type": "string"}]}),
        ("/schema/0/name", {"schema": [{"name": "路" * 21, "type": "string"}]}),
        ("/schema/0/type", {"schema": [{"name": "a", "type": "text"}]}),
        ("/schema/1/name", {"schema": [{"name": "a", "type": "string"}, {"name": "A", "type": "string"}]}),
        ("/schema/0/units", {"schema": [{"name": "a", "type": "string", "units": "m"}]}),
        ("/schema/0/codes/0/value", {"schema": [{"name": "a", "type": "integer", "codes": [{"value": "1"}]}]}),
        ("/schema/0/codes", {"schema": [{"name": "a", "type": "number", "codes": [{"value": 1}]}]}),
        ("/update_cadence", {"update_cadence": "sometimes"}),
        ("/classification", {"classification": "secret"}),
        ("/tags/0", {"tags": ["Unit grid"]}),
        ("/order", {"order": -1}),
        ("/style/color", {"style": {"kind": "circle", "color": "red"}}),
        ("/style/kind", {"style": {"kind": "fill"}}),
        ("/style/label/property", {"style": {"kind": "circle", "label": {"property": "nome"}}}),
        ("/source", {"source": {"type": "python", "path": "os.system"}}),
        ("/source/path", {"source": {"type": "inbox"}}),
        ("/source/url", {"source": {"type": "ogc-features", "url": "file:///etc/passwd"}}),
        ("/departement", {"departement": "x"}),
    ],
)
def test_a_bad_field_is_named_where_it_stands(where: str, changes: dict[str, Any]):
    found = findings(**changes)
    assert where in found, found
    assert found[where].problem.endswith(".")
    assert found[where].remedy


def test_all_faults_come_at_once():
    found = findings(id="Bad Id", owner=..., order="top", departement="x", schema=[{"name": "1", "type": "t"}])
    assert {"/id", "/owner", "/order", "/departement", "/schema/0/name", "/schema/0/type"} <= set(found)


def test_a_misspelt_field_is_answered_with_the_right_one():
    assert "licence" in findings(license="MIT")["/license"].remedy
    assert "'department'" in findings(departement="x")["/departement"].remedy


def test_a_class_path_in_a_manifest_is_refused():
    assert "/class" in findings(**{"class": "departments.lights.Layer"})


def test_a_manifest_that_is_no_object_is_refused():
    with pytest.raises(BadManifestError, match="JSON object"):
        parse_manifest(["id"])  # type: ignore[arg-type]


def test_deep_nonsense_is_findings_and_nothing_else():
    found = findings(schema=[None, 3, {"name": {}, "type": []}], style=[], title=[], source=None, codes={})
    assert {"/schema/0", "/schema/1", "/schema/2/name", "/style", "/title", "/source"} <= set(found)


def test_every_shipped_manifest_is_good():
    paths = sorted([*SHIPPED.glob("basemap/*.json"), *SHIPPED.glob("departments/*/*.json")])
    assert len(paths) >= 14
    for path in paths:
        manifest = parse_manifest(json.loads(path.read_text(encoding="utf-8")))
        assert manifest.id == path.stem
        assert isinstance(manifest, Manifest)


def test_a_patch_changes_what_may_change_and_null_restores_the_default():
    document = parse_manifest({**GOOD, "order": 300}).to_document()
    changed = merge_manifest(document, {"title": {"en": "Lamps"}, "order": None, "visible": False})
    assert (changed.title.zh, changed.title.en) == ("路灯", "Lamps")
    assert (changed.order, changed.visible) == (100, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [("id", "other"), ("geometry_type", "Polygon"), ("schema", []), ("id_property", "x"), ("colour", "#fff")],
)
def test_a_patch_of_what_never_changes_says_why(name: str, value: object):
    with pytest.raises(BadManifestError) as caught:
        merge_manifest(parse_manifest(GOOD).to_document(), {name: value, "title": "x"})
    assert [finding.where for finding in caught.value.findings] == [f"/{name}"]
    assert caught.value.findings[0].remedy


def test_a_patch_that_repeats_what_stands_is_no_change():
    document = parse_manifest(GOOD).to_document()
    assert merge_manifest(document, document) == parse_manifest(GOOD)
