"""`onemap scenes heights`: attributes with their provenance, unknown where nothing is known, and nothing half-written."""

from __future__ import annotations

import json

import laspy
import numpy as np
import pytest

from api import cli
from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from twin.crs import parse_crs, transform_points
from twin.query import FeatureQuery
from twin.store import open_store

EAST, NORTH = 500_000.0, 4_013_000.0


def written(path, spots, classes):
    header = laspy.LasHeader(version="1.4", point_format=6)
    header.scales, header.offsets = np.full(3, 0.001), np.array([EAST, NORTH, 0.0])
    record = laspy.ScaleAwarePointRecord.zeros(len(spots), header=header)
    x, y, z = np.array(spots, dtype=float).T
    record.x, record.y, record.z = EAST + x, NORTH + y, z
    record.classification = np.array(classes, dtype=np.uint8)
    with laspy.open(path, mode="w", header=header) as writer:
        writer.write_points(record)
    return str(path)


def square(x, y, side=10.0):
    corners = np.array([(0, 0), (side, 0), (side, side), (0, side), (0, 0)]) + np.array([x, y])
    lon, lat = transform_points(
        EAST + corners[:, 0], NORTH + corners[:, 1], parse_crs("EPSG:4549"), parse_crs("EPSG:4490")
    )
    return {"type": "Polygon", "coordinates": [np.column_stack([lon, lat]).tolist()]}


