"""OBJ, PLY: real meshes, hand-written ones in every form, and those that claim what they do not hold."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from scenes3d.frames import Frame
from scenes3d.models.shaping import Faults, shapes_of
from scenes3d.sources.meshes.obj import ObjFile
from scenes3d.sources.meshes.ply import TriangleMesh, read_ply
from scenes3d.sources.meshes.shaping import shape_of
from scenes3d.sources.reference import Anchored, Reference
from twin.crs import parse_crs
from twin.errors import TooLargeError, UnreadableFileError

HERE = Anchored(Frame(120.0, 36.26, 20.0), "EPSG:5737")
# A tetrahedron with three right angles: volume 2 * 3 * 4 / 6 = 4.
POINTS = np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 4]], dtype=float)
CORNERS = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
AREA = 3 + 4 + 6 + np.linalg.norm(np.cross([-2, 3, 0], [-2, 0, 4])) / 2


def ply(form: str, claim: int | None = None) -> bytes:
    head = f"ply\nformat {form} 1.0\ncomment made by hand\nelement vertex {claim or 4}\nproperty double x\nproperty double y\n"
    head += (
        "property double z\nproperty uchar red\nelement face 4\nproperty list uchar int vertex_indices\nend_header\n"
    )
    if form == "ascii":
        rows = [f"{x} {y} {z} 7" for x, y, z in POINTS] + ["3 " + " ".join(map(str, row)) for row in CORNERS]
        return (head + "\n".join(rows) + "\n").encode()
    order = "<" if "little" in form else ">"
    vertices = b"".join(np.array(row, dtype=f"{order}f8").tobytes() + b"\7" for row in POINTS)
    faces = b"".join(b"\3" + np.array(row, dtype=f"{order}i4").tobytes() for row in CORNERS)
    return head.encode() + vertices + faces


def volume(shape) -> float:
    points = shape.earth - shape.earth[0]
    a, b, c = (points[shape.corners[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_a_tetrahedron_has_the_volume_of_the_formula_in_every_form(tmp_path, form):
    (tmp_path / "t.ply").write_bytes(ply(form))
    mesh = read_ply(tmp_path / "t.ply")
    assert mesh.points.tolist() == POINTS.tolist()
    shape = shape_of(mesh, "t", HERE, faults := Faults())
    assert (volume(shape), shape.area_m2, faults.counts) == (pytest.approx(4), pytest.approx(AREA), {})
    assert shape.box[4:] == pytest.approx((20, 24), abs=1e-6)
    # Around the corner at the origin lie three faces that look west, south and down.
    first = np.argmin(np.abs(HERE.frame.local(shape.earth)).sum(axis=1))
    assert (shape.normals[first] @ HERE.frame.axes.T < 0).all()


def test_faces_of_four_corners_are_cut(tmp_path):
    text = ply("ascii").decode().replace("element face 4", "element face 1")
    text = text[: text.index("3 0 2 1")] + "4 0 1 3 2\n"
    (tmp_path / "q.ply").write_text(text)
    assert read_ply(tmp_path / "q.ply").corners.tolist() == [[0, 1, 3], [0, 3, 2]]
    data = ply("binary_little_endian").replace(b"element face 4", b"element face 1")
    data = data[: -4 * 13] + b"\4" + np.array([0, 1, 3, 2], dtype="<i4").tobytes()
    (tmp_path / "b.ply").write_bytes(data)
    assert read_ply(tmp_path / "b.ply").corners.tolist() == [[0, 1, 3], [0, 3, 2]]


def test_the_mesh_of_sceaux_is_read_whole(shared_data):
    mesh = read_ply(shared_data / "model3d/sceaux-photogrammetry-mesh.ply")
    assert (len(mesh.points), len(mesh.corners)) == (87_685, 174_899)
    shape = shape_of(mesh, "sceaux", HERE, faults := Faults())
    assert len(shape.corners) + faults.counts.get("surface-without-area", 0) == 174_899
    edges = np.linalg.norm(mesh.points[mesh.corners] - np.roll(mesh.points[mesh.corners], 1, axis=1), axis=2)
    moved = shape.earth[shape.corners]
    assert np.linalg.norm(moved - np.roll(moved, 1, axis=1), axis=2).sum() == pytest.approx(edges.sum(), rel=1e-6)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "does not begin with a PLY header"),
        (ply("ascii")[:120], "does not begin with a PLY header"),
        (ply("binary_little_endian")[:-30], "claims 4 faces and ends after"),
        (ply("binary_little_endian", 300_000_000), "claims 300,000,000 of vertex, 7,500,000,000 bytes"),
        (ply("ascii", 300_000_000), "claims 300,000,000 of vertex"),
        (ply("ascii").replace(b"3 1 2 3", b"3 1 2 9"), "names vertex 9 of 4"),
        (ply("ascii").replace(b"2.0 0.0 0.0", b"2.0 north 0.0"), "could not convert"),
        (ply("ascii").replace(b"ascii", b"ebcdic"), "ebcdic"),
    ],
)
def test_a_broken_ply_is_refused(tmp_path, data, match):
    (tmp_path / "x.ply").write_bytes(data)
    with pytest.raises(UnreadableFileError, match=match):
        read_ply(tmp_path / "x.ply")


def test_more_triangles_than_a_tile_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("scenes3d.sources.meshes.ply.MOST_TRIANGLES", 3)
    (tmp_path / "t.ply").write_bytes(ply("ascii"))
    with pytest.raises(TooLargeError, match="more triangles"):
        read_ply(tmp_path / "t.ply")


def test_points_without_a_place_take_their_triangles_along():
    points = POINTS.copy()
    points[3, 2] = np.nan
    shape = shape_of(TriangleMesh(points, np.array([*CORNERS, [0, 0, 1]])), "t", HERE, faults := Faults())
    assert (len(shape.corners), faults.counts) == (1, {"coordinate-no-number": 3, "surface-without-area": 1})
    assert shape_of(TriangleMesh(points * np.nan, CORNERS), "t", HERE, Faults()) is None


def test_objects_of_delft_are_features_as_in_its_cityjson(shared_data, tmp_path):
    with zipfile.ZipFile(shared_data / "model3d/delft-lod1-3dfier-obj.zip") as archive:
        archive.extract("testarea.obj", tmp_path)
    reference = Reference(parse_crs("EPSG:28992"), "EPSG:5709")
    shapes = list(shapes_of(ObjFile(tmp_path / "testarea.obj").features(), reference, Faults()))
    assert len(shapes) == 570
    lines = [line.split() for line in (tmp_path / "testarea.obj").read_text().splitlines()]
    points = np.array([line[1:4] for line in lines if line[:1] == ["v"]], dtype=float)
    a, b, c = np.moveaxis(points[np.array([line[1:] for line in lines if line[:1] == ["f"]], dtype=int) - 1], 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    # Lengths in the plane of the Netherlands differ from those on the ground by up to a ten-thousandth.
    assert sum(shape.area_m2 for shape in shapes) == pytest.approx(area, rel=3e-4)


def test_obj_in_all_its_words(tmp_path):
    lines = ["# made by hand", "v 0 0 0", "v 4 0 0 1.0", "v 4 4 0", "v 0 4 0", "g ground", "f 1/1/1 2/2/1 3//1 4",
             "o roof", "v 0 0 3", "v 4 0 3", "v 4 4 3", "usemtl tile", "f -3 -2 -1"]  # fmt: skip
    (tmp_path / "a.obj").write_text("\n".join(lines))
    ground, roof = ObjFile(tmp_path / "a.obj").features()
    assert (ground.id, roof.id) == ("ground", "roof")
    assert [len(ground.surfaces[0].rings[0]), len(roof.surfaces[0].rings[0])] == [4, 3]
    for line, match in (
        ("f 1 2 9", "names vertex 9 of 7"),
        ("f 1 x 2", "invalid literal"),
        ("v a b c", "could not convert"),
    ):
        (tmp_path / "b.obj").write_text("\n".join([*lines, line]))
        with pytest.raises(UnreadableFileError, match=match):
            list(ObjFile(tmp_path / "b.obj").features())
