"""OBJ, PLY, GLB: real meshes, hand-written ones in every form, and those that claim what they do not hold."""

from __future__ import annotations

import io
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from scenes3d.frames import Frame
from scenes3d.glb.textured import TexturedPart, write_textured
from scenes3d.models.shaping import Faults, shapes_of
from scenes3d.sources.meshes.glb_mesh import GlbMesh, is_large_mesh
from scenes3d.sources.meshes.images import size_of, unpack_image
from scenes3d.sources.meshes.mesh import NO_MATERIAL, Material
from scenes3d.sources.meshes.obj import ObjFile
from scenes3d.sources.meshes.obj_mesh import ObjMesh
from scenes3d.sources.meshes.ply import PlyMesh
from scenes3d.sources.meshes.source import open_source
from scenes3d.sources.reference import Anchored, Reference
from twin.crs import parse_crs
from twin.errors import TooLargeError, UnreadableFileError

HERE = Anchored(Frame(120.0, 36.26, 20.0), "EPSG:5737")
# A tetrahedron with three right angles: volume 2 * 3 * 4 / 6 = 4.
POINTS = np.array([[0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 4]], dtype=float)
CORNERS = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def ply(form: str, claim: int | None = None) -> bytes:
    head = f"ply\nformat {form} 1.0\ncomment made by hand\nelement vertex {claim or 4}\nproperty double x\nproperty double y\n"
    head += (
        "property double z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
        "element face 4\nproperty list uchar int vertex_indices\nend_header\n"
    )
    if form == "ascii":
        rows = [f"{x} {y} {z} {7 + k} 8 9" for k, (x, y, z) in enumerate(POINTS)]
        return (head + "\n".join(rows + ["3 " + " ".join(map(str, row)) for row in CORNERS]) + "\n").encode()
    order = "<" if "little" in form else ">"
    vertices = b"".join(
        np.array(row, dtype=f"{order}f8").tobytes() + bytes([7 + k, 8, 9]) for k, row in enumerate(POINTS)
    )
    faces = b"".join(b"\3" + np.array(row, dtype=f"{order}i4").tobytes() for row in CORNERS)
    return head.encode() + vertices + faces


def triangles(mesh) -> np.ndarray:
    return np.concatenate([piece.corners for piece in mesh.pieces()])


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_a_tetrahedron_has_the_volume_of_the_formula_and_its_colours_in_every_form(tmp_path, form):
    (tmp_path / "t.ply").write_bytes(ply(form))
    mesh = PlyMesh(tmp_path / "t.ply", Faults())
    (piece,) = mesh.pieces()
    assert piece.corners.tolist() == POINTS[CORNERS].tolist()
    a, b, c = np.moveaxis(piece.corners, 1, 0)
    assert (a * np.cross(b, c)).sum() / 6 == pytest.approx(4)
    assert piece.colours[..., 0].tolist() == (7 + CORNERS).tolist()
    assert (piece.colours[..., 1:] == [8, 9]).all()
    assert mesh.sample().tolist() == POINTS.tolist()


def test_faces_of_four_corners_are_cut(tmp_path):
    text = ply("ascii").decode().replace("element face 4", "element face 2")
    (tmp_path / "q.ply").write_text(text[: text.index("3 0 2 1")] + "4 0 1 3 2\n3 1 2 3\n")
    wanted = POINTS[[[0, 1, 3], [0, 3, 2], [1, 2, 3]]].tolist()
    assert triangles(PlyMesh(tmp_path / "q.ply", Faults())).tolist() == wanted
    data = ply("binary_little_endian").replace(b"element face 4", b"element face 2")
    data = data[: -4 * 13] + b"\4" + np.array([0, 1, 3, 2], dtype="<i4").tobytes() + data[-13:]
    (tmp_path / "b.ply").write_bytes(data)
    assert triangles(PlyMesh(tmp_path / "b.ply", Faults())).tolist() == wanted


