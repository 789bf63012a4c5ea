"""What the kernel vouches for, GEOS finds valid; what is plainly in order, the kernel vouches for."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tile_rings import Ring, arrays_of, box, tidied
from tiles.kernel.judging import are_sound
from tiles.snapshot.paths import paths_of


def judged(polygons: list[list[Ring]]) -> bool:
    """The kernel's word about polygons of a shell and holes each."""
    return bool(are_sound(*arrays_of(polygons)))


@pytest.mark.parametrize(
    ("polygons", "sound"),
    [
        ([[box(0, 0, 10)]], True),
        ([[box(0, 0, 10), box(2, 2, 3)]], True),
        ([[box(0, 0, 10), box(2, 2, 3), box(6, 6, 2)]], True),
        ([[box(0, 0, 10)], [box(20, 0, 10)]], True),
        ([[box(0, 0, 10), box(2, 2, 10)]], False),  # a hole over the edge
        ([[box(0, 0, 10), box(20, 2, 3)]], False),  # a hole beside its shell
        ([[box(0, 0, 10), box(2, 2, 6), box(3, 3, 2)]], False),  # a hole in a hole
        ([[box(0, 0, 10)], [box(2, 2, 3)]], False),  # a part in a part
        ([[box(0, 0, 10)], [box(10, 0, 10)]], False),  # parts with a common edge
        ([[[(0, 0), (10, 10), (10, 0), (0, 10)]]], False),  # a bow tie
        ([[[(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)]]], False),  # a ring that touches itself
    ],
)
def test_plain_cases(polygons: list[list[Ring]], sound: bool) -> None:
    assert judged(polygons) is sound


def drawn(geometry: shapely.Geometry) -> list[list[Ring]]:
    """Rings on integers, as the encoder makes them from a polygon: none of no area, no hole of such a shell."""
    paths = paths_of(np.array([geometry], dtype=object))
    polygons: list[list[Ring]] = []
    held = False
    for path, role in enumerate(paths.roles):
        ring = tidied(paths.coordinates[paths.path_vertices[path] : paths.path_vertices[path + 1]])
        if role:
            held = bool(ring)
            if held:
                polygons.append([ring])
        elif ring and held:
            polygons[-1].append(ring)
    return polygons


@settings(max_examples=300)
@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_what_the_kernel_vouches_for_is_valid(seed: int) -> None:
    rng = random.Random(seed)
    spread = 10 ** rng.uniform(0.5, 3)
    blobs = shapely.union_all(
        [
            shapely.Point(rng.uniform(0, spread), rng.uniform(0, spread)).buffer(
                spread * rng.uniform(0.02, 0.4), quad_segs=rng.randrange(1, 12)
            )
            for _ in range(rng.randrange(1, 12))
        ]
    )
    bites = [
        shapely.Point(rng.uniform(0, spread), rng.uniform(0, spread)).buffer(spread * rng.uniform(0.01, 0.2))
        for _ in range(rng.randrange(12))
    ]
    shape = blobs.difference(shapely.union_all(bites))
    polygons = drawn(shape) if shape.area > 0 else []
    if not polygons:
        return
    written = shapely.MultiPolygon([(rings[0], rings[1:]) for rings in polygons])
    if judged(polygons):
        assert written.is_valid, written.wkt
    elif written.is_valid:
        # Turned down to be on the safe side: rings that touch, or a part in the hole of another.
        boundaries = [shapely.LinearRing(ring) for rings in polygons for ring in rings]
        touch = any(a.intersects(b) for i, a in enumerate(boundaries) for b in boundaries[:i])
        shells = [shapely.Polygon(rings[0]) for rings in polygons]
        assert touch or any(a.intersects(b) for i, a in enumerate(shells) for b in shells[:i]), written.wkt


def test_rings_with_many_vertices_and_many_rings_are_judged_without_their_square() -> None:
    angles = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    circle = np.unique(np.rint(np.column_stack([np.cos(angles), np.sin(angles)]) * 1e5).astype(np.int64), axis=0)
    order = np.argsort(np.arctan2(circle[:, 1], circle[:, 0]))
    big = [(int(x), int(y)) for x, y in circle[order]]
    assert judged([[big]])
    many = [[box(10 * (i % 200), 10 * (i // 200), 6)] for i in range(40_000)]
    started = time.process_time()
    assert judged(many)
    holes = [box(10 * (i % 100) + 2, 10 * (i // 100) + 2, 6) for i in range(5_000)]
    assert judged([[box(0, 0, 2000), *holes]])
    assert not judged([[box(0, 0, 2000), *holes, box(5, 5, 6)]])
    assert time.process_time() - started < 60  # its square would be minutes
