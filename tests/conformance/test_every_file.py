"""Every real 3D file beside the checkout, by the command a person would type: it becomes a valid scene, or is refused for its reason.

A new file in one of the folders needs a row here. Counts and extents are those of other readers; tiles are read by the validator
of Khronos, and every vertex lies inside the volumes of its tile and of all tiles above it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio

import foreign_counts as foreign
from api import cli
from osgb_tree import require_osgconv
from scene_vertices import vertices_of
from scenes3d.tileset.checking import check_tileset
from scenes3d.tileset.folder import folder_opener
from tiles.terrain.shelf import TerrainShelf
from twin.query import FeatureQuery
from twin.store import open_store

FOLDERS = ("model3d", "pointcloud", "tiles3d")
SAMPLE = ("--accept-because", "a sample")
ANCHOR = ("--anchor", "120.03,36.26,20", "--vertical-datum", "EPSG:5737")
# Positions of 16 bits move a vertex by a centimetre at most.
CLOSE_DEG, CLOSE_M = 2.0e-7, 0.02


@dataclass(frozen=True)
class Row:
    """One delivery.

    Attributes:
        files: Below the folder of shared data.
        said: What a person has to state for it.
        refused: What is refused before: options, and words of the refusal.
        measured: Count and box by another reader, from the paths and a scratch folder.
        counts: What is counted: "points", "features", "vertices", or "triangles" of the source as the report tells them, because
            a mesh is there once for every level; ids are those of features of one model only.
        told: Words of the report.
    """

    files: tuple[str, ...]
    said: tuple[str, ...]
    refused: tuple[tuple[tuple[str, ...], str], ...]
    measured: Callable[[list[Path], Path], foreign.Measured]
    counts: str = "features"
    told: str = ""


@dataclass(frozen=True)
class Refused:
    """A file that does not become a scene today.

    Attributes:
        words: Of the refusal.
    """

    file: str
    words: str
    said: tuple[str, ...] = field(default=SAMPLE)


def gml(name: str, crs: str, far: str, *, north_first: bool) -> Row:
    return Row(
        (f"model3d/{name}.gml",),
        SAMPLE,
        (((), f"{far} km from Jiaozhou"),),
        lambda paths, scratch: foreign.citygml(paths[0], crs, scratch, north_first=north_first),
    )


def tileset(name: str, said: tuple[str, ...], refused: str, told: str = "") -> Row:
    return Row(
        (f"tiles3d/tileset-{name}.zip",),
        (*SAMPLE, *said),
        ((SAMPLE if said else (), refused),),
        lambda paths, scratch: (foreign.tileset_vertices(paths[0]), ()),  # type: ignore[return-value]
        "vertices",
        told,
    )


ROWS = {
    "delft-lidar": Row(
        ("pointcloud/ahn3-delft-east.laz", "pointcloud/ahn3-delft-west.laz"),
        (*SAMPLE, "--crs", "EPSG:7415"),
        (
            (SAMPLE, "--crs EPSG"),
            ((*SAMPLE, "--crs", "EPSG:28992"), "--vertical-datum"),
            (("--crs", "EPSG:7415"), "km from Jiaozhou"),
        ),
        lambda paths, scratch: foreign.clouds(paths, "EPSG:7415"),
        "points",
    ),
    "autzen": Row(
        ("pointcloud/autzen-stadium-rgb.las",),
        (*SAMPLE, "--vertical-datum", "unknown", "--height-unit", "foot"),
        (((*SAMPLE, "--vertical-datum", "unknown"), "--height-unit foot"),),
        lambda paths, scratch: foreign.clouds(paths, None, 0.3048),
        "points",
    ),
    "lone-star": Row(
        ("pointcloud/lone-star.copc.laz",),
        (*SAMPLE, "--crs", "EPSG:32613", "--vertical-datum", "unknown"),
        ((SAMPLE, "4,945 km from it"), (("--crs", "EPSG:32613", "--vertical-datum", "unknown"), "km from Jiaozhou")),
        lambda paths, scratch: foreign.clouds(paths, "EPSG:32613"),
        "points",
    ),
    "delft-cityjson": Row(
        ("model3d/delft.city.json",),
        SAMPLE,
        (((), "km from Jiaozhou"),),
        lambda paths, scratch: foreign.cityjson(paths[0], "EPSG:7415"),
    ),
    "delft-3dfier": Row(
        ("model3d/delft-lod1-3dfier.city.json",),
        SAMPLE,
        (((), "km from Jiaozhou"),),
        lambda paths, scratch: foreign.cityjson(paths[0], "EPSG:7415"),
    ),
    "delft-obj": Row(
        ("model3d/delft-lod1-3dfier-obj.zip",),
        (*SAMPLE, "--crs", "EPSG:7415"),
        ((SAMPLE, "--crs EPSG"),),
        lambda paths, scratch: foreign.obj(paths[0], "EPSG:7415"),
    ),
    # Both samples of EPSG:3068 are written east first, over their CRS: their roofs say so.
    "lod2-v3": gml("lod2-buildings-v3", "EPSG:3068", "9,740", north_first=False),
    "lod3-v2": gml("lod3-building-v2", "EPSG:3068", "9,740", north_first=False),
    "numazu": gml("numazu-landuse", "EPSG:6668", "1,680", north_first=True),
    "yokosuka": gml("yokosuka-buildings-lod1-2", "EPSG:6668", "1,757", north_first=True),
    # A relief made of triangles comes as two features of a model, not as terrain.
    "yokosuka-tin": gml("yokosuka-terrain-tin", "EPSG:6668", "1,753", north_first=True),
    "sceaux": Row(
        ("model3d/sceaux-photogrammetry-mesh.ply",),
        ANCHOR,
        (((), "--crs EPSG"),),
        lambda paths, scratch: foreign.ply(paths[0], 120.03, 36.26, 20),
        "triangles",
        "sceaux: 174,899 triangles",
    ),
    "oblique": Row(
        ("model3d/oblique-sample.osgb",),
        ANCHOR,
        (((), "--anchor LON,LAT,HEIGHT"), (ANCHOR[:2], "--vertical-datum")),
        lambda paths, scratch: foreign.osgb(paths[0], 120.03, 36.26, 20, scratch),
        "vertices",
        "上一级 (Tile_+000_+000_L16_0.osgb: there is no such file)",
    ),
    "request-volume": tileset(
        "request-volume-v1-0",
        (),
        "km from Jiaozhou",
        "made wider · 包围体过小，已放宽 (/: by 0.0990 m, /1: by 0.0990 m)",
    ),
    "granularities": tileset("metadata-granularities-v1-1", ANCHOR[:2], "--anchor LON,LAT,HEIGHT"),
    "implicit": tileset("sparse-implicit-quadtree-v1-1", ANCHOR[:2], "--anchor LON,LAT,HEIGHT"),
}
REFUSED = [
    Refused("model3d/delft-footprints-bgt-pand.sqlite", "footprints become a layer"),
    Refused("model3d/delft-roads-bgt-wegdeel.sqlite", "footprints become a layer"),
]
LAYERS = {
    "model3d/delft-footprints-bgt-pand.sqlite": "gml_id",
    "model3d/delft-roads-bgt-wegdeel.sqlite": "gml_id",
}


def test_every_file_has_a_row(shared_data: Path) -> None:
    there = {f"{folder}/{path.name}" for folder in FOLDERS for path in (shared_data / folder).iterdir()}
    named = {name for row in ROWS.values() for name in row.files} | {row.file for row in REFUSED}
    assert there == named


def triangles_told(report: str) -> int:
    found = re.search(r"([\d,]+) triangles", report)
    return int(found[1].replace(",", "")) if found else 0


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run(["scenes", "import", *arguments]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("name", ROWS)
def test_it_becomes_a_valid_scene(
    name: str,
    shared_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    gltf_problems: Callable[[dict[str, bytes]], list[str]],
    ogrinfo: str,
) -> None:
    row = ROWS[name]
    if row.files[0].endswith(".osgb"):
        require_osgconv()
    paths = [shared_data / file for file in row.files]
    files, data = list(map(str, paths)), ("--id", name, "--data", str(tmp_path / "data"))
    for said, words in row.refused:
        assert words in refusal(capsys, *files, *said, *data)
    assert not list(tmp_path.glob("data/scenes/*/scene.json"))
    assert cli.run(["scenes", "import", *files, *row.said, *data]) == 0, capsys.readouterr().err
    told = capsys.readouterr().out
    assert row.told in told
    record = json.loads((tmp_path / f"data/scenes/{name}/scene.json").read_bytes())
    assert record.get("accepted_because") == ("a sample" if "--accept-because" in row.said else None)
    assert [source["file"] for source in record["sources"]] == [path.name for path in paths]
    folder = tmp_path / "out"
    assert cli.run(["scenes", "export", name, str(folder), *data[2:]]) == 0
    checked = check_tileset("tileset.json", folder_opener(folder))
    assert checked.faults == ()
    found = vertices_of(folder)
    assert gltf_problems(found.contents) == []
    count, box = row.measured(paths, tmp_path)
    if row.counts == "features":
        assert len(set(found.ids)) == len(found.ids)
    counted = {"features": len(found.ids), "triangles": triangles_told(told)}
    assert counted.get(row.counts, found.count) == count
    assert found.count == checked.vertices > 0
    if box:
        assert np.abs(np.subtract(found.box, box)[:4]).max() < CLOSE_DEG, (found.box, box)
        assert np.abs(np.subtract(found.box, box)[4:]).max() < CLOSE_M, (found.box, box)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.file)
def test_it_is_refused_for_its_reason(
    row: Refused, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert row.words in refusal(capsys, str(shared_data / row.file), *row.said, "--data", str(tmp_path / "data"))
    left = [path for path in tmp_path.glob("data/scenes/**/*") if path.is_file() and path.name != ".lock"]
    assert left == []


@pytest.mark.parametrize("file", LAYERS)
def test_footprints_become_a_layer(file: str, shared_data: Path, tmp_path: Path) -> None:
    path, data = shared_data / file, tmp_path / "data"
    said = ["--layer", "feet", "--id-property", LAYERS[file], *SAMPLE, "--data", str(data)]
    assert cli.run(["import", str(path), *said]) == 0
    info = pyogrio.read_info(path)
    table = pyogrio.read_dataframe(path).to_crs("EPSG:4326")
    store = open_store(data / "onemap.gpkg")
    batch = store.select("feet", FeatureQuery())
    bounds = store.layer("feet").bounds
    store.close()
    assert len(batch) == info["features"]
    assert set(batch.ids) == set(table[LAYERS[file]])
    assert bounds is not None
    assert (bounds.west, bounds.south, bounds.east, bounds.north) == pytest.approx(table.total_bounds, abs=1e-8)


def test_andorra_becomes_terrain(shared_data: Path, tmp_path: Path) -> None:
    archive = shared_data / "raster/srtm3-n42e001-andorra.hgt.zip"
    said = ["--id", "andorra", "--data", str(tmp_path)]
    assert cli.run(["terrain", "add", str(archive), *said]) == 2  # what its heights count from is asked for
    assert cli.run(["terrain", "add", str(archive), "--vertical-datum", "EPSG:5773", *said]) == 0
    shelf = TerrainShelf(tmp_path / "terrain")
    elevation = shelf.terrain("andorra").surface.elevation
    with rasterio.open(f"/vsizip/{archive}/N42E001.hgt") as raster:
        pixels, (west, south, east, north) = raster.read(1), raster.bounds
        void = pixels == raster.nodata
        rows, columns = (index[::97] for index in np.nonzero(~void))
        lon, lat = raster.xy(rows, columns)
    assert void.mean() == pytest.approx(0.005, abs=0.001)
    assert elevation.shape == pixels.shape == (1201, 1201)
    box = elevation.bounds
    assert (box.west, box.south, box.east, box.north) == pytest.approx((west, south, east, north), abs=1e-9)
    assert np.abs(elevation.heights(np.array(lon), np.array(lat)) - pixels[rows, columns]).max() < 0.01
    shelf.close()
