"""A real city model as an analysis meets it in its tiles, against its triangles read from the delivered file by hand."""

from __future__ import annotations

import zipfile

import numpy as np

from layers.scenes.building_delivery import build_delivery
from scenes3d.analysis.surfaces import open_surfaces, surfaces_of
from scenes3d.editions.folder import SceneFolder, edition_opener
from scenes3d.rays.opening import open_rays
from scenes3d.rays.port import Triangles
from scenes3d.sources.reference import Stated
from scenes3d.tileset.finest import finest_triangles
from twin.bounds import Bounds
from twin.crs import parse_crs, transform_points
from twin.local_frame import LocalFrame

FRAME = LocalFrame(4.3658, 52.0122)
HALF_M = 150.0


def triangles_by_hand(archive):
    """All triangles of an OBJ in RD New, in the frame; heights as they are."""
    with zipfile.ZipFile(archive) as files:
        lines = files.read("testarea.obj").decode().splitlines()
    table = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], dtype=float)
    faces = [
        [int(corner.partition("/")[0]) - 1 for corner in line.split()[1:]] for line in lines if line.startswith("f ")
    ]
    lon, lat = transform_points(table[:, 0], table[:, 1], parse_crs("EPSG:28992"), parse_crs("EPSG:4490"))
    return Triangles(np.column_stack([*FRAME.to_local(lon, lat), table[:, 2]]), np.array(faces, dtype=np.int32))


def test_rays_meet_a_published_model_where_they_meet_the_survey(shared_data, tmp_path):
    folder, delft = SceneFolder(tmp_path / "delft"), shared_data / "model3d/delft-lod1-3dfier-obj.zip"
    built = build_delivery(folder, [delft], Stated(crs="EPSG:7415"), None)
    opened = edition_opener(folder, built.edition(1))
    box = (-HALF_M, -HALF_M, HALF_M, HALF_M)
    west, south = (float(part) for part in FRAME.to_geodetic(-HALF_M, -HALF_M))
    east, north = (float(part) for part in FRAME.to_geodetic(HALF_M, HALF_M))
    patches = finest_triangles("tileset.json", opened, Bounds(west, south, east, north))
    # No ground is known here: every triangle is kept.
    found = surfaces_of("delft", patches, FRAME, box, lambda x, y: np.full(len(x), np.nan), 1_000_000)
    assert len(found.part) > 5_000
    tiles, survey = open_surfaces(found).rays, open_rays(triangles_by_hand(delft))
    random = np.random.default_rng(7)
    origins = np.column_stack([random.uniform(-100, 100, (20_000, 2)), np.full(20_000, 60.0)])
    way = np.column_stack([random.normal(0, 0.3, (20_000, 2)), np.full(20_000, -1.0)])
    way /= np.linalg.norm(way, axis=1)[:, None]
    reach = np.full(len(origins), 70.0)
    one, other = (rays.first_hit(origins, way, reach).distance_m for rays in (tiles, survey))
    both = np.isfinite(one) & np.isfinite(other)
    assert both.mean() > 0.4  # the model has holes where nothing was built or surveyed
    # Vertices move by less than a centimetre in the tiles, and a ray meets a wall by several times that farther or nearer.
    assert (np.abs(one[both] - other[both]) < 0.05).mean() > 0.998
    assert (np.isfinite(one) == np.isfinite(other)).mean() > 0.999