@pytest.mark.parametrize("where", ["faces", "corners"])
def test_a_ply_says_where_its_picture_lies(tmp_path, where):
    Image.new("RGB", (4, 4)).save(tmp_path / "skin.png")
    uv = np.array([[0, 0], [1, 0], [0.25, 0.75], [1, 1]])
    head = "ply\nformat binary_little_endian 1.0\ncomment TextureFile skin.png\ncomment TextureFile lost.png\nelement vertex 4\n"
    head += "property float x\nproperty float y\nproperty float z\n"
    head += "property float s\nproperty float t\n" if where == "corners" else ""
    head += "element face 4\nproperty list uchar int vertex_index\n"
    head += "property list uchar float texcoord\nproperty int texnumber\n" if where == "faces" else ""
    rows = POINTS if where == "faces" else np.column_stack([POINTS, uv])
    data = (head + "end_header\n").encode() + rows.astype("<f4").tobytes()
    for number, face in enumerate(CORNERS):
        data += b"\3" + face.astype("<i4").tobytes()
        if where == "faces":
            data += b"\6" + uv[face].astype("<f4").tobytes() + np.array(number % 2, dtype="<i4").tobytes()
    (tmp_path / "t.ply").write_bytes(data)
    mesh = PlyMesh(tmp_path / "t.ply", faults := Faults())
    (piece,) = mesh.pieces()
    # From the lower left corner in the file, from the upper left one here.
    assert piece.uv == pytest.approx(uv[CORNERS] * [1, -1] + [0, 1])
    assert piece.materials.tolist() == ([0, 1, 0, 1] if where == "faces" else [0] * 4)
    assert faults.examples == {"texture-image-missing": ["lost.png"]}
    assert [path.name for path in mesh.beside()] == ["skin.png"]


def test_the_mesh_of_sceaux_is_read_whole(shared_data):
    mesh = PlyMesh(shared_data / "model3d/sceaux-photogrammetry-mesh.ply", Faults())
    read = triangles(mesh)
    assert len(read) == 174_899
    assert len(np.unique(read.reshape(-1, 3), axis=0)) == 87_685


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "does not begin with a PLY header"),
        (ply("ascii")[:120], "does not begin with a PLY header"),
        (ply("binary_little_endian")[:-30], "claims 4 faces and ends after"),
        (ply("binary_little_endian", 300_000_000), "claims 300,000,000 of vertex, 8,100,000,000 bytes"),
        (ply("ascii", 300_000_000), "a row of vertex holds 4 numbers"),
        (ply("ascii").replace(b"face 4", b"face 5"), "claims 5 of face and ends after 4"),
        (ply("ascii").replace(b"3 1 2 3", b"3 1 2 9"), "names vertex 9 of 4"),
        (ply("ascii").replace(b"3 1 2 3", b"9 1 2 3"), "fewer numbers than it says"),
        (ply("ascii").replace(b"2.0 0.0 0.0", b"2.0 north 0.0"), "could not convert"),
        (ply("ascii").replace(b"ascii", b"ebcdic"), "ebcdic"),
        (ply("ascii").replace(b"face 4", b"face 0"), "no faces"),
    ],
)
def test_a_broken_ply_is_refused(tmp_path, data, match):
    (tmp_path / "x.ply").write_bytes(data)
    with pytest.raises(UnreadableFileError, match=match):
        list(PlyMesh(tmp_path / "x.ply", Faults()).pieces())


def test_points_without_a_place_take_their_triangles_along(tmp_path):
    (tmp_path / "t.ply").write_bytes(ply("ascii").replace(b"0.0 0.0 4.0", b"0.0 0.0 nan"))
    source = open_source([(PlyMesh(tmp_path / "t.ply", Faults()), HERE)], None, faults := Faults())
    (piece,) = source.pieces()
    assert (len(piece.corners), faults.counts) == (1, {"coordinate-no-number": 3})
    (box,) = source.boxes
    assert box[4:] == pytest.approx((20, 20), abs=1e-5)
    (tmp_path / "t.ply").write_bytes(
        ply("ascii").replace(b"0.0 0.0 0.0", b"0.0 nan 0.0").replace(b"0.0 0.0 4.0", b"0.0 0.0 nan")
    )
    source = open_source([(PlyMesh(tmp_path / "t.ply", Faults()), HERE)], None, Faults())
    with pytest.raises(UnreadableFileError, match="none of its triangles has a place"):
        list(source.pieces())


