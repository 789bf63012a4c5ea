"""Analyses over scenes of models, of another time, and before and after what is planned."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import laspy
import numpy as np
import pytest
import shapely

from analysis_town import PLACE, area, at, box_model, with_scene, with_street, with_terrain
from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from layers.policy import Action, Actor, OpenPolicy
from layers.scenes.delivery import DeliveryWish, deliver
from layers.scenes.desk import SceneDesk
from scenes3d.sources.reference import Stated
from twin.crs import parse_crs, transform_points
from twin.errors import PolicyError
from twin.feature import Feature, FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec

_HOUSES = Schema(GeometryType.POLYGON, (Property("height_m", PropertyType.NUMBER),))
GUEST = {"X-OneMap-Actor": "guest"}


class GuestsMayNotReview(OpenPolicy):
    def authorise(self, actor, action, layer_id):
        if actor.name == "guest" and action is Action.REVIEW_LAYER:
            raise PolicyError("no")


def house(name, box, height, **valid):
    return Feature(name, shapely.geometry.shape(area(*box)), {"height_m": height}, **valid)


def write(store, *features, create=None):
    with store.write("houses", Author("clerk"), create=create) as writer:
        writer.upsert(FeatureBatch.of(_HOUSES, features))
    return datetime.now(UTC).isoformat()


@pytest.fixture(scope="module")
def quarter(tmp_path_factory):
    """Scenes: "hall" is published, 20 m high at x 600 to 610; "spire" at x 700 is a draft; "old" counts from the ellipsoid.

    The layer houses: a print of the hall, 5 m high; "hut" at x 560, 3 m high, then 12 m, and at last gone; "mill" stood up to 2020.
    """
    folder = tmp_path_factory.mktemp("quarter")
    store = with_street(open_store(folder / "onemap.gpkg"))
    shelf = with_terrain(folder / "terrain", folder)
    desk = SceneDesk(store, folder / "scenes", shelf)
    with_scene(desk, box_model(folder / "hall.city.json", 600, -50, 610, 50, 24, 46))
    with_scene(desk, box_model(folder / "spire.city.json", 700, -50, 710, 50, 24, 67), published=False)
    with_scene(desk, box_model(folder / "old.city.json", -700, -10, -690, 10, 10, 30), "ellipsoidal")
    begun = {"valid_from": datetime(2000, 1, 1, tzinfo=UTC)}
    first = write(
        store,
        house("print", (600, -50, 610, 50), 5.0, **begun),
        house("hut", (560, -5, 565, 5), 3.0, **begun),
        house("mill", (520, -5, 525, 5), 30.0, valid_from=datetime(1990, 1, 1, tzinfo=UTC), valid_to=datetime(2020, 1, 1, tzinfo=UTC)),
        create=LayerSpec("houses", _HOUSES),
    )  # fmt: skip
    second = write(store, house("hut", (560, -5, 565, 5), 12.0))
    app = create_app(Settings(data_dir=folder), store, GuestsMayNotReview())
    client = AppClient(app)
    client.times, client.desk = (first, second), desk
    yield client
    app.state.jobs.close()
    shelf.close()
    store.close()


def ask(client, process, status=200, headers=None, **inputs):
    body = {"inputs": {"cell_m": 5, **inputs}}
    answer = client.request("POST", f"/processes/{process}/execution", json=body, headers=headers or {})
    assert answer.status_code == status, answer.text
    return answer.json()


def look(client, x, to, **inputs):
    """One line from 1.6 m above the ground, given as the first feature's properties and the answer."""
    document = ask(client, "line-of-sight", **{"from": at(x, 0), "to": [at(to, 0)], "buildings": "houses", **inputs})
    return document["features"][0]["properties"], document["answer"]


def test_a_published_model_stands_in_the_way_and_is_named_with_version_and_datum(quarter):
    seen, answer = look(quarter, 580, 650)
    assert (seen["verdict"], seen["blocked_by"], seen["scene"], seen["scene_feature"]) == (
        "hidden",
        "scene",
        "hall",
        "hall",
    )
    assert seen["blocked_at_m"] == pytest.approx(20, abs=0.02)
    scene = next(source for source in answer["sources"] if "scene" in source)
    assert {key: scene[key] for key in ("scene", "version", "state", "verticalDatum", "date")} == {
        "scene": "hall",
        "version": 1,
        "state": "published",
        "verticalDatum": "EPSG:5737",
        "date": "2026-03-01",
    }
    # Walls at both ends lie off the window, and a floor below the ground is no surface: two walls and a roof.
    assert scene["triangles"] == 6
    # The print of the hall is not raised as well.
    assert answer["errors"]["buildings"]["shownByScenes"] == 1
    seen, answer = look(quarter, 580, 650, scenes="none")
    assert (seen["blocked_by"], seen["building"]) == ("building", "print")
    assert not any("scene" in source for source in answer["sources"])
    assert look(quarter, 580, 650, scenes="none", from_height_m=30)[0]["verdict"] == "visible"
    assert look(quarter, 580, 650, from_height_m=30)[0]["verdict"] == "hidden"


