from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from twin.errors import UnknownPropertyError, UnreadableFileError
from twin.formats.port import RowBatch, SourceInfo
from twin.formats.reading import open_source
from twin.schema import GeometryType, PropertyType


def read(path: Path, text: str | bytes, **options: Any) -> tuple[SourceInfo, RowBatch]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with open_source(path, **options) as source:
        (batch,) = list(source.batches())
        return source.info, batch


@pytest.mark.parametrize(
    "header",
    [
        "经度,纬度,n",
        "LON,LAT,n",
        "lng,latitude,n",
        "Longitude (°),Latitude (°),n",
        "X,Y,n",
        "easting,northing,n",
        "wgs84_lng,wgs84_lat,n",
    ],
)
def test_coordinate_columns_are_known_by_their_usual_names(tmp_path: Path, header: str) -> None:
    info, batch = read(tmp_path / "a.csv", f"{header}\n120.5,36.25,1\n")
    assert [p.name for p in info.properties] == ["n"]
    assert shapely.from_wkb(batch.wkb[0] or b"") == shapely.Point(120.5, 36.25)
    assert info.crs is None


def test_degrees_are_preferred_to_metres_where_a_table_has_both(tmp_path: Path) -> None:
    _, batch = read(tmp_path / "a.csv", "x,y,lon,lat\n503010,4014892,120,36\n")
    assert shapely.from_wkb(batch.wkb[0] or b"") == shapely.Point(120, 36)
    assert batch.columns == {"x": [503010], "y": [4014892]}


def test_every_bad_row_is_rejected_with_its_own_reason(tmp_path: Path) -> None:
    rows = [
        "120,36,ok",
        "120,36",
        ",36,no x",
        "abc,36,text",
        "nan,36,nan",
        "120,1e999,huge",
        "120,36,ok,,",
        "120,36,ok,extra",
        '"120",36,ok',
    ]
    info, batch = read(tmp_path / "a.csv", "lon,lat,note\n" + "\n".join(rows))
    assert info.feature_count == 9
    assert list(batch.rows) == [1, 7, 9]
    assert [(r.row, r.reason) for r in batch.rejected] == [
        (2, "the row has 2 cells, the header has 3"),
        (3, "a coordinate is missing"),
        (4, "a coordinate is not a finite number"),
        (5, "a coordinate is not a finite number"),
        (6, "a coordinate is not a finite number"),
        (8, "the row has 4 cells, the header has 3"),
    ]


def test_types_come_from_all_rows_and_codes_stay_text(tmp_path: Path) -> None:
    text = (
        "lon,lat,n,x,code,idcard,d,t,b,mixed\n"
        "120,36,1,1.5,007,370281199001010011,2024/5/1,2024-05-01 08:00:00Z,true,1\n"
        "120,36,,nan,1,1,2024年12月31日,,FALSE,one\n"
    )
    info, batch = read(tmp_path / "a.csv", text)
    assert {p.name: p.type for p in info.properties} == {
        "n": PropertyType.INTEGER,
        "x": PropertyType.NUMBER,
        "code": PropertyType.STRING,
        "idcard": PropertyType.STRING,
        "d": PropertyType.DATE,
        "t": PropertyType.DATETIME,
        "b": PropertyType.BOOLEAN,
        "mixed": PropertyType.STRING,
    }
    assert batch.columns["n"] == [1, None]
    assert batch.columns["x"] == [1.5, None]
    assert batch.columns["code"] == ["007", "1"]
    assert batch.columns["d"] == [date(2024, 5, 1), date(2024, 12, 31)]
    assert batch.columns["t"] == [datetime(2024, 5, 1, 8, tzinfo=UTC), None]
    assert batch.columns["b"] == [True, False]
    assert [(a.property, a.count) for a in batch.alterations] == [("x", 1)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encodings_and_delimiters_are_found_out(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = (
        delimiter.join(["名称", "经度", "纬度"]) + "\r\n" + delimiter.join(['"胶州路,1号\n二楼"', "120", "36"]) + "\r\n"
    )
    _, batch = read(tmp_path / "a.csv", text.encode(encoding))
    assert batch.columns == {"名称": ["胶州路,1号\n二楼"]}


def test_geometry_as_wkt_and_bad_wkt_told_apart(tmp_path: Path) -> None:
    text = 'WKT,n\n"POLYGON((0 0,1 0,1 1,0 0))",1\n"SRID=4490;POINT(1 2)",2\nPOINT(1,3\n,4\nPOINT(nan 1),5\n'
    info, batch = read(tmp_path / "a.csv", text)
    assert info.geometry_type is GeometryType.GEOMETRY
    assert [shapely.from_wkb(w or b"").wkt for w in batch.wkb] == ["POLYGON ((0 0, 1 0, 1 1, 0 0))", "POINT (1 2)"]
    assert [(r.row, r.reason) for r in batch.rejected] == [
        (3, "the geometry is not WKT"),
        (4, "the geometry is missing"),
        (5, "a coordinate is not a finite number"),
    ]


def test_ids_come_from_a_column_and_rows_without_one_are_rejected(tmp_path: Path) -> None:
    info, batch = read(tmp_path / "a.csv", "编号,lon,lat\nA-1,120,36\n,120,36\n", id_property="编号")
    assert info.id_column == "编号"
    assert batch.ids == ["A-1"]
    assert [r.row for r in batch.rejected] == [2]
    with pytest.raises(UnknownPropertyError, match="no column 'nummer'"):
        open_source(tmp_path / "a.csv", id_property="nummer")


def test_a_table_without_coordinates_is_refused_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name,address\na,b\n")
    with pytest.raises(UnreadableFileError) as caught:
        open_source(path)
    assert caught.value.value == "name, address"
    assert "--lon" in caught.value.remedy


def test_a_quotation_mark_that_never_closes_stops_the_file_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('lon,lat,n\n120,36,1\n120,36,"open\n120,36,2\n')
    with pytest.raises(UnreadableFileError, match="never closed"):
        open_source(path)


def test_a_formula_in_a_cell_is_written_as_text_and_read_back_as_it_was(tmp_path: Path) -> None:
    from twin.feature import Feature, FeatureBatch
    from twin.formats.export import ExportFormat, write_features
    from twin.schema import Property, Schema

    texts = ["=1+1", '@SUM("A1")', "+cmd|' /C calc'!A0", "-2+3", "-5", "'=x", "plain"]
    schema = Schema(GeometryType.POINT, (Property("s", PropertyType.STRING),))
    batch = FeatureBatch.of(schema, [Feature(str(i), shapely.Point(0, 0), {"s": s}) for i, s in enumerate(texts)])
    write_features([batch], tmp_path / "a.csv", ExportFormat.CSV, schema=schema)
    lines = (tmp_path / "a.csv").read_text("utf-8-sig").splitlines()
    assert all(line.split(",", 1)[1].lstrip('"')[0] not in "=+@" for line in lines[1:])
    with open_source(tmp_path / "a.csv") as source:
        (back,) = source.batches()
    assert back.columns["s"] == texts
