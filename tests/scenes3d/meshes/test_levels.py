"""Triangles to leaves, and leaves to the tiles above them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from painted_hills import HERE, grid
from scenes3d.meshes.cells import spread
from scenes3d.meshes.parent import parent_mesh
from scenes3d.meshes.records import QUANTUM_M, RECORD, iter_records
from scenes3d.meshes.skirts import normals_of, skirt_of
from scenes3d.meshes.spooling import Spooled, spool
from scenes3d.meshes.tile_mesh import TileMesh
from scenes3d.meshes.writing import cells_above
from scenes3d.models.shaping import Faults
from scenes3d.sources.meshes.mesh import Material, Piece
from twin.errors import BadGeometryError, TooLargeError


class Given:
    """A source of one piece."""

    length, frame = 1, HERE

    def __init__(self, piece: Piece, *materials: Material) -> None:
        self.piece, self.materials, self.faults = piece, materials, Faults()

    def identity(self):
        return {}

    def summary(self):
        return {}

    def pieces(self):
        yield self.piece


def spooled(folder, corners, uv=None, *materials) -> Spooled:
    number = np.full(len(corners), 0 if materials else -1, dtype=np.int32)
    return spool(Given(Piece(np.asarray(corners, dtype=float), number, uv), *materials), folder / "spool", folder)


def test_every_triangle_is_in_one_leaf_of_few_enough(tmp_path):
    places, triangles = grid(65)
    known = spooled(tmp_path, places[triangles])
    source = np.fromfile(tmp_path / "spool", RECORD)
    leaves = spread(tmp_path / "spool", known, tmp_path, 700)
    held = [np.fromfile(leaf.file, RECORD) for leaf in leaves]
    assert [len(records) for records in held] == [leaf.triangles for leaf in leaves]
    assert max(leaf.triangles for leaf in leaves) <= 700
    both = [np.sort(records["place"].reshape(-1, 9), axis=0) for records in (source, np.concatenate(held))]
    assert np.array_equal(*both)
    # A leaf's triangles lie in its square by their middles.
    for leaf, records in zip(leaves, held, strict=True):
        middle = records["place"][:, :, :2].sum(axis=1) - np.array(leaf.low)
        assert ((middle >= 0) & (middle < 1 << leaf.exponent)).all()


def test_large_pictures_part_triangles_and_few_triangles_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("scenes3d.meshes.cells.MOST_TEXELS", 1_000)
    picture = io.BytesIO()
    Image.new("RGB", (100, 100)).save(picture, "PNG")
    places, triangles = grid(33)
    uv = (places[:, :2] / 96 + 0.5).astype(np.float32)[triangles]
    known = spooled(tmp_path, places[triangles], uv, Material("wide", image=picture.getvalue()))
    assert known.texels(next(iter_records(tmp_path / "spool", 5_000))).sum() == pytest.approx(10_000, rel=1e-3)
    leaves = spread(tmp_path / "spool", known, tmp_path, 100_000)
    # 2048 triangles with ten times the pixels of a tile: parted as far as 256 may stay together.
    assert 8 < len(leaves) < 40
    assert max(leaf.triangles for leaf in leaves) <= 256


def test_too_many_triangles_at_one_place_are_refused_with_the_place(tmp_path):
    one = np.array([[30.0, 60, 0], [33, 60, 0], [30, 63, 1]])
    known = spooled(tmp_path, np.repeat(one[None], 50, axis=0))
    with pytest.raises(BadGeometryError, match="one and the same place") as raised:
        spread(tmp_path / "spool", known, tmp_path, 40)
    assert "31.000 m east, 61.000 m north" in str(raised.value.value)


@pytest.mark.parametrize(
    ("corners", "match"),
    [
        ([[[0, 0, 0], [1e7, 0, 0], [0, 1, 0]]], "reaches too far"),
        ([[[0, 0, 0], [1, 1, 1], [2, 2, 2]]], "No triangle of the source has an area"),
    ],
)
def test_what_is_no_mesh_is_refused(tmp_path, corners, match):
    with pytest.raises(BadGeometryError, match=match):
        spooled(tmp_path, corners)


def test_a_bomb_ends_the_build_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("scenes3d.sources.meshes.images.MOST_PIXELS", 100)
    picture = io.BytesIO()
    Image.new("RGB", (11, 10)).save(picture, "PNG")
    with pytest.raises(TooLargeError, match="more pixels"):
        spooled(tmp_path, [np.eye(3)], None, Material("bomb", image=picture.getvalue()))
    assert not list(tmp_path.glob("*.npy"))


def border_of(mesh: TileMesh) -> set[tuple[int, ...]]:
    """Places of sides that only one triangle has."""
    sides = np.sort(mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    alone, times = np.unique(sides, axis=0, return_counts=True)
    return {tuple(place) for place in mesh.places[np.unique(alone[times == 1])].tolist()}


def test_a_parent_keeps_the_border_of_its_children_and_drops_what_lies_inside(monkeypatch):
    places, triangles = grid(65)
    quanta = np.rint(places / QUANTUM_M).astype(np.int32)
    west = places[triangles][:, :, 0].mean(axis=1) < 0
    parts = []
    for own in (triangles[west], triangles[~west]):
        used, renamed = np.unique(own, return_inverse=True)
        parts.append(TileMesh(quanta[used], renamed.reshape(-1, 3).astype(np.int32), error_m=0.25))
    whole = TileMesh(quanta, triangles.astype(np.int32))
    parent = parent_mesh(parts, 100_000)
    assert border_of(parent) == border_of(whole) != border_of(parts[0])
    assert len(parent.triangles) == pytest.approx(len(triangles) / 4, rel=0.02)
    assert parent.seam_m == 0
    assert 0.25 < parent.error_m < 2
    # A tile that may have less than its border needs lets the border go, and says by how much.
    monkeypatch.setattr("scenes3d.meshes.parent._TOO_MANY", 1)
    less = parent_mesh(parts, 520, 64)
    assert len(less.triangles) < 560 < len(parent.triangles)
    assert less.seam_m == pytest.approx(less.error_m - 0.25)


def test_a_skirt_hangs_from_every_open_side_and_from_no_bag_of_triangles():
    places, triangles = grid(9)
    normals = normals_of(places, triangles)
    skirt = skirt_of(places, triangles, normals, 0.5)
    assert len(skirt.triangles) == 2 * 32
    away = skirt.places - places[skirt.above]
    assert np.einsum("nx,nx->n", away, normals[skirt.above]).max() < 0
    # Outwards: nothing hangs over the ground inside.
    assert (np.abs(skirt.places[:, :2]).max(axis=1) > 48).all()
    corners = places[triangles].reshape(-1, 3)
    bag = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    assert len(skirt_of(corners, bag, normals_of(corners, bag), 0.5).triangles) == 0


def test_cells_with_one_part_are_that_part():
    cells = cells_above(["0", "10", "1122", "1123", "3"])
    assert [(cell.path, cell.children) for cell in cells] == [
        ("112", ("1122", "1123")), ("1", ("10", "112")), ("", ("0", "1", "3")),
    ]  # fmt: skip
    assert cells_above(["21"]) == cells_above([""]) == []
