"""Delft extruded from its footprints and its lidar, beside the model that 3dfier made of the same two: by commands alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyproj
import pytest

from api import cli
from scenes3d.glb.reading import read_model
from scenes3d.tileset.folder import folder_opener
from scenes3d.tileset.reading import read_tileset

# 3dfier's own rule for these files: the 90th percentile of building points and the 10th of ground points within 3 m.
RULE = ("--roof-percentile", "90", "--ground-percentile", "10", "--roof-reach", "3", "--ground-reach", "3")
ROOF_TOLERANCE_M, GROUND_TOLERANCE_M, SHARE = 0.6, 0.06, 0.95
# A vertex is moved by a centimetre at most; heights of layers are whole millimetres.
ROUNDED_M = 0.011


@pytest.fixture(scope="module")
def scene(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene as files."""
    data, out = tmp_path_factory.mktemp("delft"), tmp_path_factory.mktemp("out") / "scene"
    footprints = shared_data / "model3d/delft-footprints-bgt-pand.sqlite"
    clouds = sorted(map(str, (shared_data / "pointcloud").glob("ahn3-*.laz")))
    said = ["--data", str(data)]
    assert cli.run(["import", str(footprints), "--layer", "pand", "--id-property", "gml_id", *said]) == 0
    heights = ["scenes", "heights", "pand", *clouds, "--crs", "EPSG:7415", "--into", "delft", *RULE, *said]
    assert cli.run(heights) == 0
    assert cli.run(["scenes", "build", "delft", "--base", "ground_m", *said]) == 0
    assert cli.run(["scenes", "check", "delft", *said]) == 0
    assert cli.run(["scenes", "export", "delft", str(out), *said]) == 0
    record = json.loads((data / "scenes/delft/scene.json").read_bytes())
    assert (record["vertical_datum"], record["ground"]) == ("EPSG:5709", "property ground_m")
    assert [Path(cloud).name in record["sources"][-1]["source"] for cloud in clouds] == [True, True]
    return out


def drawn(folder: Path) -> dict[str, tuple[float, float]]:
    """Lowest and highest vertex of each building, in metres, by PROJ."""
    heights = pyproj.Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)
    opened, found = folder_opener(folder), {}
    for tile in read_tileset("tileset.json", opened):
        for uri, _ in tile.contents:
            model = read_model(opened(uri), uri)
            (primitive,) = model.primitives
            earth = primitive.positions @ tile.matrix[:3, :3].T + tile.matrix[:3, 3]
            _, _, height = heights.transform(*earth.T)
            for row, name in enumerate(model.table["id"]):
                own = height[primitive.feature_ids == row]
                found[name] = float(own.min()), float(own.max())
    return found


def test_it_agrees_with_the_model_of_3dfier(scene: Path, shared_data: Path) -> None:
    document = json.loads((shared_data / "model3d/delft-lod1-3dfier.city.json").read_bytes())
    theirs = {
        name: (said["attributes"]["min-height-surface"], said["attributes"]["measuredHeight"])
        for name, said in document["CityObjects"].items()
        if said["type"] == "Building"
    }
    ours = drawn(scene)
    assert ours.keys() == theirs.keys()
    assert len(ours) == 160
    ground = np.array([[ours[name][0], theirs[name][0]] for name in theirs])
    roof = np.array([[ours[name][1], sum(theirs[name])] for name in theirs])
    off_ground, off_roof = (np.abs(both[:, 0] - both[:, 1]) for both in (ground, roof))
    agree = (off_ground <= GROUND_TOLERANCE_M + ROUNDED_M) & (off_roof <= ROOF_TOLERANCE_M + ROUNDED_M)
    assert agree.mean() >= SHARE, (agree.mean(), np.sort(off_roof)[-12:])
    assert np.median(off_roof) < 0.1