def test_a_cloud_stands_where_it_is_named_as_columns_under_its_points(quarter, tmp_path):
    east, north = (part.ravel() for part in np.meshgrid(np.arange(450.1, 455, 0.5), np.arange(-30, 30, 0.5)))
    lon, lat = PLACE.to_geodetic(east, north)
    x, y = transform_points(lon, lat, parse_crs("EPSG:4490"), parse_crs("EPSG:4549"))
    header = laspy.LasHeader(point_format=3, version="1.2")
    header.offsets, header.scales = [x.min(), y.min(), 0], [0.001] * 3
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = x, y, np.full(len(x), 36.0)
    cloud.write(tmp_path / "trees.las")
    wish = DeliveryWish(Stated(crs="EPSG:4549", vertical_datum="EPSG:5737"), title_zh="树", title_en="trees")
    deliver(quarter.desk, "trees", [tmp_path / "trees.las"], wish, Actor("clerk"), None)
    assert look(quarter, 430, 470)[0]["verdict"] == "visible"
    seen, answer = look(quarter, 430, 470, scenes=["trees"])
    assert (seen["verdict"], seen["blocked_by"], seen["scene"]) == ("hidden", "scene", "trees")
    assert seen["blocked_at_m"] == pytest.approx(20, abs=0.6)
    assert "columns" in next(source for source in answer["sources"] if source.get("scene") == "trees")["taken_as"]


def test_heights_of_another_datum_are_left_out_or_refused_where_named_and_never_mixed(quarter):
    asked = {"from": at(-750, 0), "to": [at(-650, 0)], "buildings": "none"}
    document = ask(quarter, "line-of-sight", **asked)
    assert (document["features"][0]["properties"]["verdict"], document["answer"]["values"]["hidden"]) == ("visible", 0)
    (left,) = document["answer"]["errors"]["scenesLeftOut"]
    assert (left["scene"], left["verticalDatum"], left["groundVerticalDatum"]) == ("old", "ellipsoidal", "EPSG:5737")
    assert ("datum" in left["why"], "terrain" in left["remedy"]) == (True, True)
    assert "old" in document["answer"]["errors"]["statement"]["zh"]
    assert not any("scene" in source for source in document["answer"]["sources"])
    assert "scenesLeftOut" not in look(quarter, 580, 650)[1]["errors"]
    for named in ({"scenes": ["old"]}, {"planned_scenes": ["old"]}):
        body = {"inputs": {**asked, **named}}
        said = quarter.problem("POST", "/processes/line-of-sight/execution", 400, json=body)
        assert "old" in said["detail"]
        assert ("ellipsoidal" in said["value"], "EPSG:5737" in said["limit"]) == (True, True)
        assert "scenes" in said["remedy"]
    assert ask(quarter, "line-of-sight", **asked, scenes="none")["features"][0]["properties"]["verdict"] == "visible"
    # A level that is stated means what the scene means.
    stated = ask(quarter, "line-of-sight", **asked, ground_m=12)["answer"]
    assert (stated["values"]["hidden"], stated["verticalDatum"]["id"]) == (1, "ellipsoidal")
    both = {"from": at(-600, 0), "to": [at(550, 0)], "buildings": "none", "ground_m": 12, "scenes": ["hall", "old"]}
    assert "datum" in json.dumps(ask(quarter, "line-of-sight", 400, **both))
    # One that is named says what a stated level means; the other is left out.
    found = ask(quarter, "line-of-sight", **(both | {"scenes": "published", "planned_scenes": ["old"]}))["answer"]
    assert ([left["scene"] for left in found["errors"]["scenesLeftOut"]], found["verticalDatum"]["id"]) == (
        ["hall"],
        "ellipsoidal",
    )


