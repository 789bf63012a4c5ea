"""Points inside buildings and bodies of scenes are told from points in the open: below bridges, in courts, above roofs."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from analysis_scenes import PLACE, blocks_on, flat
from scenes3d.analysis.inside import inside
from scenes3d.analysis.scene import bend_of, open_scene
from scenes3d.analysis.surfaces import open_surfaces, surfaces_of
from scenes3d.tileset.finest import Patch
from twin.ellipsoid import earth_centred


def body(west, south, east, north, low, high, *, turned=False):
    """A closed box, its faces outward or all of them turned inward."""
    points = np.array(
        [(x, y, z) for z in (low, high) for x, y in ((west, south), (east, south), (east, north), (west, north))]
    )
    quads = [(i, (i + 1) % 4, (i + 1) % 4 + 4, i + 4) for i in range(4)] + [(4, 5, 6, 7), (3, 2, 1, 0)]
    faces = np.array([face for a, b, c, d in quads for face in ((a, b, c), (a, c, d))])
    lon, lat = PLACE.to_geodetic(points[:, 0], points[:, 1])
    patch = faces[:, ::-1] if turned else faces
    return Patch(earth_centred(lon, lat, points[:, 2].astype(float)), patch, np.full(len(faces), -1), ())


def scene_of_bodies(*bodies, buildings=(), refraction=None, engine="auto"):
    ground = flat()
    found = surfaces_of("mesh", bodies, PLACE, (-60.0, -60.0, 60.0, 60.0), ground.at, 10_000)
    opened = open_surfaces(found, bend_of(PLACE, refraction), engine)
    return open_scene(PLACE, ground, blocks_on(ground, list(buildings)), refraction=refraction, engine=engine, surfaces=[opened])  # fmt: skip


@pytest.mark.parametrize("engine", ["auto", "numba"])
def test_a_court_is_in_the_open_and_a_place_above_the_roof_too(engine):
    court = shapely.box(-20, -20, 20, 20).difference(shapely.box(-10, -10, 10, 10))
    low = shapely.box(12, 12, 30, 18)  # reaches into the first
    scene = scene_of_bodies(buildings=[(court, 12.0), (low, 3.0)], refraction=0.13, engine=engine)
    points = np.array(
        [(15, 1.3, 0.9), (0.3, 0.4, 0.9), (-25, 0, 0.9), (15, 1.3, 12.1), (25, 15, 0.9), (25, 15, 3.2), (15, 15.1, 5), (15, 1.3, np.nan)]
    )  # fmt: skip
    assert inside(scene, points).tolist() == [True, False, False, False, True, False, True, False]


@pytest.mark.parametrize("engine", ["auto", "numba"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_body_without_its_floor_is_closed_and_a_bridge_is_open_below(engine, turned):
    bodies = [
        body(-20, -10, -5, 10, 0, 15, turned=turned),
        body(-12, -5, 2, 5, 0, 9, turned=turned),
    ]  # reach into each other
    bridge = body(10, -30, 20, 30, 6, 7, turned=turned)
    scene = scene_of_bodies(*bodies, bridge, engine=engine)
    assert len(scene.owners) < 36  # floors on the ground are left out
    points = np.array(
        [
            (-17, 1.3, 1),
            (-8, 1.3, 1),
            (0, 1.3, 1),
            (0, 1.3, 9.5),
            (14, 1.3, 1),
            (14, 1.3, 6.5),
            (14, 1.3, 8),
            (40, 1, 1),
        ]
    )
    assert inside(scene, points).tolist() == [True, True, True, False, False, True, False, False]
    assert not inside(scene_of_bodies(), points).any()