@pytest.fixture
def town(tmp_path):
    """Three houses: one with roof and ground, one without ground, one without points."""
    houses = [("a", 0, "office"), ("b", 100, "school"), ("c", 200, None)]
    features = [
        {"type": "Feature", "geometry": square(x, 0), "properties": {"name": name, "use": use}}
        for name, x, use in houses
    ]
    (tmp_path / "houses.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    spots = [(2 + k / 10, 5, 32.5) for k in range(9)] + [(-1, k, 20.25) for k in range(9)]
    spots += [(102 + k / 10, 5, 41.0) for k in range(9)]
    cloud = written(tmp_path / "survey.las", spots, [6] * 9 + [2] * 9 + [6] * 9)
    assert (
        cli.run(
            ["import", str(tmp_path / "houses.geojson"), "--layer", "houses", "--id-property", "name", *at(tmp_path)]
        )
        == 0
    )
    return tmp_path, cloud


def at(folder):
    return ["--data", str(folder / "data")]


SAID = ["--crs", "EPSG:4549", "--vertical-datum", "EPSG:5737"]


def rows(folder, layer):
    store = open_store(folder / "data/onemap.gpkg")
    batch = store.select(layer, FeatureQuery())
    document = store.layer(layer).document
    store.close()
    return {
        name: {key: values[row] for key, values in batch.columns.items()} for row, name in enumerate(batch.ids)
    }, document


def test_heights_become_a_layer_that_says_where_they_come_from(town, capsys):
    folder, cloud = town
    command = ["scenes", "heights", "houses", cloud, "--into", "tall", *SAID, *at(folder)]
    capsys.readouterr()
    assert cli.run(command) == 0
    told = capsys.readouterr().out
    assert "tall: 1 of 3 heights" in told
    assert "1 × too few roof points" in told
    assert "2 × too few ground points" in told
    found, document = rows(folder, "tall")
    assert found["a"] == {"name": "a", "use": "office", "height_m": 12.25, "roof_m": 32.5, "ground_m": 20.25, "roof_points": 9, "ground_points": 9}  # fmt: skip
    assert (found["b"]["roof_m"], found["b"]["ground_m"], found["b"]["height_m"]) == (41.0, None, None)
    assert (found["c"]["height_m"], found["c"]["roof_points"], found["c"]["use"]) == (None, 0, None)
    (step,) = document["lineage"]
    assert (step["step"], step["layer"], step["vertical_datum"]) == ("heights", "houses", "EPSG:5737")
    assert (len(step["files"][0]["sha256"]), step["rule"]["roof_percentile"]) == (64, 90.0)
    assert (document["vertical_datum"], document["style"]["extrude"]["property"]) == ("EPSG:5737", "height_m")
    # Once more: the same layer anew, as the footprints stand now.
    assert (
        cli.run(["scenes", "heights", "houses", cloud, "--into", "tall", "--roof-percentile", "0", *SAID, *at(folder)])
        == 0
    )
    assert rows(folder, "tall")[0]["a"] == found["a"]
    # The layer has the columns now, so it can be measured itself.
    assert (
        cli.run(["scenes", "heights", "tall", cloud, "--ground-reach", "2", "--least-points", "10", *SAID, *at(folder)])
        == 0
    )
    again, document = rows(folder, "tall")
    assert (again["a"]["ground_m"], again["a"]["height_m"], again["a"]["use"]) == (None, None, "office")
    assert [step["step"] for step in document["lineage"]] == ["heights"] * 3


def test_feet_come_from_a_property_and_unknown_ones_are_left_out(town, capsys):
    folder, cloud = town
    assert (
        cli.run(["scenes", "heights", "houses", cloud, "--into", "tall", "--least-points", "9", *SAID, *at(folder)])
        == 0
    )
    capsys.readouterr()
    assert cli.run(["scenes", "build", "tall", "--height", "roof_m", "--base", "ground_m", *at(folder)]) == 0
    told = capsys.readouterr().out
    assert "1 of 3" in told
    assert "1 × base-unknown" in told
    store = open_store(folder / "data/onemap.gpkg")
    client = AppClient(create_app(Settings(data_dir=folder / "data"), store))
    root = client.json("/scenes/tall/tileset.json")["root"]
    assert root["boundingVolume"]["region"][4:] == pytest.approx((20.25, 52.75), abs=0.03)
    assert client.json("/scenes/tall")["vertical_datum"] == "EPSG:5737"
    before = client.get("/scenes/tall/tileset.json").content
    # An edit of a foot moves the building, by the way of patches.
    change = {"properties": {"ground_m": 25.0}}
    headers = {"Content-Type": "application/merge-patch+json"}
    assert client.request("PATCH", "/collections/tall/items/a", json=change, headers=headers).status_code in (200, 204)
    moved = client.json("/scenes/tall/tileset.json")["root"]["boundingVolume"]["region"]
    assert moved[4:] == pytest.approx((25.0, 57.5), abs=0.03)
    assert client.get("/scenes/tall/tileset.json").content != before
    store.close()


def test_what_cannot_be_measured_is_refused_and_nothing_is_written(town, tmp_path, capsys):
    folder, cloud = town
    far = written(tmp_path / "far.las", [(90_000, 0, 9)] * 3, [6, 6, 2])
    bare = written(tmp_path / "bare.las", [(2, 5, 32.5)] * 9, [0] * 9)
    for arguments, words in (
        ([cloud, *SAID], "--into ID"),
        ([cloud, "--into", "tall"], "--crs"),
        ([cloud, "--into", "tall", *SAID, "--roof-percentile", "120"], "cannot be taken so"),
        ([far, "--into", "tall", *SAID], "km from houses"),
        ([bare, "--into", "tall", *SAID], "--roof-class"),
        ([str(tmp_path / "none.las"), "--into", "tall", *SAID], "no such file"),
    ):
        assert cli.run(["scenes", "heights", "houses", *arguments, *at(folder)]) == 2
        assert words in capsys.readouterr().err
    store = open_store(folder / "data/onemap.gpkg")
    assert [layer.id for layer in store.layers()] == ["houses"]
    store.close()
    taken = ["--layer", "tall", "--id-property", "name", *at(folder)]
    assert cli.run(["import", str(folder / "houses.geojson"), *taken]) == 0
    assert cli.run(["scenes", "heights", "houses", cloud, "--into", "tall", *SAID, *at(folder)]) == 2
    assert "a layer 'tall' already" in capsys.readouterr().err
