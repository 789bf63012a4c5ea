"""Photographs on triangles: images come out byte for byte, each once, and Khronos finds nothing wrong."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from scenes3d.glb.container import unpack
from scenes3d.glb.positions import MOST_ROUNDING_M
from scenes3d.glb.reading import read_model
from scenes3d.glb.textured import TexturedPart, write_textured


def picture(kind: str, colour: tuple[int, int, int]) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 4), colour).save(data, kind)
    return data.getvalue()


RED, BLUE = picture("JPEG", (250, 10, 10)), picture("PNG", (0, 0, 255))
CORNERS = np.array([[0, 0, 10], [30, 0, 10], [30, 20, 12], [0, 20, 12]], dtype=np.float64)
UV = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], dtype=np.float32)
TWO = np.array([0, 1, 2, 0, 2, 3], dtype=np.uint32)
NORMALS = np.tile(np.array([0, 0, 1], dtype=np.float32), (4, 1))
GLASS = TexturedPart(CORNERS + 5, TWO, normals=NORMALS, color=(0.1, 0.2, 0.3, 0.5), double_sided=True)
PAINTED = TexturedPart(CORNERS - 70, TWO, colors=np.full((4, 4), 128, dtype=np.uint8))
PARTS = (
    TexturedPart(CORNERS, TWO, UV, RED),
    TexturedPart(CORNERS + 100, TWO, UV, BLUE, repeats=True),
    TexturedPart(CORNERS + 200, TWO, UV, RED),
    GLASS,
    PAINTED,
)


def test_images_and_their_coordinates_come_out_as_they_went_in():
    model = read_model(write_textured(PARTS))
    assert [None if p.image is None else bytes(p.image) for p in model.primitives] == [RED, BLUE, RED, None, None]
    for part, read in zip(PARTS, model.primitives, strict=True):
        assert np.abs(read.positions - part.positions).max() <= MOST_ROUNDING_M
        assert read.indices.tolist() == TWO.tolist()
        assert read.uv is None if part.uv is None else np.array_equal(read.uv, UV)


def test_the_same_image_and_the_same_look_stand_in_the_file_once():
    document = unpack(write_textured(PARTS)).document
    assert [image["mimeType"] for image in document["images"]] == ["image/jpeg", "image/png"]
    assert [primitive["material"] for primitive in document["meshes"][0]["primitives"]] == [0, 1, 0, 2, 3]
    lit = ["KHR_materials_unlit" not in material.get("extensions", {}) for material in document["materials"]]
    assert lit == [False, False, True, False]


def test_where_parts_touch_they_do_so_after_rounding():
    beside = replace(PARTS[0], positions=CORNERS + np.array([30, 0.0, 0.0]))
    left, right = read_model(write_textured([PARTS[0], beside])).primitives
    assert np.array_equal(left.positions[1], right.positions[0])


def test_khronos_finds_nothing_wrong(gltf_problems):
    far = replace(PARTS[0], positions=CORNERS * 1000)
    files = {"all": PARTS, "float": [far], "lit": [GLASS], "far-and-lit": [far, GLASS], "painted": [PAINTED]}
    assert gltf_problems({name: write_textured(parts, "胶州市") for name, parts in files.items()}) == []


@pytest.mark.parametrize("part", [replace(PARTS[0], image=b"GIF89a"), replace(PARTS[0], uv=None)])
def test_what_gltf_does_not_take_is_not_written(part):
    with pytest.raises(ValueError, match="image"):
        write_textured([part])
