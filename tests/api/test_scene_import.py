"""`onemap scenes import`: delivered clouds and city models become scenes of the registry, or are refused with the reason."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from urllib.parse import urljoin

import laspy
import numpy as np
import pytest

import osgb_tree
import painted_hills
from api import cli
from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from mesh_tiles import drawn_tiles
from scenes3d.frames import Frame
from scenes3d.meshes.building import build_mesh
from scenes3d.tileset.checking import check_tileset
from twin.store import open_store

ACTOR = {"X-OneMap-Actor": "clerk"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """Three thousand points near the middle of Jiaozhou."""
    header = laspy.LasHeader(version="1.4", point_format=7)
    header.scales, header.offsets = np.full(3, 0.001), np.array([500_000.0, 4_013_000.0, 0.0])
    record = laspy.ScaleAwarePointRecord.zeros(3_000, header=header)
    number = np.arange(3_000)
    record.x, record.y, record.z = 500_000 + number % 60, 4_013_000 + number // 60, 20 + number % 7
    record.red = record.green = record.blue = (number * 20).astype(np.uint16)
    path = tmp_path_factory.mktemp("survey") / "Old Town.laz"
    with laspy.open(path, mode="w", header=header) as writer:
        writer.write_points(record)
    return path


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A CityJSON with one wall."""
    x, y = 500_000.0, 4_013_000.0
    wall = {"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2, 3]], [[0, 1]]]}
    document = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/4549"},
        "CityObjects": {"b1": {"type": "Building", "geometry": [wall], "attributes": {"name": "里岔镇政府"}}},
        "vertices": [[x, y, 20], [x + 9, y, 20], [x + 9, y, 29], [x, y, 29]],
    }
    path = tmp_path_factory.mktemp("model") / "hall.city.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory, cloud, house):
    """A data folder with both scenes, published."""
    folder = tmp_path_factory.mktemp("town")
    said = ["--vertical-datum", "EPSG:5737", "--data", str(folder)]
    assert cli.run(["scenes", "import", str(cloud), "--crs", "EPSG:4549", "--title-zh", "老城点云", *said]) == 0
    assert cli.run(["scenes", "import", str(house), "--id", "hall", *said]) == 0
    for scene in ("old-town", "hall"):
        accepted = ["scenes", "review", scene, "--accept", "--reason", "looked at", "--data", str(folder)]
        assert cli.run(accepted) == 0
    return folder


@pytest.fixture
def client(data):
    store = open_store(data / "onemap.gpkg")
    yield AppClient(create_app(Settings(data_dir=data), store))
    store.close()


def opener(client: AppClient):
    return lambda address: client.get(urljoin("http://onemap.test/", address)).content


@pytest.mark.parametrize(("scene", "vertices"), [("old-town", 3_000), ("hall", 4)])
def test_every_vertex_is_served_inside_its_volumes(client, scene, vertices):
    checked = check_tileset(f"/scenes/{scene}/tileset.json", opener(client))
    assert (checked.vertices, checked.faults) == (vertices, ())


def test_the_reality_model_holds_both(client):
    checked = check_tileset("/scenes/tileset.json", opener(client))
    assert (checked.vertices, checked.faults) == (3_004, ())


def test_the_record_says_what_was_delivered(client, cloud):
    said = client.json("/scenes/old-town")
    assert (said["kind"], said["vertical_datum"], said["title"]["zh"]) == ("points", "EPSG:5737", "老城点云")
    (source,) = said["sources"]
    assert (source["file"], source["points"], source["crs"]) == ("Old Town.laz", 3_000, "EPSG:4549")
    assert len(source["sha256"]) == 64
    (outline,) = client.json("/collections/old-town/items")["features"]
    assert outline["properties"]["points"] == 3_000
    hall = client.json("/scenes/hall")
    assert (hall["lod"], hall["report"]["faults"][0]["fault"]) == ("LOD2", "ring-of-fewer-than-three-points")


