"""What a survey delivers of one street: a cloud, a city model, a mesh with a photograph and a tileset of somebody else's, each a box.

The street rises to the east, `ground` metres in the 1985 datum. What each delivery says of heights is another story: the cloud is right, the
model was drawn 80 m too low, the mesh says nothing of its datum, and the tileset counts from the ellipsoid.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import laspy
import numpy as np
import pyarrow as pa
import rasterio
from PIL import Image
from pyproj import Transformer
from rasterio import Affine

from scenes3d.frames import Frame
from scenes3d.glb.mesh import Mesh, write_mesh
from scenes3d.glb.property_table import Column, ColumnKind
from scenes3d.glb.textured import TexturedPart, write_textured
from twin.ellipsoid import metres_per_degree

LON, LAT = 120.0, 36.26
BASE_M, SLOPE = 100.0, 0.02
OLD_CLOUD_M, CLOUD_M, MODEL_M, MESH_M, TILESET_M = -120.0, -60.0, 0.0, 60.0, 120.0  # metres east of LON
MODEL_SAYS_M = 20.0
ROOF_M = 12.0  # above the ground, of every box
HALF_M = 10.0  # from the middle of a box to its walls
DATUM = "EPSG:5737"
_STEP = 0.0001
_EAST, _NORTH = (float(metres[0]) for metres in metres_per_degree(np.array([LAT])))


def place(east_m: float, north_m: float = 0.0) -> tuple[float, float]:
    """Longitude and latitude of a place of the street."""
    return LON + east_m / _EAST, LAT + north_m / _NORTH


def ground(east_m: float) -> float:
    """Height of the ground, metres."""
    return BASE_M + SLOPE * east_m


def write_terrain(path: Path) -> Path:
    """A GeoTIFF of the ground, four kilometres wide."""
    side = 440
    x = np.arange(side) * _STEP - side * _STEP / 2 + _STEP / 2
    heights = np.tile(BASE_M + SLOPE * x * _EAST, (side, 1)).astype(np.float32)
    corner = Affine(_STEP, 0, LON - side * _STEP / 2, 0, -_STEP, LAT + side * _STEP / 2)
    shape = {"height": side, "width": side, "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:4490", transform=corner, **shape) as out:
        out.write(heights, 1)
    return path


def write_cloud(path: Path, middle_m: float = CLOUD_M) -> Path:
    """Green ground of 60 × 60 m and a red roof on it, a point each 25 cm, at their true heights."""
    local = np.arange(-30, 30, 0.25)
    east, north = (axis.ravel() for axis in np.meshgrid(local, local))
    roof = (np.abs(east) < HALF_M) & (np.abs(north) < HALF_M)
    x, y = _projected(middle_m + east, north)
    header = laspy.LasHeader(version="1.4", point_format=7)
    header.scales, header.offsets = np.full(3, 0.001), np.array([500_000.0, 4_013_000.0, 0.0])
    record = laspy.ScaleAwarePointRecord.zeros(len(x), header=header)
    record.x, record.y = x, y
    record.z = BASE_M + SLOPE * (middle_m + east) + np.where(roof, ROOF_M, 0)
    record.red, record.green, record.blue = (
        np.where(roof, 210, 40) * 257,
        np.where(roof, 50, 160) * 257,
        np.full(len(x), 50 * 257),
    )
    record.classification, record.intensity = np.where(roof, 6, 2), np.where(roof, 900, 300)
    with laspy.open(path, mode="w", header=header) as writer:
        writer.write_points(record)
    return path


def write_model(path: Path) -> Path:
    """A CityJSON box that says which of its surfaces is the roof."""
    corners = [(-HALF_M, -HALF_M), (HALF_M, -HALF_M), (HALF_M, HALF_M), (-HALF_M, HALF_M)]
    x, y = _projected(*np.array([(MODEL_M + a, b) for a, b in corners]).T)
    low, high = MODEL_SAYS_M, MODEL_SAYS_M + ROOF_M
    vertices = [[e, n, z] for z in (low, high) for e, n in zip(x.tolist(), y.tolist(), strict=True)]
    walls = [[[i, (i + 1) % 4, 4 + (i + 1) % 4, 4 + i]] for i in range(4)]
    kinds = [{"type": name} for name in ("RoofSurface", "GroundSurface", "WallSurface")]
    solid = {
        "type": "Solid", "lod": "2", "boundaries": [[[[4, 5, 6, 7]], [[3, 2, 1, 0]], *walls]],
        "semantics": {"surfaces": kinds, "values": [[0, 1, 2, 2, 2, 2]]},
    }  # fmt: skip
    hall = {"type": "Building", "geometry": [solid], "attributes": {"name": "镇政府", "floors": 3}}
    document = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/4549"},
        "CityObjects": {"hall": hall},
        "vertices": vertices,
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def write_photographed(path: Path) -> Path:
    """A GLB of a box whose picture is violet all over; its origin is the middle of its foot."""
    points, _, indices = _box(HALF_M, ROOF_M)
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (150, 60, 200)).save(picture, "PNG")
    uv = np.full((len(points), 2), 0.5, dtype=np.float32)
    path.write_bytes(write_textured([TexturedPart(points, indices, uv, picture.getvalue())]))
    return path


def write_tileset(path: Path) -> Path:
    """A zip of two tilesets: the outer one draws a grey box and hands on to the inner one, whose blue box is to replace it."""
    frame = Frame(*place(TILESET_M), 60.0)
    inner = {"content": {"uri": "fine.glb"}, "geometricError": 0.0, "boundingVolume": _volume()}
    outer = {
        "content": {"uri": "coarse.glb"}, "geometricError": 30.0, "boundingVolume": _volume(), "refine": "REPLACE",
        "transform": frame.matrix.T.ravel().tolist(),
        "children": [{"content": {"uri": "inner/tileset.json"}, "geometricError": 20.0, "boundingVolume": _volume()}],
    }  # fmt: skip
    files = {
        "tileset.json": _tileset(outer, 60.0),
        "coarse.glb": _named_box("coarse", (0.3, 0.3, 0.3, 1.0)),
        "inner/tileset.json": _tileset(inner, 20.0),
        "inner/fine.glb": _named_box("fine", (0.02, 0.1, 0.8, 1.0)),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def _tileset(root: dict[str, object], error: float) -> str:
    return json.dumps({"asset": {"version": "1.0"}, "geometricError": error, "root": root})


def _volume() -> dict[str, list[float]]:
    half = HALF_M + 1
    return {"box": [0, 0, ROOF_M / 2, half, 0, 0, 0, half, 0, 0, 0, ROOF_M / 2 + 1]}


def _named_box(name: str, color: tuple[float, float, float, float]) -> bytes:
    points, normals, indices = _box(HALF_M, ROOF_M)
    mesh = Mesh(points, normals, np.zeros(len(points), dtype=np.uint16), indices, color)
    columns = [
        Column("id", ColumnKind.STRING, pa.array([name]), semantic="ID"),
        Column("storeys", ColumnKind.INTEGER, pa.array([4])),
    ]
    return write_mesh(mesh, columns, "box")


def _box(half: float, height: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, normals and triangles of a box on its foot, each face with corners of its own."""
    points: list[np.ndarray] = []
    normals: list[np.ndarray] = []
    for axis in range(3):
        for side in (-1.0, 1.0):
            normal = np.eye(3)[axis] * side
            u = np.eye(3)[(axis + 1) % 3]
            v = np.cross(normal, u)
            points += [normal + a * u + b * v for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            normals += [normal] * 4
    faces = np.arange(6)[:, None] * 4 + np.array([0, 1, 2, 0, 2, 3])
    scaled = (np.array(points) + np.array([0, 0, 1.0])) * np.array([half, half, height / 2])
    return scaled, np.array(normals, dtype=np.float32), faces.ravel().astype(np.uint32)


def _projected(east_m: np.ndarray, north_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lon, lat = LON + east_m / _EAST, LAT + north_m / _NORTH
    x, y = Transformer.from_crs("EPSG:4490", "EPSG:4549", always_xy=True).transform(lon, lat)
    return np.asarray(x), np.asarray(y)
