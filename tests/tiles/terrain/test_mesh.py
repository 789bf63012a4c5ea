"""Meshes decoded by the specification and compared with the raster, with PROJ, with closed forms and with their neighbours."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio import Affine

from quantized_meshes import decode, height_on_mesh, lonlat
from tiles.address import Tile
from tiles.terrain.availability import MESH_GRID, SIDE, deepest_level, error_m, from_south
from tiles.terrain.elevation import open_elevation
from tiles.terrain.ellipsoid import sagitta_m
from tiles.terrain.lattice import spacing_m
from tiles.terrain.mesh import height_step_m, mesh_tile
from tiles.terrain.surface import Surface
from twin.errors import TileOutsideGridError

STEP = 0.001
VOID = -32768.0


def surface_of(path, heights, crs="EPSG:4326", datum="EPSG:5737"):
    rows, columns = heights.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=rows, width=columns, count=1, dtype="float32", crs=crs,
        transform=Affine(STEP, 0, 120.0, 0, -STEP, 36.6), nodata=VOID,
    ) as out:  # fmt: skip
        out.write(heights.astype(np.float32), 1)
    return Surface(open_elevation(path, datum))


def rough(seed=3, shape=(500, 600)):
    """Hills of many sizes: every level has something to keep."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    waves = sum(200 / k * np.sin(k * x / 60 + k) * np.cos(k * y / 45) for k in (1, 2, 5, 11))
    return 300 + waves + np.random.default_rng(seed).uniform(-15, 15, shape)


@pytest.fixture
def hills(tmp_path):
    surface = surface_of(tmp_path / "hills.tif", rough())
    yield surface
    surface.elevation.close()


def mesh_at(surface, tile):
    return decode(mesh_tile(surface, tile).data)


def middle(z):
    return MESH_GRID.tile_at(120.3, 36.35, z)


def samples(surface, tile):
    """Places of the 65 by 65 samples in the units of the format, and the heights of the raster there."""
    units = np.rint(np.arange(SIDE + 1) * (32767 / SIDE))
    u, v = (grid.ravel() for grid in np.meshgrid(units, units))
    side = 180.0 / (1 << tile.z)
    lon, lat = -180.0 + (tile.x + u / 32767) * side, -90.0 + (from_south(tile.z, tile.y) + v / 32767) * side
    level = surface.elevation.level_for(spacing_m(MESH_GRID, tile.z, SIDE))
    return u, v, surface.drawn(lon, lat, level).heights


@pytest.mark.parametrize("z", [9, 10, 11, 12, 13])
def test_the_mesh_passes_within_the_stated_error_of_every_sample(hills, z):
    tile = middle(z)
    mesh = mesh_at(hills, tile)
    u, v, heights = samples(hills, tile)
    off = np.abs(height_on_mesh(mesh, u, v) - heights).max()
    assert off <= error_m(z)
    assert len(mesh.triangles) < 2 * SIDE * SIDE
    # and the bound is used: a mesh that kept every sample would be far below it
    assert off > 0.2 * error_m(z)


def test_triangles_cover_the_tile_once_and_look_up(hills):
    mesh = mesh_at(hills, middle(12))
    a, b, c = (np.column_stack([mesh.u, mesh.v])[mesh.triangles[:, k]] for k in range(3))
    (du, dv), (eu, ev) = (b - a).T, (c - a).T
    areas = du * ev - dv * eu
    assert (areas > 0).all()
    assert areas.sum() == 2 * 32767**2
    assert len(set(zip(mesh.u.tolist(), mesh.v.tolist(), strict=True))) == len(mesh.u)
    assert set(mesh.triangles.ravel().tolist()) == set(range(len(mesh.u)))


def inner_edges(mesh):
    count = {}
    for triangle in mesh.triangles.tolist():
        for pair in zip(triangle, triangle[1:] + triangle[:1], strict=True):
            count[frozenset(pair)] = count.get(frozenset(pair), 0) + 1
    return count


def test_no_vertex_stands_in_the_middle_of_an_edge(hills):
    mesh = mesh_at(hills, middle(11))
    once = [pair for pair, times in inner_edges(mesh).items() if times == 1]
    for pair in once:
        u, v = mesh.u[list(pair)], mesh.v[list(pair)]
        assert ((u == u[0]).all() and u[0] in (0, 32767)) or ((v == v[0]).all() and v[0] in (0, 32767))


