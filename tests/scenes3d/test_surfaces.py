"""Meshes and models among the things that rays meet: the finest tiles of a tileset, the ground left to the terrain, nothing twice."""

from __future__ import annotations

import numpy as np
import orjson
import pyarrow as pa
import pytest
import shapely

from analysis_scenes import PLACE, blocks_on, flat, scene_of, wall
from scenes3d.analysis.columns import columns_of
from scenes3d.analysis.facades import facade_points
from scenes3d.analysis.scene import bend_of, open_scene
from scenes3d.analysis.sight import viewshed
from scenes3d.analysis.sky import skyline
from scenes3d.analysis.surfaces import joined, open_surfaces, shown_by, surfaces_of
from scenes3d.frames import Frame
from scenes3d.glb.mesh import Mesh, write_mesh
from scenes3d.glb.property_table import Column, ColumnKind
from scenes3d.rays.opening import open_rays
from scenes3d.rays.together import Together
from scenes3d.tileset.finest import Patch, finest_triangles
from twin.bounds import Bounds
from twin.ellipsoid import earth_centred
from twin.errors import TooLargeError

BOX = (-60.0, -60.0, 60.0, 60.0)


def patch(points, faces, ids=()):
    """Triangles given in metres of the place's frame."""
    points, faces = np.asarray(points, dtype=float), np.asarray(faces, dtype=np.int64)
    lon, lat = PLACE.to_geodetic(points[:, 0], points[:, 1])
    feature = np.zeros(len(faces), dtype=np.int64) if ids else np.full(len(faces), -1)
    return Patch(earth_centred(lon, lat, points[:, 2]), faces, feature, tuple(ids))


def cuboid(west, south, east, north, low, high, ids=()):
    corners = [(x, y, z) for z in (low, high) for x, y in ((west, south), (east, south), (east, north), (west, north))]
    sides = [(i, (i + 1) % 4, (i + 1) % 4 + 4, i + 4) for i in range(4)] + [(4, 5, 6, 7), (3, 2, 1, 0)]
    faces = [face for a, b, c, d in sides for face in ((a, b, c), (a, c, d))]
    return patch(corners, faces, ids)


