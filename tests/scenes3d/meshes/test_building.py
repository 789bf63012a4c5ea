"""Levels of detail from hills that are known everywhere: nothing lost, nothing wrong by more than is said, no gap between tiles."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial import cKDTree

from mesh_tiles import drawn_tiles
from painted_hills import HERE, SIDE_M, Hills, colour, grid
from scenes3d.meshes.building import MeshOptions, build_mesh
from scenes3d.rays.opening import open_rays
from scenes3d.rays.port import Triangles
from scenes3d.tileset.checking import check_tileset
from scenes3d.tileset.folder import folder_opener
from scenes3d.tileset.progress import share_of
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Unit

OPTIONS = MeshOptions(most_triangles=1_500)


def test_every_vertex_lies_in_all_its_volumes_and_khronos_finds_nothing_wrong(hills, gltf_problems):
    checked = check_tileset("tileset.json", folder_opener(hills.folder))
    assert checked.faults == ()
    assert checked.tiles == hills.report.tiles == len(list(hills.folder.glob("*.glb")))
    files = {path.stem: path.read_bytes() for path in hills.folder.glob("*.glb")}
    assert gltf_problems(files) == []


def test_the_tree_is_one_of_replacement_with_errors_that_grow_upwards(hills):
    document = json.loads((hills.folder / "tileset.json").read_bytes())
    assert document["root"]["refine"] == "REPLACE"
    assert (hills.report.triangles, hills.report.levels) == (2 * 96 * 96, 4)
    tiles = {tile.path: tile for tile in drawn_tiles(hills.folder, HERE)}
    assert all((tile.error_m == 0) == tile.leaf for tile in tiles.values())
    assert document["geometricError"] >= tiles["/"].error_m >= hills.report.error_m > 0
    # Skirts are strips of two triangles along the border.
    assert max(len(tile.corners) for tile in tiles.values()) < OPTIONS.most_triangles * 1.5


def test_the_leaves_are_the_source_and_skirts_behind_it(hills):
    points, corners = grid(97)
    leaves = [tile for tile in drawn_tiles(hills.folder, HERE) if tile.leaf]
    middles = np.concatenate([tile.corners.mean(axis=1) for tile in leaves])
    distance, found = cKDTree(middles).query(points[corners].mean(axis=1))
    # 16 bits of a tile of 24 m are steps of 0.4 mm.
    assert distance.max() < 1e-3
    assert len(np.unique(found)) == len(corners)
    skirts = np.delete(np.concatenate([tile.corners for tile in leaves]), found, axis=0)
    upper = cKDTree(points).query(skirts.reshape(-1, 3))[0]
    assert upper.max() < 0.01


def test_no_place_of_the_root_is_farther_from_the_source_than_is_said(hills):
    root = drawn_tiles(hills.folder, HERE)[0]
    points, corners = grid(97)
    draw = np.random.default_rng(3)
    spread = np.einsum(
        "nk,nkx->nx", draw.dirichlet([1, 1, 1], 400_000), points[corners][np.arange(400_000) % len(corners)]
    )
    _, _, ours = root.sample(20_000)
    away, _ = cKDTree(spread).query(ours)
    # The nearest of 40 places a square metre is up to some 30 cm off its surface's nearest.
    assert away.max() <= hills.report.error_m + 0.3
    back, _ = cKDTree(root.sample(200_000)[2]).query(spread[::20])
    assert back.max() <= hills.report.error_m + 0.4
    assert hills.report.error_m < 3 * max(away.max(), back.max())


def test_colours_are_those_of_the_source(hills):
    if not hills.report.painted:
        pytest.skip("not painted")
    for tile in drawn_tiles(hills.folder, HERE):
        triangle, weights, places = tile.sample(4_000)
        off = np.abs(tile.colour(triangle, weights) - colour(places[:, 0], places[:, 1])).max(axis=1)
        # Walls are painted from above: a step of their height is a step aside of their picture.
        flat = np.abs(np.cross(*(tile.corners[triangle][:, k] - tile.corners[triangle][:, 0] for k in (1, 2))))
        ground = flat[:, 2] > 0.7 * np.linalg.norm(flat, axis=1)
        # A coarse pixel is an eighth of the error wide, and the waves climb by seven at most a metre.
        pixel = tile.error_m / 8
        assert np.median(off[ground]) <= 3 + 3 * pixel, tile.path
        assert np.percentile(off[ground], 95) <= 8 + 12 * pixel, tile.path


def test_no_ray_slips_between_tiles_of_any_levels(hills):
    tiles = {tile.path: tile for tile in drawn_tiles(hills.folder, HERE)}
    below = {path: [key for key in tiles if key.rpartition("/")[0] == path.rstrip("/")] for path in tiles}
    below["/"] = [key for key in tiles if key.count("/") == 1 and key != "/"]
    draw = np.random.default_rng(5)
    # Straight down, on places of no grid: the sides of cells and everywhere.
    x, y = draw.uniform(-SIDE_M / 2 + 0.1, SIDE_M / 2 - 0.1, (2, 30_000))
    x[:10_000] = np.round(x[:10_000] / 12) * 12 + draw.normal(0, 1e-3, 10_000)
    x = np.clip(x, -SIDE_M / 2 + 0.1, SIDE_M / 2 - 0.1)
    origins = np.column_stack([x, y, np.full(len(x), 100.0)])
    missed = bare = 0
    for first in below["/"]:
        # One part as fine as it goes, those beside it as coarse.
        chosen = [path for path in tiles if path == first or path.startswith(f"{first}/")]
        shown = [tiles[path] for path in chosen if not below[path]]
        shown += [tiles[path] for path in below["/"] if path != first]
        missed += through(np.concatenate([tile.corners for tile in shown]), origins)
        bare += through(np.concatenate([tile.corners[thick(tile)] for tile in shown]), origins)
    # Tiles are rounded by half a millimetre each, and a third of the rays pass their seams within one.
    assert (missed, bare > 20) == (0, True)


def through(corners, origins):
    """How many rays straight down from there meet no triangle."""
    down = np.tile([0.0, 0.0, -1.0], (len(origins), 1))
    rays = open_rays(Triangles(corners.reshape(-1, 3), np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3)))
    return int(np.isinf(rays.first_hit(origins, down, np.full(len(origins), np.inf)).distance_m).sum())


def thick(tile):
    """Triangles that are no strips of a skirt."""
    sides = tile.corners[:, 1:] - tile.corners[:, :1]
    area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    return area > 0.05 * np.linalg.norm(tile.corners - np.roll(tile.corners, 1, axis=1), axis=2).max(axis=1)


class Broken:
    """Does some units and then no more."""

    workers = 1

    def __init__(self, after: int) -> None:
        self.after, self.done = after, 0

    def map(self, function, units, alive=lambda: None):
        for unit in units:
            if self.done == self.after:
                raise OSError("the machine is switched off")
            self.done += 1
            yield from IN_THREAD.map(function, [Unit(unit.name, unit.work)], alive)


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_broken_build_goes_on_where_it_stood_and_ends_in_the_same_bytes(tmp_path):
    whole = Hills(tmp_path, "image", 33)
    options = MeshOptions(most_triangles=400)
    build_mesh(whole, tmp_path / "whole", options, tasks=(every := Broken(1_000)))
    wanted = files_of(tmp_path / "whole")
    with pytest.raises(OSError, match="disk is gone"):
        build_mesh(Hills(tmp_path, "image", 33, fail_after=1), tmp_path / "again", options)
    assert not (tmp_path / "again").exists()
    with pytest.raises(OSError, match="switched off"):
        build_mesh(Hills(tmp_path, "image", 33), tmp_path / "again", options, tasks=Broken(5))
    rest = Broken(1_000)
    # The source is not read again: it would break at once.
    report = build_mesh(Hills(tmp_path, "image", 33, fail_after=0), tmp_path / "again", options, tasks=rest)
    assert rest.done == every.done - 5 > 10
    assert files_of(tmp_path / "again") == wanted
    assert (report.source, report.triangles) == ({"read": "whole"}, 2048)
    assert not list(tmp_path.glob("*.work"))


def test_progress_ends_at_the_whole_of_every_step(tmp_path):
    told, shares = {}, []

    def progress(step: str, done: int, total: int) -> None:
        told[step] = (done, total)
        shares.append(share_of(step, done, total))

    build_mesh(
        Hills(tmp_path, "", 33),
        tmp_path / "out",
        MeshOptions(most_triangles=400),
        progress,
    )
    assert list(told) == ["read", "spread", "tiles"]
    assert all(done <= total for done, total in told.values())
    assert shares == sorted(shares), "who waits sees it go on, never back"
    assert shares[-1] == 1.0
    assert told["tiles"][0] == told["tiles"][1] == len(list((tmp_path / "out").glob("*.glb")))
