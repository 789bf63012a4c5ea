"""The checksum of a layer: a golden value, the same from both stores and any order, another for any other data."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace

import pytest
import shapely

from twin.basemap.checksum import document_checksum, features_checksum, layer_checksum
from twin.bounds import Bounds
from twin.feature import Feature, FeatureBatch
from twin.schema import Schema
from twin.store import open_store
from two_layers import EDITOR, POINTS, edit, fill, sights

GOLDEN = "58def51375031076d2dd60c264ef71bf7aad864e976e723c0459d56434f373b5"


def checksum_of(features: list[Feature], schema: Schema = POINTS) -> str:
    return features_checksum(schema, [FeatureBatch.of(schema, features)]).sha256


def test_both_stores_give_the_golden_checksum(store):
    found = layer_checksum(store, "sights", store.version("sights"))
    assert found.sha256 == GOLDEN
    assert found.feature_count == 3
    assert found.bounds == Bounds(120.0, 36.25, 120.01, 36.26)


def test_features_that_never_were_in_a_store_give_it_too():
    assert checksum_of(sights()) == GOLDEN
    assert checksum_of(sights(reverse=True)) == GOLDEN


def test_another_order_of_arrival_does_not_matter(tmp_path):
    other = open_store(str(tmp_path / "other.gpkg"))
    fill(other, reverse=True)
    assert layer_checksum(other, "sights", other.version("sights")).sha256 == GOLDEN
    other.close()


def test_batches_may_be_cut_anywhere():
    parts = [FeatureBatch.of(POINTS, [feature]) for feature in sights()]
    assert features_checksum(POINTS, parts).sha256 == GOLDEN


@pytest.mark.parametrize(
    "change",
    [
        {"id": "S9"},
        {"geometry": shapely.Point(120.0, 36.250000000000007)},
        {"geometry": shapely.Point(120.0, 36.25, 0.0)},
        {"geometry": None},
        {"properties": {**sights()[0].properties, "height_m": 0.3}},
        {"properties": {**sights()[0].properties, "name": None}},
        {"properties": {**sights()[0].properties, "open": None}},
        {"valid_from": sights()[0].properties["seen"]},
        {"valid_to": sights()[0].properties["seen"]},
    ],
)
def test_any_other_data_has_another_checksum(change):
    first, *rest = sights()
    assert checksum_of([replace(first, **change), *rest]) != GOLDEN


def test_a_feature_less_or_twice_has_another_checksum():
    assert checksum_of(sights()[:2]) != GOLDEN
    assert checksum_of([*sights(), sights()[0]]) != GOLDEN


def test_the_schema_counts():
    assert checksum_of(sights(), Schema(POINTS.geometry_type, POINTS.properties[:-1])) != GOLDEN


def test_an_old_version_keeps_its_checksum_through_edits(store):
    before = store.version("sights")
    edit(store)
    assert layer_checksum(store, "sights", before).sha256 == GOLDEN
    assert layer_checksum(store, "sights", store.version("sights")).sha256 != GOLDEN
    with store.write("sights", EDITOR) as writer:
        writer.clear()
        writer.upsert(FeatureBatch.of(POINTS, sights()))
    assert layer_checksum(store, "sights", store.version("sights")).sha256 == GOLDEN
    assert layer_checksum(store, "sights", before).sha256 == GOLDEN


def test_an_empty_layer_has_a_checksum_and_no_extent():
    found = features_checksum(POINTS, [])
    assert (found.feature_count, found.bounds) == (0, None)
    assert found.sha256 != GOLDEN


def test_a_document_s_checksum_does_not_depend_on_the_order_of_its_keys():
    assert document_checksum({"a": 1, "b": [1, 2]}) == document_checksum({"b": [1, 2], "a": 1})
    assert document_checksum({"a": 1}) != document_checksum({"a": 2})


def test_the_golden_value_follows_from_the_description():
    """The same by Python's own json, struct and hashlib, written from the words at the top of the module."""
    one = ("01" + "01000000" + struct.pack("<dd", 120.0, 36.25).hex()).upper()
    two = ("01" + "E9030000" + struct.pack("<ddd", 120.01, 36.26, 4.5).hex()).upper()
    names = ["built", "floors", "height_m", "name", "open", "seen"]
    rows = [
        ["S1", None, None, one, "1998-05-01", 3, 0.1 + 0.2, "三里河", True, "2026-01-02T03:04:05.678Z"],
        ["S2", None, None, two, None, None, None, "塔", False, None],
        ["S3", None, None, None, None, -(2**53) - 1, None, "", None, None],
    ]
    types = {"built": "date", "floors": "integer", "height_m": "number", "name": "string", "open": "boolean"}
    head = ["Point", [[name, types.get(name, "datetime")] for name in names]]

    def line(value: object) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    digests = sorted(hashlib.sha256(line(row)).digest() for row in rows)
    assert hashlib.sha256(line(head) + b"\n" + b"".join(digests)).hexdigest() == GOLDEN
