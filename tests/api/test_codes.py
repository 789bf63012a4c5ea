"""Codes over HTTP: places, codes, areas, lists, and what goes wrong."""

from __future__ import annotations

import pytest
import shapely
from shapely.geometry import shape

from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from coded_town import CELLS, LAMP, with_codes
from layers.policy import ReadOnlyPolicy

HTML = {"accept": "text/html"}
CSV = {"content-type": "text/csv"}


@pytest.fixture
def town(store) -> AppClient:
    return AppClient(create_app(Settings(), with_codes(store)))


def test_a_place_has_every_code_and_each_has_an_address_that_leads_back(town):
    found = town.json("/codes?lon=119.955&lat=36.255&height=30")
    addressed = [*found["sheets"]["codes"], *found["beidou"]["codes"], *found["beidou_3d"]["codes"]]
    addressed += [found["divisions"], found["community"], found["unit_grid"]]
    assert len(addressed) == 11 + 10 + 10 + 3
    for entry in addressed:
        answer = town.json(entry["href"].removeprefix(town.base_url))
        features = answer.get("features") or [answer]
        assert any(shape(f["geometry"]).intersects(shapely.Point(119.955, 36.255)) for f in features), entry["code"]


def test_one_scale_and_one_level_can_be_asked_for(town):
    found = town.json("/codes?lon=120.0335&lat=36.2645&scale=10000&level=5")
    assert [entry["code"] for entry in found["sheets"]["codes"]] == ["J51G090001"]
    assert [entry["code"] for entry in found["beidou"]["codes"]] == ["N51J002250D"]


def test_a_day_is_asked_for_with_at(town):
    assert town.json("/codes?lon=120.01&lat=36.25&at=2024-06-01")["divisions"]["code"] == "370281002"
    assert town.json("/codes?lon=120.01&lat=36.25&at=2026-06-01")["divisions"]["code"] == "370281001"


def test_a_code_is_a_feature_with_its_height_range(town):
    sheet = town.json("/codes/J51G090001")
    assert sheet["type"] == "Feature"
    assert shape(sheet["geometry"]).bounds == (120.0, 36.25, 120.0625, 36.291666666666664)
    assert shape(sheet["geometry"]).exterior.is_ccw
    cell = town.json("/codes/N051J00000202500D000206364131414")
    low, high = cell["properties"]["height_range_m"]
    assert low <= 50 < high
    assert "height_range_m" not in sheet["properties"]


def test_a_code_that_fits_several_systems_comes_with_all_readings(town):
    both = town.json("/codes/N51J07121103")
    assert both["ambiguous"] is True
    assert [f["properties"]["system"] for f in both["features"]] == ["sheet", "beidou"]
    assert town.json("/codes/N51J07121103?system=beidou")["type"] == "Feature"
    assert town.json("/codes?code=n51j07121103")["ambiguous"] is True


def test_a_component_has_the_place_of_its_feature_and_an_unknown_one_none(town):
    lamp = town.json(f"/codes/{LAMP}")
    assert lamp["geometry"]["coordinates"] == [119.955, 36.255]
    other = town.json("/codes/37028101037999999")
    assert other["geometry"] is None
    assert other["properties"]["place"] == "unknown"


def test_a_box_has_its_codes_as_geojson(town):
    answer = town.get("/codes?bbox=119.9,36.1,120.1,36.3&scale=D")
    assert answer.headers["content-type"] == "application/geo+json"
    assert [f["properties"]["code"] for f in answer.json()["features"]] == ["J50D012012", "J51D012001"]
    fine = town.json("/codes?bbox=119.98,36.2,120.02,36.24&level=5&limit=2000")
    few = town.json("/codes?bbox=119.98,36.2,120.02,36.24&level=5&limit=2000&compact=true")
    assert few["numberReturned"] < fine["numberReturned"]
    assert shapely.union_all([shape(f["geometry"]) for f in few["features"]]).area == pytest.approx(
        sum(shape(f["geometry"]).area for f in fine["features"])
    )
    assert town.json("/codes?bbox=120,36.2,120,36.2&level=1")["features"][0]["properties"]["code"] == "N51J"
    assert [f["properties"]["code"] for f in town.json("/codes?bbox=179.9,10,-179.9,10.1&level=1")["features"]] == [
        "N01C",
        "N60C",
    ]