def test_models_are_cut_by_sections_and_held_against_limits(quarter):
    line = {"type": "LineString", "coordinates": [at(590, 0), at(620, 0)]}
    cut = ask(quarter, "profile", line=line, step_m=1, buildings="houses")["features"]
    tops = [f["properties"]["top_m"] for f in cut if f["properties"]["scene"] == "hall"]
    assert 10 <= len(tops) <= 11
    assert tops == pytest.approx([46.0] * len(tops), abs=0.01)
    assert {f["properties"]["scene"] for f in cut} == {"hall", None}
    # From 28 m at x 500 to 30 m at x 700: 29 m are allowed where the hall begins; its ends lie beside the cone.
    cone = {"id": "vista", "eye": at(500, 0), "eye_elevation_m": 28, "left": at(700, 20), "right": at(700, -20),
            "target_elevation_m": 30}  # fmt: skip
    asked = {"area": area(560, -60, 660, 60), "view_cones": [cone], "buildings": "houses", "cell_m": 2}
    values = ask(quarter, "height-control", **asked)["answer"]["values"]
    assert (values["sceneFeatures"], values["sceneFeaturesAbove"]) == (1, 1)
    assert (values["worst"]["scene"], values["worst"]["scene_feature"]) == ("hall", "hall")
    assert values["worst"]["excess_m"] == pytest.approx(46 - 29, abs=0.03)
    none = ask(quarter, "height-control", **asked, scenes="none")["answer"]["values"]
    assert (none["sceneFeatures"], none["worst"]["building"]) == (0, "hut")


def test_a_draft_stands_only_where_it_is_named_by_who_may_review_it(quarter):
    assert look(quarter, 660, 740)[0]["verdict"] == "visible"
    seen, answer = look(quarter, 660, 740, planned_scenes=["spire"], compare=True)
    assert (seen["verdict"], seen["verdict_before"], seen["scene"]) == ("hidden", "visible", "spire")
    assert answer["values"]["compared"] == {"becomeHidden": 1, "becomeVisible": 0}
    spire = next(source for source in answer["sources"] if source.get("scene") == "spire")
    assert (spire["state"], spire["planned"]) == ("draft", True)
    body = {"inputs": {"from": at(660, 0), "to": [at(740, 0)], "planned_scenes": ["spire"], "buildings": "none"}}
    path = "/processes/line-of-sight/execution"
    assert quarter.problem("POST", path, 404, json=body, headers=GUEST)["code"] == "unknown-scene"
    job = quarter.request("POST", path, json=body, headers={"Prefer": "respond-async"}).headers["location"]
    assert quarter.problem("GET", job, 404, headers=GUEST)["code"] == "unknown-job"
    assert quarter.json(job)["jobID"]


def test_the_city_of_then_is_asked_by_what_was_known_and_by_what_held(quarter):
    first, second = quarter.times
    # From 1.6 m over the hut's near wall at 560: 3 m hide the ground close behind it, 12 m all of it.
    assert look(quarter, 540, 580, to_height_m=9)[0]["verdict"] == "hidden"
    seen, answer = look(quarter, 540, 580, to_height_m=9, as_of=first)
    assert seen["verdict"] == "visible"
    assert next(s["version"] for s in answer["sources"] if s.get("layer") == "houses") == 1
    assert look(quarter, 540, 580, to_height_m=9, as_of=second)[0]["verdict"] == "hidden"
    # The mill is gone since 2020; nobody knew of the hall's scene before it was delivered.
    assert look(quarter, 505, 540, datetime="2026-01-01")[0]["verdict"] == "visible"
    seen, _ = look(quarter, 505, 540, datetime="2010-01-01")
    assert (seen["verdict"], seen["building"]) == ("hidden", "mill")
    seen, answer = look(quarter, 580, 650, as_of="2020-01-01")
    assert (seen["verdict"], answer["errors"]["buildings"]["buildings"]) == ("visible", 0)
    for wrong, word in (
        ({"as_of": "v3"}, "versions"),
        ({"as_of": "soon"}, "soon"),
        ({"datetime": "2026-13-01"}, "2026"),
    ):
        asked = {"from": at(1, 0), "to": [at(9, 0)], "buildings": "houses", **wrong}
        assert word in json.dumps(ask(quarter, "line-of-sight", 400, **asked))


