"""Scenes tiled implicitly: read back, they are the scene that was written out, tile for tile, vertex for vertex."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
import shapely

from box_town import SOUTH, WEST, box_town
from scenes3d.buildings.cleaning import footprints_of
from scenes3d.buildings.faults import BuildReport
from scenes3d.buildings.footprints import Footprints
from scenes3d.buildings.heights import HeightRule
from scenes3d.editions.building import build_edition
from scenes3d.editions.edition import Edition
from scenes3d.editions.folder import SceneFolder, edition_opener
from scenes3d.editions.implicit import implicit_files
from scenes3d.glb.reading import read_model
from scenes3d.sources.tilesets.importing import TilesetReport, TilesetWish, import_tileset
from scenes3d.tileset.folder import folder_opener
from scenes3d.tileset.reading import Opener, read_tileset
from scenes3d.tileset.subtrees import interleaved
from twin.errors import BadCall

PLAN = Edition(1, (), {"rule": "height"}, {"verticalDatum": "EPSG:5737"})
Ids = tuple[str, ...]


def written(folder: Path, opened: Opener, edition: Edition) -> list[str]:
    names = []
    for name, data in implicit_files(edition, opened):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        names.append(name)
    return names


def read_back(folder: Path, target: Path) -> TilesetReport:
    """The implicit tileset, taken over as one of others is: written out, with every vertex looked at."""
    target.mkdir()
    return import_tileset("tileset.json", folder_opener(folder), target, TilesetWish(), {})


def tiles(opened: Opener) -> dict[Ids, tuple[list[float], float, np.ndarray]]:
    """Region, error and Earth-centred vertices of every tile by the ids of its features."""
    found = {}
    for tile in read_tileset("tileset.json", opened):
        for uri, _ in tile.contents:
            model = read_model(opened(uri), uri)
            (primitive,) = model.primitives
            earth = primitive.positions @ tile.matrix[:3, :3].T + tile.matrix[:3, 3]
            found[tuple(model.table["id"])] = (tile.volume["region"], tile.geometric_error, earth)
    return found


def require_same(explicit: Opener, back: Opener) -> int:
    """Pass two tilesets with the same tiles; gives how many features they have."""
    one, other = tiles(explicit), tiles(back)
    assert one.keys() == other.keys()
    for ids, (region, error, earth) in one.items():
        assert other[ids][:2] == (region, error)
        assert np.abs(other[ids][2] - earth).max() < 1e-6
    return sum(map(len, one))


@pytest.fixture(scope="module")
def scene(town: Footprints, tmp_path_factory: pytest.TempPathFactory) -> tuple[Opener, Edition, Path]:
    folder, out = SceneFolder(tmp_path_factory.mktemp("scene")), tmp_path_factory.mktemp("implicit")
    edition = build_edition(folder, town, PLAN)
    opened = edition_opener(folder, edition)
    assert written(out, opened, edition)[-1] == "tileset.json"
    return opened, edition, out


def test_it_is_the_scene_that_is_written_out(scene, tmp_path):
    opened, edition, out = scene
    report = read_back(out, tmp_path / "back")
    assert (report.faults, report.widened, report.tiles) == ((), (), len(edition.entries))
    assert require_same(opened, folder_opener(tmp_path / "back")) == 2500
    assert len(list(out.glob("subtrees/*/*/*.subtree"))) > 1
    said = orjson.loads((out / "tileset.json").read_bytes())
    assert said["asset"] == {"version": "1.1", "extras": {"verticalDatum": "EPSG:5737"}}
    assert "children" not in said["root"]


def test_khronos_finds_nothing_wrong(
    scene: tuple[Opener, Edition, Path], gltf_problems: Callable[[Mapping[str, bytes]], list[str]]
) -> None:
    out = scene[2]
    assert gltf_problems({str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*.glb")}) == []


def built(folder: Path, count: int, east_deg: float = 0.0, north_deg: float = 0.0) -> tuple[Opener, Edition]:
    """The scene of a town that stands so far from where it does."""
    parts = []
    for batch in box_town(count):
        shapes = shapely.transform(shapely.from_wkb(batch.wkb), lambda xy: np.add(xy, (east_deg, north_deg)))
        moved = replace(batch, wkb=shapely.to_wkb(shapes, flavor="iso").tolist())
        parts.append(footprints_of(moved, HeightRule("height"), None, BuildReport()))
    scene = SceneFolder(folder)
    edition = build_edition(scene, Footprints.concatenated(parts), PLAN)
    return edition_opener(scene, edition), edition


def test_where_buildings_reach_out_of_the_root_a_wider_cell_is_the_root(tmp_path):
    opened, edition = built(tmp_path / "scene", 1)
    content, *subtrees, _ = written(tmp_path / "out", opened, edition)
    level = int(content.split("/")[1])
    assert 0 < level <= 31
    assert len(subtrees) == level // 5 + 1
    report = read_back(tmp_path / "out", tmp_path / "back")
    assert (report.faults, report.widened) == ((), ())
    assert require_same(opened, folder_opener(tmp_path / "back")) == 1


def test_a_town_on_the_prime_meridian(tmp_path):
    """Half of it begins with half a globe, whose cell would reach beyond the poles."""
    opened, edition = built(tmp_path / "scene", 900, -WEST - 0.008, 51.5 - SOUTH)
    assert edition.entries[0].level == 0
    names = written(tmp_path / "out", opened, edition)
    assert {name.partition("/")[0] for name in names} == {"tiles", "root0", "root1", "tileset.json"}
    report = read_back(tmp_path / "out", tmp_path / "back")
    assert (report.faults, report.widened) == ((), ())
    assert require_same(opened, folder_opener(tmp_path / "back")) == 900


def test_what_is_no_quadtree_is_refused():
    with pytest.raises(BadCall) as caught:
        list(implicit_files(Edition(1, (), {"files": "0" * 16}), lambda address: b""))
    assert "--implicit" in caught.value.remedy


def test_cells_are_numbered_along_the_curve():
    assert [interleaved(x, y, 2) for y in range(4) for x in range(4)] == [
        0,
        1,
        4,
        5,
        2,
        3,
        6,
        7,
        8,
        9,
        12,
        13,
        10,
        11,
        14,
        15,
    ]