def test_a_posted_geometry_or_feature_has_its_codes(town):
    polygon = shapely.geometry.mapping(CELLS["370281001001001"])
    found = town.request("POST", "/codes?system=unit-grid", json=polygon).json()
    assert [f["properties"]["code"] for f in found["features"]] == ["370281001001001"]
    feature = {"type": "Feature", "geometry": polygon, "properties": None}
    assert town.request("POST", "/codes?system=division", json=feature).json()["numberReturned"] == 2
    assert town.request("POST", "/codes?scale=G", json=feature).json()["numberReturned"] == 1


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/codes?lon=120", 400, "bad-parameter"),
        ("/codes?lon=200&lat=36", 400, "bad-parameter"),
        ("/codes?lon=nan&lat=36", 400, "bad-parameter"),
        ("/codes?lon=120&lat=36&height=1e13", 400, "bad-parameter"),
        ("/codes?lon=120&lat=36&level=11", 400, "bad-code"),
        ("/codes?lon=120&lat=36&level=x", 400, "bad-parameter"),
        ("/codes?lon=120&lat=36&scale=Z", 400, "bad-code"),
        ("/codes?lon=120&lat=36&at=yesterday", 400, "bad-parameter"),
        ("/codes?lon=120&lat=36&bbox=1,2,3,4", 400, "bad-parameter"),
        ("/codes?bbox=119,36,121,37", 400, "bad-parameter"),
        ("/codes?bbox=119,36,121,37&scale=G&level=3", 400, "bad-parameter"),
        ("/codes?bbox=119,36,121,37&level=10", 400, "too-many-codes"),
        ("/codes?bbox=119,88,121,89&level=3", 400, "outside-code-system"),
        ("/codes?bbox=119,36,121&level=3", 400, "bad-bbox"),
        ("/codes?bbox=119,36,121,37&system=rivers", 400, "bad-code"),
        ("/codes?zoom=3", 400, "unknown-parameter"),
        ("/codes/hello", 404, "unknown-code"),
        ("/codes/J51B003001", 400, "bad-code"),
        ("/codes/370281?system=nothing", 400, "unknown-code-system"),
        ("/codes/components?edition=1999", 404, "unknown-code"),
        ("/codes/components?kind=thing", 400, "bad-parameter"),
    ],
)
def test_what_goes_wrong_says_value_limit_and_remedy(town, address, status, code):
    problem = town.problem("GET", address, status)
    assert problem["code"] == code
    if code != "bad-parameter" or "value" in problem:
        assert problem["limit"]
    assert problem["remedy"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[1]", 422),
        (b'{"type": "Polygon", "coordinates": []}', 422),
        (b'{"type": "Feature", "geometry": null}', 422),
        (b'{"type": "Polygon", "coordinates": [[[0,0],[1,1],[1,0],[0,1],[0,0]]]}', 422),
    ],
)
def test_bodies_that_are_no_area_are_refused(town, body, status):
    town.problem("POST", "/codes?level=3", status, content=body, headers={"content-type": "application/json"})


def test_the_systems_show_an_example_that_can_be_read(town):
    document = town.json("/codes/systems")
    assert len(document["systems"]) == 7
    for system in document["systems"]:
        answer = town.json(system["example"]["href"].removeprefix(town.base_url))
        features = answer.get("features") or [answer]
        assert system["id"] in {f["properties"]["system"] for f in features}
    assert [e["edition"] for e in document["class_editions"]] == ["47678.5-2026", "30428.2-2013"]


def test_the_classes_of_an_edition_and_of_the_one_in_force(town):
    new = town.json("/codes/components?edition=47678.5-2026&kind=component")
    assert len(new["classes"]) == 153
    assert town.json("/codes/components?at=2026-07-01")["edition"] == "47678.5-2026"
    assert town.json("/codes/components?at=2026-06-30")["edition"] == "30428.2-2013"
    assert len(town.json("/codes/components?edition=47678.5-2026&kind=matter")["classes"]) == 250


def test_an_edition_of_divisions_comes_in_by_put(town, shared_data):
    table = (shared_data / "admin" / "china-counties-nbs-2023.csv").read_bytes()
    address = "/codes/divisions/nbs-2022?valid_from=2022-06-30&valid_to=2023-06-30"
    answer = town.request("PUT", address, content=table, headers=CSV)
    assert answer.status_code == 201
    assert answer.json()["begun"] == 2978
    assert [e["edition"] for e in town.json("/codes/divisions")["editions"]] == ["nbs-2023", "nbs-2022"]
    history = town.json("/codes/370281")["properties"]["history"]
    assert [state["edition"] for state in history] == ["nbs-2023", "nbs-2022"]
    clash = town.problem("PUT", "/codes/divisions/again?valid_from=2022-06-30", 409, content=table, headers=CSV)
    assert clash["code"] == "edition-conflict"
    assert "from 2023-06-30 on" in clash["detail"] or "from 2022-06-30 to 2023-06-30" in clash["detail"]
    town.problem("PUT", "/codes/divisions/x", 400, content=table, headers=CSV)
    town.problem("PUT", "/codes/divisions/x?valid_from=2030-01-01", 422, content=b"a,b\n1,2\n", headers=CSV)
    town.problem("PUT", "/codes/divisions/x?valid_from=2030-01-01", 400, content=b"\xff\xfe", headers=CSV)
    town.problem("PUT", "/codes/divisions/x?valid_from=2030-01-01&valid_to=2029-01-01", 400, content=table, headers=CSV)


def test_a_server_that_only_shows_takes_no_edition(store):
    client = AppClient(create_app(Settings(), store, ReadOnlyPolicy()))
    body = b"code,name\n370281001,x\n"
    client.problem("PUT", "/codes/divisions/x?valid_from=2030-01-01", 403, content=body, headers=CSV)
    assert [e["edition"] for e in client.json("/codes/divisions")["editions"]] == ["nbs-2023"]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/codes", ("代码查询", "Code systems", "N51J002250D")),
        (
            "/codes?lon=119.955&lat=36.255",
            ("J50G", "370281001001001", "阜安街道", "Fu&#39;an Subdistrict", "EPSG:4549"),
        ),
        ("/codes?lon=119.955&lat=36.255&height=&at=&f=html", ("370281001001001", "No height above the ellipsoid")),
        ("/codes?lon=0&lat=89", ("未知 unknown", "There is no code here")),
        ("/codes/370281001", ("阜安街道", "沿革", "2023-06-30", "<iframe")),
        ("/codes/370281400", ("Statistical unit only", "未知 unknown")),
        ("/codes/N51J07121103", ("2 种读法", "N51J07121103")),
        ("/codes/systems", ("北斗网格位置码", "GB/T 39409-2020")),
        (
            "/codes/components?edition=47678.5-2026",
            ("供水井盖", "Water supply cover", "check them against the standard"),
        ),
    ],
)
def test_pages_speak_both_languages(town, address, words):
    answer = town.get(address, headers=HTML)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    for word in words:
        assert word in answer.text


def test_what_comes_from_the_address_is_escaped_on_the_page(town):
    answer = town.get("/codes?code=<script>alert(1)</script>", headers=HTML)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
