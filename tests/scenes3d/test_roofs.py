"""Pitched roofs: closed volumes of the size that closed forms give, on outlines that bear them; the others flat, with the reason."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import shapely

from box_town import SOUTH, WEST, box_town
from scenes3d.buildings.cleaning import footprints_of
from scenes3d.buildings.extrusion import frame_of, raised
from scenes3d.buildings.faults import BuildReport, Fault
from scenes3d.buildings.footprints import Footprints
from scenes3d.buildings.heights import HeightRule
from scenes3d.buildings.roof_faces import roof_faces
from scenes3d.buildings.roof_rule import RoofRule, RoofShape
from scenes3d.buildings.tiling import build_tile, layout_of
from scenes3d.glb.mesh import Mesh
from scenes3d.glb.reading import read_model
from twin.ellipsoid import metres_per_degree
from twin.feature import FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.text import LocalText

NAMES = ("height", "floors", "roof:shape", "roof:height", "roof:levels", "roof:angle", "roof:direction")
NAMES += ("roof:orientation", "檐口高度", "屋脊高度")
TEXTS = ("roof:shape", "roof:direction", "roof:orientation")
SCHEMA = Schema(
    GeometryType.POLYGON,
    tuple(Property(name, PropertyType.STRING if name in TEXTS else PropertyType.NUMBER, LocalText()) for name in NAMES),
)
HEIGHTS = HeightRule("height", "floors")
ROOFS = RoofRule(*(f"roof:{word}" for word in ("shape", "height", "levels", "angle", "direction", "orientation")))
SURVEY = RoofRule(eaves="檐口高度", ridge="屋脊高度")
EAST, NORTH = (float(each) for each in metres_per_degree(SOUTH))


def outline(points, turn_deg: float = 0.0) -> shapely.Polygon:
    """Metres from the town's corner, turned about it, as a polygon in degrees."""
    turn = math.radians(turn_deg)
    xy = np.array(points, dtype=float) @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return shapely.Polygon(np.array([WEST, SOUTH]) + xy / (EAST, NORTH))


BOX = [(0, 0), (20, 0), (20, 10), (0, 10)]
NOTCHED = [(0, 0), (20, 0), (20, 10), (9, 10), (9, 9), (7, 9), (7, 10), (0, 10)]
ELL = [(0, 0), (20, 0), (20, 5), (8, 5), (8, 12), (0, 12)]
HEXAGON = [(4 * math.cos(math.radians(60 * k)), 4 * math.sin(math.radians(60 * k))) for k in range(6)]


def houses(shapes, rule: RoofRule = ROOFS, **columns) -> tuple[Footprints, BuildReport]:
    count, report = len(shapes), BuildReport()
    given = {name.replace(":", "_"): name for name in NAMES}
    values = {given[key]: [value] * count for key, value in columns.items()}
    batch = FeatureBatch(
        schema=SCHEMA,
        fids=np.arange(1, count + 1),
        ids=[f"b{number}" for number in range(count)],
        wkb=[shapely.to_wkb(shape, flavor="iso") for shape in shapes],
        columns={name: values.get(name, [None] * count) for name in NAMES},
    )
    return footprints_of(batch, HEIGHTS, None, report, rule), report


