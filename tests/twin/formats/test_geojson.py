from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin.formats.json_split import ArraySplitter
from twin.formats.port import RowBatch
from twin.formats.reading import open_source
from twin.schema import GeometryType, PropertyType

POINT = {"type": "Point", "coordinates": [120.0, 36.0]}


def feature(properties: dict[str, Any] | None = None, geometry: Any = POINT, **members: Any) -> dict[str, Any]:
    return {"type": "Feature", **members, "geometry": geometry, "properties": properties}


def collection(*features: Any, **members: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features), **members}, ensure_ascii=False)


def read(path: Path, text: str | bytes, **options: Any) -> tuple[Any, RowBatch]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with open_source(path, **options) as source:
        batches = list(source.batches())
        assert len(batches) <= 1
        return source.info, batches[0] if batches else RowBatch([], None, [], {})


def test_a_broken_feature_never_stops_the_good_ones(tmp_path: Path) -> None:
    good = json.dumps(feature({"n": 1}))
    bad = [
        '{"type":"Feature","geometry":{"type":"Point","coordinates":[NaN,36]},"properties":{}}',
        '{"type":"Feature","geometry":{"type":"Point","coordinates":["120",36]},"properties":{}}',
        '{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]},"properties":{}}',
        '{"type":"Feature","geometry":{"type":"Blob","coordinates":[1,2]},"properties":{}}',
        '{"type":"Feature","geometry":{"type":"LineString","coordinates":[[1,2]]},"properties":{}}',
        '{"type":"Feature","geometry":{"type":"Point","coordinates":[1,,2]},"properties":{}}',
        '{"type":"Feature","geometry":null,"properties":[1]}',
        '{"type":"Fixture"}',
        "null",
    ]
    info, batch = read(
        tmp_path / "a.geojson", '{"type":"FeatureCollection","features":[' + ",".join([good, *bad, good]) + "]}"
    )
    assert info.feature_count == 11
    assert list(batch.rows) == [1, 11]
    reasons = {r.row: r.reason for r in batch.rejected}
    assert reasons == {
        2: "a coordinate is not a finite number",
        3: "a coordinate is not a number",
        4: "a polygon ring is not closed or has fewer than four positions",
        5: "the geometry has no type of GeoJSON",
        6: "a line has only one position",
        7: reasons[7],
        8: "the properties are not an object",
        9: "the object is not a feature",
        10: "between the features stands something else",
    }
    assert reasons[7].startswith("the feature is not JSON")


def test_values_get_the_type_that_takes_them_all(tmp_path: Path) -> None:
    rows = [
        {
            "n": 1,
            "x": 1,
            "b": True,
            "d": "2024-05-01",
            "t": "2024-05-01T08:00:00+08:00",
            "s": "a",
            "big": 1,
            "mixed": 1,
            "list": [1, {"a": "路"}],
        },
        {"n": None, "x": 2.5, "b": None, "d": "", "t": None, "s": "", "big": 2**70, "mixed": "x", "list": None},
    ]
    info, batch = read(tmp_path / "a.geojson", collection(*map(feature, rows)))
    kinds = {p.name: p.type for p in info.properties}
    assert kinds == {
        "n": PropertyType.INTEGER,
        "x": PropertyType.NUMBER,
        "b": PropertyType.BOOLEAN,
        "d": PropertyType.DATE,
        "t": PropertyType.DATETIME,
        "s": PropertyType.STRING,
        "big": PropertyType.STRING,
        "mixed": PropertyType.STRING,
        "list": PropertyType.STRING,
    }
    assert batch.columns["d"] == [date(2024, 5, 1), None]
    assert batch.columns["t"] == [datetime(2024, 5, 1, tzinfo=UTC), None]
    assert batch.columns["big"] == ["1", str(2**70)]
    assert batch.columns["mixed"] == ["1", "x"]
    assert batch.columns["list"] == ['[1,{"a":"路"}]', None]
    assert batch.columns["s"] == ["a", ""]


def test_numbers_that_are_not_finite_become_unknown_and_are_counted(tmp_path: Path) -> None:
    text = collection(feature({"h": 1.5}), feature({"h": float("nan")}), feature({"h": float("inf")}))
    _, batch = read(tmp_path / "a.geojson", text)
    assert batch.columns["h"] == [1.5, None, None]
    assert [(a.property, a.count) for a in batch.alterations] == [("h", 2)]


def test_times_without_a_zone_are_read_in_the_zone_given_and_counted(tmp_path: Path) -> None:
    text = collection(feature({"t": "2024-05-01 08:00:00"}))
    _, batch = read(tmp_path / "a.geojson", text, zone=ZoneInfo("Asia/Shanghai"))
    assert batch.columns["t"] == [datetime(2024, 5, 1, 0, 0, tzinfo=UTC)]
    assert batch.alterations[0].count == 1


def test_names_are_cleaned_and_the_renames_told(tmp_path: Path) -> None:
    long = "高" * 30
    info, batch = read(tmp_path / "a.geojson", collection(feature({" name ": 1, "Name": 2, "": 3, long: 4})))
    assert [p.name for p in info.properties] == ["name", "Name_2", "column_3", "高" * 20]
    assert [(r.original, r.name) for r in info.renames] == [
        (" name ", "name"),
        ("Name", "Name_2"),
        ("", "column_3"),
        (long, "高" * 20),
    ]
    assert [batch.columns[p.name] for p in info.properties] == [[1], [2], [3], [4]]


