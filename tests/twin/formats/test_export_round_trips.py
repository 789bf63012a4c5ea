"""What is written is what is read back, whatever the features are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.feature import Feature, FeatureBatch
from twin.formats.export import ExportFormat, encode_features, write_features
from twin.formats.port import FeatureSource
from twin.formats.reading import open_source
from twin.schema import GeometryType, Property, PropertyType, Schema

PROPERTIES = (
    Property("名称", PropertyType.STRING),
    Property("lanes", PropertyType.INTEGER),
    Property("height_m", PropertyType.NUMBER),
    Property("open", PropertyType.BOOLEAN),
    Property("built", PropertyType.DATE),
    Property("seen_at", PropertyType.DATETIME),
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"]), min_size=1, max_size=20)
DEGREES_X = st.floats(-180, 180, allow_nan=False)
DEGREES_Y = st.floats(-90, 90, allow_nan=False)
POINTS = st.builds(shapely.Point, DEGREES_X, DEGREES_Y)
BOXES = st.builds(
    lambda x, y, w, h: shapely.box(x, y, x + w, y + h),
    st.floats(-170, 170),
    st.floats(-80, 80),
    st.floats(0.01, 5),
    st.floats(0.01, 5),
)
AREAS = st.one_of(BOXES, st.lists(BOXES, min_size=2, max_size=3).map(shapely.MultiPolygon))
LINES = st.lists(st.tuples(DEGREES_X, DEGREES_Y), min_size=2, max_size=5).map(shapely.LineString)
VALUES = st.fixed_dictionaries(
    {
        "名称": st.none() | TEXT.filter(lambda t: t.strip() == t and not t.startswith("'")),
        "lanes": st.none() | st.integers(-(2**53), 2**53),
        "height_m": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "open": st.none() | st.booleans(),
        "built": st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1)),
        "seen_at": st.none() | st.integers(86_400, 4_102_444_800).map(lambda s: datetime.fromtimestamp(s, UTC)),
    }
)


def batches_of(kind: GeometryType, rows: list[tuple[Any, dict[str, Any]]]) -> tuple[Schema, list[FeatureBatch]]:
    schema = Schema(kind, PROPERTIES)
    features = [Feature(f"f{i}", geometry, values) for i, (geometry, values) in enumerate(rows)]
    middle = len(features) // 2
    parts = [features[:middle], features[middle:]]
    return schema, [FeatureBatch.of(schema, part) for part in parts if part]


def read_all(source: FeatureSource) -> tuple[list[str | None], list[Any], dict[str, list[Any]]]:
    ids: list[str | None] = []
    shapes: list[Any] = []
    columns: dict[str, list[Any]] = {p.name: [] for p in source.info.properties}
    for batch in source.batches(rows=3):
        assert batch.rejected == ()
        ids += batch.ids or [None] * len(batch)
        shapes += [None if wkb is None else shapely.from_wkb(wkb) for wkb in batch.wkb]
        for name, values in batch.columns.items():
            columns[name] += values
    return ids, shapes, columns


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


ROWS = st.one_of(
    st.tuples(st.just(GeometryType.POINT), st.lists(st.tuples(POINTS, VALUES), min_size=1, max_size=7)),
    st.tuples(st.just(GeometryType.LINESTRING), st.lists(st.tuples(LINES, VALUES), min_size=1, max_size=7)),
    st.tuples(st.just(GeometryType.MULTIPOLYGON), st.lists(st.tuples(AREAS, VALUES), min_size=1, max_size=7)),
)
QUICK = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.parametrize(
    "written",
    [
        ExportFormat.GEOJSON,
        ExportFormat.GEOJSON_LINES,
        ExportFormat.GEOPARQUET,
        ExportFormat.GEOPACKAGE,
        ExportFormat.FLATGEOBUF,
    ],
)
@QUICK
@given(drawn=ROWS)
def test_features_come_back_as_they_were_written(written: ExportFormat, folder: Path, drawn: Any) -> None:
    kind, rows = drawn
    schema, batches = batches_of(kind, rows)
    path = folder / f"round{written.suffix}"
    assert write_features(batches, path, written, schema=schema, crs="EPSG:4490", layer="round") == len(rows)
    id_column = None if "JSON" in written.name else "id"
    with open_source(path, id_property=id_column) as source:
        ids, shapes, columns = read_all(source)
    order = sorted(range(len(ids)), key=lambda i: int(str(ids[i])[1:]))
    assert [ids[i] for i in order] == [f"f{i}" for i in range(len(rows))]
    for i, (geometry, values) in zip(order, rows, strict=True):
        assert shapes[i].normalize() == geometry.normalize() or shapely.equals_exact(
            shapely.MultiPolygon([geometry]) if geometry.geom_type == "Polygon" else geometry, shapes[i], tolerance=0
        )
        for name, value in values.items():
            found = columns[name][i]
            if isinstance(found, datetime) and not isinstance(value, datetime):
                found = found.date()  # FlatGeobuf has no dates
            assert found == value, name


@QUICK
@given(rows=st.lists(st.tuples(POINTS, VALUES), min_size=1, max_size=7))
def test_csv_keeps_places_and_the_text_of_every_value(folder: Path, rows: Any) -> None:
    schema, batches = batches_of(GeometryType.POINT, rows)
    path = folder / "round.csv"
    write_features(batches, path, ExportFormat.CSV, schema=schema)
    with open_source(path, id_property="id") as source:
        ids, shapes, columns = read_all(source)
    assert ids == [f"f{i}" for i in range(len(rows))]
    for i, (geometry, values) in enumerate(rows):
        assert shapes[i] == geometry
        assert columns["open"][i] == values["open"]
        assert columns["built"][i] == values["built"]
        assert columns["seen_at"][i] == values["seen_at"]
        if values["height_m"] is not None:
            assert float(columns["height_m"][i]) == values["height_m"]
        if values["名称"] is not None and not isinstance(columns["名称"][i], (int, float, bool, date)):
            assert columns["名称"][i] == values["名称"]


@QUICK
@given(drawn=ROWS)
def test_a_shapefile_keeps_shapes_and_short_text(folder: Path, drawn: Any) -> None:
    kind, rows = drawn
    schema, batches = batches_of(kind, rows)
    path = folder / "round.zip"
    write_features(batches, path, ExportFormat.SHAPEFILE, schema=schema, layer="round")
    with open_source(path, id_property="id") as source:
        assert source.info.encoding == "utf-8"
        assert source.info.crs == "EPSG:4490"
        ids, shapes, columns = read_all(source)
    assert ids == [f"f{i}" for i in range(len(rows))]
    for i, (geometry, values) in enumerate(rows):
        assert shapely.equals(shapes[i], geometry) or shapes[i].equals_exact(geometry, 1e-12) or not geometry.is_valid
        assert columns["名称"][i] == values["名称"]
        assert columns["built"][i] == values["built"]


@pytest.mark.parametrize("written", list(ExportFormat))
def test_a_layer_without_features_makes_a_readable_file(written: ExportFormat, tmp_path: Path) -> None:
    schema = Schema(GeometryType.POINT, PROPERTIES)
    path = tmp_path / f"empty{written.suffix}"
    assert write_features([], path, written, schema=schema) == 0
    if written is ExportFormat.GEOJSON_LINES:
        assert path.read_bytes() == b""
        return
    with open_source(path) as source:
        assert source.info.feature_count == 0
        assert [len(b) for b in source.batches()] == []


def test_a_projected_layer_says_its_crs_in_every_format_that_can(tmp_path: Path) -> None:
    schema = Schema(GeometryType.POINT, ())
    batch = FeatureBatch.of(schema, [Feature("a", shapely.Point(503010.3651, 4014892.4956))])
    for written in (
        ExportFormat.GEOJSON,
        ExportFormat.GEOPACKAGE,
        ExportFormat.GEOPARQUET,
        ExportFormat.FLATGEOBUF,
        ExportFormat.SHAPEFILE,
    ):
        path = tmp_path / f"p{written.suffix}"
        write_features([batch], path, written, schema=schema, crs="EPSG:4549")
        with open_source(path) as source:
            assert source.info.require_crs().endswith("4549"), written
            (found,) = source.batches()
            assert found.wkb[0] is not None
            assert shapely.from_wkb(found.wkb[0]) == shapely.Point(503010.3651, 4014892.4956)


def test_the_same_features_give_the_same_bytes() -> None:
    schema = Schema(GeometryType.POINT, PROPERTIES)
    batch = FeatureBatch.of(schema, [Feature("a", shapely.Point(120, 36), {"名称": "路灯"})])
    for written in (ExportFormat.GEOJSON, ExportFormat.CSV, ExportFormat.GEOPARQUET, ExportFormat.FLATGEOBUF):
        first, second = (encode_features([batch], written, schema=schema) for _ in range(2))
        assert first == second, written
