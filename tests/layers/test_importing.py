"""Files into layers: real ones, odd ones, and the same one twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from layers.importing import ImportOptions, Origin, import_file, import_osm
from layers.manifest import Manifest, parse_manifest
from layers.policy import Actor, ReadOnlyPolicy
from twin.errors import (
    BadCall,
    BadFeatureError,
    BadManifestError,
    DuplicateLayerError,
    MissingCRSError,
    PolicyError,
    UnknownCRSError,
    UnknownLayerError,
    UnreadableFileError,
)
from twin.query import FeatureQuery
from twin.schema import GeometryType, PropertyType
from twin.store import open_store
from twin.store.port import Author, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.gpkg")
    yield opened
    opened.close()


def point(properties: dict[str, Any], lon: float = 120.0, lat: float = 36.2, **more: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": properties,
        **more,
    }


def write_collection(path: Path, features: Sequence[dict[str, Any]], **more: Any) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features), **more}, ensure_ascii=False))
    return path


def lamps(**changes: Any) -> Manifest:
    schema = [
        {"name": "code", "type": "string", "required": True},
        {"name": "watts", "type": "integer"},
        {"name": "status", "type": "string", "codes": [{"value": "ok"}, {"value": "fault"}]},
    ]
    document = {
        "id": "lamps",
        "title": "路灯",
        "department": "works",
        "owner": "o",
        "licence": "l",
        "geometry_type": "Point",
        "schema": schema,
        "id_property": "code",
    }
    return parse_manifest({**document, **changes})


def test_a_file_alone_makes_a_layer_that_says_it_belongs_to_nobody(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "树木.geojson", [point({"高度": 3.5, "Shape.STArea()": 1})])
    report = import_file(store, path, ImportOptions("trees"))
    record = store.layer("trees")
    assert (report.created, report.inserted, report.crs, report.ids_from) == (True, 1, "OGC:CRS84", "row number")
    assert record.document["title"]["zh"] == "树木"
    assert record.document["department"] == "unassigned"
    assert record.schema.geometry_type is GeometryType.POINT
    assert record.schema.names == ("高度", "Shape_STArea")
    assert report.renamed == (("Shape.STArea()", "Shape_STArea"),)
    assert record.document["style"]["kind"] == "circle"


def test_importing_again_updates_by_id(store: Store, tmp_path: Path):
    options = ImportOptions("lamps", manifest=lamps())
    first = write_collection(tmp_path / "a.geojson", [point({"code": "L1", "watts": 40}), point({"code": "L2"})])
    second = write_collection(tmp_path / "b.geojson", [point({"code": "L2", "watts": 60}), point({"code": "L3"})])
    assert import_file(store, first, options).inserted == 2
    again = import_file(store, second, options)
    assert (again.created, again.inserted, again.updated, again.version) == (False, 1, 1, 2)
    assert store.get("lamps", "L2").properties["watts"] == 60
    assert store.layer("lamps").feature_count == 3
    assert len(store.history("lamps", "L2")) == 2


def test_replacing_leaves_exactly_the_rows_of_the_file(store: Store, tmp_path: Path):
    import_file(
        store, write_collection(tmp_path / "a.geojson", [point({"n": i}) for i in range(5)]), ImportOptions("x")
    )
    shorter = write_collection(tmp_path / "b.geojson", [point({"n": 9})])
    report = import_file(store, shorter, ImportOptions("x", mode="replace"))
    assert (report.updated, report.deleted, store.layer("x").feature_count) == (1, 4, 1)
    assert store.get("x", "1").properties["n"] == 9


def test_replacing_with_the_same_rows_writes_nothing_and_keeps_the_dates(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({"n": i}) for i in range(3)])
    import_file(store, path, ImportOptions("x"))
    since = datetime(2020, 1, 1, tzinfo=UTC)
    with store.write("x", Author("clerk")) as writer:
        writer.replace(replace(store.get("x", "2"), valid_from=since))
    tried = import_file(store, path, ImportOptions("x", mode="replace", dry_run=True))
    assert (tried.inserted, tried.deleted) == (0, 0)
    report = import_file(store, path, ImportOptions("x", mode="replace"))
    assert (report.inserted, report.updated, report.deleted, store.version("x")) == (0, 0, 0, 2)
    assert store.get("x", "2").valid_from == since
    shorter = write_collection(tmp_path / "b.geojson", [point({"n": 0}), point({"n": 7})])
    import_file(store, shorter, ImportOptions("x", mode="replace"))
    assert store.get("x", "2").valid_from == since
    assert [(t.feature_id, t.what) for t in store.touched("x", 3)] == [("2", "updated"), ("3", "deleted")]


def test_rows_without_ids_are_known_by_their_place_in_the_file(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({"n": 1}), point({"n": 2}, lat=200.0), point({"n": 3})])
    import_file(store, path, ImportOptions("x"))
    assert sorted(store.select("x", FeatureQuery()).ids) == ["1", "3"]


def test_ids_of_geojson_are_kept_and_rows_without_one_are_named_by_their_row(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({"n": 1}, id="w7"), point({"n": 2})])
    assert import_file(store, path, ImportOptions("x")).ids_from == "id"
    assert sorted(store.select("x", FeatureQuery()).ids) == ["row-2", "w7"]


def test_bad_rows_are_counted_with_their_reasons_and_stop_nothing(store: Store, tmp_path: Path):
    rows = [
        point({"code": "L1", "watts": "40", "status": "ok"}),
        point({"code": None}),
        point({"code": "L1"}),
        point({"code": "L3", "watts": "many"}),
        point({"code": "L4", "status": "broken"}),
        point({"code": "L5"}, lon=36.2, lat=120.0),
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": [[120, 36], [121, 36]]},
            "properties": {"code": "L6"},
        },
        point({"code": "L7", "watts": 2.5}),
        point({"code": "L8", "watts": 60, "extra": "x"}),
    ]
    report = import_file(
        store, write_collection(tmp_path / "a.geojson", rows), ImportOptions("lamps", manifest=lamps())
    )
    found = {reason.reason: reason for reason in report.reasons}
    assert (report.rows, report.inserted, report.rejected) == (9, 2, 7)
    assert found["The id occurs more than once."].examples[0].row == 3
    assert found["status: not one of the property's codes"].examples[0].value == "broken"
    assert {example.value for example in found["watts: not a value of type integer"].examples} == {"many", "2.5"}
    assert found["The coordinates are not degrees of longitude and latitude."].count == 1
    assert found["The geometry is a LineString, the layer holds Point."].count == 1
    assert report.ignored == ("extra",)
    assert store.get("lamps", "L1").properties["watts"] == 40
    assert all(reason.remedy for reason in report.reasons)


def test_a_file_without_one_good_row_writes_nothing(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({"code": None}), point({"watts": 3})])
    with pytest.raises(BadFeatureError) as caught:
        import_file(store, path, ImportOptions("lamps", manifest=lamps()))
    assert caught.value.findings[0].where == "row 1"
    with pytest.raises(UnknownLayerError):
        store.layer("lamps")


def test_a_file_that_breaks_in_the_middle_writes_nothing(store: Store, tmp_path: Path):
    whole = write_collection(tmp_path / "a.geojson", [point({"n": i}) for i in range(50)]).read_bytes()
    cut = tmp_path / "cut.geojson"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableFileError):
        import_file(store, cut, ImportOptions("x"))
    assert store.layers() == []


def test_projected_coordinates_without_a_crs_are_refused_with_the_remedy(store: Store, tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("name,x,y\na,500123.5,4012345.1\n")
    with pytest.raises(MissingCRSError, match="--crs"):
        import_file(store, path, ImportOptions("x"))
    report = import_file(store, path, ImportOptions("x", crs="EPSG:4549"))
    assert (report.crs, report.crs_known_by) == ("EPSG:4549", "declared")
    place = store.get("x", "1").geometry
    assert place is not None
    assert (place.x, place.y) == pytest.approx((120.0013725, 36.2414), abs=2e-3)


def test_a_geojson_in_metres_without_a_crs_is_refused_unless_the_manifest_says_it(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({"code": "L1"}, lon=500_000.0, lat=4_012_345.1)])
    with pytest.raises(MissingCRSError):
        import_file(store, path, ImportOptions("lamps", manifest=lamps()))
    assert import_file(store, path, ImportOptions("lamps", manifest=lamps(crs="EPSG:4549"))).crs == "EPSG:4549"


def test_the_manifest_says_the_crs_where_the_file_does_not(store: Store, tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("code,x,y\nL1,500000,4012345.1\n")
    report = import_file(store, path, ImportOptions("lamps", manifest=lamps(crs="EPSG:4549")))
    assert report.crs == "EPSG:4549"
    place = store.get("lamps", "L1").geometry
    assert place is not None
    assert place.x == pytest.approx(120.0, abs=1e-9)


def test_degrees_in_a_csv_are_cgcs2000_and_the_report_says_so(store: Store, tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("name,lon,lat\na,120.05,36.25\n")
    report = import_file(store, path, ImportOptions("x"))
    assert (report.crs, report.crs_known_by) == ("EPSG:4490", "assumed")
    assert "EPSG:4490" in report.notes[0]


def test_an_unknown_crs_is_refused(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({})])
    with pytest.raises(UnknownCRSError):
        import_file(store, path, ImportOptions("x", crs="EPSG:999999"))


def test_an_id_property_that_is_not_in_the_file_is_refused_with_the_columns(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({"Code": "L1"})])
    with pytest.raises(BadManifestError) as caught:
        import_file(store, path, ImportOptions("x", id_property="number"))
    assert "Code" in caught.value.remedy
    assert import_file(store, path, ImportOptions("x", id_property="code")).ids_from == "Code"


def test_invalid_polygons_are_mended_and_counted_or_refused(store: Store, tmp_path: Path):
    bow_tie = {"type": "Polygon", "coordinates": [[[120, 36], [121, 37], [121, 36], [120, 37], [120, 36]]]}
    square = shapely.geometry.mapping(shapely.box(120, 36, 120.1, 36.1))
    rows = [{"type": "Feature", "geometry": shape, "properties": {}} for shape in (bow_tie, square)]
    path = write_collection(tmp_path / "a.geojson", rows)
    multi = ImportOptions("x", manifest=lamps(id="x", geometry_type="MultiPolygon", schema=[], id_property=None))
    mended = import_file(store, path, multi)
    assert (mended.repaired, mended.inserted) == (1, 2)
    stored = store.get("x", "1").geometry
    assert stored is not None
    assert stored.is_valid
    assert stored.geom_type == "MultiPolygon"
    strict = import_file(store, path, ImportOptions("y", repair=False))
    assert (strict.repaired, strict.rejected) == (0, 1)
    assert strict.reasons[0].reason == "The geometry is not valid: Self-intersection."


@pytest.mark.parametrize("which", ["geopackage", "postgis"])
def test_characters_that_no_database_keeps_are_left_out_and_counted(
    which: str, tmp_path: Path, request: pytest.FixtureRequest
):
    address = request.getfixturevalue("postgis_url") if which == "postgis" else tmp_path / "s.gpkg"
    opened = open_store(address)
    rows = [point({"n": "a\x00b"}, id="1"), point({"n": "\ud800x"}, id="2"), point({"n": "c"}, id="3\x00")]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    report = import_file(opened, path, ImportOptions("x"))
    assert [reason.count for reason in report.altered] == [2]
    assert [reason.reason for reason in report.reasons] == ["The id holds a character that cannot be kept."]
    assert list(opened.select("x", FeatureQuery()).columns["n"]) == ["ab", "x"]
    opened.close()


def test_a_dry_run_says_what_would_happen_and_writes_nothing(store: Store, tmp_path: Path):
    path = write_collection(
        tmp_path / "a.geojson", [point({"code": "L1"}), point({"code": "L2"}), point({"code": None})]
    )
    dry = import_file(store, path, ImportOptions("lamps", manifest=lamps(), dry_run=True))
    assert (dry.inserted, dry.rejected, store.layers()) == (2, 1, [])
    import_file(store, path, ImportOptions("lamps", manifest=lamps()))
    more = write_collection(tmp_path / "b.geojson", [point({"code": "L2"}), point({"code": "L9"})])
    again = import_file(store, more, ImportOptions("lamps", dry_run=True))
    assert (again.inserted, again.updated, again.version) == (1, 1, 1)
    assert store.layer("lamps").version == 1


def test_a_new_layer_never_enters_one_that_exists(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({"code": "L1"})])
    import_file(store, path, ImportOptions("lamps", manifest=lamps()))
    with pytest.raises(DuplicateLayerError):
        import_file(store, path, ImportOptions("lamps", manifest=lamps(), new_layer=True))
    assert store.layer("lamps").version == 1


def test_the_policy_is_asked_before_anything_is_read(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({})])
    with pytest.raises(PolicyError, match="read-only"):
        import_file(store, path, ImportOptions("x"), origin=Origin(Actor("li"), ReadOnlyPolicy()))
    assert store.layers() == []


def test_the_changeset_names_the_actor_and_the_file(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({})])
    import_file(store, path, ImportOptions("x"), origin=Origin(Actor("王工")))
    change = store.changesets("x")[0]
    assert (change.author.name, change.inserted) == ("王工", 1)
    assert "a.geojson" in change.author.reason


def test_progress_ends_at_the_number_of_rows(store: Store, tmp_path: Path):
    path = write_collection(tmp_path / "a.geojson", [point({"n": i}) for i in range(7)])
    seen = []
    import_file(store, path, ImportOptions("x"), progress=seen.append)
    assert (seen[-1].rows, seen[-1].rejected) == (7, 0)


def test_the_townships_of_jiaozhou_import_whole(store: Store, shared_data: Path):
    report = import_file(
        store,
        shared_data / "admin" / "jiaozhou-townships-osm.geojson",
        ImportOptions("townships", id_property="nbs_code"),
    )
    assert (report.inserted, report.rejected) == (12, 0)
    feature = store.get("townships", "370281102")
    assert feature.properties["name"] == "李哥庄镇"
    assert feature.geometry is not None
    assert shapely.is_valid(feature.geometry)


def test_a_zipped_shapefile_imports(store: Store, shared_data: Path):
    report = import_file(store, shared_data / "vector" / "boulder-buildings.zip", ImportOptions("boulder"))
    assert (report.rows, report.inserted + report.rejected, report.format) == (13_491, 13_491, "Shapefile")
    assert store.layer("boulder").schema.names == ("year_built",)


def test_a_topojson_without_crs_imports_and_mends_what_quantising_broke(store: Store, shared_data: Path):
    report = import_file(store, shared_data / "vector" / "cambridge-parcels-2014.topojson", ImportOptions("parcels"))
    assert report.rows == 13_116
    assert report.inserted >= 13_100
    assert report.repaired > 0
    assert report.crs == "OGC:CRS84"


def test_an_osm_extract_becomes_base_map_layers(store: Store, shared_data: Path):
    reports = {r.layer_id: r for r in import_osm(store, shared_data / "vector" / "andorra.osm.pbf", "andorra")}
    assert reports["andorra-roads"].inserted == 1612
    assert reports["andorra-buildings"].inserted == 292
    roads = store.layer("andorra-roads")
    assert roads.document["licence"] == "ODbL 1.0"
    assert roads.document["style"]["kind"] == "line"
    assert roads.schema.property("lanes").type is PropertyType.INTEGER
    again = {r.layer_id: r for r in import_osm(store, shared_data / "vector" / "andorra.osm.pbf", "andorra")}
    assert sum(report.inserted for report in again.values()) == 0
    assert (again["andorra-roads"].unchanged, again["andorra-roads"].version) == (1612, 1)


def test_an_osm_prefix_must_be_able_to_begin_an_id(store: Store, shared_data: Path):
    with pytest.raises(BadCall):
        import_osm(store, shared_data / "vector" / "andorra.osm.pbf", "Andorra!")


@pytest.mark.slow
def test_the_tokyo_buildings_import_whole(store: Store, shared_data: Path):
    report = import_file(store, shared_data / "vector" / "tokyo-buildings-east-south.parquet", ImportOptions("tokyo"))
    assert (report.inserted, report.rejected) == (1_277_744, 0)
    assert store.layer("tokyo").feature_count == 1_277_744
