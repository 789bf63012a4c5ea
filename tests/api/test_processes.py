"""Analyses over HTTP: described, asked, refused, run as jobs, kept as layers; and by the command line and the client."""

from __future__ import annotations

import json
import threading
import time

import laspy
import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from analysis_town import PLACE, area, at, with_street, with_terrain
from api import cli
from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from layers.analysis.processes import PROCESSES
from layers.policy import Action, OpenPolicy
from scenes3d.analysis.sunlight import sun_through_the_day, sunlight_rule
from twin.client_analyses import TownAnalyses
from twin.client_errors import raise_for_problem
from twin.crs import parse_crs, transform_points
from twin.errors import NotFound, PolicyError
from twin.store import open_store

EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
SECRET = "cameras"


class SomeMayNot(OpenPolicy):
    """Whoever is called guest may not know of the cameras."""

    def authorise(self, actor, action, layer_id):
        if actor.name == "guest" and layer_id == SECRET and action is Action.READ:
            raise PolicyError("no")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("analysis")


@pytest.fixture(scope="module")
def street(folder):
    store = with_street(open_store(folder / "onemap.gpkg"))
    with_terrain(folder / "terrain", folder).close()
    app = create_app(
        Settings(data_dir=folder, analysis_rays_max=5_000_000, analysis_cells_max=2_000_000), store, SomeMayNot()
    )
    yield AppClient(app)
    app.state.jobs.close()
    store.close()


def ask(client, process, status=200, headers=None, **inputs):
    body = {"inputs": inputs}
    answer = client.request("POST", f"/processes/{process}/execution", json=body, headers=headers or {})
    assert answer.status_code == status, answer.text
    return answer.json()


def verdicts(document, name="verdict"):
    return [feature["properties"][name] for feature in document["features"]]


def test_every_process_is_described_and_its_example_is_taken(street):
    listed = street.json("/processes")["processes"]
    assert [entry["id"] for entry in listed] == list(PROCESSES)
    for entry in listed:
        described = street.json(f"/processes/{entry['id']}")
        assert described["inputs"]["cell_m"]["minOccurs"] == 0
        assert set(described["example"]["inputs"]) <= set(described["inputs"])
        assert "$ref" not in json.dumps(described)
        for name, said in described["inputs"].items():
            assert said["titles"]["zh"] != name, name
            assert said["schema"]["title"] == said["title"]
            assert ("x-ogc-unit" in said["schema"]) == name.endswith(("_m", "_m3", "_min", "_deg", "_hour", "_px"))
        schema = described["outputs"]["result"]["schema"]
        assert schema.get("oneOf", [schema])[0]["contentMediaType"] == "application/geo+json"
        if entry["id"] != "stockpile":
            ask(street, entry["id"], **described["example"]["inputs"])
    assert len(street.json("/processes?limit=2")["processes"]) == 2
    assert street.problem("GET", "/processes/none", 404)["type"] == EXCEPTIONS + "no-such-process"
    assert any("ogcapi-processes-1/1.0/conf/dismiss" in c for c in street.json("/conformance")["conformsTo"])


def test_an_answer_says_what_it_rests_on(street):
    document = ask(street, "line-of-sight", **{"from": at(0, 0), "to": [at(30, 0), at(70, 0)]})
    assert verdicts(document) == ["visible", "hidden"]
    hidden = document["features"][1]["properties"]
    assert (hidden["blocked_by"], hidden["building"]) == ("building", "tower")
    # Eye 1.6 m above 20 m, tower's near wall at 40 m.
    assert hidden["blocked_at_m"] == pytest.approx(40 * hidden["distance_m"] / 70, abs=0.01)
    answer = document["answer"]
    assert answer["verticalDatum"]["id"] == "EPSG:5737"
    assert {source.get("terrain", source.get("layer")) for source in answer["sources"]} == {"dem", "buildings"}
    assert next(s for s in answer["sources"] if "layer" in s)["version"] == 1
    assert answer["inputs"]["to"] == [at(30, 0), at(70, 0)]
    assert answer["errors"]["statement"]["zh"]
    assert answer["errors"]["terrainPixel_m"] == pytest.approx(11.1, abs=0.1)


