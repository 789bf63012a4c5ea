"""Real layers, right and wrong, held against the real boundaries of Qingdao and against the sample town."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely

from real_layers import Geometries, geometries_of, moved, sampled
from twin.crs import parse_crs
from twin.datums.offset_datums import BD09, GCJ02
from twin.guard.belief import Belief, Hypothesis, Verdict
from twin.guard.judging import Witness, judge_position

WGS84 = "EPSG:4490"
BASE_MAP = ("districts.parquet", "railways.fgb", "rivers.parquet", "roads.parquet", "landuse.parquet")


@pytest.fixture(scope="module")
def borders(shared_data: Path) -> Witness:
    return Witness("districts", geometries_of(shared_data / "admin/qingdao-admin-osm.geojson"))


@pytest.fixture(scope="module")
def town(checkout: Path) -> Callable[[str], Geometries]:
    folder, known = checkout / "data_samples/jiaozhou", {}

    def layer(name: str) -> Geometries:
        if name not in known:
            known[name] = geometries_of(folder / name)
        return known[name]

    return layer


def judged(geometries: Geometries, *witnesses: Witness, stated: str = WGS84) -> Belief:
    return judge_position(sampled(geometries), parse_crs(stated), witnesses)


def test_bus_routes_are_recognised_as_bd09_by_their_lines_alone(shared_data: Path, borders: Witness) -> None:
    routes = geometries_of(shared_data / "transport/qingdao-bus-routes-bd09.geojson")
    belief = judged(routes, borders)
    assert (belief.hypothesis, belief.correction) == (Hypothesis.BD09, "BD-09")
    assert belief.text.en.startswith("looks like BD-09 read as WGS 84/CGCS2000, ")
    assert 0 < belief.counted < belief.of
    assert f"{belief.share:.0%} of the {belief.counted} of {belief.of} features that tell, " in belief.text.en
    assert f"{belief.of} 个要素中有 {belief.counted} 个可判断" in belief.text.zh
    assert "BD-09" in belief.text.zh
    assert belief.shift_m == pytest.approx((1053, 681), abs=40)
    assert judged(routes, borders, stated="BD-09").verdict is Verdict.FITS
    assert judged(routes, borders, stated="GCJ-02").hypothesis in {Hypothesis.BD09, Hypothesis.AS_STATED}


def test_a_layer_of_which_little_lies_on_the_base_map_is_not_said_to_fit_it(borders: Witness) -> None:
    lines = shapely.get_parts(shapely.boundary(borders.geometries))
    some = shapely.line_interpolate_point(
        lines[shapely.length(lines).argmax()], np.linspace(0.1, 0.9, 60), normalized=True
    )
    elsewhere = np.random.default_rng(1).uniform([119.7, 36.05], [120.6, 36.9], (1500, 2))
    crowd = np.concatenate([np.asarray(some), np.asarray(shapely.points(elsewhere))])
    found = judged(crowd, borders)
    assert found.verdict is Verdict.UNKNOWN
    assert found.confidence == 0
    assert judged(np.asarray(some), borders).verdict is Verdict.FITS


def test_the_datav_county_is_recognised_as_gcj02(shared_data: Path, borders: Witness) -> None:
    belief = judged(geometries_of(shared_data / "admin/jiaozhou-boundary-datav-gcj02.geojson"), borders)
    assert (belief.verdict, belief.hypothesis, belief.correction) == (Verdict.SUSPICIOUS, Hypothesis.GCJ02, "GCJ-02")
    assert belief.text.en.endswith("m east")
    assert belief.shift_m == pytest.approx((470, 20), abs=20)
    assert belief.share > 0.6


def test_the_datav_counties_are_recognised_though_osm_copied_from_such_a_map(
    shared_data: Path, borders: Witness
) -> None:
    belief = judged(geometries_of(shared_data / "admin/qingdao-counties-datav-gcj02.geojson"), borders)
    assert (belief.verdict, belief.hypothesis) == (Verdict.SUSPICIOUS, Hypothesis.GCJ02)
    assert "in part" in belief.text.en


@pytest.mark.parametrize("name", ["jiaozhou-boundary-osm", "jiaozhou-townships-osm", "qingdao-admin-osm"])
def test_clean_borders_are_not_accused(shared_data: Path, borders: Witness, name: str) -> None:
    assert judged(geometries_of(shared_data / f"admin/{name}.geojson"), borders).verdict is Verdict.FITS


def test_clean_borders_declared_as_gcj02_are_recognised_too(shared_data: Path, borders: Witness) -> None:
    belief = judged(geometries_of(shared_data / "admin/jiaozhou-boundary-osm.geojson"), borders, stated="GCJ-02")
    assert (belief.hypothesis, belief.correction) == (Hypothesis.WGS84, "EPSG:4490")
    assert "read as GCJ-02" in belief.text.en


@pytest.mark.parametrize("name", ["admin/china-prefectures-ocha.zip", "poi/shanghai-poi-schools.csv"])
def test_what_the_base_map_knows_nothing_of_is_not_guilty(shared_data: Path, borders: Witness, name: str) -> None:
    belief = judged(geometries_of(shared_data / name), borders)
    assert belief.verdict is Verdict.UNKNOWN
    assert belief.correction is None
    assert belief.confidence == 0


@pytest.mark.parametrize(
    "name", ["cameras.csv", "facilities.parquet", "grid-cells.gpkg", "roads.parquet", "rivers.parquet"]
)
def test_layers_of_the_town_clean_and_in_both_datums(town: Callable[[str], Geometries], name: str) -> None:
    witnesses = [Witness(known, town(known)) for known in BASE_MAP if known != name]
    assert judged(town(name), *witnesses).verdict is Verdict.FITS
    for datum, hypothesis in ((GCJ02, Hypothesis.GCJ02), (BD09, Hypothesis.BD09)):
        belief = judged(moved(town(name), datum.from_wgs84), *witnesses)
        assert (belief.hypothesis, belief.correction) == (hypothesis, datum.name)
        assert belief.confidence > 0.7


@pytest.mark.parametrize("name", ["sensors.geojson", "pollution-sources.zip", "poi.parquet", "water.parquet"])
def test_sparse_layers_of_the_town_are_never_accused(town: Callable[[str], Geometries], name: str) -> None:
    assert not judged(town(name), *(Witness(known, town(known)) for known in BASE_MAP)).suspicious


def test_a_constant_shift_of_no_known_datum_is_measured(town: Callable[[str], Geometries]) -> None:
    off = moved(town("roads.parquet"), lambda lon, lat: (lon + 150 / 89_800, lat - 240 / 110_950))
    belief = judged(off, Witness("landuse", town("landuse.parquet")))
    assert belief.hypothesis is Hypothesis.SHIFTED
    assert belief.shift_m == pytest.approx((150, -240), abs=50)
    assert isinstance(belief.correction, dict)
    assert belief.correction["shift_m"] == pytest.approx([-150, 240], abs=50)


def test_the_same_layer_gives_the_same_belief(shared_data: Path, borders: Witness) -> None:
    county = geometries_of(shared_data / "admin/jiaozhou-boundary-datav-gcj02.geojson")
    assert judged(county, borders).to_document() == judged(county, borders).to_document()


def test_points_without_a_place_and_an_empty_base_map_are_no_trouble() -> None:
    few = np.array([], dtype=object)
    assert judged(few).verdict is Verdict.UNKNOWN
    assert judged(few, Witness("roads", few)).compared_with == ()