def ball(centre, radius, rows=90, columns=180):
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, rows + 1), np.arange(columns) * 2 * np.pi / columns, indexing="ij"
    )
    points = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1)
    i, j = (part.ravel() for part in np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"))
    a, b = i * columns + j, i * columns + (j + 1) % columns
    faces = np.concatenate([np.column_stack([a, b, b + columns]), np.column_stack([a, b + columns, a + columns])])
    return patch(points.reshape(-1, 3) * radius + centre, faces, ["dome"])


def surfaces(*patches, scene="mesh", ground=None, most=1_000_000, box=BOX):
    return surfaces_of(scene, patches, PLACE, box, (ground or flat()).at, most)


def scene_with(found, buildings=(), refraction=None, engine="auto"):
    ground = flat()
    opened = open_surfaces(found, bend_of(PLACE, refraction), engine)
    blocks = blocks_on(ground, list(buildings))
    return open_scene(PLACE, ground, blocks, refraction=refraction, engine=engine, surfaces=[opened])


@pytest.mark.parametrize("engine", ["auto", "numba"])
def test_the_viewshed_behind_a_wall_of_a_mesh_is_that_behind_a_prism_to_the_cell(engine):
    eye = np.array([[0.0, 0.0, 10.2]])
    mesh = scene_with(surfaces(cuboid(10, -60, 11, 60, 0, 5)), engine=engine, refraction=0.13)
    prism = scene_of(flat(), [(wall(10, 1), 5.0)], engine=engine, refraction=0.13)
    seen = [viewshed(scene, eye, reach_m=200).visible for scene in (mesh, prism)]
    assert (seen[0] == seen[1]).all()
    assert not seen[0][60, 71:82].any()
    assert seen[0][60, 82:].all()


def test_the_skyline_of_a_ball_of_a_scene_is_that_of_its_tangent_cone():
    scene = scene_with(surfaces(ball(np.array([0.0, 50.0, 20.0]), 15.0), box=(-60, -60, 60, 80)))
    line = skyline(scene, np.zeros(3), azimuth_step_deg=2)
    cone, up = np.arcsin(15 / np.hypot(50, 20)), np.arctan2(20, 50)
    across = np.cos(np.radians(line.azimuth_deg)) * np.cos(up)
    size = np.hypot(across, np.sin(up))
    inside = (np.cos(cone) <= size) & (across > 0)
    expected = np.degrees(np.arctan2(np.sin(up), across) + np.arccos(np.clip(np.cos(cone) / size, -1, 1)))
    assert 15 < inside.sum() < 25
    assert np.abs(line.altitude_deg - expected)[inside].max() < 0.05
    assert (line.altitude_deg[~inside] == 0).all()


def test_what_stands_first_is_named_building_or_feature_of_a_scene():
    found = joined([surfaces(cuboid(20, -5, 25, 5, 0, 9, ["hall"])), surfaces(cuboid(40, -5, 45, 5, 0, 9), scene="b")])
    scene = scene_with(found, [(shapely.box(10, 10, 12, 12), 9.0)])
    start = np.tile([0.0, 0.0, 2.0], (3, 1))
    between = scene.blockers(start, np.array([[50.0, 0.0, 2.0], [22.0, 22.0, 2.0], [50.0, 30.0, 20.0]]))
    hall, prism, free = between.building.tolist()
    assert (scene.other(hall).scene, scene.other(hall).feature) == ("mesh", "hall")
    assert (prism, scene.other(prism)) == (0, None)
    assert scene.other(free) is None
    assert between.distance_m[0] == pytest.approx(20, abs=1e-3)
    beyond = scene.blockers(np.array([[30.0, 0.0, 2.0]]), np.array([[50.0, 0.0, 2.0]]))
    assert scene.other(int(beyond.building[0])).scene == "b"


def test_bags_asked_together_answer_like_one_bag():
    first, second = surfaces(cuboid(5, -9, 8, 9, 0, 9)), surfaces(cuboid(15, -9, 18, 9, 0, 12))
    both = joined([first, second])
    bags = Together([(open_rays(part.triangles), len(part.part)) for part in (surfaces(), first, second)])
    random = np.random.default_rng(5)
    origins = np.column_stack([random.uniform(-20, 30, (2000, 2)), random.uniform(0.5, 14, 2000)])
    way = random.normal(size=(2000, 3)) * [1.0, 0.4, 0.2]
    way /= np.linalg.norm(way, axis=1)[:, None]
    reach = random.uniform(5, 60, 2000)
    one = open_rays(both.triangles)
    assert (bags.occluded(origins, way, reach) == one.occluded(origins, way, reach)).all()
    hits, same = bags.first_hit(origins, way, reach), one.first_hit(origins, way, reach)
    assert 100 < np.isfinite(hits.distance_m).sum() < 2000
    assert (np.isfinite(hits.distance_m) == np.isfinite(same.distance_m)).all()
    known = np.isfinite(same.distance_m)
    assert hits.distance_m[known] == pytest.approx(same.distance_m[known], abs=1e-3)
    assert (hits.triangle == same.triangle).mean() > 0.99  # an edge belongs to either side


def test_the_ground_of_a_mesh_is_left_to_the_terrain_and_unknown_ground_leaves_it_all():
    floor = patch([(-50, -50, 0.3), (50, -50, 0.4), (50, 50, 0.2), (-50, 50, 0.9)], [(0, 1, 2), (0, 2, 3)])
    house = cuboid(10, 0, 20, 10, 0, 6)
    assert len(surfaces(floor, house).part) == 10  # four walls and a roof; the floor of the house is ground, too
    unknown = flat()
    unknown.heights[:] = np.nan
    assert len(surfaces(floor, house, ground=unknown).part) == 14
    assert len(surfaces(house, box=(-60, -60, 5, 60)).part) == 0
    with pytest.raises(TooLargeError, match="triangles"):
        surfaces(house, most=9)


def test_a_footprint_that_the_mesh_shows_is_found_and_one_that_it_does_not_know_yet_stays():
    mesh = surfaces(cuboid(10, 0, 20, 10, 0, 6), cuboid(30, 0, 32, 10, 0, 6), cuboid(50, 0, 58, 10, 0, 1.5))
    footprints = [
        (shapely.box(9, -1, 21, 11), 5.0),  # drawn a metre too large
        (shapely.box(30, 0, 40, 10), 5.0),  # the mesh holds a fifth of it
        (shapely.box(50, 0, 58, 10), 5.0),  # a hut of 1.5 m stands there
        (shapely.box(-40, 0, -30, 10), 5.0),  # built since
        (shapely.Polygon([(10, 0), (20, 0), (20, 10), (18, 10), (18, 2), (10, 2)]), np.nan),  # an angle, height unknown
    ]
    shown = shown_by(blocks_on(flat(), footprints), open_surfaces(mesh, bend_of(PLACE, 0.13)))
    assert shown.tolist() == [True, False, False, False, True]
    assert not shown_by(blocks_on(flat(), footprints), open_surfaces(surfaces())).any()


def test_a_cloud_hides_what_the_columns_under_its_points_hide():
    x, y = np.meshgrid(np.arange(9.6, 11.5, 0.2), np.arange(-60, 60, 0.4))
    roof = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, 5.0)])
    ground = np.column_stack([np.linspace(-50, 50, 300), np.linspace(-50, 50, 300), np.full(300, 0.4)])
    stray = np.array([[-20.0, 0.0, 30.0]])
    cloud = np.concatenate([roof, ground, stray])
    lon, lat = PLACE.to_geodetic(cloud[:, 0], cloud[:, 1])
    points = earth_centred(lon, lat, cloud[:, 2])
    found = columns_of("cloud", [points[:400], points[400:]], PLACE, BOX, flat().at, 1.0, 1_000_000)
    # Cells of 1 m round 10 and 11: a wall from 9.5 to 11.5, its bird left out.
    assert found.triangles.vertices[:, 0].min() == pytest.approx(9.5)
    assert len(found.part) == 2 * (2 * 121 + 2 * 121 + 2 * 2)  # roofs, long sides, both ends
    eye = np.array([[0.0, 0.0, 10.2]])
    prism = scene_of(flat(), [(shapely.box(9.5, -60, 11.5, 60), 5.0)])
    seen = [viewshed(scene, eye, reach_m=200).visible for scene in (scene_with(found), prism)]
    inside = np.zeros_like(seen[0])
    inside[2:-2] = True  # rows at the ends of the wall have half a cell more or less
    assert (seen[0] == seen[1])[inside].all()
    assert (~seen[0]).sum() > 1000
    with pytest.raises(TooLargeError, match="points"):
        columns_of("cloud", [points], PLACE, BOX, flat().at, 1.0, 100)