def test_the_error_statement_is_worked_out_from_curve_resolution_and_what_owners_state(street):
    far = {"from": {"type": "Point", "coordinates": at(0, 0)}, "reach_m": 800, "cell_m": 20}
    errors = ask(street, "viewshed", **far, refraction=0.2, terrain_error_m=0.3)["answer"]["errors"]
    accuracy = errors["accuracy"]
    assert (accuracy["curvature"], accuracy["refraction"], accuracy["reach_m"]) == ("curved", 0.2, 800)
    assert accuracy["curvatureDrop_m"] == pytest.approx(0.8 * 800**2 / (2 * accuracy["earthRadius_m"]), abs=1e-4)
    assert accuracy["interpolation_m"] == pytest.approx(0, abs=0.01)  # the slope is a plane
    assert accuracy["terrain_m"] == 0.3
    assert accuracy["height_m"] == pytest.approx(0.3, abs=0.01)
    assert accuracy["notQuantified"] == ["buildings"]
    assert "k = 0.2" in errors["statement"]["en"]
    assert "建筑高度" in errors["statement"]["zh"]
    flat = ask(street, "viewshed", **far, flat_earth=True)["answer"]["errors"]["accuracy"]
    assert flat["curvatureLeftOut_m"] == pytest.approx(0.05, abs=0.001)
    assert flat["notQuantified"] == ["terrain", "buildings"]
    stated = ask(street, "flood", area=area(0, 0, 9, 9), sources=[at(5, 5)], level_m=21, ground_m=20)["answer"][
        "errors"
    ]
    assert stated["accuracy"]["notQuantified"] == []


def test_buildings_without_height_and_ground_without_data_are_said_and_not_taken_for_zero(street):
    document = ask(street, "line-of-sight", **{"from": at(-100, 0), "to": [at(-70, 0), at(0, 700)]})
    assert verdicts(document) == ["visible", "unknown"]
    assert document["features"][1]["properties"]["to_elevation_m"] is None
    errors = document["answer"]["errors"]
    assert errors["buildings"]["withoutHeight"] == 1
    assert {fault["fault"] for fault in errors["heights"]["faults"]} == {"height-from-floors", "height-missing"}
    assert errors["groundUnknownShare"] > 0.05


def test_cameras_of_the_layer_answer_who_sees_this(street):
    seen = ask(street, "who-sees", place=at(30, 0))["answer"]["values"]
    assert (seen["seenBy"], seen["pointedButHidden"], seen["camerasNotUsable"]) == (["east"], ["behind"], 1)
    alone = ask(street, "who-sees", place=at(30, 0), only=["behind"])["answer"]["values"]
    assert (alone["cameras"], alone["seenBy"], alone["pointedButHidden"]) == (1, [], ["behind"])
    coverage = ask(street, "camera-coverage", area=area(0, -40, 80, 40), cell_m=2)
    areas = coverage["answer"]["values"]["areas_m2"]
    assert areas["covered"] + areas["blind"] + areas["unknown"] == pytest.approx(areas["area"])
    # The tower, 10 m of 80, is no ground.
    assert coverage["answer"]["values"]["insideBuildings_m2"] == pytest.approx(800, rel=0.05)
    assert areas["area"] == pytest.approx(6400 - 800, rel=0.05)
    assert {f["properties"]["verdict"] for f in coverage["features"]} >= {"blind", "inside-building"}
    covered = next(f for f in coverage["features"] if f["properties"]["verdict"] == "one-camera")
    assert shapely.contains_xy(shape(covered["geometry"]), *at(30, 0))
    assert not shapely.contains_xy(shape(covered["geometry"]), *at(60, 30))


def test_lenses_of_gb_t_28181_are_read_by_their_own_names_and_tilt_cuts_the_sector(street):
    # "fixed" faces east (DirectionType 1), is 60° wide and 30° high, sees 80 m, and is tilted down by 45° from 6 m.
    asked = {"place": at(6, 0), "cameras": "gb-cameras"}
    found = ask(street, "who-sees", **asked)["answer"]["values"]
    assert found["cameraProperties"] == {
        "height_property_of_cameras": "height_m",
        "azimuth": "DirectionType",
        "fov": "HorizontalFieldAngle",
        "vertical_fov": "VerticalFieldAngle",
        "range": "MaxViewDistance",
    }
    assert (found["seenBy"], found["camerasWithoutTilt"]) == (["fixed"], 1)
    tilted = asked | {"pitch_property": "down", "pitch_counts_down": True}
    assert ask(street, "who-sees", **tilted)["answer"]["values"]["seenBy"] == ["fixed"]
    # Beyond 6 m / tan(30°) = 10.4 m the upper side of the picture passes over the pavement; that of a level camera holds it
    # from 6 m / tan(15°) = 22.4 m on.
    far = tilted | {"place": at(30, 0), "target_height_m": 0}
    assert ask(street, "who-sees", **far)["answer"]["values"]["seenBy"] == []
    assert ask(street, "who-sees", **(far | {"pitch_property": "level"}))["answer"]["values"]["seenBy"] == ["fixed"]
    # 1920 px over 60° are 250 px/m up to 6.65 m.
    sharp = {**asked, "pixels_per_m": 250}
    assert ask(street, "who-sees", **sharp)["answer"]["values"]["seenBy"] == ["fixed"]
    assert ask(street, "who-sees", **(sharp | {"place": at(8, 0)}))["answer"]["values"]["seenBy"] == []
    assert "unknown-property" in json.dumps(ask(street, "who-sees", 400, **asked, pitch_property="tilt"))


