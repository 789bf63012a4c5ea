"""Terrain over HTTP: from the command line to decoded tiles, by the addresses that `layer.json` gives a client."""

from __future__ import annotations

import io
import zipfile
from urllib.parse import urljoin

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio import Affine

from api import cli
from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from quantized_meshes import decode

STEP = 0.001
CESIUM = "application/vnd.quantized-mesh;extensions=octvertexnormals-watermask-metadata,application/octet-stream;q=0.9"


def write_dem(path, heights, crs="EPSG:4490"):
    rows, columns = heights.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=rows, width=columns, count=1, dtype="float32", crs=crs,
        transform=Affine(STEP, 0, 119.8, 0, -STEP, 36.5), nodata=-9999,
    ) as out:  # fmt: skip
        out.write(heights.astype(np.float32), 1)
    return path


def archive_of(folder, name, *members):
    with zipfile.ZipFile(folder / name, "w") as archive:
        for member in members:
            archive.write(folder / member, member)
    return folder / name


def slope():
    return np.add.outer(np.arange(400) * 0.5, np.arange(500) * 1.0)


@pytest.fixture
def add(tmp_path, capfd):
    def call(*arguments):
        code = cli.run(["terrain", "add", *map(str, arguments), "--data", str(tmp_path / "data")])
        return code, capfd.readouterr()

    return call


@pytest.fixture
def served(store, tmp_path, add):
    code, said = add(
        write_dem(tmp_path / "胶州高程.tif", slope()), "--vertical-datum", "5737",
        "--title-zh", "胶州地形", "--title-en", "Jiaozhou terrain", "--attribution", "测绘局",
    )  # fmt: skip
    assert code == 0, said.err
    assert "1985国家高程基准" in said.out
    return AppClient(create_app(Settings(data_dir=tmp_path / "data"), store))


def test_a_client_finds_meshes_from_the_list_on(served):
    entry = served.json("/terrain")["terrains"][0]
    assert entry["title"]["zh"] == "胶州地形"
    assert entry["verticalDatum"] == {"id": "EPSG:5737", "zh": "1985国家高程基准", "en": "Yellow Sea 1985 height"}
    layer = served.json(entry["quantizedMesh"])
    assert (layer["format"], layer["scheme"], layer["projection"]) == ("quantized-mesh-1.0", "tms", "EPSG:4326")
    assert layer["attribution"] == "测绘局"
    # CesiumJS takes what lies below from one place, and throws where tiles tell it as well.
    assert ("available" in layer, "metadata" in layer["extensions"]) == (True, False)
    deepest = layer["available"][layer["maxzoom"]][0]
    # Row from the south, as TMS counts: 126.4 degrees up from the pole.
    side = 180 / 2 ** layer["maxzoom"]
    assert deepest["startX"] == int(299.8 / side)
    assert deepest["startY"] == int((36.1 + 90) / side)
    template = layer["tiles"][0].format(z=layer["maxzoom"], x=deepest["startX"] + 2, y=deepest["startY"] + 2)
    answer = served.get(urljoin(entry["quantizedMesh"], template), headers={"Accept": CESIUM})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.quantized-mesh"
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    mesh = decode(answer.content)
    assert mesh.normals is not None
    assert mesh.metadata["onemap:verticalDatum"] == "EPSG:5737"
    lon, lat = (
        -180 + (deepest["startX"] + 2 + mesh.u / 32767) * side,
        -90 + (deepest["startY"] + 2 + mesh.v / 32767) * side,
    )
    expected = ((lon - 119.8) / STEP - 0.5) + 0.5 * ((36.5 - lat) / STEP - 0.5)
    assert np.abs(mesh.height - expected).max() < 0.2


def test_every_tile_that_layer_json_calls_available_is_there_and_those_beside_are_not(served):
    layer = served.json("/terrain/dem/layer.json")
    for z, (ranged,) in enumerate(layer["available"][:9]):
        for x in range(ranged["startX"], ranged["endX"] + 1):
            for y in range(ranged["startY"], ranged["endY"] + 1):
                decode(served.get(f"/terrain/dem/{z}/{x}/{y}.terrain").content)
        if z:
            served.problem("GET", f"/terrain/dem/{z}/{ranged['endX'] + 1}/{ranged['startY']}.terrain", 404)


