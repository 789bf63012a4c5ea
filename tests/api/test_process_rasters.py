"""Results as rasters: Cloud Optimized GeoTIFFs whose cells are those of the answer, by value, by reference, as jobs and as files."""

from __future__ import annotations

import json
import math
import time
from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
import rasterio
from PIL import Image
from rio_cogeo.cogeo import cog_validate

from analysis_town import PLACE, area, at, with_street, with_terrain
from api import cli
from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from twin.client_analyses import TownAnalyses
from twin.client_errors import raise_for_problem
from twin.crs import parse_crs, transform_points
from twin.errors import BadCall
from twin.store import open_store

TIFF = "image/tiff; application=geotiff; profile=cloud-optimized"
VIEWSHED = {"from": {"type": "Point", "coordinates": at(0, 0)}, "reach_m": 150, "cell_m": 3}
POND = {"area": area(-200, -100, 200, 100), "sources": [at(-150, 0)], "level_m": 20.0, "cell_m": 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("rasters")


@pytest.fixture(scope="module")
def street(folder):
    store = with_street(open_store(folder / "onemap.gpkg"))
    with_terrain(folder / "terrain", folder).close()
    app = create_app(Settings(data_dir=folder), store)
    yield AppClient(app)
    app.state.jobs.close()
    store.close()


def execute(client, process, inputs, status=200, prefer=None, response="raw", **output):
    wanted = {"format": {"mediaType": "image/tiff"}, **output}
    body = {"inputs": inputs, "outputs": {"result": wanted}, "response": response}
    headers = {"Prefer": prefer} if prefer else {}
    answer = client.request("POST", f"/processes/{process}/execution", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer


def numbers(client, process, inputs):
    return client.request("POST", f"/processes/{process}/execution", json={"inputs": inputs}).json()


def tile_at(client, raster, lon, lat, zoom=16):
    """The colour of a raster at a place: red, green, blue, opacity."""
    x = (lon + 180) / 360 * 2**zoom
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**zoom
    png = client.get(f"/rasters/{raster}/{zoom}/{int(x)}/{int(y)}.png").content
    return Image.open(BytesIO(png)).convert("RGBA").getpixel((int(x % 1 * 256), int(y % 1 * 256)))


def opened(data, tmp_path):
    """The pixels of a COG with its profile and tags, once rio-cogeo has found nothing wrong with it."""
    path = tmp_path / "found.tif"
    path.write_bytes(data)
    assert cog_validate(str(path), strict=True, quiet=True) == (True, [], [])
    with rasterio.open(path) as found:
        return found.read(1), found.profile, found.tags(), found.crs


@pytest.mark.parametrize(
    ("process", "inputs", "codes"),
    [
        ("viewshed", VIEWSHED, {"hidden": 0, "visible": 1}),
        ("camera-coverage", {"area": area(0, -40, 80, 40), "cell_m": 2}, {"blind": 0, "covered": 1}),
        ("shadow", {"area": area(0, 50, 90, 110), "instant": "2026-01-20T12:00:00+08:00", "cell_m": 2}, {"sun": 0, "shadow": 1}),
    ],
)  # fmt: skip
def test_cells_of_verdicts_sum_up_to_the_areas_of_the_answer(street, tmp_path, process, inputs, codes):
    answer = execute(street, process, inputs)
    assert answer.headers["content-type"] == TIFF
    pixels, profile, tags, _ = opened(answer.content, tmp_path)
    areas = numbers(street, process, inputs)["answer"]["values"]["areas_m2"]
    assert profile["nodata"] == 255
    for word, code in codes.items():
        cells = (pixels == code).sum() * inputs["cell_m"] ** 2
        assert cells > 0
        assert cells == pytest.approx(areas[word], abs=1e-6), word
    assert tags["vertical_datum"] == "EPSG:5737"
    assert "buildings@1" in tags["sources"]
    assert execute(street, process, inputs).content == answer.content


def test_water_is_as_deep_as_the_answer_says_and_lies_where_the_frame_puts_it(street, tmp_path):
    document = numbers(street, "flood", POND)
    pixels, profile, _, crs = opened(execute(street, "flood", POND).content, tmp_path)
    wet = np.nan_to_num(pixels) > 0
    values = document["answer"]["values"]
    assert wet.sum() * 16 == values["area_m2"]
    assert float(pixels[wet].astype(np.float64).sum() * 16) == pytest.approx(values["volume_m3"], rel=1e-6)
    assert float(pixels[wet].max()) == pytest.approx(values["deepest_m"], abs=1e-4)
    assert np.isnan(pixels[0, 0])  # a cell beyond the area, which is drawn 4 m wider than it is
    # Every cell lies where PROJ says that the file's reference system puts it, and has the depth of the terrain there.
    rows, columns = np.nonzero(wet)
    x, y = profile["transform"] * (columns + 0.5, rows + 0.5)
    lon, lat = transform_points(x, y, parse_crs(crs.to_wkt()), parse_crs("EPSG:4490"))
    east, _ = PLACE.to_local(lon, lat)
    assert pixels[rows, columns] == pytest.approx(20.0 - (20 + east / 100), abs=0.02)


def test_cut_and_fill_and_sunlight_come_cell_for_cell(street, tmp_path):
    asked = {"area": area(-100, -50, 100, 50), "level_m": 20, "cell_m": 5}
    pixels, *_ = opened(execute(street, "cut-fill", asked).content, tmp_path)
    values = numbers(street, "cut-fill", asked)["answer"]["values"]
    assert float(pixels[pixels > 0].astype(np.float64).sum() * 25) == pytest.approx(values["cut_m3"], rel=1e-5)
    assert float(-pixels[pixels < 0].astype(np.float64).sum() * 25) == pytest.approx(values["fill_m3"], rel=1e-5)
    sun = {"at": area(-40, 52, 90, 100), "rule": "great-cold-2h", "year": 2026, "step_min": 30, "spacing_m": 10}
    pixels, profile, *_ = opened(execute(street, "sunlight", sun).content, tmp_path)
    minutes = sorted(f["properties"]["minutes"] for f in numbers(street, "sunlight", sun)["features"])
    assert sorted(pixels[np.isfinite(pixels)].tolist()) == minutes
    assert profile["transform"].a == 10
    point = sun | {"at": {"type": "Point", "coordinates": at(0, 60)}}
    assert execute(street, "sunlight", point, 400).json()["code"] == "bad-analysis"


def test_a_raster_that_is_kept_is_listed_with_legend_datum_and_values(street, tmp_path):
    asked = POND | {"raster_as": {"id": "pond", "title": "积水"}}
    answer = execute(street, "flood", asked, 204, transmissionMode="reference")
    link = answer.headers["link"]
    address = link[link.index("<") + 1 : link.index(">")]
    assert link.endswith(f'; rel="result"; type="{TIFF}"')
    stored = street.get(address)
    assert stored.headers["content-type"] == TIFF
    assert stored.content == execute(street, "flood", POND).content
    part = street.get(address, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, stored.content[:4])
    entry = next(entry for entry in street.json("/rasters")["rasters"] if entry["id"] == "pond")
    assert (entry["kind"], entry["title"]["zh"]) == ("values", "积水")
    (image,) = street.json("/rasters/pond")["images"]
    assert image["verticalDatum"]["id"] == "EPSG:5737"
    assert image["provenance"]["process"].startswith("flood ")
    assert image["links"][0]["href"].endswith("/rasters/pond/images/pond.tif")
    legend = street.json("/rasters/pond/legend")
    assert (legend["kind"], legend["unit"], legend["colormap"], legend["quantity"]["zh"]) == (
        "ramp",
        "m",
        "blues",
        "水深",
    )
    lon, lat = at(-150, 0)
    value = street.json(f"/rasters/pond/values?lon={lon}&lat={lat}")["images"][0]["values"][0]
    assert value == pytest.approx(1.5, abs=0.05)
    # Dry ground is known to be dry, and drawn as nothing.
    lon, lat = at(150, 0)
    assert street.json(f"/rasters/pond/values?lon={lon}&lat={lat}")["images"][0]["values"] == [0]
    drawn = [tile_at(street, "pond", *at(x, 50))[3] for x in (-150, 150)]
    assert drawn == [255, 0]
    assert street.problem("GET", "/rasters/pond/images/other.tif", 404)["code"] == "unknown-raster"
    assert execute(street, "flood", asked, 409, transmissionMode="reference").json()["code"] == "duplicate-raster"
    seen = numbers(street, "viewshed", VIEWSHED | {"raster_as": {"id": "seen-from-here"}})["answer"]
    assert seen["raster"] == "seen-from-here"
    classes = street.json("/rasters/seen-from-here/legend")["classes"]
    assert [(each["value"], each["title"]["zh"], each["colour"]) for each in classes] == [
        (0, "被遮挡", "#c0392b"),
        (1, "可见", "#2e8b57"),
        (2, "不明", "#8e8e8e"),
        (4, "建筑内部", "#d8d4cb"),
    ]
    tile = street.get("/rasters/seen-from-here/14/13653/6418.png")
    assert tile.status_code == 200


def test_a_job_gives_the_same_file_and_a_document_names_it(street):
    whole = execute(street, "viewshed", VIEWSHED).content
    job = execute(street, "viewshed", VIEWSHED, 201, "respond-async").headers["location"]
    for _ in range(400):
        if street.json(job)["status"] not in ("accepted", "running"):
            break
        time.sleep(0.025)
    results = street.get(f"{job}/results")
    assert (results.headers["content-type"], results.content) == (TIFF, whole)
    document = execute(street, "viewshed", VIEWSHED, response="document").json()["result"]
    assert (document["mediaType"], document["encoding"], b64decode(document["value"])) == (TIFF, "base64", whole)
    kept = VIEWSHED | {"raster_as": {"id": "kept"}}
    said = execute(street, "viewshed", kept, response="document", transmissionMode="reference").json()["result"]
    assert said == {"href": "http://onemap.test/rasters/kept/images/kept.tif", "type": TIFF}


def test_the_client_gives_the_file(street):
    def send(method, address, **parts):
        answer = street.request(method, address, **parts)
        raise_for_problem(answer)
        return answer

    town = TownAnalyses(send)
    assert town.raster("flood", POND) == execute(street, "flood", POND).content
    with pytest.raises(BadCall):
        town.raster("line-of-sight", {"from": at(0, 0)}, to=[at(30, 0)])


def test_formats_are_described_and_others_refused(street):
    described = street.json("/processes/viewshed")
    assert described["outputTransmission"] == ["value", "reference"]
    media = [said["contentMediaType"] for said in described["outputs"]["result"]["schema"]["oneOf"]]
    assert media == ["application/geo+json", TIFF]
    assert "raster_as" not in street.json("/processes/line-of-sight")["inputs"]
    line = {"from": at(0, 0), "to": [at(30, 0)]}
    assert "no cells" in execute(street, "line-of-sight", line, 400).json()["detail"]
    assert "raster_as" in json.dumps(execute(street, "viewshed", VIEWSHED, 400, transmissionMode="reference").json())
    for output in ({"format": {"mediaType": "image/png"}}, {"format": "tiff"}, {"transmissionMode": "post"}):
        assert "image/tiff" in execute(street, "viewshed", VIEWSHED, 400, **output).json()["limit"]


def test_the_command_line_writes_the_file_beside_the_answer(street, folder, tmp_path, capfd):
    path = tmp_path / "pond.tif"
    words = [f"{name}={json.dumps(value)}" for name, value in POND.items()]
    assert cli.run(["analyse", "flood", *words, "--raster", str(path), "--data", str(folder)]) == 0
    assert json.loads(capfd.readouterr().out)["values"]["ending"] == "left-the-area"
    assert path.read_bytes() == execute(street, "flood", POND).content
    assert cli.run(["analyse", "profile", f"line={json.dumps({'type': 'LineString', 'coordinates': [at(0, 0), at(90, 0)]})}",
                    "--raster", str(tmp_path / "no.tif"), "--data", str(folder)]) == 2  # fmt: skip
    assert not list(tmp_path.glob("*no.tif*"))