def test_a_planned_tower_takes_the_sun_from_its_neighbour(street):
    place = {"type": "Point", "coordinates": at(0, 0)}
    asked = {"at": place, "rule": "great-cold-2h", "year": 2026, "step_min": 10}
    before = ask(street, "sunlight", **asked)
    tower = {"id": "new", "footprint": area(-60, -40, 60, -20), "height_m": 90}
    after = ask(street, "sunlight", **asked, planned=[tower])
    assert verdicts(before) == ["kept"]
    assert verdicts(after) == ["broken"]
    assert after["answer"]["errors"]["buildings"]["planned"] == 1
    assert before["answer"]["values"]["date"] == "2026-01-20"


def test_the_share_of_an_area_that_keeps_a_rule_is_that_of_its_open_ground(street):
    """One box on a plane: the same by hand, cell for cell, from the sun's places and a slab test."""
    box, top = np.array([(-11.0, -9.0), (11.0, 7.0)]), 30.0
    asked = {"at": area(-45, -35, 45, 55), "spacing_m": 6, "rule": "great-cold-2h", "year": 2026, "step_min": 10}
    volume = {"id": "box", "footprint": area(*box.ravel()), "height_m": top}
    alone = {**asked, "ground_m": 0, "buildings": "none", "planned": [volume]}
    document = ask(street, "sunlight", **alone, compare=True)
    values, marks = document["answer"]["values"], [feature["properties"] for feature in document["features"]]
    rule = sunlight_rule("great-cold-2h")
    assert rule.shortest_stretch_min <= 10
    sun = sun_through_the_day(rule.day(2026), (PLACE.lon, PLACE.lat), (rule.from_hour, rule.to_hour), 10)
    places = np.array([feature["geometry"]["coordinates"] for feature in document["features"]])
    plan = np.column_stack(PLACE.to_local(places[:, 0], places[:, 1]))
    own = ((plan > box[0]) & (plan < box[1])).all(axis=1)
    minutes = np.zeros(len(plan))
    for way in sun.directions[sun.altitude_deg > 0.5]:
        cuts = np.sort((box[:, None, :] - plan) / way[:2], axis=0)
        enters, leaves = cuts[0].max(axis=1), np.minimum(cuts[1].min(axis=1), (top - rule.sill_m) / way[2])
        minutes += 10.0 * ~((enters < leaves) & (leaves > 0))
    kept = int((minutes[~own] >= rule.least_minutes).sum())
    assert 0 < kept < (~own).sum()
    assert own.sum() == values["insideBuildings"] == values["compared"]["builtOver"] == 3 * 3
    assert values["verdicts"] == {"kept": kept, "broken": int((~own).sum()) - kept, "unknown": 0}
    assert [mark["inside_building"] for mark in marks] == own.tolist()
    assert [mark["verdict"] == "inside-building" for mark in marks] == own.tolist()
    assert [mark["minutes"] for mark in marks] == [
        None if no else each for no, each in zip(own, minutes.tolist(), strict=True)
    ]
    # The box's own ground is no part of the comparison: it was in the sun all day.
    assert (values["points"], values["withoutGround"], values["compared"]["points"]) == (len(plan), 0, (~own).sum())
    assert values["compared"]["verdictsBefore"] == {"kept": int((~own).sum()), "broken": 0, "unknown": 0}
    assert values["compared"]["becomeBroken"] == values["verdicts"]["broken"]
    assert {mark["change_min"] for mark in marks if mark["inside_building"]} == {None}
    assert not any(mark["inside_building_before"] for mark in marks)
    sky = ask(
        street, "sky-view", **{key: alone[key] for key in ("at", "spacing_m", "ground_m", "buildings", "planned")}
    )
    seen = sky["answer"]["values"]
    assert (seen["insideBuildings"], seen["withoutGround"]) == (own.sum(), 0)
    assert seen["skyViewLeast"] > 0.2
    # Above the roof there is open air.
    assert ask(street, "sunlight", **alone, height_m=30.5)["answer"]["values"]["insideBuildings"] == 0


