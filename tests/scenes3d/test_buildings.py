"""Footprints raised: closed surfaces, turned outwards, of the size that other arithmetic gives; bad ones named and counted."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import shapely

from box_town import batch_of, metres
from scenes3d.buildings.cleaning import footprints_of
from scenes3d.buildings.extrusion import frame_of, raised, region_of
from scenes3d.buildings.faults import BuildReport, Fault
from scenes3d.buildings.footprints import Footprints
from scenes3d.buildings.heights import HeightRule
from scenes3d.buildings.roofs import roof_triangles
from scenes3d.glb.mesh import Mesh
from twin.crs import from_cgcs2000, parse_crs

RULE = HeightRule("height", "floors")
SQUARE = metres((0, 0), (20, 0), (20, 10), (0, 10))
HOLE = metres((5, 3), (5, 7), (15, 7), (15, 3))
BOW = metres((0, 0), (20, 10), (20, 0), (0, 10))


def cleaned(shapes, ground=None, rule=RULE, **columns) -> tuple[Footprints, BuildReport]:
    report = BuildReport()
    columns.setdefault("height", [9.0] * len(shapes))
    return footprints_of(batch_of(shapes, **columns), rule, ground, report), report


def corners(mesh: Mesh) -> list[tuple[tuple[float, ...], ...]]:
    """Triangles as triples of points to the millimetre."""
    points = [tuple(p) for p in np.round(mesh.positions, 3).tolist()]
    return [tuple(points[i] for i in triangle) for triangle in mesh.indices.reshape(-1, 3).tolist()]


@pytest.mark.parametrize("shape", [
    shapely.Polygon(SQUARE),
    shapely.Polygon(SQUARE[::-1]),
    shapely.Polygon(SQUARE, [HOLE]),
    shapely.Polygon(SQUARE, [HOLE[::-1]]),
    shapely.Polygon(metres((0, 0), (30, 0), (30, 10), (10, 10), (10, 30), (0, 30))),
    shapely.MultiPolygon([shapely.Polygon(SQUARE), shapely.Polygon(metres((40, 0), (50, 0), (45, 9)))]),
    shapely.Polygon([*SQUARE[:2], SQUARE[1], *SQUARE[2:]]),
])  # fmt: skip
def test_walls_and_roof_close_up_and_look_outwards(shape):
    footprints, _ = cleaned([shape])
    mesh = raised(footprints, frame_of(footprints))
    edges = Counter()
    for a, b, c in corners(mesh):
        edges.update([(a, b), (b, c), (c, a)])
    open_edges = [edge for edge in edges if edges[edge] != edges[edge[::-1]]]
    # Only the ground is open: as many edges as the outline has, all of them at the foot.
    assert len(open_edges) == len(footprints.xy)
    assert all(abs(a[2]) < 0.01 and abs(b[2]) < 0.01 for a, b in open_edges)
    # The volume below closed surfaces turned outwards is that of area times height, and positive.
    a, b, c = (mesh.positions[mesh.indices.reshape(-1, 3)[:, k]] for k in range(3))
    plane = parse_crs("EPSG:4549")
    area = from_cgcs2000(np.array([shape], dtype=object), plane)[0].area
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6 == pytest.approx(area * 9.0, rel=2e-4)


def test_normals_are_those_of_the_triangles(town):
    mesh = raised(town.slice(0, 300), frame_of(town))
    a, b, c = (mesh.positions[mesh.indices.reshape(-1, 3)[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    told = mesh.normals[mesh.indices.reshape(-1, 3)[:, 0]]
    assert np.einsum("ij,ij->i", across, told).min() > 0.9999


def test_roofs_have_the_area_of_their_polygons(town):
    triangles, offsets = roof_triangles(town)
    a, b, c = (town.xy[triangles[:, k]] for k in range(3))
    doubled = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    assert doubled.min() >= 0, "all turn left"
    found = np.add.reduceat(doubled / 2, offsets[:-1])
    rings = np.split(town.xy, town.rings[1:-1])
    first = town.polygons[:-1]
    areas = [
        shapely.Polygon(rings[start], rings[start + 1 : stop]).area
        for start, stop in zip(first, town.polygons[1:], strict=True)
    ]
    assert np.allclose(found, areas, rtol=1e-9)


BAD = {
    Fault.NO_GEOMETRY: (None, {}),
    Fault.NOT_A_POLYGON: (shapely.Point(120, 36.2), {}),
    Fault.NOT_FINITE: (
        shapely.transform(shapely.Polygon(SQUARE), lambda xy: np.where(xy > 120, np.nan, xy + np.inf)),
        {},
    ),
    Fault.ZERO_AREA: (shapely.Polygon(metres((0, 0), (20, 0), (10, 0))), {}),
    Fault.SELF_CROSSING: (shapely.Polygon(BOW), {}),
    Fault.CLOCKWISE: (shapely.Polygon(SQUARE[::-1]), {}),
    Fault.HEIGHT_MISSING: (shapely.Polygon(SQUARE), {"height": None}),
    Fault.HEIGHT_UNREADABLE: (shapely.Polygon(SQUARE), {"height": "tall"}),
    Fault.HEIGHT_NOT_POSITIVE: (shapely.Polygon(SQUARE), {"height": -3.0}),
    Fault.HEIGHT_TOO_LARGE: (shapely.Polygon(SQUARE), {"height": 4000.0}),
    Fault.HEIGHT_FROM_FLOORS: (shapely.Polygon(SQUARE), {"height": None, "floors": 4}),
}


@pytest.mark.parametrize("fault", BAD)
def test_each_fault_is_named_and_its_neighbour_is_built(fault):
    shape, columns = BAD[fault]
    given = {name: [value, 9.0 if name == "height" else None] for name, value in columns.items()}
    footprints, report = cleaned([shape, shapely.Polygon(SQUARE)], **given)
    assert fault in report.counts, report.to_dict()
    assert report.counts[fault] == 1
    assert report.examples[fault] == ["b0"]
    assert report.left_out == (1 if fault.leaves_out else 0)
    assert footprints.columns[0].values.to_pylist()[-1] == "b1"
    assert len(footprints) == report.built == report.seen - report.left_out


def test_a_nan_is_an_unknown_height_and_zero_is_no_height():
    _, report = cleaned([shapely.Polygon(SQUARE)] * 2, height=[float("nan"), 0.0])
    assert report.counts == {Fault.HEIGHT_MISSING: 1, Fault.HEIGHT_NOT_POSITIVE: 1}


def test_floors_stand_in_only_where_there_is_no_height():
    footprints, _ = cleaned([shapely.Polygon(SQUARE)] * 2, height=[None, 10.0], floors=[4, 9])
    assert footprints.height_m.tolist() == [12.0, 10.0]


def test_a_hole_without_area_goes_alone():
    shape = shapely.Polygon(SQUARE, [metres((5, 3), (15, 3), (10, 3))])
    footprints, _ = cleaned([shape])
    assert len(footprints.rings) - 1 == 1


def test_buildings_stand_on_the_lowest_ground_below_them():
    def slope(lon, lat):
        return (lon - 119.95) * 89_900 * 0.1, np.zeros(len(lon), dtype=bool)

    footprints, _ = cleaned([shapely.Polygon(metres((10, 0), (30, 0), (30, 10), (10, 10)))], ground=slope)
    assert footprints.base_m.tolist() == [pytest.approx(1.0, abs=1e-6)]
    region = region_of(footprints)
    assert (region.low, region.high) == (pytest.approx(1.0 - 0.02, abs=1e-6), pytest.approx(10.0 + 0.02, abs=1e-6))


def test_ground_that_nobody_measured_is_counted():
    _, report = cleaned([shapely.Polygon(SQUARE)], ground=lambda lon, _: (np.zeros(len(lon)), np.ones(len(lon), bool)))
    assert report.counts == {Fault.GROUND_UNKNOWN: 1}


def test_rows_taken_in_another_order_are_the_same_buildings(town):
    turned = town.take(np.arange(len(town))[::-1].copy())
    again = turned.take(np.arange(len(town))[::-1].copy())
    assert np.array_equal(again.xy, town.xy)
    assert np.array_equal(turned.boxes[::-1], town.boxes)
    assert turned.columns[0].values.to_pylist() == town.columns[0].values.to_pylist()[::-1]
    part = Footprints.concatenated([town.slice(0, 700), town.slice(700, len(town))])
    assert np.array_equal(part.rings, town.rings)
    assert np.array_equal(part.features, town.features)