def test_a_planned_tower_is_told_before_and_after_for_every_point_and_dwelling(quarter):
    tower = {"id": "new", "footprint": area(-70, -45, -40, -30), "height_m": 60}
    asked = {
        "rule": "great-cold-2h",
        "year": 2026,
        "step_min": 10,
        "planned": [tower],
        "compare": True,
        "scenes": "none",
    }
    walls = ask(quarter, "sunlight", at=area(-65, -15, -45, 15), on="facades", spacing_m=5, **asked)
    marks = [feature["properties"] for feature in walls["features"]]
    assert {mark["building"] for mark in marks} == {"house"}
    assert len(marks) == 2 * (10 // 5) + 2 * (20 // 5)
    before = ask(quarter, "sunlight", at=area(-65, -15, -45, 15), on="facades", spacing_m=5, scenes="none",
                 rule="great-cold-2h", year=2026, step_min=10)["features"]  # fmt: skip
    assert [mark["minutes_before"] for mark in marks] == [feature["properties"]["minutes"] for feature in before]
    for mark in marks:
        assert mark["change_min"] == mark["minutes"] - mark["minutes_before"]
        assert mark["change_min"] <= 0
    values = walls["answer"]["values"]
    (own,) = values["byBuilding"]
    assert (own["building"], own["points"]) == ("house", len(marks))
    assert own["mostLost_min"] == values["compared"]["mostLost_min"] == max(-mark["change_min"] for mark in marks) > 100
    # Walls to the north have no sun in winter, with a tower or without.
    north = [mark for mark in marks if mark["minutes_before"] == 0]
    assert values["compared"]["pointsLosing"] <= len(marks) - len(north)
    assert values["compared"]["becomeBroken"] == sum(
        (mark["verdict_before"], mark["verdict"]) == ("kept", "broken") for mark in marks
    )
    sky = ask(
        quarter,
        "sky-view",
        at={"type": "Point", "coordinates": at(-55, -20)},
        planned=[tower],
        compare=True,
        scenes="none",
    )
    mark = sky["features"][0]["properties"]
    assert mark["change"] == pytest.approx(mark["sky_view"] - mark["sky_view_before"], abs=1e-4)
    assert mark["change"] < -0.1


def test_what_makes_room_is_taken_down_and_areas_are_told_from_verdict_to_verdict(quarter):
    asked = {"from": {"type": "Point", "coordinates": at(0, 0)}, "reach_m": 90, "scenes": "none"}
    open_ = ask(quarter, "viewshed", **asked, demolished=["tower"], compare=True)["answer"]["values"]
    assert set(open_["compared_m2"]) == {"hidden→visible", "inside-building→visible"}
    alone = ask(quarter, "viewshed", **asked)["answer"]["values"]["areas_m2"]
    gained = open_["compared_m2"]["hidden→visible"]
    # Where the tower stood was no ground before, and is no part of what is gained.
    laid_open = open_["compared_m2"]["inside-building→visible"]
    assert 0 < laid_open <= 10 * 100 + 10 * 25
    assert gained == pytest.approx(open_["areas_m2"]["visible"] - alone["visible"] - laid_open)
    # The tower is 100 m wide in the east: nearly all that lies behind it within reach.
    assert gained > 500
    marks = ask(quarter, "viewshed", **asked, demolished=["tower"], compare=True)["features"]
    assert {(m["properties"]["verdict_before"], m["properties"]["verdict"]) for m in marks} >= {("hidden", "visible")}
    noon = {
        "area": area(-20, 52, 95, 110),
        "instant": "2026-01-20T12:00:00+08:00",
        "demolished": ["tower"],
        "compare": True,
    }
    shadow = ask(quarter, "shadow", **noon, scenes="none")["answer"]["values"]
    assert set(shadow["compared_m2"]) == {"shadow→sun"}
    line = ask(
        quarter, "skyline", place=at(0, 0), azimuth_step_deg=30, demolished=["tower"], compare=True, scenes="none"
    )
    values = line["answer"]["values"]
    assert values["altitude_before_deg"][3] == pytest.approx(np.degrees(np.arctan(18.8 / 40)), abs=0.1)
    assert values["altitude_deg"][3] < 2
    cameras = ask(
        quarter, "camera-coverage", area=area(52, -40, 80, 40), demolished=["tower"], compare=True, scenes="none"
    )
    assert any(key.startswith("blind→") for key in cameras["answer"]["values"]["compared_m2"])
    hidden = ask(quarter, "who-sees", place=at(60, 0), demolished=["tower"], compare=True, scenes="none")
    assert ("hidden", "visible") in {
        (f["properties"]["verdict_before"], f["properties"]["verdict"]) for f in hidden["features"]
    }
    assert "nobody" in json.dumps(ask(quarter, "viewshed", 400, **asked, demolished=["nobody"]))
    assert "compare needs" in json.dumps(ask(quarter, "viewshed", 400, **asked, compare=True))
    shown = {"from": at(580, 0), "to": [at(650, 0)], "buildings": "houses", "demolished": ["print"]}
    assert "shown by a scene" in json.dumps(ask(quarter, "line-of-sight", 400, **shown))