def test_shadow_sky_skyline_section_and_control_agree_with_the_tower(street):
    shadow = ask(street, "shadow", area=area(0, 50, 90, 110), instant="2026-01-20T12:00:00+08:00", cell_m=2)
    values = shadow["answer"]["values"]
    # The tower is 10 m wide and its shadow 20 m / tan(33.5°) long, on ground that is nearly level;
    # the sun stands 3° off south, which makes it a little wider.
    assert values["areas_m2"]["shadow"] == pytest.approx(
        10 * 20 / np.tan(np.radians(values["sun"]["altitude_deg"])), rel=0.12
    )
    line = ask(street, "skyline", place=at(0, 0), azimuth_step_deg=30)["answer"]["values"]
    # Foot of the tower at 20.4 m, its top 20 m above; eye at 21.6 m.
    assert line["altitude_deg"][3] == pytest.approx(np.degrees(np.arctan(18.8 / 40)), abs=0.1)
    sky = ask(street, "sky-view", at={"type": "Point", "coordinates": at(35, 0)})["answer"]["values"]
    assert 0.5 < sky["skyViewLeast"] < 0.75
    section = ask(street, "profile", line={"type": "LineString", "coordinates": [at(0, 0), at(90, 0)]}, step_m=1)
    tops = [f["properties"]["top_m"] for f in section["features"] if f["properties"]["under_building"]]
    assert tops[0] == pytest.approx(40.4, abs=0.02)
    assert 10 <= len(tops) <= 11  # both walls lie on a point of the section
    cone = {
        "id": "vista",
        "eye": at(0, 0),
        "eye_elevation_m": 22,
        "left": at(100, -20),
        "right": at(100, 20),
        "target_elevation_m": 30,
    }
    control = ask(street, "height-control", area=area(-100, -100, 100, 100), view_cones=[cone])["answer"]["values"]
    assert control["above"] == 1
    assert control["worst"]["excess_m"] == pytest.approx(40.4 - (22 + 8 * 0.4), abs=0.05)


def test_a_city_puts_its_own_tables_of_rules_over_ours(street, folder):
    choices = street.json("/processes/sunlight")["inputs"]["rule"]["schema"]["x-choices"]
    assert [choice["value"] for choice in choices][:2] == ["great-cold-2h", "great-cold-3h"]
    assert all(choice["weak"] and choice["source"] for choice in choices)
    asked = {"at": {"type": "Point", "coordinates": at(0, 0)}, "year": 2026, "step_min": 30}
    ours = ask(street, "sunlight", **asked, rule="great-cold-2h")["answer"]["values"]["rule"]
    assert (ours["leastMinutes"], ours["of"], ours["weak"]) == (120, "One Map", True)
    own = {"id": "great-cold-2h", "title": {"zh": "本市规定", "en": "Our city"}, "solar_longitude_deg": 300, "from_hour": 8,
           "to_hour": 16, "least_minutes": 150, "shortest_stretch_min": 10, "sill_m": 1.0, "source": "City rules 2025, 12"}  # fmt: skip
    table = folder / "rules" / "sunlight_rules.json"
    table.parent.mkdir()
    table.write_text(json.dumps({"rules": [own, own | {"id": "school"}]}), encoding="utf-8")
    found = ask(street, "sunlight", **asked, rule="great-cold-2h")["answer"]["values"]
    assert (found["rule"]["leastMinutes"], found["rule"]["of"], found["rule"]["weak"]) == (150, "city", False)
    assert (len(found["rule"]["sha256"]), found["height_m"]) == (64, 1.0)
    assert ask(street, "sunlight", **asked, rule="great-cold-3h")["answer"]["values"]["rule"]["of"] == "One Map"
    offered = street.json("/processes/sunlight")["inputs"]["rule"]["schema"]["x-choices"]
    assert offered[-1]["value"] == "school"
    table.write_text(json.dumps({"rules": [own | {"from_hour": 17}]}), encoding="utf-8")
    said = street.problem("POST", "/processes/sunlight/execution", 422, json={"inputs": asked | {"rule": "school"}})
    assert (said["value"], "hours" in said["remedy"]) == ("sunlight_rules.json", True)
    table.unlink()
    runway = {"ends": [at(-900, -300), at(900, -300)], "elevations_m": [20.0, 20.0]}
    judge = {"area": area(-100, -100, 100, 100)}
    precise = ask(street, "height-control", **judge, runways=[runway])["answer"]["values"]
    small = ask(street, "height-control", **judge, runways=[runway | {"kind": "non-instrument-1"}])["answer"]["values"]
    # The tower's top is at 40.4 m; at its south end, 250 m beside the runway, 20 + (250 - 140) · 14.3 % are allowed, and
    # 20 + (250 - 30) · 20 % beside a narrow one.
    assert precise["worst"]["limit_m"] == pytest.approx(35.73, abs=0.02)
    assert (small["above"], small["underSurfaces"]) == (0, 3)
    assert small["runways"][0]["title"]["en"] == "Non-instrument, code number 1"
    assert precise["runways"][0]["source"].startswith("ICAO Annex 14")
    assert "non-precision-3" in json.dumps(
        ask(street, "height-control", 400, **judge, runways=[runway | {"kind": "water"}])
    )


