"""Paging gives each feature exactly once: under any order, with unknown values, and while others write."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import hypothesis.strategies as st
import pytest
import shapely
from hypothesis import given, settings

from api.app import create_app
from api.errors import BadTokenError
from api.paging import decode_token, encode_token
from api.settings import Settings
from app_client import AppClient
from twin.feature import Feature, FeatureBatch
from twin.query import Position
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec

SCHEMA = Schema(
    GeometryType.POINT,
    (
        Property("word", PropertyType.STRING),
        Property("number", PropertyType.NUMBER),
        Property("day", PropertyType.DATE),
        Property("flag", PropertyType.BOOLEAN),
    ),
)
rows = st.fixed_dictionaries(
    {
        "word": st.sampled_from([None, "", "a", "b", "路灯"]),
        "number": st.sampled_from([None, -1.5, 0.0, 0.1, 1e300]),
        "day": st.sampled_from([None, date(2020, 1, 1), date(2024, 2, 29)]),
        "flag": st.sampled_from([None, True, False]),
    }
)
orders = st.lists(st.sampled_from(SCHEMA.names), unique=True, max_size=3).flatmap(
    lambda names: st.tuples(*(st.sampled_from([name, "-" + name]) for name in names))
)


def batch(values, prefix):
    features = [Feature(f"{prefix}{n}", shapely.Point(120, 36), value) for n, value in enumerate(values)]
    return FeatureBatch.of(SCHEMA, features)


@settings(max_examples=40)
@given(st.lists(rows, min_size=1, max_size=14), st.lists(rows, max_size=6), orders, st.integers(1, 5), st.booleans())
def test_each_feature_comes_once_even_while_others_arrive(old, new, order, limit, gone):
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "twin.gpkg")
        try:
            with store.write("layer", Author("a"), create=LayerSpec("layer", SCHEMA)) as writer:
                writer.upsert(batch(old, "old"))
            client = AppClient(create_app(Settings(), store))
            url = f"/collections/layer/items?limit={limit}" + ("&sortby=" + ",".join(order) if order else "")
            seen, arriving = [], list(new)
            while url:
                page = client.json(url)
                seen += [feature["id"] for feature in page["features"]]
                url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
                with store.write("layer", Author("b")) as writer:
                    if arriving:
                        writer.upsert(batch([arriving.pop()], f"new{len(arriving)}-"))
                    if gone and seen[-1].startswith("old"):
                        writer.delete(seen[-1])
                        gone = False
            assert len(seen) == len(set(seen))
            assert sorted(i for i in seen if i.startswith("old")) == sorted(f"old{n}" for n in range(len(old)))
        finally:
            store.close()


scalars = (
    st.none() | st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-(2**63), 2**63 - 1) | st.booleans()
)
scalars |= st.floats(allow_nan=False, allow_infinity=False) | st.dates() | st.datetimes(timezones=st.just(UTC))


@given(st.lists(scalars, max_size=4), st.integers(0, 2**62), st.text(max_size=20))
def test_a_token_gives_its_position_back(values, fid, query):
    position = Position(tuple(values), fid)
    read = decode_token(encode_token(position, query), query)
    assert read == position
    assert [type(value) for value in read.values] == [type(value) for value in position.values]


@given(st.lists(scalars, max_size=3), st.integers(0, 2**62), st.data())
def test_a_token_with_any_bit_changed_is_refused(values, fid, data):
    import base64

    raw = bytearray(base64.urlsafe_b64decode(encode_token(Position(tuple(values), fid), "q") + "=="))
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << (place % 8)
    with pytest.raises(BadTokenError):
        decode_token(base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode(), "q")


def test_a_token_belongs_to_one_query():
    token = encode_token(Position((datetime(2024, 5, 1, tzinfo=UTC),), 7), "one")
    with pytest.raises(BadTokenError):
        decode_token(token, "other")
