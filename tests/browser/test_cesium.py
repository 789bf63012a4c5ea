"""A stranger's viewer, CesiumJS, draws what our server gives: buildings, a cloud, a mesh and the terrain below them.

The page belongs to the tests and knows of the server what the standards say: `tileset.json`, `layer.json`.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import laspy
import numpy as np
import pytest
import rasterio
from rasterio import Affine

from api import cli
from box_town import SCHEMA, SOUTH, WEST, box_town
from javascript_decoder import PACKAGES
from loud_skips import skip_loudly
from map_page import MapPage
from server_process import ServerProcess
from twin.crs import parse_crs, transform_points
from twin.query import FeatureQuery
from twin.store import open_store
from twin.store.port import Author, LayerSpec

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Route

CESIUM = PACKAGES / "node_modules/cesium/Build/Cesium"
PAGE = Path(__file__).parents[1] / "services/javascript/globe.html"
COUNT = 400
MIDDLE = WEST + 0.0065, SOUTH + 0.0054
HEAP, DOME = (WEST - 0.0012, SOUTH + 0.0030), (WEST - 0.0012, SOUTH + 0.0048)
DATUM = ["--vertical-datum", "EPSG:5737"]
DOCUMENT = {"id": "houses", "title": {"zh": "房屋", "en": "Houses"}, "department": "housing"}


def ground(lon: Any, lat: Any) -> Any:
    """A slope to the east with a hill in the north of the town, metres."""
    far = np.hypot((lon - MIDDLE[0]) * 89_900, (lat - MIDDLE[1] - 0.003) * 110_970)
    return 20 + 600 * (lon - WEST) + 60 * np.exp(-((far / 350) ** 2))


def write_terrain(path: Path) -> None:
    step, west, north = 0.00025, WEST - 0.03, SOUTH + 0.05
    lon, lat = west + (np.arange(320) + 0.5) * step, north - (np.arange(320) + 0.5) * step
    shape = {"height": 320, "width": 320, "count": 1, "dtype": "float32"}
    with rasterio.open(
        path, "w", driver="GTiff", crs="EPSG:4490", transform=Affine(step, 0, west, 0, -step, north), **shape
    ) as out:
        out.write(ground(*np.meshgrid(lon, lat)).astype(np.float32), 1)


def write_heap(path: Path) -> None:
    """A red cone of points, 40 m wide and 25 m high."""
    chance = np.random.default_rng(3)
    radius, turn = 40 * np.sqrt(chance.uniform(0, 1, 30_000)), chance.uniform(0, 2 * np.pi, 30_000)
    east, north = transform_points(*np.array(HEAP)[:, None], parse_crs("EPSG:4490"), parse_crs("EPSG:4549"))
    header = laspy.LasHeader(version="1.4", point_format=7)
    header.scales, header.offsets = np.full(3, 0.001), np.array([float(east[0]), float(north[0]), 0.0])
    record = laspy.ScaleAwarePointRecord.zeros(len(radius), header=header)
    record.x, record.y = east[0] + radius * np.cos(turn), north[0] + radius * np.sin(turn)
    record.z = float(ground(*HEAP)) + 25 * (1 - radius / 40)
    record.red, record.green, record.blue = (
        np.full(len(radius), shade, dtype=np.uint16) for shade in (52_000, 9_000, 9_000)
    )
    with laspy.open(path, mode="w", header=header) as writer:
        writer.write_points(record)


def write_dome(path: Path) -> None:
    """Half a sphere of 35 m radius, as a PLY."""
    rings, around = 16, 40
    tilt, turn = np.meshgrid(
        np.linspace(0, np.pi / 2, rings + 1), np.arange(around) * 2 * np.pi / around, indexing="ij"
    )
    points = 35 * np.stack([np.cos(turn) * np.cos(tilt), np.sin(turn) * np.cos(tilt), np.sin(tilt)], axis=-1).reshape(
        -1, 3
    )
    corner = (np.arange(rings)[:, None] * around + np.arange(around)).ravel()
    beside = (np.arange(rings)[:, None] * around + (np.arange(around) + 1) % around).ravel()
    faces = np.concatenate(
        [
            np.column_stack([corner, beside, beside + around]),
            np.column_stack([corner, beside + around, corner + around]),
        ]
    )
    head = (
        f"ply\nformat ascii 1.0\nelement vertex {len(points)}\nproperty float x\nproperty float y\nproperty float z\n"
    )
    head += f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    rows = [" ".join(map(str, row)) for row in points.round(4).tolist()] + [
        f"3 {a} {b} {c}" for a, b, c in faces.tolist()
    ]
    path.write_text(head + "\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with three published scenes and a terrain."""
    if not (CESIUM / "Cesium.js").is_file():
        skip_loudly("scenes in CesiumJS", "./onemap test installs it with npm (sudo apt-get install nodejs npm)")
    data, files = tmp_path_factory.mktemp("globe"), tmp_path_factory.mktemp("files")
    said = ["--data", str(data)]
    write_terrain(files / "dem.tif")
    write_heap(files / "heap.laz")
    write_dome(files / "dome.ply")
    store = open_store(data / "onemap.gpkg")
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", SCHEMA, DOCUMENT)) as writer:
        for batch in box_town(COUNT):
            writer.upsert(batch)
    store.close()
    anchor = f"{DOME[0]},{DOME[1]},{float(ground(*DOME)):.2f}"
    for command in (
        ["terrain", "add", str(files / "dem.tif"), *DATUM],
        ["scenes", "build", "houses"],
        ["scenes", "import", str(files / "heap.laz"), "--crs", "EPSG:4549", *DATUM],
        ["scenes", "import", str(files / "dome.ply"), "--anchor", anchor, *DATUM],
        *(["scenes", "review", name, "--accept", "--reason", "test"] for name in ("houses", "heap", "dome")),
    ):
        assert cli.run([*command, *said]) == 0, command
    started = ServerProcess(data)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def globe(browser_context: BrowserContext, server: ServerProcess) -> Iterator[MapPage]:
    """CesiumJS with everything loaded, looking at the town from the south-west."""

    def answer(route: Route) -> None:
        name = route.request.url.partition("/foreign/")[2].partition("?")[0]
        file = PAGE if name == "globe.html" else CESIUM / name.removeprefix("cesium/")
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        route.fulfill(path=file, content_type=kind) if file.is_file() else route.fulfill(status=404)

    shown = MapPage(browser_context, server.url, 480, 320)
    shown.page.route("**/foreign/**", answer)
    scenes = "&".join(f"scene={name}" for name in ("houses", "heap", "dome"))
    shown.page.goto(f"{server.url}/foreign/globe.html?terrain=/terrain/dem&{scenes}")
    shown.until("() => window.globe?.state === 'ready'")
    yield shown
    shown.close()