def test_water_and_earth_on_a_slope(street):
    flood = ask(street, "flood", area=area(-200, -100, 200, 100), sources=[at(-150, 0)], level_m=20.0)
    values = flood["answer"]["values"]
    # A wedge 2 m deep in the west and 200 m long.
    assert values["volume_m3"] == pytest.approx(0.5 * 2 * 200 * 200, rel=0.05)
    assert values["ending"] == "left-the-area"
    gone = ask(street, "flood", area=area(-200, -100, 200, 100), sources=[at(-150, 0)], inflow_m3=500)
    assert gone["answer"]["values"]["surplus_m3"] == 500
    cut = ask(street, "cut-fill", area=area(-100, -50, 100, 50), level_m=20)["answer"]["values"]
    assert cut["cut_m3"] == pytest.approx(0.5 * 1 * 100 * 100, rel=0.06)
    assert cut["net_m3"] == pytest.approx(0, abs=60)


def test_a_stockpile_is_measured_from_a_cloud_of_the_inbox(street, folder):
    random = np.random.default_rng(4)
    x, y = random.uniform(-25, 25, (2, 60_000))
    lon, lat = PLACE.to_geodetic(x, y)
    east, north = transform_points(lon, lat, parse_crs("EPSG:4490"), parse_crs("EPSG:4549"))
    header = laspy.LasHeader(point_format=3, version="1.2")
    header.offsets, header.scales = [east.min(), north.min(), 0], [0.001] * 3
    cloud = laspy.LasData(header)
    cloud.x, cloud.y = east, north
    cloud.z = 30 + np.maximum(8 * (1 - np.hypot(x, y) / 15), 0)
    (folder / "inbox").mkdir()
    cloud.write(folder / "inbox" / "heap.laz")
    asked = {"area": area(-20, -20, 20, 20), "cloud": "heap.laz", "cell_m": 0.5}
    assert (
        street.problem("POST", "/processes/stockpile/execution", 422, json={"inputs": asked})["code"] == "missing-crs"
    )
    found = ask(street, "stockpile", **asked, crs="EPSG:4549+5737")["answer"]
    assert found["values"]["volume_m3"] == pytest.approx(np.pi * 225 * 8 / 3, rel=0.01)
    assert found["verticalDatum"]["id"] == "EPSG:5737"
    ask(street, "stockpile", 422, **(asked | {"crs": "EPSG:2229"}))
    (folder / "inbox" / "cut.laz").write_bytes((folder / "inbox" / "heap.laz").read_bytes()[:20_000])
    ask(street, "stockpile", 422, **(asked | {"crs": "EPSG:4549", "cloud": "cut.laz"}))


