"""GLB out and in again: nothing lost, the same bytes, and nothing believed that a file claims."""

from __future__ import annotations

import struct

import numpy as np
import orjson
import pyarrow as pa
import pytest

from scenes3d.glb.container import pack, unpack
from scenes3d.glb.mesh import Mesh, write_mesh
from scenes3d.glb.positions import MOST_ROUNDING_M
from scenes3d.glb.property_table import Column, ColumnKind, identifiers
from scenes3d.glb.reading import read_model
from twin.errors import UnreadableFileError

COLUMNS = (
    Column("id", ColumnKind.STRING, pa.array(["楼-1", "B2"]), semantic="ID"),
    Column("名称", ColumnKind.STRING, pa.array(["胶州一中", None]), title="Name"),
    Column("floors", ColumnKind.INTEGER, pa.array([5, None])),
    Column("height_m", ColumnKind.NUMBER, pa.array([None, 12.3])),
    Column("listed", ColumnKind.BOOLEAN, pa.array([True, None])),
)


def two_walls(extent_m: float) -> Mesh:
    """Two quads of two features, that far apart."""
    quad = np.array([[0, 0, 0], [4, 0, 0], [4, 0, 3], [0, 0, 3]], dtype=np.float64)
    return Mesh(
        positions=np.concatenate([quad, quad + np.array([extent_m - 4, 1.2345, 0.5])]),
        normals=np.tile(np.array([0, -1, 0], dtype=np.float32), (8, 1)),
        feature_ids=np.repeat(np.arange(2, dtype=np.uint16), 4),
        indices=np.array([0, 1, 2, 0, 2, 3, 4, 5, 6, 4, 6, 7], dtype=np.uint32),
    )


@pytest.mark.parametrize("extent_m", [60.0, 1_310.0, 20_000.0])
def test_what_goes_in_comes_out(extent_m):
    mesh = two_walls(extent_m)
    model = read_model(write_mesh(mesh, COLUMNS, "building"))
    (primitive,) = model.primitives
    assert np.abs(primitive.positions - mesh.positions).max() <= MOST_ROUNDING_M
    assert primitive.indices.tolist() == mesh.indices.tolist()
    assert primitive.feature_ids.tolist() == [0] * 4 + [1] * 4
    assert model.table == {
        "id": ["楼-1", "B2"],
        "property_2": ["胶州一中", None],
        "floors": [5, None],
        "height_m": [None, 12.3],
        "listed": [1, None],
    }


@pytest.mark.parametrize(("extent_m", "rounded"), [(1_310.0, True), (1_312.0, False)])
def test_sixteen_bits_only_where_they_are_finer_than_a_centimetre(extent_m, rounded):
    positions, *_ = unpack(write_mesh(two_walls(extent_m), COLUMNS, "building")).document["accessors"]
    assert positions["componentType"] == (5123 if rounded else 5126)


def test_the_same_mesh_gives_the_same_bytes():
    assert write_mesh(two_walls(60), COLUMNS, "building") == write_mesh(two_walls(60), COLUMNS, "building")


def test_khronos_finds_nothing_wrong(gltf_problems):
    files = {str(extent): write_mesh(two_walls(extent), COLUMNS, "building", "胶州市") for extent in (60.0, 20_000.0)}
    assert gltf_problems(files) == []


def test_khronos_finds_what_is_wrong(gltf_problems):
    container = unpack(write_mesh(two_walls(60), COLUMNS, "building"))
    container.document["accessors"][0]["max"] = [1, 1, 1]
    assert any(
        "ACCESSOR_MAX_MISMATCH" in line
        for line in gltf_problems({"x": pack(container.document, bytes(container.buffer))})
    )


def test_property_ids_are_plain_and_all_different():
    assert identifiers(["a b", "a-b", "", "1", "层"]) == ["a_b", "a_b_2", "property_3", "property_4", "property_5"]


GOOD = write_mesh(two_walls(60), COLUMNS, "building")


def changed(**said: object) -> bytes:
    container = unpack(GOOD)
    return pack({**container.document, **said}, bytes(container.buffer))


def accessor(**said: object) -> bytes:
    accessors = unpack(GOOD).document["accessors"]
    return changed(accessors=[{**accessors[0], **said}, *accessors[1:]])


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "glTF"),
        (b"B3DM" + GOOD[4:], "glTF"),
        (GOOD[:-8], "bytes"),
        (GOOD[:8] + struct.pack("<I", len(GOOD) - 8) + GOOD[12:-8], "claims"),
        (GOOD[:20] + b"x" + GOOD[21:], "JSON"),
        (accessor(count=1_400_000_000), "claims 1400000000"),
        (accessor(byteOffset=-12), "claims"),
        (accessor(componentType=9), "KeyError"),
        (changed(extensionsRequired=["KHR_draco_mesh_compression"]), "KHR_draco_mesh_compression"),
        (changed(nodes=[{"children": [0]}]), "deep"),
        (changed(scenes=[]), "IndexError"),
    ],
)
def test_broken_files_are_refused_with_the_reason(data, word):
    with pytest.raises(UnreadableFileError) as caught:
        read_model(data, "house.glb")
    assert word in caught.value.message
    assert caught.value.value == "house.glb"
    assert caught.value.remedy


def test_the_document_is_plain_json():
    assert orjson.loads(bytes(GOOD[20 : 20 + struct.unpack_from("<I", GOOD, 12)[0]]))["asset"]["version"] == "2.0"
