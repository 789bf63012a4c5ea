"""Codes of places from layers and the division list, in both stores, on different days, for those who may read and those who may not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import shapely

from coded_town import CELLS, EAST, LAMP, WEST, WEST_BEFORE, with_codes
from layers.city import parse_city, read_city
from layers.code_layers import CodeLayer
from layers.place_codes import Covering, PlaceCodes
from layers.policy import Action, Actor
from layers.registry import Registry
from twin.codes.classes import Kind
from twin.codes.division_store import open_divisions
from twin.codes.point_codes import Place
from twin.errors import BadCodeError, BadManifestError, PolicyError, TooManyCodesError, UnknownCodeError
from twin.standing import State, standing
from twin.store import open_store
from twin.store.port import Store

TODAY, BEFORE = date(2026, 11, 28), date(2024, 6, 1)
ANYBODY = Actor()
IN_CELL = Place(119.955, 36.255)
BETWEEN = Place(120.01, 36.25)  # in the eastern town until 2025, in the western since


@pytest.fixture(params=["geopackage", "postgis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    target = request.getfixturevalue("postgis_url") if request.param == "postgis" else tmp_path / "twin.gpkg"
    store = open_store(target)
    yield store
    store.close()


@pytest.fixture
def town(store: Store) -> PlaceCodes:
    return codes_of(with_codes(store))


def codes_of(store: Store, **registry) -> PlaceCodes:
    return PlaceCodes(Registry(store, **registry), read_city(), open_divisions(store))


class NoDistricts:
    """Nobody but the surveyor may know of the division layer."""

    def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
        if layer_id == "districts" and actor.name != "surveyor":
            raise PolicyError("no")


def test_a_place_has_every_code(town):
    found = town.at(replace(IN_CELL, height_m=12.5), TODAY, ANYBODY)
    assert [entry["code"] for entry in found["sheets"]["codes"]][:2] == ["J50", "J50B002002"]
    assert [entry["level"] for entry in found["beidou"]["codes"]] == list(range(1, 11))
    assert len(found["beidou_3d"]["codes"][-1]["code"]) == 32
    divisions = found["divisions"]
    assert (divisions["code"], divisions["layer"], divisions["also"]) == ("370281001", "districts", [])
    assert [d["name"]["zh"] for d in divisions["chain"]] == ["山东省", "青岛市", "胶州市", "阜安街道"]
    assert (found["unit_grid"]["code"], found["unit_grid"]["name"]) == ("370281001001001", "第001网格")
    assert (found["community"]["code"], found["community"]["layer"]) == ("370281001001", "grid-cells")
    assert [entry["crs"] for entry in found["projected"]] == ["EPSG:4549", "EPSG:4528"]


def test_the_vectors_of_the_projections(town):
    found = town.at(Place(120.0335, 36.2645), TODAY, ANYBODY)["projected"]
    assert [(e["easting_m"], e["northing_m"]) for e in found] == [
        (503010.3651, 4014892.4956),
        (40503010.3651, 4014892.4956),
    ]


def test_a_border_that_moved_is_read_as_it_was_on_the_day(town):
    assert town.at(BETWEEN, BEFORE, ANYBODY)["divisions"]["code"] == "370281002"
    assert town.at(BETWEEN, TODAY, ANYBODY)["divisions"]["code"] == "370281001"
    (then,) = town.read("370281001", BEFORE, ANYBODY)
    (now,) = town.read("370281001", TODAY, ANYBODY)
    assert then.geometry.equals(WEST_BEFORE)
    assert now.geometry.equals(WEST)
    assert then.details["history"] == now.details["history"]


def test_a_division_the_list_does_not_know_has_the_name_of_its_layer(town):
    chain = town.at(Place(120.05, 36.25), TODAY, ANYBODY)["divisions"]["chain"]
    assert chain[-1]["code"] == "370281999"
    assert chain[-1]["name"]["zh"] == "新东镇"
    assert chain[-1]["edition"] is None
    (reading,) = town.read("370281999", TODAY, ANYBODY)
    assert reading.details["status"] == "unknown"
    assert reading.geometry.equals(EAST)


def test_where_only_the_county_is_drawn_the_county_is_answered(town):
    divisions = town.at(Place(120.05, 36.35), TODAY, ANYBODY)["divisions"]
    assert divisions["code"] == "370281"
    assert len(divisions["chain"]) == 3


def test_a_statistical_unit_is_never_a_boundary(town):
    (reading,) = town.read("370281400", TODAY, ANYBODY)
    assert reading.geometry is None
    assert reading.details["names"]["name"]["zh"] == "胶州经济技术开发区"
    assert reading.details["statistical"] is True


def test_a_point_on_a_border_has_one_code_and_names_the_other(town):
    divisions = town.at(Place(120.02, 36.25), TODAY, ANYBODY)["divisions"]
    assert (divisions["code"], divisions["also"]) == ("370281001", ["370281999"])


def test_absent_layers_are_unknown_not_an_error(store):
    empty = codes_of(store)
    found = empty.at(IN_CELL, TODAY, ANYBODY)
    for part in ("divisions", "community", "unit_grid"):
        assert found[part]["status"] == "unknown"
        assert found[part]["reason"]["zh"]
        assert found[part]["reason"]["en"]
    (reading,) = empty.read("370281001", TODAY, ANYBODY)
    assert reading.geometry is None
    assert empty.covering(shapely.box(119, 36, 121, 37), Covering("division"), TODAY, ANYBODY) == []


def test_what_one_may_not_read_leaks_through_no_code(store):
    guarded = codes_of(with_codes(store), policy=NoDistricts())
    surveyor = Actor("surveyor")
    assert guarded.at(IN_CELL, TODAY, surveyor)["divisions"]["status"] == "known"
    found = guarded.at(IN_CELL, TODAY, ANYBODY)
    assert found["divisions"]["status"] == "unknown"
    assert "新东镇" not in str(guarded.at(Place(120.05, 36.25), TODAY, ANYBODY))
    (reading,) = guarded.read("370281001", TODAY, ANYBODY)
    assert reading.geometry is None
    assert "features" not in reading.details
    assert guarded.covering(shapely.box(119, 36, 121, 37), Covering("division"), TODAY, ANYBODY) == []


def test_a_layer_that_waits_for_a_decision_gives_no_codes(store):
    town = codes_of(with_codes(store))
    record = store.layer("districts")
    held = {"standing": standing(State.HELD, datetime(2026, 11, 28, tzinfo=UTC), None)}
    store.describe_layer("districts", {**record.document, **held})
    assert town.at(IN_CELL, TODAY, ANYBODY)["divisions"]["status"] == "unknown"
    assert town.read("370281001", TODAY, ANYBODY)[0].geometry is None
    assert town.covering(shapely.box(119, 36, 121, 37), Covering("division"), TODAY, ANYBODY) == []


def test_cells_components_and_communities_have_the_place_of_their_features(town):
    (cell,) = town.read("370281001001002", TODAY, ANYBODY)
    assert cell.geometry.equals(CELLS["370281001001002"])
    (lamp,) = town.read(LAMP, TODAY, ANYBODY)
    assert lamp.geometry.equals(shapely.Point(119.955, 36.255))
    assert lamp.details["class"]["name"]["zh"] == "路灯"
    (community,) = town.read("370281001001", TODAY, ANYBODY)
    assert community.geometry.equals(shapely.box(119.95, 36.25, 119.97, 36.26))


def test_a_layer_of_communities_is_asked_first_where_a_city_has_one(town):
    city = read_city()
    codes = replace(city.codes, communities=CodeLayer("districts"))
    own = replace(town, city=replace(city, codes=codes))
    assert own.at(IN_CELL, TODAY, ANYBODY)["community"]["layer"] == "grid-cells", "the layer has no 12 digits"


def test_a_far_place_has_codes_but_no_plane_coordinates(town):
    found = town.at(Place(-57.702155, -31.396478), TODAY, ANYBODY)
    assert [entry["status"] for entry in found["projected"]] == ["unknown", "unknown"]
    assert found["sheets"]["status"] == "unknown"
    assert found["beidou"]["codes"][-1]["code"] == "S21H764C31B375022200"
    assert found["beidou_3d"]["status"] == "unknown"
    assert town.at(Place(0, 89), TODAY, ANYBODY)["beidou"]["status"] == "unknown"


def test_a_code_of_two_systems_has_both_readings(town):
    assert [reading.system for reading in town.read("N51J07121103", TODAY, ANYBODY)] == ["sheet", "beidou"]
    assert [reading.system for reading in town.read("n51j07121103 ", TODAY, ANYBODY, "beidou")] == ["beidou"]
    with pytest.raises(UnknownCodeError):
        town.read("hello", TODAY, ANYBODY)
    with pytest.raises(BadCodeError):
        town.read("370281001", TODAY, ANYBODY, "sheet")


def test_areas_have_divisions_and_cells_of_their_layers(town):
    def codes(shape, system, **more):
        return [r.code for r in town.covering(shape, Covering(system, **more), more.pop("day", TODAY), ANYBODY)]

    assert codes(shapely.box(119.95, 36.25, 120.05, 36.29), "division") == ["370281", "370281001", "370281999"]
    assert codes(shapely.box(119.9, 36.25, 120.02, 36.29), "division") == ["370281", "370281001"], (
        "an edge is not shared area"
    )
    assert codes(shapely.LineString([(120.02, 36.25), (120.02, 36.26)]), "division") == [
        "370281",
        "370281001",
        "370281999",
    ]
    assert codes(shapely.box(119.955, 36.25, 119.97, 36.255), "unit-grid") == ["370281001001001", "370281001001002"]
    with pytest.raises(TooManyCodesError):
        codes(shapely.box(119.9, 36.2, 120.1, 36.3), "unit-grid", limit=2)
    with pytest.raises(BadCodeError):
        Covering("component")


def test_local_classes_stand_in_the_city_profile(store):
    document = {
        "name": {"zh": "测试市", "en": "Test"},
        "code": "370281",
        "bounds": [119, 36, 121, 37],
        "home": {"lon": 120, "lat": 36.2},
        "codes": {
            "divisions": {"layer": "districts"},
            "local_classes": [
                {
                    "edition": "47678.5-2026",
                    "kind": "component",
                    "major": "01",
                    "minor": "998",
                    "name": {"zh": "河长牌", "en": "River chief sign"},
                }
            ],
        },
    }
    codes = PlaceCodes(Registry(store), parse_city(document), open_divisions(store))
    assert codes.classes.edition("47678.5-2026").find(Kind.COMPONENT, "01", "998").name.zh == "河长牌"
    (reading,) = codes.read("37028101998000001", TODAY, ANYBODY)
    assert reading.title.zh.endswith("河长牌")
    document["codes"]["local_classes"][0]["minor"] = "010"
    with pytest.raises(BadManifestError):
        _ = PlaceCodes(Registry(store), parse_city(document), open_divisions(store)).classes
    with pytest.raises(BadManifestError):
        parse_city(document | {"codes": {"rivers": {}}})