def test_extensions_are_those_that_the_client_names(served):
    bare = served.get("/terrain/dem/8/426/179.terrain", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in bare.headers
    assert decode(bare.content).normals is None
    asked = decode(served.get("/terrain/dem/8/426/179.terrain?extensions=octvertexnormals").content)
    assert asked.normals is not None
    assert asked.metadata is None


@pytest.mark.parametrize(("kind", "suffix"), [("rgb", "png"), ("terrarium", "webp")])
def test_images_hold_the_heights_row_before_column(served, kind, suffix):
    answer = served.get(f"/terrain/dem/{kind}/WebMercatorQuad/10/401/853.{suffix}")
    assert answer.headers["content-type"] == f"image/{suffix}"
    red, green, blue = np.moveaxis(np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"), float), -1, 0)
    height = (
        red * 256 + green + blue / 256 - 32768
        if kind == "terrarium"
        else -1e4 + 0.1 * (red * 65536 + green * 256 + blue)
    )
    outside = int(answer.headers["onemap-outside"])
    assert 0 < outside < 65536
    assert height[height > height.min()].max() <= 499 + 199.5
    assert answer.headers["onemap-vertical-datum"] == "EPSG:5737"
    assert served.get(f"/terrain/dem/{kind}/WebMercatorQuad/10/100/100.{suffix}").status_code == 204


def test_a_tile_that_did_not_change_is_304_and_a_replaced_raster_is_another_edition(served, tmp_path, add):
    url = "/terrain/dem/8/426/179.terrain"
    first = served.get(url)
    assert served.get(url, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    add(write_dem(tmp_path / "new.tif", slope() + 100), "--vertical-datum", "EPSG:5737")
    second = served.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert decode(second.content).height.max() > decode(first.content).height.max() + 90


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/terrain/nothing/layer.json", 404),
        ("/terrain/..%2Fsecret/layer.json", 404),
        ("/terrain/dem/8/426/999.terrain", 404),
        ("/terrain/dem/99/0/0.terrain", 404),
        ("/terrain/dem/x/0/0.terrain", 404),
        ("/terrain/dem/-1/0/0.terrain", 404),
        ("/terrain/dem/8/426/179.terrain?size=9", 400),
        ("/terrain/dem/rgb/Nowhere/8/1/1.png", 404),
        ("/terrain/dem/rgb/WebMercatorQuad/23/1/1.png", 404),
        ("/terrain/dem/rgb/WebMercatorQuad/8/1/1.tif", 400),
        ("/terrain/dem/purple/WebMercatorQuad/8/1/1.png", 400),
    ],
)
def test_bad_addresses_are_problems(served, path, status):
    served.problem("GET", path, status)


def test_an_unknown_terrain_is_told_in_both_languages(served):
    assert "没有地形" in served.problem("GET", "/terrain/nothing/layer.json", 404)["detail"]


def test_bad_files_are_refused_and_leave_nothing_behind(tmp_path, add, served):
    shelf = tmp_path / "data" / "terrain"
    before = {path.name: path.read_bytes() for path in shelf.iterdir()}
    whole = write_dem(tmp_path / "whole.tif", np.random.default_rng(1).uniform(0, 9, (400, 500)))
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole.read_bytes()[:200_000])
    (tmp_path / "text.tif").write_text("no raster")
    bare = write_dem(tmp_path / "bare.tif", slope(), crs=None)
    (tmp_path / "text.txt").write_text("no raster")
    for arguments in (
        (cut, "--vertical-datum", "EPSG:5737"),
        (tmp_path / "text.tif", "--vertical-datum", "EPSG:5737"),
        (tmp_path / "missing.tif", "--vertical-datum", "EPSG:5737"),
        (bare, "--vertical-datum", "EPSG:5737"),
        (whole, "--vertical-datum", "EPSG:4490"),
        (whole, "--vertical-datum", "EPSG:5737", "--id", "../out"),
        (archive_of(tmp_path, "two.zip", "whole.tif", "bare.tif"), "--vertical-datum", "EPSG:5737"),
        (archive_of(tmp_path, "none.zip", "text.txt"), "--vertical-datum", "EPSG:5737"),
    ):
        code, said = add(*arguments)
        assert code != 0
        assert "Traceback" not in said.err
    assert {path.name: path.read_bytes() for path in shelf.iterdir()} == before


def test_a_file_that_breaks_later_is_listed_with_its_reason(served, tmp_path):
    (tmp_path / "data" / "terrain" / "broken.tif").write_bytes(b"not a raster")
    entries = {entry["id"]: entry for entry in served.json("/terrain")["terrains"]}
    assert "problem" in entries["broken"]
    assert "problem" not in entries["dem"]
    served.problem("GET", "/terrain/broken/layer.json", 422)