@pytest.mark.parametrize("layout", ["document", "geometry", "lines", "sequence", "pretty"])
def test_every_way_to_lay_out_features_is_read(tmp_path: Path, layout: str) -> None:
    one, two = feature({"n": 1}, id=7), feature({"n": 2}, id="b")
    texts = {
        "document": json.dumps(one),
        "geometry": json.dumps(POINT),
        "lines": json.dumps(one) + "\r\n\r\n" + json.dumps(two) + "\n",
        "sequence": "\x1e" + json.dumps(one, indent=1) + "\n\x1e" + json.dumps(two) + "\n",
        "pretty": json.dumps({"features": [one, two], "type": "FeatureCollection"}, indent=2),
    }
    ids = {"document": ["7"], "geometry": None}.get(layout, ["7", "b"])
    info, batch = read(tmp_path / "a.json", texts[layout])
    assert batch.ids == ids
    assert info.geometry_type is GeometryType.POINT
    assert all(shapely.from_wkb(w) == shapely.Point(120, 36) for w in batch.wkb if w is not None)


def test_a_bad_line_is_one_bad_row(tmp_path: Path) -> None:
    text = json.dumps(feature({"n": 1})) + '\n{"type":"Feature","geom\n' + json.dumps(feature({"n": 2})) + "\n"
    _, batch = read(tmp_path / "a.geojsonl", text)
    assert batch.columns["n"] == [1, 2]
    assert [r.row for r in batch.rejected] == [2]


def test_the_old_crs_member_is_honoured_wherever_it_stands(tmp_path: Path) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}
    after, _ = read(tmp_path / "a.geojson", collection(feature(), crs=crs))
    before, _ = read(
        tmp_path / "b.geojson", json.dumps({"crs": crs, "type": "FeatureCollection", "features": [feature()]})
    )
    assert after.crs == before.crs == "urn:ogc:def:crs:EPSG::4549"
    declared, _ = read(tmp_path / "c.geojson", collection(feature(), crs=crs), crs="EPSG:4490")
    assert (declared.crs, declared.file_crs) == ("EPSG:4490", "urn:ogc:def:crs:EPSG::4549")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_chinese_text_is_read_in_the_encodings_people_use(tmp_path: Path, encoding: str) -> None:
    _, batch = read(tmp_path / "a.geojson", collection(feature({"名称": "胶州市三里河街道"})).encode(encoding))
    assert batch.columns == {"名称": ["胶州市三里河街道"]}


def test_heights_of_positions_are_kept_where_every_position_has_one(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[1, 2, 3], [4, 5, 6, 7]]}
    ragged = {"type": "LineString", "coordinates": [[1, 2, 3], [4, 5]]}
    _, batch = read(
        tmp_path / "a.geojson", collection(feature(geometry=line), feature(geometry=ragged), feature(geometry=None))
    )
    assert [None if w is None else shapely.from_wkb(w).wkt for w in batch.wkb] == [
        "LINESTRING Z (1 2 3, 4 5 6)",
        "LINESTRING (1 2, 4 5)",
        None,
    ]


def test_rows_without_the_id_that_was_asked_for_are_rejected(tmp_path: Path) -> None:
    info, batch = read(
        tmp_path / "a.geojson", collection(feature({"code": "a"}), feature({"code": None})), id_property="code"
    )
    assert info.id_column == "code"
    assert batch.ids == ["a"]
    assert [(r.row, r.reason) for r in batch.rejected] == [(2, "the column that gives the id is empty")]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    objects=st.lists(st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4), max_size=6),
    size=st.integers(1, 40),
    extra=JSON_VALUES,
)
def test_splitting_gives_the_objects_whatever_the_chunks(objects: list[Any], size: int, extra: Any) -> None:
    document = json.dumps({"a": extra, "features": objects, "z": [extra]}).encode()
    splitter = ArraySplitter((document[i : i + size] for i in range(0, len(document), size)), "features", "x")
    pieces = list(splitter.pieces())
    assert [json.loads(p.text) for p in pieces] == objects
    assert json.loads(splitter.shell) == {"a": extra, "features": [], "z": [extra]}


@given(geometry=st.sampled_from([
    shapely.Point(1.5, 2), shapely.Point(1, 2, 3), shapely.LineString([(0, 0), (1, 1)]), shapely.box(0, 0, 1, 1),
    shapely.box(0, 0, 9, 9).difference(shapely.box(1, 1, 2, 2)), shapely.MultiPoint([(0, 0), (1, 1)]),
    shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]]), shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(3, 3, 4, 4)]),
    shapely.GeometryCollection([shapely.Point(1, 2), shapely.LineString([(0, 0), (1, 1)])]),
    shapely.Polygon(), shapely.LineString(), shapely.MultiPolygon(), shapely.Point(),
]))  # fmt: skip
def test_geometries_are_what_shapely_makes_of_them(geometry: shapely.Geometry) -> None:
    from twin.formats.geojson_geometry import encode_geometry

    ours = encode_geometry(json.loads(shapely.to_geojson(geometry)))
    assert ours is not None
    assert shapely.from_wkb(ours).equals_exact(geometry, 0)
    assert shapely.from_wkb(ours).geom_type == geometry.geom_type