def test_objects_of_delft_are_features_as_in_its_cityjson(shared_data, tmp_path):
    with zipfile.ZipFile(shared_data / "model3d/delft-lod1-3dfier-obj.zip") as archive:
        archive.extractall(tmp_path)
    reference = Reference(parse_crs("EPSG:28992"), "EPSG:5709")
    shapes = list(shapes_of(ObjFile(tmp_path / "testarea.obj").features(), reference, Faults()))
    assert len(shapes) == 570
    lines = [line.split() for line in (tmp_path / "testarea.obj").read_text().splitlines()]
    points = np.array([line[1:4] for line in lines if line[:1] == ["v"]], dtype=float)
    wanted = points[np.array([line[1:] for line in lines if line[:1] == ["f"]], dtype=int) - 1]
    a, b, c = np.moveaxis(wanted, 1, 0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    # Lengths in the plane of the Netherlands differ from those on the ground by up to a ten-thousandth.
    assert sum(shape.area_m2 for shape in shapes) == pytest.approx(area, rel=3e-4)
    # As a mesh it gives the same triangles, with the colours of its library.
    mesh = ObjMesh(tmp_path / "testarea.obj", faults := Faults())
    assert not mesh.is_mesh()
    pieces = list(mesh.pieces())
    assert np.array_equal(np.concatenate([piece.corners for piece in pieces]), wanted)
    names = [mesh.materials[number].name for number in np.unique(np.concatenate([p.materials for p in pieces]))]
    assert ({"Building", "Water"} <= set(names), faults.counts) == (True, {})
    assert next(m for m in mesh.materials if m.name == "Building").colour == (222, 66, 71)


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


OBJ = ["mtllib my skin.mtl", "v 0 0 0", "v 4 0 0 1.0", "v 4 4 0", "v 0 4 0", "vt 0 0", "vt 1 0 0", "vt 1 1", "vt 0 .75", "usemtl brick",
       "f 1/1/1 2/2/1 3/3/1 4/4/1", "usemtl glass", "f 1//1 2//1 3//1", "v 0 0 3", "v 4 0 3", "v 4 4 3", "usemtl brick", "f -3/1 -2/2 -1/-2",
       "usemtl unheard", "\tf\t5/1 6 7/"]  # fmt: skip
MTL = [
    "newmtl brick", "Kd 0.5 0.5 0.5", r"map_Kd -s 1 1 1 -blendu on C:\photos\Brick Wall.PNG", "newmtl glass", "Kd 0 0.2 1",
    "map_Kd ../secret.png", "newmtl lost", "map_Kd lost.jpg",
]  # fmt: skip


@pytest.fixture
def painted(tmp_path):
    """A folder with an OBJ, its library, a picture beside it, and one above it that it must not reach."""
    folder = tmp_path / "delivery"
    folder.mkdir()
    Image.new("RGB", (8, 8), (200, 0, 0)).save(folder / "brick wall.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "secret.png")
    (folder / "my skin.mtl").write_text("\n".join(MTL))
    (folder / "a.obj").write_text("\r\n".join([*OBJ, ""]))
    return folder


def test_an_obj_with_pictures_is_a_mesh(painted):
    mesh = ObjMesh(painted / "a.obj", faults := Faults())
    assert mesh.is_mesh()
    assert [path.name for path in mesh.beside()] == ["my skin.mtl", "brick wall.png"]
    (piece,) = mesh.pieces()
    lower, upper = [[0, 0, 0], [4, 0, 0], [4, 4, 0]], [[0, 0, 3], [4, 0, 3], [4, 4, 3]]
    assert piece.corners.tolist() == [lower, [[0, 0, 0], [4, 4, 0], [0, 4, 0]], lower, upper, upper]
    assert [mesh.materials[number].name if number >= 0 else None for number in piece.materials] == [
        "brick", "brick", "glass", "brick", None,
    ]  # fmt: skip
    assert piece.uv[:2].tolist() == [[[0, 1], [1, 1], [1, 0]], [[0, 1], [1, 0], [0, 0.25]]]
    assert piece.uv[3].tolist() == [[0, 1], [1, 1], [1, 0]]
    assert np.isnan(piece.uv[2]).all()
    assert np.isnan(piece.uv[4]).any()
    assert piece.materials[4] == NO_MATERIAL
    assert mesh.materials[1].colour == (0, 51, 255)
    assert faults.counts == {"texture-image-missing": 2, "texture-options-ignored": 1, "material-unknown": 1}
    assert faults.examples["texture-image-missing"] == ["glass: ../secret.png", "lost: lost.jpg"]


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ("f 1 2 9", "names vertex 9 of 7"),
        ("f 1/9 2/1 3/1", "names texture vertex 9 of 4"),
        ("f 0 1 2", "names vertex 0"),
        ("f 1 2", "has 2 corners"),
        ("f 1 x 2", "invalid literal"),
        ("v a b c", "could not convert"),
        ("v 1 2", "fewer than 3 numbers"),
        ("#" + "x" * (2 << 20), "longer than"),
    ],
)
def test_a_broken_obj_is_refused(painted, line, match):
    (painted / "a.obj").write_text("\n".join([*OBJ, line]) + ("" if len(line) > 99 else "\n"))
    if len(line) > 99:
        (painted / "a.obj").write_text(line)
    with pytest.raises(UnreadableFileError, match=match):
        list(ObjMesh(painted / "a.obj", Faults()).pieces())