@pytest.mark.parametrize("z", [8, 11, 12])
def test_neighbours_share_vertices_heights_and_normals_exactly(hills, z):
    tile = middle(z)
    mesh = mesh_at(hills, tile)
    for dx, dy, here, there in ((1, 0, "east", "west"), (0, 1, "south", "north")):
        other_tile = Tile(z=z, x=tile.x + dx, y=tile.y + dy)
        other = mesh_at(hills, other_tile)
        mine, theirs = mesh.edges[here], other.edges[there]
        assert len(mine) == len(theirs) > 2
        along = "v" if dx else "u"
        np.testing.assert_array_equal(getattr(mesh, along)[mine], getattr(other, along)[theirs])
        np.testing.assert_array_equal(mesh.height[mine], other.height[theirs])
        np.testing.assert_array_equal(mesh.normals[mine], other.normals[theirs])
        to_earth = Transformer.from_crs(4979, 4978, always_xy=True)
        one = to_earth.transform(*lonlat(mesh, z, tile.x, from_south(z, tile.y)), mesh.height)
        two = to_earth.transform(*lonlat(other, z, other_tile.x, from_south(z, other_tile.y)), other.height)
        gap = np.linalg.norm(np.array(one)[:, mine] - np.array(two)[:, theirs], axis=0)
        assert gap.max() < 1e-6


def test_seams_hold_between_random_tiles_of_rough_ground_with_voids(tmp_path):
    ground = rough(9)
    ground[200:330, 250:400] = VOID
    surface = surface_of(tmp_path / "voids.tif", ground)
    first = MESH_GRID.tile_at(120.0, 36.6, 11)
    meshes = {(x, y): mesh_at(surface, Tile(z=11, x=first.x + x, y=first.y + y)) for x in range(5) for y in range(5)}
    for (x, y), mesh in meshes.items():
        for dx, dy, here, there in ((1, 0, "east", "west"), (0, 1, "south", "north")):
            other = meshes.get((x + dx, y + dy))
            if other is not None:
                np.testing.assert_array_equal(mesh.height[mesh.edges[here]], other.height[other.edges[there]])
    surface.elevation.close()


def test_a_plane_needs_two_triangles_and_a_cone_comes_back(tmp_path):
    y, x = np.mgrid[:500, :600]
    flat = surface_of(tmp_path / "plane.tif", 2.0 * x + 1.0 * y)
    tile = middle(13)
    mesh = mesh_at(flat, tile)
    assert len(mesh.triangles) == 2
    lon, lat = lonlat(mesh, 13, tile.x, from_south(13, tile.y))
    expected = 2.0 * ((lon - 120.0) / STEP - 0.5) + ((36.6 - lat) / STEP - 0.5)
    assert np.abs(mesh.height - expected).max() <= height_step_m(13) / 2 + 1e-3
    distance = np.hypot(x - 300, y - 250)
    cone = surface_of(tmp_path / "cone.tif", 1000.0 - 3.0 * distance)
    mesh = mesh_at(cone, middle(11))
    lon, lat = lonlat(mesh, 11, middle(11).x, from_south(11, middle(11).y))
    away = np.hypot((lon - 120.0) / STEP - 300.5, (36.6 - lat) / STEP - 250.5)
    far = away > 2
    assert np.abs(mesh.height - (1000.0 - 3.0 * away))[far].max() <= height_step_m(11) / 2 + 0.6
    flat.elevation.close()
    cone.elevation.close()


def test_the_header_is_what_proj_computes(hills):
    tile = middle(12)
    mesh = mesh_at(hills, tile)
    lon, lat = lonlat(mesh, 12, tile.x, from_south(12, tile.y))
    points = np.column_stack(Transformer.from_crs(4979, 4978, always_xy=True).transform(lon, lat, mesh.height))
    head = mesh.header
    sphere = np.array([head["sx"], head["sy"], head["sz"]])
    reach = np.linalg.norm(points - sphere, axis=1).max()
    assert head["radius"] == pytest.approx(reach, abs=1e-3)
    assert np.linalg.norm(np.array([head["cx"], head["cy"], head["cz"]]) - points, axis=1).max() <= 1.01 * reach
    # From just where the horizon point disappears behind the ellipsoid, no vertex may still be seen.
    radii = np.array([6378137.0, 6378137.0, 6356752.314245])
    point, scaled = np.array([head["hx"], head["hy"], head["hz"]]), points / radii
    rng = np.random.default_rng(1)
    for eye in rng.normal(size=(2000, 3)):
        viewer = eye / np.linalg.norm(eye) * rng.uniform(1.0001, 1.5)
        if hidden(viewer, point[None])[0]:
            assert hidden(viewer, scaled).all()


