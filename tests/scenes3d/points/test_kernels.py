"""The octree's arithmetic against the plain way of saying it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scenes3d.points.kernels import assign_levels, morton_keys, sort_keys


def interleaved(x: int, y: int, z: int) -> int:
    return sum((x >> b & 1) << 3 * b | (y >> b & 1) << 3 * b + 1 | (z >> b & 1) << 3 * b + 2 for b in range(21))


@given(arrays(np.int32, (20, 6), elements=st.integers(0, 2**21 - 1)))
def test_keys_are_interleaved_bits_and_come_sorted(records):
    keys = np.empty(20, dtype=np.uint64)
    morton_keys(records, np.zeros(3, dtype=np.int64), 0, keys)
    plain = [interleaved(*(int(value) for value in row[:3])) for row in records]
    assert keys.tolist() == plain
    order = sort_keys(keys, 63)
    assert order.tolist() == sorted(range(20), key=lambda i: (plain[i], i))
    assert keys.tolist() == sorted(plain)


def plain_levels(keys: list[int], bits: int, take_all: int) -> list[int]:
    """One point for each cell of a node, the middle of those left there; all where few are left."""
    levels = [-1] * len(keys)
    deepest = max(bits - 7, 0)
    for level in range(deepest + 1):
        left = [i for i, found in enumerate(levels) if found < 0]
        for node in sorted({keys[i] >> 3 * (bits - level) for i in left}):
            inside = [i for i in left if keys[i] >> 3 * (bits - level) == node]
            if len(inside) <= take_all or level == deepest:
                for i in inside:
                    levels[i] = level
                continue
            for cell in {keys[i] >> 3 * (bits - level - 7) for i in inside}:
                same = [i for i in inside if keys[i] >> 3 * (bits - level - 7) == cell]
                levels[same[len(same) // 2]] = level
    return levels


@given(arrays(np.uint64, 300, elements=st.integers(0, 8**9 - 1)), st.integers(1, 40))
def test_each_point_is_dealt_to_the_first_level_with_room(keys, take_all):
    keys.sort()
    levels = np.empty(len(keys), dtype=np.uint8)
    assign_levels(keys, 9, 0, take_all, levels)
    assert levels.tolist() == plain_levels([int(key) for key in keys], 9, take_all)
