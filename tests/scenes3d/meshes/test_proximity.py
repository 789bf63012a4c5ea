"""Nearest places and distances of surfaces, against formulas and against every triangle asked in turn."""

from __future__ import annotations

import numpy as np
import pytest

from scenes3d.meshes.proximity import LEAST_M, Surface, hausdorff

SQUARE = np.array([[[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 0], [0, 1, 0]]], dtype=float)


@pytest.fixture(scope="module")
def crowd() -> np.ndarray:
    draw = np.random.default_rng(11)
    return draw.uniform(-20, 20, (300, 1, 3)) + draw.normal(0, 2, (300, 3, 3))


def of_every_triangle(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Distances (n, t): to the plane where the foot lies inside, else to the nearest side."""
    a, b, c = (corners[None, :, k] for k in range(3))
    p = points[:, None]
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    inside = np.ones((len(points), len(corners)), dtype=bool)
    best = np.full(inside.shape, np.inf)
    for one, two in ((a, b), (b, c), (c, a)):
        side = two - one
        inside &= (np.cross(side, p - one) * normal).sum(axis=-1) >= 0
        share = np.clip(((p - one) * side).sum(axis=-1) / (side * side).sum(axis=-1), 0, 1)
        best = np.minimum(best, np.linalg.norm(p - one - share[..., None] * side, axis=-1))
    return np.where(inside, np.abs(((p - a) * normal).sum(axis=-1)), best)


def test_the_nearest_place_is_that_of_the_nearest_of_all_triangles(crowd):
    points = np.random.default_rng(2).uniform(-30, 30, (500, 3))
    found = Surface(crowd).nearest(points.astype(np.float32))
    every = of_every_triangle(points, crowd)
    assert found.distance_m == pytest.approx(every.min(axis=1), abs=1e-4)
    v, w = found.shares.T
    places = np.einsum("nk,nkx->nx", np.column_stack([1 - v - w, v, w]), crowd[found.triangle])
    assert np.linalg.norm(places - points, axis=1) == pytest.approx(every.min(axis=1), abs=1e-4)


def test_the_side_of_a_wall_that_faces_the_same_way_is_preferred():
    wall = np.concatenate([SQUARE, SQUARE[:, ::-1] - np.array([0, 0, 0.2])])  # up above, down below
    place = np.array([[0.5, 0.4, -0.12]], dtype=np.float32)
    surface = Surface(wall)
    assert surface.nearest(place).triangle[0] in (2, 3)
    assert surface.nearest(place, np.array([[0, 0, 1.0]], dtype=np.float32)).triangle[0] in (0, 1)
    assert surface.nearest(place, np.array([[0, 0, -1.0]], dtype=np.float32)).triangle[0] in (2, 3)


@pytest.mark.parametrize("lift", [0.0, 0.03, 2.0])
def test_the_distance_of_parallel_squares_is_their_distance(lift):
    found = hausdorff(Surface(SQUARE), Surface(SQUARE + np.array([0, 0, lift])))
    assert lift <= found <= lift * 1.05 + LEAST_M + 1e-6


def test_a_spike_between_all_corners_is_found():
    spike = np.array([[[0.5, 0.5, 0], [0.51, 0.5, 0.0], [0.505, 0.5, 3.0]]])
    flat, pierced = Surface(SQUARE), Surface(np.concatenate([SQUARE, spike]))
    assert pierced.farthest(flat) < 0.01
    assert 3 <= flat.farthest(pierced) < 3.2
    assert 3 <= hausdorff(flat, pierced) == pytest.approx(hausdorff(pierced, flat))


def test_the_middle_of_a_large_triangle_counts():
    """Its corners and sides lie on the other surface, which sags below its middle."""
    big = np.array([[[0, 0, 0], [10, 0, 0], [0, 10, 0]]], dtype=float)
    low = np.array([10 / 3, 10 / 3, -1.5])
    bowl = np.array([[*big[0, [k, (k + 1) % 3]], low] for k in range(3)])
    wanted = of_every_triangle(np.array([low]), big).min()
    found = hausdorff(Surface(big), Surface(bowl))
    assert wanted <= found <= wanted * 1.05 + LEAST_M
    # How far the middle is from the bowl: less than the bowl's depth, because its sides slope.
    draw = np.random.default_rng(4).dirichlet([1, 1, 1], 20_000)
    sampled = of_every_triangle(draw @ big[0], bowl).min(axis=1).max()
    assert sampled - 1e-4 <= Surface(bowl).farthest(Surface(big)) <= sampled * 1.06 + LEAST_M