def hidden(eye, points):
    """Whether the unit sphere stands between an eye and points, by the discriminant of the sight line."""
    way = points - eye
    a, b, c = (way**2).sum(axis=1), way @ eye, eye @ eye - 1.0
    root = b**2 - a * c
    with np.errstate(invalid="ignore"):
        nearest = (-b - np.sqrt(root)) / a
    return (root > 0) & (nearest > 0) & (nearest < 1 - 1e-9)


def test_normals_agree_with_the_gradient_of_the_raster(tmp_path):
    y, x = np.mgrid[:500, :600]
    surface = surface_of(tmp_path / "waves.tif", 400 + 150 * np.sin(x / 40) + 100 * np.cos(y / 30))
    tile = middle(12)
    mesh = mesh_at(surface, tile)
    lon, lat = lonlat(mesh, 12, tile.x, from_south(12, tile.y))
    column, row = (lon - 120) / STEP - 0.5, (36.6 - lat) / STEP - 0.5
    phi, lam = np.radians(lat), np.radians(lon)
    east = 150 / 40 * np.cos(column / 40) / (STEP * 111319.49 * np.cos(phi) * 1.0012)
    north = 100 / 30 * np.sin(row / 30) / (STEP * 110960)
    up = np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    e = np.column_stack([-np.sin(lam), np.cos(lam), 0 * lam])
    n = np.cross(up, e)
    expected = up - east[:, None] * e - north[:, None] * n
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip((expected * mesh.normals).sum(axis=1), -1, 1)))
    assert angle.max() < 1.5


def test_the_globe_bulges_over_no_triangle_of_the_first_levels(hills):
    for z in (0, 1, 2, 3):
        mesh = mesh_at(hills, middle(z))
        units = np.hypot(
            *(
                np.column_stack([mesh.u, mesh.v])[mesh.triangles[:, 0]]
                - np.column_stack([mesh.u, mesh.v])[mesh.triangles[:, 1]]
            ).T
        )
        longest_m = units.max() / 32767 * SIDE * spacing_m(MESH_GRID, z, SIDE)
        assert sagitta_m(longest_m) <= error_m(z) or len(mesh.triangles) == 2 * SIDE * SIDE


def test_wide_voids_are_filled_between_their_edges_and_counted(tmp_path):
    ground = rough()
    known = ground.copy()
    ground[150:350, 200:450] = VOID
    surface = surface_of(tmp_path / "void.tif", ground)
    tile = middle(12)
    made = mesh_tile(surface, tile)
    mesh = decode(made.data)
    assert made.filled > 1000
    assert mesh.metadata["onemap:filled"] == made.filled
    assert mesh.metadata["onemap:verticalDatum"] == "EPSG:5737"
    assert known.min() <= mesh.height.min()
    assert mesh.height.max() <= known.max()
    assert np.isnan(surface.elevation.heights(np.array([120.32]), np.array([36.35]))).all()
    surface.elevation.close()


def test_beyond_the_raster_its_ground_level_is_drawn_and_counted(hills):
    made = mesh_tile(hills, middle(5))
    mesh = decode(made.data)
    assert made.outside > 3000
    assert (mesh.height == hills.ground_m).sum() > 10 or np.abs(mesh.height - hills.ground_m).min() <= height_step_m(5)
    with pytest.raises(TileOutsideGridError):
        mesh_tile(hills, Tile(z=2, x=8, y=0))
    assert decode(mesh_tile(hills, Tile(z=0, x=0, y=0)).data).metadata["available"] == []


def test_extensions_come_only_when_asked_for(hills):
    bare = decode(mesh_tile(hills, middle(12), normals=False, metadata=False).data)
    full = mesh_at(hills, middle(12))
    assert bare.normals is None
    assert bare.metadata is None
    np.testing.assert_array_equal(bare.triangles, full.triangles)
    levels = full.metadata["available"]
    assert len(levels) == deepest_level(MESH_GRID, hills.elevation, SIDE) - 12
