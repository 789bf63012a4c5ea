"""What heights count from: read, named, and never mixed."""

from __future__ import annotations

import pytest

from twin.errors import BadManifestError, VerticalDatumError
from twin.vertical import check_same_vertical, parse_vertical_datum, stated_vertical_datum, vertical_datum_title


@pytest.mark.parametrize(
    ("text", "datum"),
    [("EPSG:5737", "EPSG:5737"), ("5736", "EPSG:5736"), ("Unknown", "unknown"), (" ellipsoidal ", "ellipsoidal")],
)
def test_every_spelling_of_a_vertical_datum(text: str, datum: str) -> None:
    assert parse_vertical_datum(text) == datum
    assert vertical_datum_title(datum).zh


@pytest.mark.parametrize("text", ["EPSG:4490", "EPSG:4490+5737", "sea level", "", "GCJ-02"])
def test_what_is_no_vertical_datum_is_named(text: str) -> None:
    with pytest.raises(BadManifestError, match="vertical datum"):
        parse_vertical_datum(text)


@pytest.mark.parametrize(
    ("crs", "datum"),
    [
        ("EPSG:4490+5737", "EPSG:5737"),
        ("EPSG:4549+5736", "EPSG:5736"),
        ("urn:ogc:def:crs,crs:EPSG::4549,crs:EPSG::5737", "EPSG:5737"),
        ("EPSG:9705", "EPSG:5714"),
        ("EPSG:4480", "ellipsoidal"),
        ("EPSG:4979", "ellipsoidal"),
        ("EPSG:4490", None),
        ("GCJ-02", None),
    ],
)
def test_compound_systems_say_what_heights_count_from(crs: str, datum: str | None) -> None:
    assert stated_vertical_datum(crs) == datum


def test_two_datums_are_never_mixed() -> None:
    with pytest.raises(VerticalDatumError) as caught:
        check_same_vertical("EPSG:5736", "EPSG:5737")
    assert (caught.value.value, caught.value.limit) == ("EPSG:5736", "EPSG:5737")
    assert "survey authority" in caught.value.remedy


@pytest.mark.parametrize(
    ("found", "wanted"), [(None, "EPSG:5737"), ("unknown", "EPSG:5737"), ("EPSG:5737", "EPSG:5737")]
)
def test_nothing_said_is_no_contradiction(found: str | None, wanted: str) -> None:
    check_same_vertical(found, wanted)
    check_same_vertical(wanted, found)