def look(globe: MapPage, lon: float, lat: float, heading: float, pitch: float, far: float) -> None:
    to = [lon, lat, float(ground(lon, lat))]
    globe.evaluate("([to, ...rest]) => window.globe.look(to, ...rest)", [to, heading, pitch, far])
    globe.evaluate("() => window.globe.settled()")


def picture(globe: MapPage) -> bytes:
    globe.evaluate("() => window.globe.settled()")
    return globe.page.screenshot()


def test_everything_is_drawn_and_nothing_fails(globe: MapPage, tmp_path: Path) -> None:
    look(globe, WEST + 0.001, SOUTH + 0.0045, 25, -25, 650)
    whole = picture(globe)
    (tmp_path / "whole.png").write_bytes(whole)
    for name in ("houses", "heap", "dome", "terrain"):
        globe.evaluate("(name) => window.globe.show(name, false)", name)
        without = picture(globe)
        globe.evaluate("(name) => window.globe.show(name, true)", name)
        assert globe.different_pixels(whole, without) > 400, name
    assert globe.different_pixels(whole, picture(globe)) == 0
    drawn = globe.evaluate("() => window.globe.drawn()")
    assert all(entry["tiles"] > 0 for entry in drawn.values())
    assert drawn["heap"]["points"] > 10_000
    assert drawn["dome"]["triangles"] >= 2 * 16 * 40 - 40
    assert drawn["houses"]["features"] > COUNT / 2
    assert globe.evaluate("() => window.globe.errors") == []
    assert globe.outside_requests == []
    assert globe.complaints == []


def test_a_pick_gives_the_feature_of_the_layer_with_its_attributes(globe: MapPage, server: ServerProcess) -> None:
    look(globe, *MIDDLE, 0, -89.9, 700)
    store = open_store(server.data_dir / "onemap.gpkg")
    batch = store.select("houses", FeatureQuery())
    store.close()
    inside = [shape.representative_point() for shape in batch.geometries]
    roofs = [
        [place.x, place.y, float(ground(place.x, place.y)) + height]
        for place, height in zip(inside, batch.columns["height"], strict=True)
    ]
    spots = globe.evaluate("(roofs) => roofs.map(window.globe.at)", roofs)
    # In the middle no house leans over its neighbour.
    chosen = [row for row, (x, y) in enumerate(spots) if 120 < x < 360 and 80 < y < 240]
    found = globe.evaluate("(spots) => spots.map(([x, y]) => window.globe.pick(x, y))", [spots[row] for row in chosen])
    assert len(found) > 20
    for row, picked in zip(chosen, found, strict=True):
        properties = picked["properties"]
        assert (picked["tileset"], properties["id"]) == ("houses", batch.ids[row])
        assert {name: properties[name] for name in SCHEMA.names} == {
            name: batch.columns[name][row] for name in SCHEMA.names
        }
    # Houses stand on the ground that CesiumJS draws: it is that of the formula, up to the tile's error.
    places = [roofs[row][:2] for row in chosen]
    drawn = globe.evaluate("(places) => places.map(([lon, lat]) => window.globe.ground(lon, lat))", places)
    true = [float(ground(*place)) for place in places]
    assert max(true) - min(true) > 20
    assert drawn == pytest.approx(true, abs=2.5)


def test_picks_tell_cloud_mesh_and_ground_apart(globe: MapPage) -> None:
    look(globe, *HEAP, 0, -89.9, 600)
    spots = {"heap": (*HEAP, 20.0), "dome": (*DOME, 34.0), None: (HEAP[0] - 0.001, HEAP[1], 0.0)}
    for name, (lon, lat, height) in spots.items():
        x, y = globe.evaluate("(where) => window.globe.at(where)", [lon, lat, float(ground(lon, lat)) + height])
        found = globe.evaluate("([x, y]) => window.globe.pick(x, y)", [x, y])
        assert (found and found["tileset"]) == name
