"""The arithmetic of the sample town agrees with the C library's and stands on exactly rounded operations alone."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from data_samples.town.arithmetic import angle_of, cosine, length_of, sine, turned


@pytest.mark.parametrize(("ours", "theirs"), [(sine, math.sin), (cosine, math.cos)])
def test_waves_agree_with_the_c_library(ours, theirs):
    angles = np.concatenate([np.linspace(-2000, 2000, 20_001), np.arange(-8, 9) * math.pi / 4, [0.0, 1e-300]])
    assert np.abs(ours(angles) - [theirs(a) for a in angles]).max() < 4e-16


def test_angles_agree_with_the_c_library_in_every_quarter():
    around = np.linspace(-3.14, 3.14, 5_001)
    points = np.stack([np.cos(around), np.sin(around)]) * np.geomspace(1e-6, 1e6, len(around))
    assert np.abs(angle_of(points[1], points[0]) - [math.atan2(y, x) for x, y in points.T]).max() < 2e-15


def test_angles_of_the_axes_and_of_no_direction():
    assert angle_of(np.array([0.0, 1, 0, -1, 0]), np.array([1.0, 0, -1, 0, 0])).tolist() == pytest.approx(
        [0, math.pi / 2, math.pi, -math.pi / 2, 0], abs=0
    )


def test_turning_keeps_lengths_and_goes_counter_clockwise():
    points = np.array([[3.0, 4.0], [0.0, 0.0]])
    assert turned(points, math.pi / 2) == pytest.approx(np.array([[-4.0, 3.0], [0.0, 0.0]]))
    assert length_of(*turned(points, 1.234).T) == pytest.approx([5.0, 0.0])


def test_no_file_of_the_town_takes_waves_or_powers_from_the_processor(checkout):
    for path in (checkout / "data_samples" / "town").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"np\.(?:sin|cos|tan|arctan2?|hypot|exp|log|power)\(|math\.\w+\(| @ |\*\*\s*\d*\.\d", text)
        assert found == [], path.name
