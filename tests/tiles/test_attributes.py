"""Attribute tables and the protobuf primitives below them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapbox_vector_tile.Mapbox import vector_tile_pb2

from tiles.mvt.attributes import encode_attributes, encode_value
from tiles.mvt.protobuf import pack_varints, varint, zigzag


def read_value(encoded: bytes) -> tuple[str, Any]:
    message = vector_tile_pb2.tile.value()
    message.ParseFromString(encoded)
    ((field, value),) = message.ListFields()
    return field.name, value


@pytest.mark.parametrize(
    ("value", "field", "read"),
    [
        ("路灯", "string_value", "路灯"),
        ("", "string_value", ""),
        (7, "uint_value", 7),
        (0, "uint_value", 0),
        (-7, "sint_value", -7),
        (2**63, "uint_value", 2**63),
        (-(2**63), "sint_value", -(2**63)),
        (2**64, "string_value", str(2**64)),
        (1.5, "double_value", 1.5),
        (2.0, "double_value", 2.0),
        (True, "bool_value", True),
        (False, "bool_value", False),
        (np.int64(-3), "sint_value", -3),
        (np.float32(0.5), "double_value", 0.5),
        (np.bool_(True), "bool_value", True),
        (date(2026, 11, 22), "string_value", "2026-11-22"),
        (datetime(2026, 11, 22, 8, tzinfo=UTC), "string_value", "2026-11-22T08:00:00Z"),
        (datetime(2026, 11, 22, 8, tzinfo=timezone(timedelta(hours=8))), "string_value", "2026-11-22T00:00:00Z"),
    ],
)
def test_a_value_keeps_its_type(value: Any, field: str, read: Any) -> None:
    encoded = encode_value(value)
    assert encoded is not None
    assert read_value(encoded) == (field, read)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), np.float64("nan")])
def test_what_a_tile_cannot_hold_is_left_out(value: Any) -> None:
    assert encode_value(value) is None


def test_equal_looking_values_of_different_types_stay_apart() -> None:
    tags = encode_attributes({"a": [1, 1.0, True, "1"]}, range(4))
    assert [read_value(v)[0] for v in tags.values] == ["uint_value", "double_value", "bool_value", "string_value"]
    assert tags.tags == [bytes([0, i]) for i in range(4)]


def test_equal_values_share_one_entry_across_columns() -> None:
    tags = encode_attributes({"a": ["x", "y"], "b": ["x", None]}, range(2))
    assert tags.keys == ("a", "b")
    assert len(tags.values) == 2
    assert tags.tags == [bytes([0, 0, 1, 0]), bytes([0, 1])]


def test_a_property_nobody_has_is_not_a_key() -> None:
    tags = encode_attributes({"empty": [None, None], "a": [1, 2]}, range(2))
    assert tags.keys == ("a",)


def test_values_of_features_that_are_not_drawn_are_not_in_the_table() -> None:
    tags = encode_attributes({"a": ["drawn", "secret"]}, [0])
    assert [read_value(v)[1] for v in tags.values] == ["drawn"]


@given(st.integers(0, 2**64 - 1))
def test_a_varint_reads_back(value: int) -> None:
    encoded = varint(value)
    assert sum((byte & 0x7F) << (7 * i) for i, byte in enumerate(encoded)) == value
    assert all(byte & 0x80 for byte in encoded[:-1])
    assert not encoded[-1] & 0x80


@given(st.integers(-(2**63), 2**63 - 1))
def test_zigzag_folds_back(value: int) -> None:
    folded = zigzag(value)
    assert 0 <= folded < 2**64
    assert (folded >> 1) ^ -(folded & 1) == value


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=6), max_size=12))
def test_packed_runs_equal_single_varints_on_end(runs: list[list[int]]) -> None:
    flat = np.array([value for run in runs for value in run], dtype=np.uint32)
    counts = np.array([len(run) for run in runs], dtype=np.int64)
    assert pack_varints(flat, counts) == [b"".join(map(varint, run)) for run in runs]
