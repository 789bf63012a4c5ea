"""Files that are not what they say: a clear error with value, limit and remedy, never half a layer without a word."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from twin.errors import OneMapError, UnreadableFileError
from twin.feature import Feature, FeatureBatch
from twin.formats.export import ExportFormat, write_features
from twin.formats.reading import open_source
from twin.schema import GeometryType, Property, PropertyType, Schema

# GDAL warns of endings and marks that these tests get wrong on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

SCHEMA = Schema(GeometryType.POINT, (Property("n", PropertyType.INTEGER), Property("s", PropertyType.STRING)))


def some(path: Path, written: ExportFormat, count: int = 2000) -> Path:
    features = [Feature(str(i), shapely.Point(120 + i / 1e4, 36), {"n": i, "s": f"路{i}" * 5}) for i in range(count)]
    write_features([FeatureBatch.of(SCHEMA, features)], path, written, schema=SCHEMA)
    return path


def read(path: Path) -> int:
    with open_source(path) as source:
        return sum(map(len, source.batches()))


@pytest.mark.parametrize("name", ["a.geojson", "a.csv", "a.gpkg", "a.zip", "a.parquet", "a"])
@pytest.mark.parametrize("content", [b"", b"  \n", b"\0" * 100])
def test_an_empty_file_is_told(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFileError, match="empty"):
        open_source(tmp_path / name)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="cannot be opened"):
        open_source(tmp_path / "none.geojson")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b'<?xml version="1.0"?><kml></kml>', "XML"),
        (b'<?xml version="1.0"?>\n<osm version="0.6"></osm>', "OSM XML"),
        (b"<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>", "XML"),
        (b"[1, 2, 3]", "not a GeoJSON object"),
        (b"hello", "not a GeoJSON object"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_something_else_under_the_name_of_geojson_is_recognised(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "a.geojson").write_bytes(content)
    with pytest.raises(UnreadableFileError) as caught:
        open_source(tmp_path / "a.geojson")
    assert what in str(caught.value.value)
    assert caught.value.remedy
    assert "GeoJSON" in caught.value.limit


@pytest.mark.parametrize(
    "written", [ExportFormat.GEOJSON, ExportFormat.GEOPARQUET, ExportFormat.GEOPACKAGE, ExportFormat.FLATGEOBUF]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off_never_looks_complete(tmp_path: Path, written: ExportFormat, share: float) -> None:
    path = some(tmp_path / f"a{written.suffix}", written)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(UnreadableFileError) as caught:
        read(path)
    assert caught.value.remedy


@pytest.mark.parametrize("written", list(ExportFormat))
def test_the_content_decides_not_the_suffix(tmp_path: Path, written: ExportFormat) -> None:
    path = some(tmp_path / f"a{written.suffix}", written, count=20)
    wrong = path.rename(tmp_path / "a.dat")
    assert read(wrong) == 20


def test_a_parquet_file_without_geometry_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(UnreadableFileError, match="no GeoParquet description"):
        open_source(tmp_path / "a.parquet")


def test_a_database_without_geometry_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as database:
        database.execute("CREATE TABLE roads (id INTEGER)")
        database.commit()
    with pytest.raises(UnreadableFileError) as caught:
        open_source(tmp_path / "a.sqlite")
    assert "without geometry" in str(caught.value.value)


def test_broken_json_below_the_features_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.geojson").write_text('{"type":"FeatureCollection","features":[],"crs":{{}')
    with pytest.raises(UnreadableFileError, match="not a JSON document"):
        open_source(tmp_path / "a.geojson")


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"Topology","objects":{"a":{"type":"Point","coordinates":[1,2]}}}',
        '{"type":"Topology","arcs":[],"objects":{"a":1},"transform":{"scale":[1]}}',
        '{"type":"Topology","arcs":[],"objects":{}}',
        '{"type":"Topology","arcs":[],"objec',
    ],
)
def test_a_broken_topology_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.topojson").write_text(text)
    with pytest.raises(UnreadableFileError):
        open_source(tmp_path / "a.topojson")


def test_bad_arcs_are_bad_rows(tmp_path: Path) -> None:
    (tmp_path / "a.topojson").write_text(
        '{"type":"Topology","arcs":[[[0,0],[1,0],[1,1],[0,0]]],"objects":{"a":{"type":"GeometryCollection","geometries":['
        '{"type":"Polygon","arcs":[[0]]},{"type":"Polygon","arcs":[[7]]},{"type":"Polygon","arcs":"x"},'
        '{"type":"Point","coordinates":[null,2]},{"type":"LineString","arcs":[null]},5]}}}'
    )
    with open_source(tmp_path / "a.topojson") as source:
        (batch,) = source.batches()
    assert list(batch.rows) == [1]
    assert [r.row for r in batch.rejected] == [2, 3, 4, 5, 6]
    assert batch.rejected[0].reason == "the geometry names an arc that does not exist"


def test_random_bytes_raise_nothing_but_our_own_errors(tmp_path: Path) -> None:
    heads = [
        b"PK\x03\x04",
        b"PAR1",
        b"SQLite format 3\0",
        b"fgb\x03fgb",
        b"{",
        b'{"type":"Topology",',
        b"lon,lat\n",
        b"\x1e{",
        b"\0\0\x27\x0a",
    ]
    junk = bytes((i * 7919 + 13) % 251 for i in range(3000))
    for number, head in enumerate(heads):
        for suffix in (".gpkg", ".shp", ".geojson", ".csv"):
            path = tmp_path / f"{number}{suffix}"
            path.write_bytes(head + junk)
            try:
                read(path)
            except OneMapError as error:
                assert error.remedy  # noqa: PT017 any of several errors may come
