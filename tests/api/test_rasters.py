"""Rasters over HTTP: from the command line to decoded tiles, by the addresses that TileJSON gives a client."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from api import cli
from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from layers.policy import Action, Actor, Policy
from raster_files import photo, slope, write_raster
from tiles.grids import CGCS2000_QUAD, WEB_MERCATOR_QUAD
from tiles.raster.look import colormap_names, colour_table
from twin.errors import PolicyError
from twin.store import open_store

PLACE = (120.035, 36.27)
MIDDLE = WEB_MERCATOR_QUAD.tile_at(*PLACE, 14)
TILE = f"/rasters/ortho/{MIDDLE.z}/{MIDDLE.x}/{MIDDLE.y}"


def pixels(answer) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"), dtype=int)


@pytest.fixture(scope="module")
def imported(tmp_path_factory) -> Path:
    """A data folder with a photograph of two days and an elevation raster; nobody changes it."""
    place = tmp_path_factory.mktemp("rasters")
    folder = place / "data"

    def add(name: str, values: np.ndarray, *more: str) -> None:
        path = write_raster(place / name, values)
        assert cli.run(["import", str(path), "--data", str(folder), *more]) == 0

    old, about = photo(), ("--layer", "ortho", "--title-zh", "正射影像", "--level", "public")
    old[2] = 200
    add("a.tif", old, "--day", "2020-05-01", *about)
    add("b.tif", photo()[:, :, :350], "--day", "2024-05-01", *about)
    add("dem.tif", slope(), "--vertical-datum", "5737", "--title-zh", "高程")
    return folder


@contextmanager
def application(data: Path, policy: Policy | None = None) -> Iterator[AppClient]:
    store = open_store(data / "onemap.gpkg")
    yield AppClient(create_app(Settings(data_dir=data), store, policy))
    store.close()


@pytest.fixture(scope="module")
def served(imported) -> Iterator[AppClient]:
    with application(imported) as client:
        yield client


@pytest.fixture
def data(imported, tmp_path) -> Path:
    """A copy of the data folder that may be changed."""
    return Path(shutil.copytree(imported, tmp_path / "data"))


def expected(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Red and green of `photo` at places."""
    return (lon - 120.0) / 0.07 * 255, (36.3 - lat) / 0.06 * 255


@pytest.mark.parametrize("grid", [WEB_MERCATOR_QUAD, CGCS2000_QUAD])
def test_every_pixel_lies_where_its_colours_say_in_both_orders(served, grid):
    tile = grid.tile_at(*PLACE, 14)
    xyz = pixels(served.get(f"/rasters/ortho/{grid.id}/{tile.z}/{tile.x}/{tile.y}.png"))
    ogc = pixels(served.get(f"/rasters/ortho/tiles/{grid.id}/{tile.z}/{tile.y}/{tile.x}?f=png"))
    assert np.array_equal(xyz, ogc)
    steps = (np.arange(256) + 0.5) / 256
    lon = -180 + (tile.x + steps) / (grid.columns << tile.z) * 360
    lat = np.array([grid.latitude(float(row)) for row in (tile.y + steps) / (1 << tile.z)])
    red, green = expected(lon[None, :], lat[:, None])
    assert (xyz[..., 3] == 255).all()
    assert np.abs(xyz[..., 0] - red).max() < 2
    assert np.abs(xyz[..., 1] - green).max() < 2


def test_the_newest_image_lies_on_top_and_the_older_one_where_it_ends(served):
    both = pixels(served.get(f"{TILE}.png"))
    assert set(np.unique(both[..., 2])) >= {90, 200}
    old = pixels(served.get(f"{TILE}.png?datetime=2021-01-01"))
    assert set(np.unique(old[..., 2])) == {200}
    only_new = pixels(served.get(f"{TILE}.png?datetime=2024-01-01/2024-12-31"))
    assert set(np.unique(only_new[..., 3])) == {0, 255}
    assert served.get(f"{TILE}.png?datetime=2019-01-01").status_code == 204
    assert served.get(f"{TILE}.png?as_of=2020-01-01").status_code == 204


