"""A real city model as an analysis meets it in its tiles, against its triangles read from the delivered file by hand."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import shapely

from layers.scenes.building_delivery import build_delivery
from scenes3d.analysis.blocks import standing_blocks
from scenes3d.analysis.ground import level_ground
from scenes3d.analysis.inside import inside
from scenes3d.analysis.scene import open_scene
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


def test_what_lies_inside_the_houses_of_a_model_is_what_shapely_finds_below_their_faces(shared_data, tmp_path):
    document = json.loads((shared_data / "model3d/delft.city.json").read_bytes())
    # Roads and gardens are no bodies, and bridges have no outline to be held against.
    houses = {name: each for name, each in document["CityObjects"].items() if each["type"] == "Building"}
    path = tmp_path / "houses.city.json"
    path.write_text(json.dumps(document | {"CityObjects": houses}), encoding="utf-8")
    table = np.array(document["vertices"]) * document["transform"]["scale"] + document["transform"]["translate"]
    lon, lat = transform_points(table[:, 0], table[:, 1], parse_crs("EPSG:28992"), parse_crs("EPSG:4490"))
    plan = np.column_stack(FRAME.to_local(lon, lat))
    faces = [
        shapely.Polygon(plan[face[0]], [plan[hole] for hole in face[1:]])
        for each in houses.values()
        for solid in each["geometry"]
        for face in (solid["boundaries"][0] if solid["type"] == "Solid" else solid["boundaries"])
    ]
    below = shapely.union_all(shapely.make_valid([face for face in faces if face.area > 1e-4]))
    box = (*plan.min(axis=0).tolist(), *plan.max(axis=0).tolist())
    folder = SceneFolder(tmp_path / "delft")
    opened = edition_opener(folder, build_delivery(folder, [path], Stated(crs="EPSG:7415"), None).edition(1))
    ground = level_ground(0.0, box, 5.0)
    patches = finest_triangles(
        "tileset.json", opened, Bounds(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))
    )
    found = open_surfaces(surfaces_of("delft", patches, FRAME, box, ground.at, 1_000_000))
    nothing = standing_blocks([], np.array([], dtype=object), np.zeros(0), ground.at)
    random = np.random.default_rng(3)
    points = np.column_stack(
        [random.uniform(box[0], box[2], 50_000), random.uniform(box[1], box[3], 50_000), np.full(50_000, 0.9)]
    )
    ours = inside(open_scene(FRAME, ground, nothing, surfaces=[found]), points)
    theirs = shapely.contains_xy(below, points[:, 0], points[:, 1])
    away = shapely.distance(shapely.points(points[:, :2]), below.boundary) > 0.05
    assert theirs.mean() > 0.03
    assert not (ours & ~theirs & away).any()
    # Sheds of less than a metre are ground.
    assert (theirs & ~ours & away).sum() < 0.01 * theirs.sum()
