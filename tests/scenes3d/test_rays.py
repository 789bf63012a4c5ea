"""Rays: every engine against each triangle tried by hand in float64, and against what a box must do."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import shapely

from loud_skips import skip_loudly
from scenes3d.analysis.blocks import Blocks, block_triangles
from scenes3d.rays.opening import ENGINES, open_rays
from scenes3d.rays.port import NOTHING, START_M, Triangles
from twin.errors import BadAnalysisError

BOX_FACES = [
    [0, 1, 5],
    [0, 5, 4],
    [1, 2, 6],
    [1, 6, 5],
    [2, 3, 7],
    [2, 7, 6],
    [3, 0, 4],
    [3, 4, 7],
    [4, 5, 6],
    [4, 6, 7],
]


def box(west, south, width, depth, height, base=0.0):
    x = [west, west + width, west + width, west] * 2
    y = [south, south, south + depth, south + depth] * 2
    z = [base] * 4 + [base + height] * 4
    return Triangles(np.column_stack([x, y, z]).astype(float), np.array(BOX_FACES, dtype=np.int32))


def clutter(count=300, shift=0.0):
    random = np.random.default_rng(7)
    corners = random.uniform(0, 100, (count, 1, 3)) + random.uniform(-15, 15, (count, 3, 3)) + shift
    return Triangles(corners.reshape(-1, 3), np.arange(count * 3, dtype=np.int32).reshape(-1, 3))


def random_rays(count, shift=0.0):
    random = np.random.default_rng(8)
    directions = random.normal(size=(count, 3))
    return random.uniform(0, 100, (count, 3)) + shift, directions / np.linalg.norm(directions, axis=1)[:, None]


def nearest_by_hand(triangles, origins, directions):
    corners = triangles.vertices[triangles.faces]
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    best, which = np.full(len(origins), np.inf), np.full(len(origins), NOTHING)
    for ray, (origin, direction) in enumerate(zip(origins, directions, strict=True)):
        p = np.cross(direction, b)
        det = np.einsum("ij,ij->i", a, p)
        s = origin - corners[:, 0]
        u = np.einsum("ij,ij->i", s, p) / det
        q = np.cross(s, a)
        v = q @ direction / det
        t = np.where((u >= 0) & (v >= 0) & (u + v <= 1), np.einsum("ij,ij->i", b, q) / det, np.inf)
        t[t < START_M] = np.inf
        if np.isfinite(t).any():
            best[ray], which[ray] = t.min(), t.argmin()
    return best, which


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param == "open3d" and importlib.util.find_spec("open3d") is None:
        skip_loudly("Open3D", "pip install open3d-cpu libusb-package (one of three ray engines)")
    return request.param


@pytest.mark.parametrize("shift", [0.0, 4_000_000.0])
def test_engines_hit_what_every_triangle_tried_by_hand_says(engine, shift):
    triangles, (origins, directions) = clutter(shift=shift), random_rays(2000, shift)
    reach = np.full(len(origins), np.inf)
    expected, which = nearest_by_hand(triangles, origins, directions)
    rays = open_rays(triangles, engine)
    hits = rays.first_hit(origins, directions, reach)
    # Rays that graze an edge are decided by rounding.
    same = np.isfinite(hits.distance_m) == np.isfinite(expected)
    assert same.mean() > 0.998
    both = np.isfinite(hits.distance_m) & np.isfinite(expected) & (hits.triangle == which)
    assert both.sum() > 0.99 * np.isfinite(expected).sum() > 300
    assert np.abs(hits.distance_m[both] - expected[both]).max() < (1e-3 if shift == 0 else 2e-3)
    assert (rays.occluded(origins, directions, reach) == np.isfinite(hits.distance_m)).all()


def test_reach_ends_a_ray_before_the_wall_and_behind_it(engine):
    rays = open_rays(box(10, -5, 1, 10, 8), engine)
    origins, directions = np.array([[0.0, 0.0, 2.0]] * 3), np.array([[1.0, 0.0, 0.0]] * 3)
    assert rays.occluded(origins, directions, np.array([9.99, 10.01, np.inf])).tolist() == [False, True, True]
    hits = rays.first_hit(origins, directions, np.array([9.99, 10.01, np.inf]))
    assert hits.distance_m[0] == np.inf
    assert hits.distance_m[1:] == pytest.approx([10, 10])
    assert hits.triangle.tolist()[0] == NOTHING


def test_nothing_is_hit_where_there_is_nothing(engine):
    rays = open_rays(Triangles(np.zeros((0, 3)), np.zeros((0, 3), dtype=np.int32)), engine)
    origins, directions = random_rays(5)
    assert not rays.occluded(origins, directions, np.full(5, np.inf)).any()
    assert rays.occluded(origins[:0], directions[:0], np.zeros(0)).shape == (0,)
    assert rays.first_hit(origins[:0], directions[:0], np.zeros(0)).distance_m.shape == (0,)


def test_a_flat_roof_seen_straight_down_has_no_cracks(engine):
    # Axis-parallel rays onto the diagonal of a quad: the place where two triangles meet.
    rays = open_rays(box(0, 0, 10, 10, 5), engine)
    along = np.linspace(0.01, 9.99, 500)
    origins = np.column_stack([along, along, np.full(500, 20.0)])
    down = np.tile([0.0, 0.0, -1.0], (500, 1))
    assert rays.first_hit(origins, down, np.full(500, np.inf)).distance_m == pytest.approx(np.full(500, 15.0))


def test_unknown_engines_are_refused_by_name():
    with pytest.raises(BadAnalysisError) as caught:
        open_rays(clutter(1), "optix")
    assert caught.value.limit == "embreex, open3d, numba"


def test_blocks_with_courts_and_corners_are_closed_bodies(engine):
    # An L, a court, two parts and a rectangle: straight down, a ray meets a roof exactly where the footprint is.
    shapes = [
        shapely.Polygon([(0, 0), (10, 0), (10, 4), (4, 4), (4, 10), (0, 10)]),
        shapely.box(20, 0, 30, 10).difference(shapely.box(23, 3, 27, 7)),
        shapely.MultiPolygon([shapely.box(0, 20, 3, 23), shapely.box(5, 20, 8, 23)]),
        shapely.box(20, 20, 24, 29),
    ]
    heights = np.array([5.0, 6.0, 7.0, 8.0])
    blocks = Blocks(["a", "b", "c", "d"], np.array(shapes, dtype=object), np.full(4, 2.0), heights)
    triangles, owners = block_triangles(blocks)
    rays = open_rays(triangles, engine)
    random = np.random.default_rng(2)
    origins = np.column_stack([random.uniform(-2, 32, (4000, 2)), np.full(4000, 50.0)])
    hits = rays.first_hit(origins, np.tile([0.0, 0.0, -1.0], (4000, 1)), np.full(4000, np.inf))
    owner = np.where(hits.triangle == NOTHING, -1, owners[hits.triangle])
    inside = np.array([shapely.contains_xy(shape, origins[:, 0], origins[:, 1]) for shape in shapes])
    assert (owner == np.where(inside.any(axis=0), inside.argmax(axis=0), -1)).all()
    roofs = 50 - (2 + heights[owner[owner >= 0]])
    assert hits.distance_m[owner >= 0] == pytest.approx(roofs)
    # Level rays from outside towards the L meet its walls.
    sides = rays.first_hit(
        np.array([[-5.0, 8, 3], [15, 8, 3]]), np.array([[1.0, 0, 0], [-1, 0, 0]]), np.full(2, np.inf)
    )
    assert sides.distance_m == pytest.approx([5, 11])