def test_the_kind_of_file_suits_the_tile(served):
    assert served.get(TILE).headers["content-type"] == "image/jpeg"
    assert served.get(f"{TILE}?datetime=2024-01-01/..").headers["content-type"] == "image/png"
    assert np.abs(pixels(served.get(f"{TILE}.webp")) - pixels(served.get(f"{TILE}.png"))).mean() < 4
    assert pixels(served.get(f"{TILE}?size=512")).shape == (512, 512, 4)


def test_a_tile_without_pixels_is_204_or_an_empty_picture(served):
    assert served.get("/rasters/ortho/10/1/1.png").status_code == 204
    empty = served.get("/rasters/ortho/tiles/WorldCRS84Quad/10/1/1?f=png")
    assert not pixels(empty)[..., 3].any()


def test_tilejson_leads_to_tiles_that_may_be_kept(served):
    told = served.json("/rasters/ortho/tilejson.json?expression=b1-b2&rescale=-255,255&colormap=viridis")
    assert told["bounds"] == pytest.approx([120, 36.24, 120.07, 36.3])
    url = told["tiles"][0].format(z=MIDDLE.z, x=MIDDLE.x, y=MIDDLE.y)
    answer = served.get(url)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert served.get(url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    other = served.get(url.replace("viridis", "terrain"), headers={"If-None-Match": answer.headers["etag"]})
    assert other.status_code == 200
    assert served.get(TILE).headers["cache-control"] == "public, no-cache"
    assert served.get("/rasters/dem/0/0/0").headers["cache-control"] == "private, no-cache"


def test_the_tileset_documents_say_where_tiles_are(served):
    listed = served.json("/rasters/ortho/tiles")["tilesets"]
    assert [each["crs"].rsplit("/", 1)[-1] for each in listed] == ["3857", "CRS84", "4490"]
    tileset = served.json(listed[2]["links"][0]["href"])
    limits = tileset["tileMatrixSetLimits"][-1]
    template = next(link["href"] for link in tileset["links"] if link["rel"] == "item" and "png" in link["href"])
    url = template.format(tileMatrix=limits["tileMatrix"], tileRow=limits["minTileRow"], tileCol=limits["minTileCol"])
    assert pixels(served.get(url))[..., 3].any()


def test_the_list_and_the_raster_say_what_there_is(served):
    found = {each["id"]: each for each in served.json("/rasters")["rasters"]}
    assert found["ortho"]["days"] == ["2024-05-01", "2020-05-01"]
    assert (found["ortho"]["kind"], found["dem"]["kind"]) == ("imagery", "elevation")
    dem = served.json("/rasters/dem")
    assert dem["images"][0]["verticalDatum"]["zh"] == "1985国家高程基准"
    assert "path" not in str(dem)
    assert "viridis" in dem["colormaps"]


def test_values_at_a_place_are_those_of_the_file(served):
    told = served.json("/rasters/ortho/values?lon=120.01005&lat=36.29995")
    assert [(each["day"], each["values"]) for each in told["images"]] == [
        ("2024-05-01", [100 * 255 // 700, 0, 90]),
        ("2020-05-01", [100 * 255 // 700, 0, 200]),
    ]
    assert served.json("/rasters/ortho/values?lon=120.06&lat=36.29")["images"][0]["values"] is None
    assert served.json("/rasters/dem/values?lon=120.0001&lat=36.2999")["images"][0]["values"] == [None]
    assert served.json("/rasters/dem/values?lon=120.02005&lat=36.28&expression=b1*2")["images"][0]["values"] == [400.0]


def test_statistics_are_those_of_the_pixels(served):
    told = served.json("/rasters/dem/statistics")
    (numbers,) = told["statistics"].values()
    known = slope()[np.isfinite(slope())]
    assert told["pixelScale"] == 1
    assert numbers["mean"] == pytest.approx(known.mean(dtype=float))
    assert (numbers["min"], numbers["max"], numbers["valid_pixels"]) == (0, 299, known.size)
    assert served.json("/rasters/dem/statistics?expression=b1*0%2B7")["statistics"]["b1*0+7"]["mean"] == 7


def test_every_colour_map_has_colours():
    for name in colormap_names():
        table = colour_table(name)
        assert (table.shape, table.dtype) == ((256, 4), np.uint8), name
        assert len(np.unique(table[:, :3], axis=0)) > 1, name


def test_legends_say_what_the_colours_mean(served):
    ramp = served.json("/rasters/dem/legend?colormap=viridis&rescale=0,300")
    assert [(ramp["stops"][n]["value"], ramp["stops"][n]["colour"]) for n in (0, -1)] == [
        (0, "#440154"),
        (300, "#fde724"),
    ]
    assert served.json("/rasters/ortho/legend")["kind"] == "bands"
    assert served.json("/rasters/dem/legend?algorithm=contour&interval=20")["contours"] == {
        "interval": 20,
        "index": 100,
    }
    bar = pixels(served.get("/rasters/dem/legend?colormap=viridis&f=png"))
    assert bar[0, 0].tolist() == [0x44, 0x01, 0x54, 255]


def test_relief_lights_the_slope_and_lines_stand_where_the_heights_are(served):
    tile = WEB_MERCATOR_QUAD.tile_at(120.015, 36.285, 16)
    url = f"/rasters/dem/{tile.z}/{tile.x}/{tile.y}.png"
    # The ground rises to the east by 1 m in 8.97 m: its normal leans west.
    light = {
        azimuth: pixels(served.get(f"{url}?algorithm=hillshade&azimuth={azimuth}"))[128, 128, 0]
        for azimuth in (90, 270)
    }
    rise = 1 / (1e-4 * 111_319.49 * np.cos(np.radians(36.285)))
    for azimuth, sign in ((90, -1), (270, 1)):
        shade = (1 + sign * rise) / np.sqrt(2 * (1 + rise**2))
        assert light[azimuth] == pytest.approx(255 * shade, abs=3)
    lines = pixels(served.get(f"{url}?algorithm=contour&interval=10"))[128, :, 3]
    lon = -180 + (tile.x + (np.arange(256) + 0.5) / 256) / (1 << tile.z) * 360
    height = (lon - 120.0) / 1e-4 - 0.5
    assert np.abs(height[lines > 127] / 10 - np.round(height[lines > 127] / 10)).max() * 10 < 0.6
    assert len(np.unique(np.round(height[lines > 127] / 10))) == int(height[-1] // 10) - int(height[0] // 10)


def test_who_may_not_read_a_raster_does_not_learn_of_it(imported):
    class NotThisOne:
        def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
            if layer_id == "ortho" and actor.name != "planner":
                raise PolicyError("no", value=layer_id)

    with application(imported, NotThisOne()) as client:
        assert [each["id"] for each in client.json("/rasters")["rasters"]] == ["dem"]
        hidden, none = (client.problem("GET", TILE.replace("ortho", name), 404) for name in ("ortho", "nothing"))
        assert hidden["detail"] == none["detail"].replace("nothing", "ortho")
        assert client.get(TILE, headers={"X-OneMap-Actor": "planner"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/rasters/nothing", 404),
        ("/rasters/..%2Fsecret/1/1/1", 404),
        ("/rasters/ortho/Nowhere/14/1/1.png", 404),
        ("/rasters/ortho/25/0/0.png", 404),
        ("/rasters/ortho/2/4/0.png", 404),
        ("/rasters/ortho/tiles/CGCS2000Quad/2/9/0", 404),
        ("/rasters/ortho/x/0/0.png", 404),
        ("/rasters/ortho/0/0/0.tif", 400),
        ("/rasters/ortho/0/0/0?speed=9", 400),
        ("/rasters/ortho/0/0/0?size=100000", 400),
        ("/rasters/ortho/0/0/0?bands=7", 400),
        ("/rasters/ortho/0/0/0?bands=1,2", 400),
        ("/rasters/ortho/0/0/0?rescale=9,1", 400),
        ("/rasters/ortho/0/0/0?rescale=nan,1", 400),
        ("/rasters/ortho/0/0/0?colormap=viridis", 400),
        ("/rasters/dem/0/0/0?colormap=purple-rain", 400),
        ("/rasters/dem/0/0/0?algorithm=hillshade&altitude=91", 400),
        ("/rasters/dem/0/0/0?nodata=many", 400),
        ("/rasters/dem/0/0/0?resampling=wishful", 400),
        ("/rasters/dem/0/0/0?as_of=v3", 400),
        ("/rasters/dem/0/0/0?as_of=2999-01-01", 400),
        ("/rasters/dem/0/0/0?datetime=yesterday", 400),
        ("/rasters/dem/values?lon=500&lat=1", 400),
        ("/rasters/dem/values", 400),
        ("/rasters/ortho/legend?f=png", 400),
        ("/rasters/ortho/tilejson.json?datetime=1999-01-01", 404),
    ],
)
def test_what_cannot_be_is_refused_in_words(served, path, status):
    body = served.problem("GET", path, status)
    assert body["detail"]
    assert body["remedy"]


@pytest.mark.parametrize("resampling", ["cubic", "nearest"])
def test_other_resamplings_lie_in_the_same_place(served, resampling):
    usual = pixels(served.get(f"{TILE}.png?datetime=2020-05-01"))
    other = pixels(served.get(f"{TILE}.png?datetime=2020-05-01&resampling={resampling}"))
    assert np.abs(usual - other)[..., :3].max() <= 2
    tile = WEB_MERCATOR_QUAD.tile_at(120.002, 36.298, 16)
    url = f"/rasters/dem/{tile.z}/{tile.x}/{tile.y}.png"
    heights, warped = (pixels(served.get(f"{url}{more}")) for more in ("", f"?resampling={resampling}"))
    assert ((heights[..., 3] > 0) != (warped[..., 3] > 0)).mean() < 0.02
    both = (heights[..., 3] > 0) & (warped[..., 3] > 0)
    assert np.abs(heights - warped)[both].mean() < 1


def test_a_damaged_file_is_named_and_nothing_of_it_is_served(data):
    file = data / "rasters" / "ortho" / "2020-05-01.tif"
    whole = file.read_bytes()
    url = f"{TILE}.png?datetime=2020-05-01"
    with application(data) as served:
        file.write_bytes(whole[: len(whole) // 2])
        told = served.problem("GET", url, 422)
        assert told["value"] == "ortho/2020-05-01.tif"
        assert "onemap rasters remove" in told["remedy"]
        file.unlink()
        gone = served.problem("GET", "/rasters/ortho/statistics?datetime=2020-05-01", 422)
        assert gone["value"] == "ortho/2020-05-01.tif"
        file.write_bytes(whole)
        assert served.get(url).status_code == 200


def test_a_removed_image_is_gone_from_the_next_tile(data):
    with application(data) as served:
        first = served.get(f"{TILE}.png")
        assert cli.run(["rasters", "remove", "ortho", "--image", "2024-05-01", "--data", str(data)]) == 0
        second = served.get(f"{TILE}.png", headers={"If-None-Match": first.headers["etag"]})
        assert set(np.unique(pixels(second)[..., 2])) == {200}
        assert served.json("/rasters/ortho")["days"] == ["2020-05-01"]


def test_a_dry_run_judges_and_writes_nothing(tmp_path, capfd):
    path, data = write_raster(tmp_path / "dem.tif", slope(30, 30)), tmp_path / "data"
    assert cli.run(["import", str(path), "--data", str(data), "--dry-run"]) == 0
    assert "30 x 30 x 1" in capfd.readouterr().out
    assert not (data / "rasters").exists()
    assert cli.run(["import", str(path), "--data", str(data), "--dry-run", "--level", "secret"]) != 0
    assert "no such level" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("option", "named"),
    [
        (["--mode", "replace"], "--mode replace"),
        (["--encoding", "GBK"], "--encoding"),
        (["--manifest", "m.json"], "--manifest"),
    ],
)
def test_options_that_mean_nothing_for_a_raster_are_named(tmp_path, capfd, option, named):
    path = write_raster(tmp_path / "dem.tif", slope(30, 30))
    assert cli.run(["import", str(path), "--data", str(tmp_path / "data"), *option]) != 0
    said = capfd.readouterr().err
    assert named in said
    assert "--dry-run" in said