def tile(frame, name, *, refine=None, children=(), size=100.0):
    """A tile with a box round the frame's place, and what it draws."""
    said = {
        "boundingVolume": {"box": [0, 0, 5, size, 0, 0, 0, size, 0, 0, 0, 9]},
        "geometricError": 1.0,
        "transform": frame.matrix.T.ravel().tolist(),
        "content": {"uri": name},
        "children": [{**child, "transform": relative(child, frame)} for child in children],
    }
    return said | ({"refine": refine} if refine else {})


def relative(child, parent):
    matrix = np.array(child["transform"]).reshape(4, 4).T
    return (np.linalg.inv(parent.matrix) @ matrix).T.ravel().tolist()


def glb(name):
    """One triangle of a feature that is called like its file."""
    mesh = Mesh(
        np.array([[0.0, 0.0, 4.0], [1.0, 0.0, 4.0], [0.0, 1.0, 4.0]]),
        np.tile(np.array([0, 0, 1], dtype=np.float32), (3, 1)),
        np.zeros(3, dtype=np.uint16),
        np.arange(3, dtype=np.uint32),
    )
    return write_mesh(mesh, (Column("id", ColumnKind.STRING, pa.array([name]), semantic="ID"),), "thing")


def test_the_finest_tiles_of_a_window_are_read_and_no_others_are_opened():
    near, far, deep = Frame(120.0, 36.28), Frame(120.02, 36.28), Frame(120.0001, 36.28)
    # Coarse tiles that are replaced are not read, those that are added to are; "far.glb" is not opened at all.
    outer = tile(deep, "outer.json", refine="REPLACE")
    root = tile(near, "coarse.glb", refine="REPLACE", size=5_000.0, children=[
        tile(near, "added.glb", refine="ADD", children=[tile(deep, "leaf.glb")]),
        tile(far, "far.glb"),
        outer,
    ])  # fmt: skip
    inner = tile(deep, "inner.glb") | {"transform": np.identity(4).ravel().tolist()}
    files = {name: glb(name) for name in ("coarse.glb", "added.glb", "leaf.glb", "inner.glb")}
    for name, tree in (("tileset.json", root), ("outer.json", inner)):
        files[name] = orjson.dumps({"asset": {"version": "1.1"}, "geometricError": 9.0, "root": tree})
    window = Bounds(119.999, 36.279, 120.001, 36.281)
    found = list(finest_triangles("tileset.json", files.__getitem__, window))
    assert [part.ids[0] for part in found] == ["added.glb", "leaf.glb", "inner.glb"]
    for part, frame in zip(found, (near, deep, deep), strict=True):
        assert part.vertices == pytest.approx(frame.earth(np.array([[0.0, 0, 4], [1, 0, 4], [0, 1, 4]])), abs=0.01)
        assert part.feature.tolist() == [0]
    with pytest.raises(KeyError):
        list(finest_triangles("tileset.json", files.__getitem__, Bounds(119.9, 36.2, 120.1, 36.3)))
    assert not list(finest_triangles("tileset.json", files.__getitem__, Bounds(10, 20, 11, 21)))


def test_places_before_walls_lie_outside_and_not_where_a_neighbour_stands():
    ring = shapely.box(0, 0, 20, 20).difference(shapely.box(5, 5, 15, 15))
    blocks = blocks_on(
        flat(height=3.0), [(ring, 9.0), (shapely.box(20, 0, 30, 20), 9.0), (shapely.box(0, 40, 5, 45), np.nan)]
    )
    points, row = facade_points(blocks, shapely.box(-5, -5, 35, 50), 10.0)
    # Twice two halves on three outer sides of the ring, its court's four walls; of the neighbour two short sides and one long one.
    assert np.bincount(row).tolist() == [3 * 2 + 4, 2 + 2]
    assert (points[:, 2] == 3.0).all()
    assert not shapely.contains_xy(shapely.union_all(blocks.footprints[:2]), points[:, 0], points[:, 1]).any()
    assert shapely.distance(ring.boundary, shapely.points(points[row == 0, :2])) == pytest.approx(0.05)
    assert np.isclose(points[row == 0, 0], 5.05).any()