def volume(mesh: Mesh) -> float:
    """By the divergence theorem; asks that every edge is that of two triangles, once each way."""
    points = np.round(mesh.positions, 5)
    triangles = mesh.indices.reshape(-1, 3)
    edges = Counter()
    for triangle in triangles.tolist():
        a, b, c = (tuple(points[corner].tolist()) for corner in triangle)
        assert len({a, b, c}) == 3
        edges.update([(a, b), (b, c), (c, a)])
    assert set(edges.values()) == {1}
    assert all(edges[(b, a)] == 1 for a, b in edges)
    a, b, c = (mesh.positions[triangles[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def built(shapes, rule: RoofRule = ROOFS, **columns) -> tuple[Footprints, Mesh]:
    footprints, _ = houses(shapes, rule, **columns)
    return footprints, raised(footprints, frame_of(footprints))


# A box of 20 by 10 with eaves at 6 m and the ridge at 9 m: volume above the eaves as a share of area times rise.
SHARES = {"gabled": 1 / 2, "skillion": 1 / 2, "hipped": (3 * 20 - 10) / (6 * 20), "pyramidal": 1 / 3}


@pytest.mark.parametrize("shape", SHARES)
@pytest.mark.parametrize("turn", [0.0, 33.0])
def test_volumes_are_closed_and_of_the_size_that_closed_forms_give(shape, turn):
    footprints, mesh = built([outline(BOX, turn)], roof_shape=shape, height=9.0, roof_height=3.0, roof_direction="0")
    assert RoofShape(int(footprints.roofs.shapes[0])).name.lower() == shape
    assert footprints.roofs.eaves_m[0] == 6.0
    assert footprints.height_m[0] == 9.0
    assert volume(mesh) == pytest.approx(200 * 6 + 200 * 3 * SHARES[shape], rel=1e-5)
    assert mesh.positions[:, 2].max() == pytest.approx(9.0, abs=2e-5)  # the globe bends away by that much
    a, b, c = (mesh.positions[mesh.indices.reshape(-1, 3)[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    assert np.einsum("ij,ij->i", across, mesh.normals[mesh.indices.reshape(-1, 3)[:, 0]]).min() > 0.9999


@pytest.mark.parametrize(("words", "ridge"), [
    ({}, "east"),
    ({"roof_orientation": "along"}, "east"),
    ({"roof_orientation": "across"}, "north"),
    ({"roof_direction": "N"}, "east"),
    ({"roof_direction": "185"}, "east"),
    ({"roof_direction": "西", "roof_orientation": "along"}, "north"),
])  # fmt: skip
def test_a_ridge_runs_along_the_longer_side_unless_it_is_said(words, ridge):
    _, mesh = built([outline(BOX)], roof_shape="gabled", height=9.0, roof_height=3.0, **words)
    top = mesh.positions[mesh.positions[:, 2] > 8.99]
    length = np.ptp(top, axis=0)
    assert length[:2] == pytest.approx((20, 0) if ridge == "east" else (0, 10), abs=1e-3)


@pytest.mark.parametrize(("said", "low"), [("N", (1, 10)), ("91", (0, 20)), ("SSW", (1, 0)), ("西", (0, 0))])
def test_a_skillion_falls_where_it_faces(said, low):
    footprints, mesh = built([outline(BOX)], roof_shape="skillion", height=9.0, roof_height=3.0, roof_direction=said)
    axis, place = low
    frame = frame_of(footprints)
    corner = frame.local(np.zeros((1, 3)) + earth(WEST, SOUTH))[0]
    roof = mesh.normals[:, 2] > 0.1
    lowest = mesh.positions[roof][np.argsort(mesh.positions[roof][:, 2])[:2]] - corner
    assert lowest[:, axis] == pytest.approx(place, abs=1e-3)
    assert mesh.positions[roof][:, 2].min() == pytest.approx(6.0, abs=1e-4)


def earth(lon: float, lat: float) -> np.ndarray:
    from twin.ellipsoid import earth_centred

    return earth_centred(np.array([lon]), np.array([lat]), np.array([0.0]))


@pytest.mark.parametrize(("columns", "eaves", "top"), [
    ({"height": 9.0, "roof_levels": 1.0}, 6.0, 9.0),
    ({"height": 9.0, "roof_angle": math.degrees(math.atan(2 / 5))}, 7.0, 9.0),
    ({"floors": 2.0, "roof_height": 2.5}, 6.0, 8.5),
    ({"height": 9.0, "floors": 2.0, "roof_height": 2.5}, 6.5, 9.0),
])  # fmt: skip
def test_how_high_a_roof_is_by_metres_floors_or_angle(columns, eaves, top):
    footprints, report = houses([outline(BOX)], roof_shape="gabled", **columns)
    assert (footprints.roofs.eaves_m[0], footprints.height_m[0]) == pytest.approx((eaves, top))
    assert report.lods == {"LOD1": 0, "LOD2": 1}


def test_eaves_and_ridge_of_a_survey_make_a_gabled_roof_and_say_that_it_was_assumed():
    footprints, report = houses([outline(BOX)], SURVEY, height=8.0, 檐口高度=5.5, 屋脊高度=8.2)
    assert footprints.roofs.shapes[0] == RoofShape.GABLED
    assert (footprints.roofs.eaves_m[0], footprints.height_m[0]) == pytest.approx((5.5, 8.2))
    assert report.counts == {Fault.ROOF_ASSUMED: 1}


FLAT = {
    Fault.ROOF_SHAPE: (BOX, {"roof_shape": "onion", "roof_height": 2.0}),
    Fault.ROOF_OUTLINE: (ELL, {"roof_shape": "gabled", "roof_height": 2.0}),
    Fault.ROOF_DIRECTION: (BOX, {"roof_shape": "skillion", "roof_height": 2.0}),
    Fault.ROOF_HEIGHT: (BOX, {"roof_shape": "gabled"}),
    Fault.ROOF_TOO_HIGH: (BOX, {"roof_shape": "gabled", "roof_height": 9.0}),
}


@pytest.mark.parametrize("fault", FLAT)
def test_what_cannot_be_pitched_is_flat_and_says_why(fault):
    points, columns = FLAT[fault]
    footprints, report = houses([outline(points)], height=9.0, **columns)
    assert report.counts == {fault: 1}
    assert not fault.leaves_out
    assert report.lods == {"LOD1": 1}
    assert footprints.roofs.shapes[0] == RoofShape.FLAT
    assert footprints.height_m[0] == 9.0


@pytest.mark.parametrize(("shape", "points"), [
    ("hipped", NOTCHED), ("pyramidal", ELL), ("gabled", HEXAGON), ("skillion", ELL),
])  # fmt: skip
def test_an_outline_has_to_bear_its_roof(shape, points):
    _, report = houses([outline(points)], height=9.0, roof_shape=shape, roof_height=2.0, roof_direction="N")
    assert report.counts == {Fault.ROOF_OUTLINE: 1}


def test_holes_and_several_parts_bear_none():
    part = outline([(30, 0), (40, 0), (40, 5), (30, 5)])
    court = shapely.Polygon(outline(BOX).exterior, [outline([(5, 3), (5, 7), (15, 7), (15, 3)]).exterior])
    _, report = houses(
        [shapely.MultiPolygon([outline(BOX), part]), court], height=9.0, roof_shape="gabled", roof_height=2
    )
    assert report.counts == {Fault.ROOF_OUTLINE: 2}


def test_a_notch_in_a_wall_cuts_the_eaves_and_flat_corners_leave_no_gap():
    _, mesh = built([outline(NOTCHED, 12.0)], roof_shape="gabled", height=9.0, roof_height=3.0)
    # Over the notch of 2 by 1 m at the eaves the roof is a wedge, 0 to 0.6 m high.
    assert volume(mesh) == pytest.approx(200 * 6 + 300 - (2 * 6 + 2 * 0.3), rel=1e-5)
    flat_corners = [(0, 0), (7, 0), (20, 0), (20, 5), (20, 10), (0, 10), (0, 4)]
    for shape in ("gabled", "hipped", "pyramidal", "skillion"):
        _, mesh = built([outline(flat_corners, 5.0)], roof_shape=shape, height=9.0, roof_height=3.0, roof_direction="N")
        assert volume(mesh) == pytest.approx(200 * 6 + 600 * SHARES[shape], rel=1e-5)


def test_a_hipped_roof_over_any_convex_outline_is_its_straight_skeleton():
    chance = np.random.default_rng(5)
    for _ in range(60):
        hull = shapely.convex_hull(shapely.multipoints(chance.uniform(0, 30, (12, 2))))
        ring = np.array(shapely.orient_polygons(hull).exterior.coords)[:-1]
        faces = roof_faces(RoofShape.HIPPED, ring, np.array([1.0, 0.0]), 4.0)
        assert faces.is_closed
        assert faces.rise_m.max() == pytest.approx(4.0)
        # Equal slopes: everywhere as high as the nearest wall is far.
        far = shapely.distance(shapely.points(faces.points), hull.exterior)
        assert faces.rise_m == pytest.approx(far * 4.0 / far.max(), abs=1e-5)
        areas = [shapely.Polygon(faces.points[list(face)]).area for face in faces.faces]
        assert sum(areas) == pytest.approx(hull.area)


def test_a_tile_with_both_kinds_says_eaves_and_ridge_and_is_valid(gltf_problems):
    shapes = [outline([(x + 30 * k, y) for x, y in BOX], 9.0) for k in range(6)]
    footprints, _ = houses(shapes, height=9.0, roof_height=3.0, roof_shape="hipped")
    footprints.roofs.shapes[[1, 4]] = RoofShape.FLAT
    footprints.roofs.eaves_m[[1, 4]] = 9.0
    tile = build_tile(layout_of(footprints).tile(0))
    model = read_model(tile.content)
    (primitive,) = model.primitives
    assert np.unique(primitive.feature_ids).tolist() == list(range(6))
    table = {name: dict(zip(model.table["id"], model.table[name], strict=True)) for name in model.table}
    assert table["onemap_roof"] == {f"b{k}": "flat" if k in (1, 4) else "hipped" for k in range(6)}
    assert table["onemap_eaves_m"] == {f"b{k}": 9.0 if k in (1, 4) else 6.0 for k in range(6)}
    assert set(table["onemap_ridge_m"].values()) == {9.0}
    assert gltf_problems({"tile": tile.content}) == []


def test_a_tile_of_flat_roofs_has_the_bytes_it_always_had():
    plain, asked = [], []
    for batch in box_town(300):
        plain.append(footprints_of(batch, HEIGHTS, None, BuildReport()))
        asked.append(footprints_of(batch, HEIGHTS, None, BuildReport(), RoofRule(shape="name")))
    layouts = [layout_of(Footprints.concatenated(parts)) for parts in (plain, asked)]
    tiles = [[build_tile(layout.tile(number)).content for number in range(len(layout))] for layout in layouts]
    assert tiles[0] == tiles[1]
