"""Buildings with pitched roofs as closed volumes: floor, walls up to the roof, and the faces of the roof (LOD2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from scenes3d.buildings.footprints import Footprints
from scenes3d.buildings.roof_faces import RoofFaces, corners_of, roof_faces
from scenes3d.buildings.roof_fitting import plane_of
from scenes3d.buildings.roof_rule import RoofShape
from scenes3d.frames import Floats, Frame
from scenes3d.glb.mesh import Mesh
from scenes3d.glb.property_table import Column, ColumnKind
from twin.ellipsoid import earth_centred, metres_per_degree

_FLAT_M2 = 1.0e-6
EAVES, RIDGE, ROOF = "onemap_eaves_m", "onemap_ridge_m", "onemap_roof"

Triangles = Sequence[tuple[int, int, int]]


@dataclass
class _Faces:
    """Flat faces of many volumes: their vertices, one after another, and triangles of them."""

    lon: list[float]
    lat: list[float]
    height: list[float]
    normals: list[tuple[float, float, float]]
    triangles: list[tuple[int, int, int]]

    def add(
        self, points: Sequence[tuple[float, float, float]], normal: tuple[float, float, float], triangles: Triangles
    ) -> None:
        """A face: corners as longitude, latitude and height, its normal, and triangles of the corners."""
        first = len(self.lon)
        for lon, lat, height in points:
            self.lon.append(lon)
            self.lat.append(lat)
            self.height.append(height)
        self.normals += [normal] * len(points)
        self.triangles += [(first + a, first + b, first + c) for a, b, c in triangles]


def pitched_mesh(buildings: Footprints, frame: Frame) -> Mesh:
    """The volumes of buildings that all have pitched roofs; each edge is that of two triangles."""
    faces = _Faces([], [], [], [], [])
    counts = []
    for row in range(len(buildings)):
        before = len(faces.lon)
        _add_volume(buildings, row, faces)
        counts.append(len(faces.lon) - before)
    normals = np.array(faces.normals)
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    return Mesh(
        positions=frame.local(earth_centred(np.array(faces.lon), np.array(faces.lat), np.array(faces.height))),
        normals=normals.astype(np.float32),
        feature_ids=np.repeat(np.arange(len(buildings)), counts).astype(np.uint16),
        indices=np.array(faces.triangles, dtype=np.uint32).ravel(),
    )


def roof_columns(buildings: Footprints) -> tuple[Column, ...]:
    """Shape, eaves and ridge of the roofs of a tile; none where all are flat, so that such a tile says what it always said."""
    roofs = buildings.roofs
    if roofs is None or not roofs.is_pitched.any():
        return ()
    words = [RoofShape(shape).name.lower() for shape in roofs.shapes.tolist()]
    return (
        Column(ROOF, ColumnKind.STRING, pa.array(words, pa.large_string()), "屋顶形状 Roof"),
        Column(EAVES, ColumnKind.NUMBER, pa.array(roofs.eaves_m), "檐口高 Eaves (m)"),
        Column(RIDGE, ColumnKind.NUMBER, pa.array(buildings.height_m), "屋脊高 Ridge (m)"),
    )


def _add_volume(buildings: Footprints, row: int, faces: _Faces) -> None:
    assert buildings.roofs is not None
    own = slice(int(buildings.feature_points[row]), int(buildings.feature_points[row + 1]))
    ring = plane_of(buildings.xy[own])
    corners = corners_of(ring)
    angle = float(buildings.roofs.facing[row])
    facing = np.array([np.cos(angle), np.sin(angle)])
    base, eaves = float(buildings.base_m[row]), float(buildings.roofs.eaves_m[row])
    shape = RoofShape(int(buildings.roofs.shapes[row]))
    roof = roof_faces(shape, ring[corners], facing, float(buildings.height_m[row]) - eaves)
    places = _places(buildings.xy[own], corners, roof)
    feet = [(lon, lat, base) for lon, lat in places[: len(corners)]]
    tops = [(lon, lat, base + eaves + rise) for (lon, lat), rise in zip(places, roof.rise_m.tolist(), strict=True)]
    floor = list(range(len(corners)))
    faces.add(feet, (0.0, 0.0, -1.0), [(a, c, b) for a, b, c in _cut(roof.points, floor)])
    for wall in roof.walls:
        faces.add(*_wall(roof, wall, feet, tops))
    for face, slope in zip(roof.faces, roof.slopes.tolist(), strict=True):
        faces.add([tops[point] for point in face], (-slope[0], -slope[1], 1.0), _cut(roof.points, face))


def _places(ring: Floats, corners: npt.NDArray[np.int64], roof: RoofFaces) -> list[tuple[float, float]]:
    """Longitude and latitude of the points of a roof; those of the corners are the outline's own."""
    inside = ring[0] + roof.points[len(corners) :] / metres_per_degree(float(ring[0, 1]))
    return [(lon, lat) for lon, lat in np.concatenate([ring[corners], inside]).tolist()]


def _wall(
    roof: RoofFaces,
    wall: tuple[int, ...],
    feet: Sequence[tuple[float, float, float]],
    tops: Sequence[tuple[float, float, float]],
) -> tuple[list[tuple[float, float, float]], tuple[float, float, float], Triangles]:
    """A wall up to its roof. Seen from outside its edge bulges up, so that a fan from one foot covers it."""
    start, end = wall[0], wall[-1]
    east, north = (roof.points[end] - roof.points[start]).tolist()
    points = [feet[start], feet[end], *(tops[point] for point in reversed(wall))]
    fan = [(0, at, at + 1) for at in range(1, len(points) - 1)]
    return points, (north, -east, 0.0), fan


def _cut(points: Floats, ring: Sequence[int]) -> list[tuple[int, int, int]]:
    """Triangles of a ring of points, counter-clockwise, that leave out no corner, flat ones neither."""
    if len(ring) == 3:
        return [(0, 1, 2)]
    corners = points[list(ring)].tolist()
    if len(ring) == 4 and all(_doubled(corners[at - 2], corners[at - 1], corners[at]) > _FLAT_M2 for at in range(4)):
        return [(0, 1, 2), (0, 2, 3)]
    place = {tuple(corner): number for number, corner in enumerate(corners)}
    found = []
    for triangle in _delaunay(points[list(ring)]):
        a, b, c = (place[corner] for corner in triangle)
        found.append((a, b, c) if _doubled(*triangle) > 0 else (a, c, b))
    return sorted(found)


def _doubled(a: Sequence[float], b: Sequence[float], c: Sequence[float]) -> float:
    """Twice the area of a triangle, counter-clockwise positive."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])


def _delaunay(ring: Floats) -> Iterator[list[tuple[float, ...]]]:
    for triangle in shapely.get_parts(shapely.constrained_delaunay_triangles(shapely.polygons(ring))):
        yield [tuple(corner) for corner in shapely.get_coordinates(triangle)[:3].tolist()]