def test_files_are_kept_for_good_and_strange_names_find_nothing(client):
    uri = client.json("/scenes/old-town/tileset.json")["root"]["content"]["uri"]
    answer = client.get(f"/scenes/old-town/{uri}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "model/gltf-binary")
    assert "immutable" in answer.headers["cache-control"]
    assert client.get(f"/scenes/old-town/{uri}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    for wrong in (uri.replace(".glb", ".exe"), "files/0123456789abcdef/r.glb", "files/..%2f..%2fx/scene.json"):
        assert client.get(f"/scenes/old-town/{wrong}").status_code == 404


def test_a_scene_is_checked_exported_and_removed(data, cloud, tmp_path, capsys):
    said = ["--data", str(data)]
    assert cli.run(["scenes", "check", "old-town", *said]) == 0
    assert "3,000 vertices, 0 faults" in capsys.readouterr().out
    assert cli.run(["scenes", "export", "old-town", str(tmp_path / "out"), *said]) == 0
    exported = check_tileset("tileset.json", lambda address: (tmp_path / "out" / address).read_bytes())
    assert (exported.vertices, exported.faults) == (3_000, ())
    form = ["--format", "pnts"]
    assert cli.run(["scenes", "export", "old-town", str(tmp_path / "pnts"), *form, *said]) == 0
    assert {path.suffix for path in (tmp_path / "pnts").rglob("*.*")} == {".json", ".pnts"}
    assert cli.run(["scenes", "export", "hall", str(tmp_path / "hall"), "--implicit", *said]) == 0
    assert list((tmp_path / "hall").rglob("*.subtree"))
    capsys.readouterr()
    for wrong, word in ((["hall", *form], "scene of points"), (["old-town", "--implicit"], "without --implicit")):
        assert cli.run(["scenes", "export", wrong[0], str(tmp_path / "none"), *wrong[1:], *said]) == 2
        assert word in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
    again = ["scenes", "import", str(cloud), "--id", "gone", "--crs", "EPSG:4549", "--vertical-datum", "unknown", *said]
    assert cli.run(again) == 0
    assert cli.run(["scenes", "remove", "gone", "--yes", *said]) == 0


def refusal(capsys, arguments) -> str:
    assert cli.run(["scenes", "import", *arguments]) == 2
    return capsys.readouterr().err


def test_what_is_not_said_is_asked_for_and_far_clouds_are_refused(data, cloud, shared_data, tmp_path, capsys):
    said = ["--data", str(tmp_path / "new")]
    assert "--crs" in refusal(capsys, [str(cloud), *said])
    assert "--vertical-datum" in refusal(capsys, [str(cloud), "--crs", "EPSG:4549", *said])
    delft = shared_data / "pointcloud/ahn3-delft-east.laz"
    far = refusal(capsys, [str(delft), "--crs", "EPSG:7415", *said])
    assert "km from Jiaozhou" in far
    assert "--accept-because" in far
    assert not list((tmp_path / "new").glob("scenes/*/scene.json"))


def test_a_later_delivery_takes_the_place_and_the_past_stays(data, house, tmp_path, client):
    before = client.json("/scenes/hall")["version"]
    changed = tmp_path / "hall.city.json"
    changed.write_text(house.read_text(encoding="utf-8").replace("29]", "35]"), encoding="utf-8")
    said = ["--id", "hall", "--vertical-datum", "EPSG:5737", "--data", str(data)]
    assert cli.run(["scenes", "import", str(changed), *said]) == 0
    now = client.json("/scenes/hall/tileset.json")["root"]["boundingVolume"]["region"][5]
    then = client.json(f"/scenes/hall/tileset.json?as_of={before}")["root"]["boundingVolume"]["region"][5]
    assert (round(now), round(then)) == (35, 29)


def test_a_mesh_with_pictures_comes_out_of_its_archive(tmp_path, capsys):
    folder, data = tmp_path / "delivery", tmp_path / "data"
    folder.mkdir()
    painted_hills.write_obj(folder, lost=True)
    (folder / "metadata.xml").write_text("<ModelMetadata/>")
    archive = Path(shutil.make_archive(str(tmp_path / "hills"), "zip", folder))
    said = ["--data", str(data)]
    assert "--crs" in refusal(capsys, [str(archive), *said])
    anchored = ["--anchor", "120.03,36.26,20", "--vertical-datum", "EPSG:5737", *said]
    assert cli.run(["scenes", "import", str(archive), "--title-zh", "丘陵", *anchored]) == 0
    told = capsys.readouterr().out
    assert "hills: 2,048 triangles · 三角形, 2 files" in told
    assert (
        "1 × texture-image-missing: pictures missing: painted in one colour · 缺少纹理图像，按材质颜色绘制 (half1: half-1.png)"
        in told
    )
    assert cli.run(["scenes", "check", "hills", *said]) == 0
    store = open_store(data / "onemap.gpkg")
    client = AppClient(create_app(Settings(data_dir=data), store))
    record, outlines = client.json("/scenes/hills"), client.json("/collections/hills/items")["features"]
    assert (record["kind"], record["vertical_datum"]) == ("mesh", "EPSG:5737")
    assert [(row["properties"]["file"], row["properties"]["triangles"]) for row in outlines] == [("hills.obj", 2048)]
    (tile,) = drawn_tiles(next((data / "scenes/hills/files").iterdir()), Frame(120.03, 36.26, 20))
    store.close()
    triangle, weights, places = tile.sample(3_000)
    shown, east = tile.colour(triangle, weights), places[:, 0] > 1
    assert np.median(np.abs(shown - painted_hills.colour(places[:, 0], places[:, 1]))[places[:, 0] < -1]) < 4
    # Where the picture is lost there is the grey of the material.
    assert np.abs(shown[east] - 204).max() <= 4


def test_parts_of_one_name_are_told_apart_by_their_folders(tmp_path, capsys):
    for part in ("a", "b"):
        (tmp_path / "parts" / part).mkdir(parents=True)
        painted_hills.write_obj(tmp_path / "parts" / part, 5)
    archive = shutil.make_archive(str(tmp_path / "parts"), "zip", tmp_path / "parts")
    said = ["--anchor", "120.03,36.26,20", "--vertical-datum", "EPSG:5737", "--data", str(tmp_path / "data")]
    assert cli.run(["scenes", "import", archive, *said]) == 0
    assert "parts: 64 triangles" in capsys.readouterr().out
    store = open_store(tmp_path / "data/onemap.gpkg")
    outlines = AppClient(create_app(Settings(data_dir=tmp_path / "data"), store)).json("/collections/parts/items")
    store.close()
    assert {row["properties"]["file"] for row in outlines["features"]} == {"a/hills.obj", "b/hills.obj"}


def test_a_glb_without_a_place_is_asked_for_one(tmp_path, capsys):
    folder, data = tmp_path / "out", tmp_path / "data"
    build_mesh(painted_hills.Hills(tmp_path, "colour", 9), folder)
    glb, said = folder / "r.glb", ["--data", str(data)]
    assert "--anchor" in refusal(capsys, [str(glb), *said])
    assert cli.run(["scenes", "import", str(glb), "--id", "again", "--anchor", "120.03,36.26,20", *said]) == 0
    assert cli.run(["scenes", "check", "again", *said]) == 0
    assert "no place" in refusal(capsys, [str(glb), "--anchor", "here", *said])


def test_oblique_photogrammetry_becomes_a_scene_and_a_broken_delivery_changes_nothing(tmp_path, monkeypatch, capsys):
    folder, data = tmp_path / "东城", tmp_path / "data"
    metadata = osgb_tree.write_delivery(folder)
    said = ["--id", "east", "--vertical-datum", "EPSG:5737", "--data", str(data)]
    assert cli.run(["scenes", "import", str(folder), *said]) == 0
    assert "east: 704 triangles" in capsys.readouterr().out
    record = (data / "scenes/east/scene.json").read_bytes()
    said_of = json.loads(record)
    assert (said_of["kind"], said_of["title"]["zh"], said_of["sources"][0]["files"]) == ("mesh", "东城", 7)
    store = open_store(data / "onemap.gpkg")
    client = AppClient(create_app(Settings(data_dir=data), store))
    outlines = client.json("/collections/east/items")["features"]
    assert [row["properties"]["tiles"] for row in outlines] == [9, 1]
    checked = check_tileset("/scenes/east/tileset.json", opener(client))
    assert (checked.vertices, checked.faults) == (474, ())
    packed = tmp_path / "part.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in (metadata, *folder.glob("Data/Tile_+001_+000/*")):
            archive.write(path, f"delivery/{path.relative_to(folder)}")
    assert cli.run(["scenes", "import", str(packed), *said[2:]]) == 0
    assert "part: 32 triangles" in capsys.readouterr().out
    for root in (path for path in folder.rglob("Tile_*.osgb") if path.stem == path.parent.name):
        root.write_bytes(root.read_bytes()[:200])
    assert "Tile_+000_+000.osgb" in refusal(capsys, [str(metadata), *said])
    assert (data / "scenes/east/scene.json").read_bytes() == record
    assert check_tileset("/scenes/east/tileset.json", opener(client)) == checked
    store.close()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "becomes a scene" in (told := refusal(capsys, [str(metadata), *said]))
    assert "openscenegraph" in told


def test_a_folder_of_nothing_is_refused(tmp_path, capsys):
    assert "neither OSGB nor 3D Tiles" in refusal(capsys, [str(tmp_path), "--data", str(tmp_path / "data")])
