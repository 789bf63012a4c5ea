"""Pictures of tiles: parts copied pixel by pixel, meshes laid out without overlap, rectangles beside each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from scenes3d.meshes.charts import lay_out
from scenes3d.meshes.drawing import FREE, draw, spill
from scenes3d.meshes.islands import paint_leaf
from scenes3d.meshes.packing import pack
from scenes3d.meshes.records import RECORD, join


@given(arrays.arrays(np.int64, st.tuples(st.integers(1, 60), st.just(2)), elements=st.integers(1, 90)))
def test_packed_rectangles_lie_in_the_picture_and_beside_each_other(sizes):
    packed = pack(sizes)
    taken = np.zeros((packed.height, packed.width), dtype=int)
    for (column, row), (across, down) in zip(packed.places, sizes, strict=True):
        assert column + across <= packed.width
        assert row + down <= packed.height
        taken[row : row + down, column : column + across] += 1
    assert taken.max() == 1
    assert packed.width % 16 == packed.height % 16 == 0


@given(arrays.arrays(np.int32, st.tuples(st.integers(1, 30), st.integers(1, 3)), elements=st.integers(-3, 3)))
def test_joined_rows_are_those_of_numpy(rows):
    ours, numbers = join(rows)
    theirs, wanted = np.unique(rows, axis=0, return_inverse=True)
    assert np.array_equal(ours, theirs)
    assert np.array_equal(numbers, wanted.ravel())


def records_of(uv: np.ndarray, material: int = 0) -> np.ndarray:
    records = np.zeros(len(uv), RECORD)
    records["uv"], records["material"], records["colour"] = uv, material, 255
    return records


def picture(side: int = 64) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)


def pixels_at(painted, weights=(0.3, 0.3, 0.4)):
    height, width = painted.pixels.shape[:2]
    column, row = ((np.array(weights) @ painted.uv) * [width, height]).astype(int).T
    return painted.pixels[row, column]


def test_parts_of_pictures_keep_their_pixels():
    own = picture()
    cells = np.array([[0, 0], [40, 8], [8, 50], [44, 9]]) / 64
    triangle = np.array([[1.0, 1.0], [9.0, 1.0], [1.0, 9.0]]) / 64
    records = records_of(cells[:, None] + triangle)
    painted = paint_leaf(records, np.array([[64, 64]]), {0: own})
    column, row = ((np.array([0.3, 0.3, 0.4]) @ records["uv"]) * 64).astype(int).T
    assert np.array_equal(pixels_at(painted), own[row, column])
    # Three parts of 8 pixels with air around: the second and the last overlap in the source and are two all the same.
    assert painted.pixels.shape[0] * painted.pixels.shape[1] < 48 * 48


def test_a_picture_that_repeats_is_repeated_and_colours_get_a_patch():
    own = picture(16)
    tall = np.array([[[0, 0], [0, 3.0], [0.5, 3.0]]])
    bare = records_of(np.full((2, 3, 2), np.nan), -1)
    bare["colour"][0, :, :3] = 10, 20, 30
    records = np.concatenate([records_of(tall), bare])
    painted = paint_leaf(records, np.array([[16, 16]]), {0: own})
    column, row = (np.array([0.3, 0.3, 0.4]) @ tall[0] * 16).astype(int) % 16
    shown = pixels_at(painted)
    assert shown[0].tolist() == own[row, column].tolist()
    assert shown[1:].tolist() == [[10, 20, 30], [255, 255, 255]]


def test_what_does_not_fit_is_shrunk_evenly(monkeypatch):
    monkeypatch.setattr("scenes3d.meshes.islands.MOST_SIDE", 400)
    wide = np.broadcast_to(np.linspace(0, 255, 600).astype(np.uint8)[None, :, None], (600, 600, 3))
    uv = np.array([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]])
    painted = paint_leaf(records_of(uv), np.array([[600, 600]]), {0: wide})
    assert 300 < max(painted.pixels.shape) <= 400
    assert pixels_at(painted)[:, 0].astype(float) == pytest.approx([0.7 * 255, 0.3 * 255], abs=2)


def ramp(turns: int, steps: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """A spiral ramp that lies over itself: places and triangles."""
    angle = np.linspace(0, 2 * np.pi * turns, turns * steps + 1)
    inner, outer = (np.column_stack([r * np.cos(angle), r * np.sin(angle), angle]) for r in (4, 9))
    places = np.stack([inner, outer], axis=1).reshape(-1, 3)
    first = np.arange(turns * steps) * 2
    triangles = np.concatenate(
        [np.column_stack([first, first + 1, first + 3]), np.column_stack([first, first + 3, first + 2])]
    )
    return places, triangles.astype(np.int32)


def test_a_ramp_over_itself_is_laid_out_without_overlap():
    places, triangles = ramp(3)
    layout = lay_out(places[triangles], triangles, 0.05, 4096)
    owner, clashes = np.full_like(layout.owner, FREE), np.zeros(len(triangles), dtype=bool)
    draw(layout.uv, owner, clashes)
    assert not clashes.any()
    sides, flat = (np.diff(table, axis=1) for table in (places[triangles], layout.uv * layout.texel_m))
    area = np.abs(flat[:, 0, 0] * flat[:, 1, 1] - flat[:, 0, 1] * flat[:, 1, 0]) / 2
    stretch = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1) / 2 / area
    assert 1 - 1e-6 <= stretch.min() <= stretch.max() < 1.75
    # Every triangle has about the pixels of its area.
    counted = np.bincount(owner[owner != FREE], minlength=len(triangles)) * layout.texel_m**2
    assert counted == pytest.approx(area, rel=0.15)


def test_a_picture_that_is_too_large_gets_larger_pixels():
    places, triangles = ramp(1)
    layout = lay_out(places[triangles], triangles, 0.001, 256)
    assert max(layout.owner.shape) <= 256
    assert layout.texel_m > 0.05


def test_triangles_that_touch_share_no_pixel_and_leave_none_out():
    step = np.linspace(0.3, 40.7, 8)
    x, y = np.meshgrid(step, step)
    x[1:-1, 1:-1] += np.random.default_rng(6).normal(0, 0.7, (6, 6))
    places = np.stack([x, y], axis=-1).reshape(-1, 2)
    first = (np.arange(7)[:, None] * 8 + np.arange(7)).ravel()
    corners = np.concatenate(
        [np.column_stack([first, first + 1, first + 9]), np.column_stack([first, first + 9, first + 8])]
    )
    owner, clashes = np.full((48, 48), FREE, dtype=np.int32), np.zeros(len(corners), dtype=bool)
    draw(places[corners], owner, clashes)
    assert not clashes.any()
    assert (owner[:41, :41] != FREE).all()
    assert (owner[41:] == FREE).all()


def test_free_pixels_take_the_colour_of_the_nearest():
    owner = np.full((9, 9), FREE, dtype=np.int32)
    owner[2, 2], owner[6, 7] = 0, 1
    pixels = np.zeros((9, 9, 3), dtype=np.uint8)
    pixels[2, 2], pixels[6, 7] = 100, 200
    spill(pixels, owner)
    row, column = np.indices((9, 9))
    one, two = np.hypot(row - 2, column - 2), np.hypot(row - 6, column - 7)
    sure = np.abs(one - two) > 0.5
    assert np.array_equal(pixels[sure][:, 0], np.where(one < two, 100, 200)[sure])