@pytest.mark.parametrize(
    ("process", "inputs", "where"),
    [
        ("flood", {"area": area(0, 0, 9, 9), "sources": [at(1, 1)]}, "say either"),
        ("flood", {"area": area(0, 0, 9, 9), "sources": [at(1, 1)], "level_m": 20, "depth": 3}, "/depth"),
        ("viewshed", {"from": {"type": "Point", "coordinates": [36.28, 120.0]}}, "longitude first"),
        ("viewshed", {"from": {"type": "Point", "coordinates": at(0, 0)}, "reach_m": 60_000, "cell_m": 0.1}, "rays"),
        ("profile", {"line": {"type": "LineString", "coordinates": [at(0, 0), [125.0, 36.28]]}}, "km"),
        ("cut-fill", {"area": area(0, 0, 30_000, 30_000), "level_m": 3}, "cells"),
        ("sunlight", {"at": area(0, 0, 9, 9), "rule": "summer", "year": 2026}, "summer"),
        ("sunlight", {"at": area(0, 0, 9, 9)}, "either a rule"),
        ("shadow", {"area": area(0, 0, 9, 9), "instant": "2026-01-20T02:00:00+08:00"}, "altitude"),
        ("shadow", {"area": area(0, 0, 9, 9), "instant": "2026-01-20T12:00:00"}, "timezone"),
        ("line-of-sight", {"from": {"href": "http://elsewhere.test/x"}, "to": [at(1, 1)]}, "elsewhere"),
        ("height-control", {"area": area(0, 0, 9, 9)}, "at least one"),
    ],
)
def test_questions_that_cannot_be_answered_are_refused_with_value_limit_and_remedy(street, process, inputs, where):
    said = street.problem("POST", f"/processes/{process}/execution", 400, json={"inputs": inputs})
    assert where in json.dumps(said, ensure_ascii=False)
    assert said["value"] is not None or said["findings"]
    assert said["limit"]
    assert said["remedy"]


def test_bodies_that_are_no_execution_are_refused(street):
    path = "/processes/flood/execution"
    assert street.problem("POST", path, 400, json={"input": {}})["code"] == "malformed-body"
    assert street.problem("POST", path, 400, json={"inputs": {}, "response": "zip"})["value"] == "zip"
    by_reference = {"result": {"transmissionMode": "reference"}}
    assert "by value" in street.problem("POST", path, 400, json={"inputs": {}, "outputs": by_reference})["limit"]
    street.problem("POST", path, 415, content=b"{}", headers={"Content-Type": "text/plain"})


def finished(client, address):
    for _ in range(400):
        job = client.json(address)
        if job["status"] not in ("accepted", "running"):
            return job
        time.sleep(0.025)
    raise AssertionError(job)


def test_a_job_is_followed_to_its_result_and_removed(street):
    body = {"inputs": {"from": at(0, 0), "to": [at(30, 0)]}, "response": "document"}
    answer = street.request(
        "POST", "/processes/line-of-sight/execution", json=body, headers={"Prefer": "respond-async"}
    )
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "respond-async"
    address = answer.headers["location"]
    job = finished(street, address)
    assert (job["status"], job["progress"]) == ("successful", 100)
    result = street.json(next(link["href"] for link in job["links"] if link["rel"].endswith("/results")))
    assert result["result"]["value"]["features"][0]["properties"]["verdict"] == "visible"
    listed = street.json("/jobs?processID=line-of-sight,flood&status=successful&minDuration=0&limit=5")["jobs"]
    assert [entry["jobID"] for entry in listed] == [job["jobID"]]
    assert street.json("/jobs?processID=flood")["jobs"] == []
    assert street.json("/jobs?datetime=../2020-01-01")["jobs"] == []
    assert street.request("DELETE", address).json()["status"] == "dismissed"
    assert street.problem("GET", address, 404)["type"] == EXCEPTIONS + "no-such-job"
    for query in ("status=done", "minDuration=-1", "limit=0", "type=dance"):
        street.problem("GET", f"/jobs?{query}", 400)


def test_a_job_that_fails_says_what_went_wrong(street):
    body = {"inputs": {"area": area(0, 0, 9, 9), "instant": "2026-01-20T02:00:00+08:00"}}
    answer = street.request("POST", "/processes/shadow/execution", json=body, headers={"Prefer": "respond-async"})
    job = finished(street, answer.headers["location"])
    assert (job["status"], job["problem"]["code"]) == ("failed", "bad-analysis")
    assert street.problem("GET", answer.headers["location"] + "/results", 422)["code"] == "bad-analysis"


