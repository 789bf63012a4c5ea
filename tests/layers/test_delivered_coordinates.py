"""Coordinates as departments deliver them: map-service datums, heights, and numbers outside a projection. On both stores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from layers.importing import ImportOptions, import_file
from layers.manifest import Manifest, parse_manifest
from twin.errors import BadFeatureError, BadManifestError, UnknownCRSError, VerticalDatumError
from twin.query import FeatureQuery
from twin.store import open_store
from twin.store.port import Store

BOW_TIE = {"type": "Polygon", "coordinates": [[[120, 36], [120.01, 36.01], [120.01, 36], [120, 36.01], [120, 36]]]}


@pytest.fixture(params=["geopackage", "postgis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    target = tmp_path / "s.gpkg" if request.param == "geopackage" else request.getfixturevalue("postgis_url")
    opened = open_store(target)
    yield opened
    opened.close()


def manifest(**changes: Any) -> Manifest:
    plain = {"id": "layer", "title": "图层", "department": "works", "owner": "o", "licence": "l"}
    return parse_manifest({**plain, **changes})


def written(path: Path, *geometries: dict[str, Any]) -> Path:
    features = [
        {"type": "Feature", "id": i + 1, "geometry": geometry, "properties": {"n": i}}
        for i, geometry in enumerate(geometries)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def point(*numbers: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": numbers}


def places(store: Store) -> list[shapely.Geometry]:
    return list(store.select("layer", FeatureQuery()).geometries)


@pytest.mark.parametrize("said_by", ["caller", "manifest"])
def test_gcj02_said_by_anyone_is_stored_as_cgcs2000(store: Store, tmp_path: Path, said_by: str) -> None:
    path = written(tmp_path / "f.geojson", point(120.03883526, 36.26473757, 12.5))
    said = {"crs": "gcj02"} if said_by == "caller" else {"manifest": manifest(crs="GCJ-02")}
    report = import_file(store, path, ImportOptions("layer", **said))
    assert report.crs_known_by == "declared"
    (kept,) = places(store)
    assert (kept.x, kept.y, kept.z) == pytest.approx((120.0335, 36.2645, 12.5), abs=5e-9)
    assert store.layer("layer").document["crs"].upper().replace("-", "") == "GCJ02"


def test_a_layer_in_bd09_goes_on_being_delivered_in_it(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "f.geojson", point(120.04540224, 36.27058242))
    import_file(store, path, ImportOptions("layer", manifest=manifest(crs="BD-09")))
    again = import_file(store, path, ImportOptions("layer"))
    assert (again.unchanged, again.crs) == (1, "BD-09")
    moved = import_file(store, path, ImportOptions("layer", crs="EPSG:4490"))
    assert moved.updated == 1, "what the caller says stands above it"


def test_heights_keep_their_number_and_their_datum(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "f.geojson", point(503010.3651, 4014892.4956, 72.26))
    import_file(store, path, ImportOptions("layer", crs="EPSG:4549+5737"))
    (kept,) = places(store)
    assert (kept.x, kept.y, kept.z) == pytest.approx((120.0335, 36.2645, 72.26), abs=1e-9)
    assert store.layer("layer").document["vertical_datum"] == "EPSG:5737"


def test_heights_of_another_datum_are_refused_with_both_names(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "f.geojson", point(120, 36.2, 72.26))
    import_file(store, path, ImportOptions("layer", manifest=manifest(vertical_datum="5737")))
    for crs in ("EPSG:4490+5736", "EPSG:4480"):
        with pytest.raises(VerticalDatumError) as caught:
            import_file(store, path, ImportOptions("layer", crs=crs))
        assert "EPSG:5737" in caught.value.message
        assert caught.value.value in caught.value.message
    assert store.version("layer") == 1, "nothing was written"
    import_file(store, path, ImportOptions("layer", crs="EPSG:4490+5737"))


def test_a_manifest_cannot_contradict_its_own_file(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "f.geojson", point(120, 36.2, 5))
    with pytest.raises(VerticalDatumError):
        import_file(
            store, path, ImportOptions("layer", crs="EPSG:4490+5736", manifest=manifest(vertical_datum="EPSG:5737"))
        )
    with pytest.raises(BadManifestError, match="fault"):
        manifest(vertical_datum="EPSG:4490")


@pytest.mark.parametrize("odd", ["EPSG:4490+", "GCJ-03", "EPSG:4490+4549"])
def test_a_crs_that_is_none_is_named(store: Store, tmp_path: Path, odd: str) -> None:
    path = written(tmp_path / "f.geojson", point(120, 36.2))
    with pytest.raises(UnknownCRSError):
        import_file(store, path, ImportOptions("layer", crs=odd))


def test_rows_outside_the_projection_are_refused_with_value_and_limit(store: Store, tmp_path: Path) -> None:
    good, prefixed, swapped = (503010.0, 4014892.0), (40503010.0, 4014892.0), (4014892.0, 503010.0)
    path = written(tmp_path / "f.geojson", point(*good), point(*prefixed), point(*swapped))
    report = import_file(store, path, ImportOptions("layer", crs="EPSG:4549"))
    assert (report.inserted, report.rejected) == (1, 2)
    (reason,) = report.reasons
    assert "CM 120E is valid (117, 21.43, 123, 56.33)" in reason.reason
    assert [example.value for example in reason.examples] == ["40503010, 4014892", "4014892, 503010"]
    with pytest.raises(BadFeatureError, match="None of the 1 rows"):
        import_file(store, written(tmp_path / "g.geojson", point(*prefixed)), ImportOptions("layer", crs="EPSG:4549"))


@pytest.mark.parametrize(
    ("setting", "said", "taken"), [(None, None, 1), ("refuse", None, 0), ("repair", False, 0), ("refuse", True, 1)]
)
def test_crossing_rings_are_mended_or_refused_by_the_layer_setting(
    store: Store, tmp_path: Path, setting: str | None, said: bool | None, taken: int
) -> None:
    square = {"type": "Polygon", "coordinates": [[[120, 36], [120.1, 36], [120.1, 36.1], [120, 36]]]}
    kind = {"geometry_type": "MultiPolygon", "schema": []}
    described = manifest(**kind, **({} if setting is None else {"geometry_faults": setting}))
    path = written(tmp_path / "f.geojson", square, BOW_TIE)
    report = import_file(store, path, ImportOptions("layer", manifest=described, repair=said))
    assert (report.inserted, report.repaired, report.rejected) == (1 + taken, taken, 1 - taken)
    again = import_file(store, path, ImportOptions("layer", repair=said))
    assert again.rejected == 1 - taken, "the next delivery goes by it, too"