def picture(kind: str, mode: str = "RGB", **said) -> bytes:
    data = io.BytesIO()
    Image.new(mode, (8, 4), (250, 10, 10, 99)[: len(mode)]).save(data, kind, **said)
    return data.getvalue()


def test_a_glb_gives_pictures_and_colours(tmp_path):
    uv = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], dtype=np.float32)
    two = np.array([0, 2, 1, 0, 1, 3], dtype=np.uint32)
    parts = [
        TexturedPart(POINTS, two, uv, picture("JPEG")),
        TexturedPart(POINTS + 9, two, colors=np.full((4, 4), 55, dtype=np.uint8)),
        TexturedPart(POINTS - 9, two, uv, picture("JPEG")),
        TexturedPart(POINTS, two, color=(1.0, 0.0, 0.2140, 1.0)),
    ]
    (tmp_path / "a.glb").write_bytes(write_textured(parts))
    mesh = GlbMesh(tmp_path / "a.glb", faults := Faults())
    pieces = list(mesh.pieces())
    assert np.abs(pieces[0].corners - POINTS[two.reshape(-1, 3)]).max() < 0.001
    assert [piece.materials.tolist() for piece in pieces] == [[0, 0], [1, 1], [0, 0], [2, 2]]
    assert np.array_equal(pieces[2].uv, uv[two.reshape(-1, 3)])
    # 55 of 255 in light is 128 on the screen.
    assert (pieces[1].colours == 128).all()
    assert [material.colour for material in mesh.materials] == [(255, 255, 255), (255, 255, 255), (255, 0, 127)]
    assert (mesh.materials[0].image, faults.counts) == (picture("JPEG"), {})
    assert [is_large_mesh(tmp_path / "a.glb", most) for most in (8, 7)] == [False, True]


def png_of_size(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims any size."""
    head = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
    chunk = (13).to_bytes(4, "big") + head + zlib.crc32(head).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk + (0).to_bytes(4, "big") + b"IDAT" + zlib.crc32(b"IDAT").to_bytes(4, "big")


@pytest.mark.parametrize("side", [12_000, 13_500, 60_000])
def test_a_picture_that_claims_too_many_pixels_is_refused_by_its_header(side):
    with pytest.raises(TooLargeError, match="more pixels than are unpacked") as raised:
        size_of(Material("bomb", image=png_of_size(side, side)), Faults())
    assert "bomb" in str(raised.value.value)
    assert "134,217,728" in str(raised.value.limit)


def test_pictures_that_are_none_are_counted_and_opacity_is_told(tmp_path):
    faults = Faults()
    assert size_of(Material("a", image=b"GIF89a"), faults) is None
    assert not unpack_image(Material("b", image=picture("JPEG")[:60] + b"x"), tmp_path / "b.npy", faults)
    assert faults.counts["texture-image-unreadable"] == 2
    assert unpack_image(Material("c", image=picture("PNG", "RGBA")), tmp_path / "c.npy", faults)
    assert np.load(tmp_path / "c.npy").tolist() == [[[250, 10, 10]] * 8] * 4
    assert faults.examples["texture-transparency-dropped"] == ["c"]
    size = size_of(Material("d", image=picture("WEBP")), faults)
    assert (size.width, size.height) == (8, 4)
