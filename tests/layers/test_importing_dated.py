"""Imports of rows that say when they hold, and of dates that can hardly be meant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from layers.import_report import ImportReport
from layers.importing import ImportOptions, import_file
from layers.manifest import parse_manifest
from twin.errors import BadManifestError, OverlappingValidityError
from twin.interval import Interval
from twin.query import FeatureQuery
from twin.store import open_store
from twin.store.port import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.gpkg")
    yield opened
    opened.close()


def point(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [120.0, 36.2]}, "properties": properties}


def write_collection(path: Path, features: Sequence[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}, ensure_ascii=False))
    return path


def imported(store: Store, path: Path, **changes: Any) -> ImportReport:
    plain = {"id": "lamps", "title": "路灯", "department": "works", "owner": "o", "licence": "l"}
    manifest = parse_manifest({**plain, "geometry_type": "Point", "id_property": "code", **changes})
    return import_file(store, path, ImportOptions("lamps", manifest=manifest))


def renamings(*rows: tuple[str, str, str | None]) -> list[dict[str, Any]]:
    return [point({"code": "L1", "name": name, "since": since, "until": until}) for name, since, until in rows]


def dated(store: Store, path: Path) -> ImportReport:
    schema = [{"name": "code", "type": "string"}, {"name": "name", "type": "string"}]
    return imported(store, path, validity={"from": "since", "to": "until"}, schema=schema)


def name_at(store: Store, day: str) -> list[Any]:
    return list(store.select("lamps", FeatureQuery(interval=Interval.parse(day))).columns["name"])


def test_rows_of_one_id_are_slices_of_one_feature(store: Store, tmp_path: Path) -> None:
    rows = renamings(
        ("old", "2010-01-01", "2014-12-31"), ("new", "2020-01-01", None), ("mid", "2015-01-01", "2019-12-31")
    )
    path = write_collection(tmp_path / "a.geojson", rows)
    report = dated(store, path)
    assert (report.inserted, report.updated, report.rejected) == (1, 2, 0)
    assert [name_at(store, day) for day in ("2009-05-05", "2014-12-31", "2015-01-01", "2026-05-05")] == [
        [],
        ["old"],
        ["mid"],
        ["new"],
    ]
    assert store.layer("lamps").feature_count == 1
    again = dated(store, path)
    assert (again.inserted, again.updated, again.unchanged, again.version) == (0, 0, 3, 1)


def test_rows_whose_validity_overlaps_are_refused_with_both_intervals(store: Store, tmp_path: Path) -> None:
    rows = renamings(
        ("one", "2010-01-01", "2014-12-31"), ("two", "2014-06-01", None), ("three", "2016-01-01", "2015-01-01")
    )
    rows += renamings(("four", "1870-01-01", "1880-01-01"), ("five", "yesterday", None), ("six", "2100-01-01", None))
    report = dated(store, write_collection(tmp_path / "a.geojson", rows))
    assert (report.inserted, report.rejected) == (1, 5)
    reasons = {reason.reason: reason.examples[0].value for reason in report.reasons}
    overlap = reasons["The validity overlaps that of another row of the same id."]
    assert overlap == "L1: 2014-06-01T00:00:00Z/.. overlaps 2010-01-01T00:00:00Z/2015-01-01T00:00:00Z"
    assert "The validity ends before it begins." in reasons
    assert reasons["since: not a date or an instant"] == "yesterday"
    assert reasons["Such a time is not believed: not before 1900-01-01."] == "1870-01-01T00:00:00Z"
    assert any("a state begins by" in reason for reason in reasons)


def test_a_delivery_that_overlaps_what_is_known_is_refused_whole(store: Store, tmp_path: Path) -> None:
    dated(store, write_collection(tmp_path / "a.geojson", renamings(("new", "2020-01-01", None))))
    late = write_collection(tmp_path / "b.geojson", renamings(("x", "2015-01-01", "2021-01-01")))
    with pytest.raises(OverlappingValidityError, match="2015-01-01T00:00:00Z/2021-01-02T00:00:00Z overlaps 2020"):
        dated(store, late)
    assert store.version("lamps") == 1


def test_validity_columns_that_the_file_lacks_are_named(store: Store, tmp_path: Path) -> None:
    path = write_collection(tmp_path / "a.geojson", [point({"code": "L1"})])
    with pytest.raises(BadManifestError) as caught:
        dated(store, path)
    assert caught.value.findings[0].where == "/validity/from"


def test_dates_that_can_hardly_be_meant_are_counted_and_kept(store: Store, tmp_path: Path) -> None:
    schema = [
        {"name": "code", "type": "string"},
        {"name": "built", "type": "date"},
        {"name": "seen", "type": "datetime"},
    ]
    given = [
        ("1", "1899-12-31", "2024-05-01T08:00:00Z"),
        ("2", "1900-01-01", None),
        ("3", "9999-12-31", "0001-01-01T00:00:00Z"),
        ("4", None, "2024-05-01T08:00:00+08:00"),
    ]
    rows = [point({"code": code, "built": built, "seen": seen}) for code, built, seen in given]
    report = imported(store, write_collection(tmp_path / "a.geojson", rows), schema=schema)
    assert (report.inserted, report.rejected) == (4, 0)
    found = {w.reason.partition(":")[0]: (w.count, [(e.row, e.value) for e in w.examples]) for w in report.warnings}
    assert found == {
        "built": (2, [(1, "1899-12-31"), (3, "9999-12-31")]),
        "seen": (1, [(3, "0001-01-01T00:00:00+00:00")]),
    }
    assert str(store.get("lamps", "3").properties["built"]) == "9999-12-31"
