"""Control points against scenes, over HTTP and on the command line: known shifts come out as they went in, and stay with the scene."""

from __future__ import annotations

import json
import math
import shutil
from urllib.parse import urljoin

import laspy
import numpy as np
import pytest
import shapely

from api import cli
from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from box_town import SCHEMA, box_town
from layers.policy import Action, OpenPolicy
from scenes3d.tileset.checking import check_tileset
from twin.client_scenes import TownScenes
from twin.crs import CGCS2000, parse_crs, transform_points
from twin.errors import BadCall, PolicyError
from twin.store import open_store
from twin.store.port import Author, LayerSpec

COUNT = 12
PLANE = parse_crs("EPSG:4549")
ACTOR = {"X-OneMap-Actor": "%E7%8E%8B%E5%B7%A5"}
SAID = {"crs": "EPSG:4549", "vertical_datum": "unknown"}
SLOPE = 0.1
STEP_M = 0.002
"""A tile of 200 m has steps of 3 mm in 16 bits, and half of one is lost."""


class Curtain(OpenPolicy):
    """Everybody may read; only 王工 may do more."""

    def authorise(self, actor, action, layer_id):
        if actor.name != "王工" and action is not Action.READ:
            raise PolicyError("no", value=actor.name, limit="", remedy="")


@pytest.fixture(scope="module")
def roofs():
    """Of some buildings: a place on the roof in metres of EPSG:4549, and its height."""
    (batch,) = box_town(COUNT)
    places = shapely.point_on_surface(shapely.from_wkb(batch.wkb))
    east, north = transform_points(shapely.get_x(places), shapely.get_y(places), parse_crs(CGCS2000), PLANE)
    return np.column_stack([east, north, batch.columns["height"]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data folder with a scene of buildings and a cloud of a slope that rises to the east."""
    folder = tmp_path_factory.mktemp("checked")
    store = open_store(folder / "onemap.gpkg")
    document = {"id": "houses", "title": {"zh": "房屋", "en": "Houses"}, "department": "basemap"}
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", SCHEMA, document)) as writer:
        for batch in box_town(COUNT):
            writer.upsert(batch)
    store.close()
    end = ["--data", str(folder)]
    assert cli.run(["scenes", "build", "houses", *end]) == 0
    assert cli.run(["scenes", "review", "houses", "--accept", "--reason", "x", *end]) == 0
    header = laspy.LasHeader(version="1.4", point_format=7)
    header.scales, header.offsets = np.full(3, 0.001), np.array([500_000.0, 4_013_000.0, 0.0])
    record = laspy.ScaleAwarePointRecord.zeros(40_000, header=header)
    number = np.arange(40_000)
    x, y = (number % 200) * 0.25, (number // 200) * 0.25
    record.x, record.y, record.z = 500_000 + x, 4_013_000 + y, 20 + SLOPE * x
    with laspy.open(folder / "slope.laz", mode="w", header=header) as writer:
        writer.write_points(record)
    given = ["--crs", "EPSG:4549", "--vertical-datum", "5737"]
    assert cli.run(["scenes", "import", str(folder / "slope.laz"), "--id", "slope", *given, *end]) == 0
    return folder


@pytest.fixture
def client(folder):
    store = open_store(folder / "onemap.gpkg")
    yield AppClient(create_app(Settings(data_dir=folder), store, Curtain()))
    store.close()


def table(rows: np.ndarray, *, header: str = "id,name,x,y,h,scene_x,scene_y") -> bytes:
    lines = [",".join([f"P{number}", f"点{number}", *map(repr, row.tolist())]) for number, row in enumerate(rows)]
    return "\n".join([header, *lines]).encode()


def post(client: AppClient, scene: str, body: bytes, status: int = 200, **asked: object) -> dict:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    headers = ACTOR | {"Content-Type": "text/csv"}
    answer = client.request("POST", f"/scenes/{scene}/accuracy?{query}", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def shifted(roofs: np.ndarray, up: float = 0.0, east: float = 0.0, north: float = 0.0) -> np.ndarray:
    """Surveyed roofs such that the scene is off by this much."""
    surveyed = roofs - np.array([0.0, 0.0, up])
    return np.column_stack([surveyed, roofs[:, :2] + np.array([east, north])])


def test_roofs_and_measured_corners_give_back_the_shift_they_were_made_with(client, roofs):
    client.problem("GET", "/scenes/houses/accuracy", 404)
    body = table(shifted(roofs, up=0.137, east=0.3, north=-0.4))
    told = post(client, "houses", body, **SAID, limit_plane_m=0.5, limit_z_m=0.1)
    said = told["summary"]
    assert (said["points"], said["used"], said["outside"]) == (COUNT, COUNT, 0)
    assert said["height"]["rmse_m"] == pytest.approx(0.137, abs=STEP_M)
    assert said["height"]["mean_m"] == pytest.approx(0.137, abs=STEP_M)
    assert said["height"]["within"] is False
    # Metres of Gauss-Krüger are true near its meridian, here 4 km away, to 2e-7.
    assert (said["plane"]["rmse_x_m"], said["plane"]["rmse_y_m"]) == pytest.approx((0.3, 0.4), abs=3e-4)
    assert said["plane"]["rmse_m"] == pytest.approx(0.5, abs=3e-4)
    for point in told["points"]:
        assert point["dz_m"] == pytest.approx(0.137, abs=STEP_M)
        assert (point["dx_m"], point["dy_m"]) == pytest.approx((0.3, -0.4), abs=4e-4)
        assert point["height_from"] == "fitted"
    assert told["method"]["rays"]
    assert told["source"]["crs"] == "EPSG:4549"
    assert len(told["source"]["sha256"]) == 64
    assert client.json("/scenes/houses/accuracy") == told
    kept = client.json("/scenes/houses")["measured_accuracy"]
    assert kept["summary"] == said
    assert (kept["by"], kept["version"], kept["source"]["sha256"]) == ("王工", 1, told["source"]["sha256"])


def test_a_cloud_off_by_a_known_vector_shows_what_of_it_stands_on_its_slope(client):
    """A survey 0.4 m west and 0.2 m below of where the cloud has it: 0.2 + 0.4 · slope in height."""
    place = np.array([[500_010.0, 4_013_010.0], [500_030.0, 4_013_020.0], [500_041.0, 4_013_033.0]])
    height = 20 + SLOPE * (place[:, 0] - 500_000)
    rows = np.column_stack([place[:, 0] + 0.4, place[:, 1], height - 0.2, place])
    wish = {"crs": "EPSG:4549", "vertical_datum": "EPSG:5737", "radius_m": 2}
    told = post(client, "slope", table(rows), **wish)
    for point in told["points"]:
        # Positions in the tiles are whole steps of up to 8 mm.
        assert point["dz_m"] == pytest.approx(0.2 + 0.4 * SLOPE, abs=0.003)
        assert (point["dx_m"], point["dy_m"]) == pytest.approx((-0.4, 0.0), abs=1e-3)
        assert point["cloud_points"] == pytest.approx(math.pi * 4 * 16, rel=0.05)
        assert point["fit_m"] < 0.005
    assert told["method"]["height"] == "cloud-plane"


def test_a_delivered_scene_stands_while_its_outline_holds(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "data")
    store = open_store(copy / "onemap.gpkg")
    client = AppClient(create_app(Settings(data_dir=copy), store))

    def points(query: str) -> int:
        opened = lambda address: client.get(urljoin("http://onemap.test/", address)).content  # noqa: E731
        return check_tileset(f"/scenes/slope/tileset.json?{query}", opened).vertices

    assert points("datetime=2020-01-01") == 40_000, "nobody says since when it holds"
    (outline,) = client.json("/collections/slope/items")["features"]
    client.request("DELETE", f"/collections/slope/items/{outline['id']}", headers=ACTOR)
    flown = {"time": {"interval": ["2024-05-01T00:00:00Z", "2026-01-01T00:00:00Z"]}}
    body = {key: outline[key] for key in ("type", "id", "geometry", "properties")} | flown
    assert client.request("POST", "/collections/slope/items", json=body, headers=ACTOR).status_code == 201
    assert points("datetime=2025-01-01") == 40_000
    for other in ("2020-01-01", "2026-06-01"):
        assert "content" not in client.json(f"/scenes/slope/tileset.json?datetime={other}")["root"]
    assert points("datetime=2020-01-01&as_of=v1") == 40_000
    store.close()


def test_points_outside_are_counted_and_points_of_three_coordinates_carry_their_height(client, roofs):
    east, north, up = roofs[3]
    lon, lat = transform_points([east, east + 5_000], [north, north], PLANE, parse_crs(CGCS2000))
    features = [
        {"type": "Feature", "id": f"G{row}", "geometry": {"type": "Point", "coordinates": [lon[row], lat[row], up - 0.05]},
         "properties": {}} for row in range(2)
    ]  # fmt: skip
    body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    told = client.request(
        "POST",
        "/scenes/houses/accuracy?vertical_datum=unknown",
        content=body,
        headers=ACTOR | {"Content-Type": "application/geo+json"},
    ).json()
    assert (told["summary"]["used"], told["summary"]["outside"]) == (1, 1)
    assert [point["id"] for point in told["points"]] == ["G0", "G1"]
    assert told["points"][0]["dz_m"] == pytest.approx(0.05, abs=STEP_M)
    assert told["points"][1]["height_from"] == "nothing-within-reach"
    assert told["summary"]["plane"]["rmse_m"] is None, "nobody measured in plane: unknown, not zero"


def test_residuals_become_a_layer_drawn_by_size_and_points_may_come_from_one(client, roofs):
    off = shifted(roofs)
    off[4, 2] -= 1.9
    told = post(client, "houses", table(off), **SAID, register_as="residuals", limit_z_m=0.5)
    assert told["summary"]["height"]["gross"] == 1
    items = {
        entry["id"]: entry["properties"] for entry in client.json("/collections/residuals/items?limit=50")["features"]
    }
    assert len(items) == COUNT
    assert items["P4"]["size"] == "> 2 × limit"
    assert items["P4"]["gross"] is True
    assert {entry["size"] for name, entry in items.items() if name != "P4"} == {"≤ 0.5 × limit"}
    style = client.json("/layers/residuals")["style"]
    assert style["width_by"]["values"]["> 2 × limit"] > style["width_by"]["values"]["≤ 0.5 × limit"]
    again = post(client, "houses", table(off), 409, **SAID, register_as="residuals")
    assert again["code"] == "duplicate-layer"
    # The residuals are points with heights of their own: a layer of control points like any other.
    answer = client.request("POST", "/scenes/houses/accuracy?layer=residuals&height=height_m", headers=ACTOR)
    assert answer.status_code == 422, "a layer that does not say its vertical datum is asked for it"
    client.request("DELETE", "/layers/residuals", headers=ACTOR)


@pytest.mark.parametrize(
    ("body", "asked", "status", "word"),
    [
        (b"id,x,y,h\n1,502000,4008000,5\n", {"crs": "EPSG:4549"}, 422, "--vertical-datum"),
        (b"id,x,y,h\n1,502000,4008000,5\n", {"vertical_datum": "unknown"}, 422, "crs"),
        (b"id,x,y,h\n1,502000,4008000,5\n", SAID | {"vertical_datum": "EPSG:5737"}, 422, "never converted"),
        (b"id,x,y,h\n1,4008000,502000,5\n", SAID, 422, "northing"),
        (b"id,x,y,h\n1,502000,4008000,high\n", SAID, 422, "high"),
        (b"id,x,y,h\n1,502000,4008000,5\n1,502000,4008001,5\n", SAID, 422, "Number them anew"),
        (b"id,x,y,h\n", SAID, 422, "points"),
        (b"", SAID, 422, "file"),
        (b"id,x,y,h\n1,502000,4008000,5\n", SAID | {"reach_m": 0}, 400, "reach_m=0"),
        (b"id,x,y,h\n1,502000,4008000,5\n", SAID | {"limit_z_m": "nan"}, 400, "limit_z_m"),
        (b"id,x,y,h\n1,502000,4008000,5\n", SAID | {"height": "tall"}, 422, "tall"),
    ],
)
def test_a_survey_that_cannot_be_compared_is_refused_and_the_last_report_stays(
    client, roofs, body, asked, status, word
):
    before = client.get("/scenes/houses/accuracy").content
    told = post(client, "houses", body, status if body else 400, **asked)
    assert word in json.dumps(told, ensure_ascii=False)
    assert client.get("/scenes/houses/accuracy").content == before


def test_a_notebook_checks_a_scene_by_file_and_by_layer(client, roofs, tmp_path):
    def send(method: str, path: str, **parts: object):
        answer = client.request(method, path, headers=ACTOR, **parts)
        assert answer.status_code == 200, answer.text
        return answer

    scenes, file = TownScenes(send), tmp_path / "survey.csv"
    file.write_bytes(table(shifted(roofs, up=0.05)))
    told = scenes.check_points("houses", file, equal_accuracy=True, **SAID)
    assert told["source"]["file"] == "survey.csv"
    assert told["summary"]["height"]["rmse_m"] == pytest.approx(0.05 / math.sqrt(2), abs=STEP_M)
    assert scenes.accuracy("houses") == told
    east, north, up = roofs[5]
    lon, lat = transform_points([east], [north], PLANE, parse_crs(CGCS2000))
    point = {"type": "Point", "coordinates": [lon[0], lat[0]]}
    manifest = {
        "id": "controls", "title": {"zh": "控制点", "en": "Controls"}, "department": "survey", "owner": "o", "licence": "l",
        "vertical_datum": "unknown", "geometry_type": "Point", "crs": "EPSG:4490", "schema": [{"name": "h", "type": "number"}],
        "source": {"type": "inline", "features": {"type": "FeatureCollection", "features": [
            {"type": "Feature", "id": "C1", "geometry": point, "properties": {"h": up + 1}}]}},
    }  # fmt: skip
    assert client.request("POST", "/layers", json=manifest, headers=ACTOR).status_code == 201
    told = scenes.check_points("houses", layer="controls")
    assert told["points"][0]["dz_m"] == pytest.approx(-1.0, abs=STEP_M)
    assert (told["source"]["layer"], told["source"]["version"], told["summary"]["points"]) == ("controls", 1, 1)
    with pytest.raises(BadCall):
        scenes.check_points("houses")


def test_who_may_not_describe_the_layer_may_not_check_it(client, roofs):
    body = table(shifted(roofs))
    answer = client.request(
        "POST", "/scenes/houses/accuracy?crs=EPSG:4549&vertical_datum=unknown", content=body, headers={"Content-Type": "text/csv"}
    )  # fmt: skip
    assert answer.status_code == 403
    assert client.get("/scenes/houses/accuracy").status_code in (200, 404)
    assert client.problem("GET", "/scenes/slope/accuracy", 404)["code"] == "unknown-scene", "a draft is for reviewers"


def test_the_command_line_says_the_figures_and_ends_with_one_beyond_a_limit(folder, roofs, tmp_path, capsys):
    file, report = tmp_path / "survey.csv", tmp_path / "report.json"
    file.write_bytes(table(shifted(roofs, up=-0.25), header="点号,点名,easting,northing,高程,scene_x,scene_y"))
    said = ["--crs", "EPSG:4549", "--vertical-datum", "unknown", "--data", str(folder)]
    check = ["scenes", "check-points", "houses", str(file), *said]
    assert cli.run([*check, "--limit-z", "0.3", "--report", str(report)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "RMSE · 中误差 0.250 m" in out
    assert json.loads(report.read_bytes())["summary"]["height"]["within"] is True
    assert cli.run([*check, "--limit-z", "0.2"]) == 1
    assert cli.run(["scenes", "check-points", "houses", *said]) == 2
    assert "--layer" in capsys.readouterr().err
    assert cli.run(["scenes", "build", "houses", "--data", str(folder)]) == 0
    record = json.loads((folder / "scenes/houses/scene.json").read_bytes())
    assert "measured_accuracy" not in record, "what is built anew has not been measured"