def test_a_job_is_dismissed_while_it_runs(street):
    shelf, begun, go_on = street.app.state.jobs, threading.Event(), threading.Event()

    def work(told):
        begun.set()
        assert go_on.wait(20)
        told(0.5)
        raise AssertionError("dismissed work goes on")

    job = shelf.start("flood", "somebody", (), work)
    assert begun.wait(20)
    assert street.problem("GET", f"/jobs/{job.id}/results", 404)["type"] == EXCEPTIONS + "result-not-ready"
    assert street.request("DELETE", f"/jobs/{job.id}").json()["status"] == "dismissed"
    go_on.set()
    shelf.run(lambda: None)
    assert street.json(f"/jobs/{job.id}")["status"] == "dismissed"
    assert street.problem("GET", f"/jobs/{job.id}/results", 404)


def test_nobody_hears_of_layers_or_jobs_that_are_not_for_them(street):
    guest = {"X-OneMap-Actor": "guest"}
    asked = {"inputs": {"place": at(30, 0)}}
    assert (
        street.problem("POST", "/processes/who-sees/execution", 404, json=asked, headers=guest)["code"]
        == "unknown-layer"
    )
    answer = street.request("POST", "/processes/who-sees/execution", json=asked, headers={"Prefer": "respond-async"})
    address = answer.headers["location"]
    finished(street, address)
    assert street.problem("GET", address, 404, headers=guest)["code"] == "unknown-job"
    assert street.problem("GET", f"{address}/results", 404, headers=guest)["code"] == "unknown-job"
    street.problem("DELETE", address, 404, headers=guest)
    assert answer.json()["jobID"] not in street.get("/jobs", headers=guest).text
    ask(street, "line-of-sight", headers=guest, **{"from": at(0, 0), "to": [at(30, 0)]})


def test_a_result_is_kept_as_an_ordinary_layer(street):
    asked = {
        "from": {"type": "Point", "coordinates": at(0, 0)},
        "reach_m": 150,
        "register_as": {"id": "seen", "title": "看得见"},
    }
    document = ask(street, "viewshed", **asked)
    assert document["answer"]["layer"] == "seen"
    items = street.json("/collections/seen/items")
    assert sorted(verdicts(items)) == sorted(verdicts(document))
    areas = sum(f["properties"]["area_m2"] for f in items["features"])
    assert areas == pytest.approx(np.pi * 150**2, rel=0.05)
    assert street.json("/collections/seen")["title"].startswith("看得见")
    ask(street, "viewshed", 409, **asked)


def test_the_command_line_gives_the_same_numbers(street, folder, capfd, tmp_path):
    out = tmp_path / "seen.geojson"
    words = [f"from={json.dumps(at(0, 0))}", f"to={json.dumps([at(30, 0), at(70, 0)])}"]
    assert cli.run(["analyse", "line-of-sight", *words, "--out", str(out), "--data", str(folder)]) == 0
    assert json.loads(capfd.readouterr().out)["values"]["hidden"] == 1
    assert verdicts(json.loads(out.read_text(encoding="utf-8"))) == ["visible", "hidden"]
    assert cli.run(["analyse", "--data", str(folder)]) == 0
    assert "通视分析" in capfd.readouterr().out
    assert cli.run(["analyse", "flood", "level", "--data", str(folder)]) == 2
    assert "name=value" in capfd.readouterr().err
    assert cli.run(["analyse", "flood", "--describe"]) == 0
    assert "inflow_m3" in capfd.readouterr().out


@pytest.fixture(scope="module")
def town(street):
    """The client over the same application, in this process."""

    def send(method, address, **parts):
        answer = street.request(method, address, **parts)
        raise_for_problem(answer)
        return answer

    return TownAnalyses(send)


def test_the_client_gives_frames_and_waits_for_jobs(town):
    assert town.processes().loc["flood", "title"] == "淹没分析 Flood"
    assert "level_m" in town.describe("flood")["inputs"]
    seen = town.run("line-of-sight", {"from": at(0, 0)}, to=[at(30, 0), at(70, 0)])
    assert seen["verdict"].tolist() == ["visible", "hidden"]
    assert seen.crs.to_epsg() == 4490
    job = town.start("line-of-sight", {"from": at(0, 0)}, to=[at(70, 0)])
    assert job.wait(20).attrs["answer"]["values"]["hidden"] == 1
    job.dismiss()
    with pytest.raises(NotFound):
        job.status()
    empty = town.run("flood", area=area(-200, -100, 200, 100), sources=[at(150, 0)], level_m=1)
    assert empty.empty
    assert empty.attrs["answer"]["values"]["area_m2"] == 0
