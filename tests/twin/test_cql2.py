"""Filters at the door: what is understood, and every refusal with its reason."""

from __future__ import annotations

import contextlib
import json

import pytest
import shapely.geometry
from hypothesis import given
from hypothesis import strategies as st

from street_lights import SCHEMA
from twin.cql2 import MAX_DEPTH, parse_filter
from twin.crs import parse_crs
from twin.errors import BadCall, BadFilterError, UnknownPropertyError


def test_text_and_json_say_the_same() -> None:
    text = parse_filter("lamps >= 2 AND name LIKE '北%'", SCHEMA)
    tree = {
        "op": "and",
        "args": [
            {"op": ">=", "args": [{"property": "lamps"}, 2]},
            {"op": "like", "args": [{"property": "name"}, "北%"]},
        ],
    }
    assert text == parse_filter(json.dumps(tree), SCHEMA, language="cql2-json") == parse_filter(tree, SCHEMA)


def test_a_geometry_is_brought_to_lon_lat_from_its_own_system() -> None:
    metres = "S_INTERSECTS(geometry, POINT(4014892.4956 503010.3651))"
    tree = parse_filter(metres, SCHEMA, crs=parse_crs("EPSG:4549"))
    assert isinstance(tree, dict)
    point = shapely.geometry.shape(tree["args"][1])
    assert (point.x, point.y) == pytest.approx((120.0335, 36.2645), abs=1e-8)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lamps = 'two'", "number with string"),
        ("name = 3", "string"),
        ("lit = 1", "boolean"),
        ("name + 1 = 2", "numbers"),
        ("lamps LIKE '2%'", "works on text"),
        ("checked_at > 'yesterday'", "not a date"),
        ("lamps IN (1, 'x')", "number with string"),
        ("lamps", "yes/no"),
        ("lamps >", "near character"),
        ("wattage(lamps) = 1", "no function 'wattage'"),
        ("S_NEAR(geometry, POINT(1 2))", "no spatial function|cannot be read|not a condition"),
        ("S_INTERSECTS(geometry, POINT(500000 4000000))", "not degrees"),
        ("S_INTERSECTS(name, POINT(1 2))", "not a geometry"),
        ("geometry = 1", "S_ functions"),
        ("T_AFTER(lamps, DATE('2024-01-01'))", "work on times"),
        ("(" * 500 + "lit" + ")" * 500, "nested too deeply"),
        ("NOT " * 5000 + "lit", "nested too deeply|too long"),
        ("-" * 5000 + "lamps = 1", "nested too deeply"),
        ("name = '" + "x" * 30_000 + "'", "too long"),
    ],
)
def test_a_bad_filter_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(BadFilterError, match=words):
        parse_filter(text, SCHEMA)


def test_an_unknown_property_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownPropertyError, match="wattage") as caught:
        parse_filter("wattage > 3", SCHEMA)
    assert "power_kw" in caught.value.limit


@pytest.mark.parametrize(
    "text", ["{", "[1", '{"op": "="}', '{"op": "=", "args": [NaN, 1]}', "3", '"x"', "null", '{"op":[],"args":[]}']
)
def test_json_that_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(BadFilterError):
        parse_filter(text, SCHEMA, language="cql2-json")


def test_a_deep_json_filter_is_refused() -> None:
    tree: object = {"op": "isNull", "args": [{"property": "name"}]}
    for _ in range(4 * MAX_DEPTH):
        tree = {"op": "not", "args": [tree]}
    with pytest.raises(BadFilterError, match="nested too deeply"):
        parse_filter(tree, SCHEMA)  # type: ignore[arg-type]
    with pytest.raises(BadFilterError):
        parse_filter("[" * 5_000, SCHEMA, language="cql2-json")


@given(st.text(max_size=60) | st.text(alphabet="()'\"=<>-+*NOTANDlampsname 12,", max_size=80))
def test_no_text_brings_the_door_down(text: str) -> None:
    with contextlib.suppress(BadCall):
        parse_filter(text, SCHEMA)
