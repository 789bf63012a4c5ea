"""OSGB to tiles: every vertex on the closed form it was made from, every photograph as it was, and nothing lost in silence."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyproj
import pytest
from PIL import Image

import osgb_tree as sample
from scenes3d.frames import Frame
from scenes3d.glb.reading import Primitive, read_model
from scenes3d.sources.landing import Place
from scenes3d.sources.osgb import building
from scenes3d.sources.osgb.building import OsgbReport, build_osgb, checksum_of
from scenes3d.sources.osgb.converter import NoConverterError
from scenes3d.sources.osgb.converting import NO_IMAGE, PACKED_ANEW, FileWork, MadeFile, convert_file
from scenes3d.sources.osgb.finding import find_delivery, find_entry
from scenes3d.sources.osgb.levels import NODE_LEFT_OUT
from scenes3d.sources.osgb.metadata import Metadata, placing_of, read_metadata
from scenes3d.sources.osgb.scene_text import parse_scene
from scenes3d.sources.reference import Anchored, Stated
from scenes3d.tileset.checking import check_tileset
from scenes3d.tileset.folder import folder_opener
from scenes3d.tileset.reading import read_tileset
from twin.bounds import Bounds
from twin.crs import parse_crs
from twin.errors import (
    BadCall,
    MissingCRSError,
    SuspiciousDatumError,
    UnknownCRSError,
    UnreadableFileError,
    VerticalDatumError,
)
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Unit

HEIGHTS = Stated(None, "EPSG:5737")
HERE = Anchored(Frame(120.03, 36.26, 20.0), "EPSG:5737")


def build(metadata: Path, target: Path, tasks: Any = IN_THREAD, place: Place | None = None) -> OsgbReport:
    delivery = find_delivery(metadata)
    return build_osgb(
        delivery,
        placing_of(delivery.metadata, HEIGHTS, None, delivery.name),
        target,
        checksum=checksum_of(delivery, lambda *said: None),
        place=place,
        extras={"verticalDatum": "EPSG:5737"},
        tasks=tasks,
        progress=lambda *said: None,
    )


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample.write_delivery(tmp_path_factory.mktemp("delivery"))


@dataclass(frozen=True)
class Built:
    folder: Path
    report: OsgbReport


@pytest.fixture(scope="module")
def built(metadata: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("scene") / "tiles"
    return Built(folder, build(metadata, folder))


def drawn(folder: Path) -> Iterator[tuple[str, float, Primitive, np.ndarray]]:
    """Every primitive with its tile's path and error, and its vertices in the delivery's own metres, by PROJ."""
    to_plane = pyproj.Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)
    to_metres = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4549", always_xy=True)
    opened = folder_opener(folder)
    for tile in read_tileset("tileset.json", opened):
        for uri, _ in tile.contents:
            if uri.endswith(".glb"):
                for primitive in read_model(opened(uri), uri).primitives:
                    earth = primitive.positions @ tile.matrix[:3, :3].T + tile.matrix[:3, 3]
                    lon, lat, height = to_plane.transform(*earth.T)
                    metres = np.column_stack([*to_metres.transform(lon, lat), height]) - np.array(sample.ORIGIN)
                    yield tile.path, tile.geometric_error, primitive, metres


def test_every_vertex_lies_on_the_ground_it_was_made_from(built):
    count = 0
    for _, _, primitive, metres in drawn(built.folder):
        side = sample.SIDE_M / 16
        assert np.abs(metres[:, :2] - np.rint(metres[:, :2] / side) * side).max() < 0.002
        assert np.abs(metres[:, 2] - sample.ground(metres[:, 0], metres[:, 1])).max() < 0.002
        a, b, c = (metres[primitive.indices[k::3]] for k in range(3))
        assert (np.cross(b - a, c - a)[:, 2] > 0).all()
        count += len(metres)
    assert count == 25 + 4 * 25 + 4 * 81 + 25


def test_levels_change_where_the_program_changed_them(built):
    errors = [round(error, 9) for _, error, _, _ in drawn(built.folder)]
    top = 16 * 2 * sample.RADIUS_M / sample.PIXELS[""]
    middle = 16 * sample.RADIUS_M / sample.PIXELS["_L17_0"]
    assert errors == [round(top, 9), *[round(middle, 9), 0.0] * 4, 0.0]
    west = orjson.loads((built.folder / "tree-0.json").read_bytes())
    assert west["root"]["refine"] == "REPLACE"
    assert [len(child["children"]) for child in west["root"]["children"]] == [1] * 4
    assert (built.report.files, built.report.unnamed, built.report.faults.counts) == (7, 0, {})


def test_nothing_is_outside_of_its_volumes_and_khronos_finds_nothing_wrong(
    built: Built, gltf_problems: Callable[[Mapping[str, bytes]], list[str]]
) -> None:
    checked = check_tileset("tileset.json", folder_opener(built.folder))
    assert (checked.contents, checked.vertices, checked.faults) == (10, 474, ())
    assert gltf_problems({path.stem: path.read_bytes() for path in built.folder.glob("*.glb")}) == []


def jpegs(data: bytes) -> list[bytes]:
    """JPEGs in a file by their own marks; those of the sample hold no other mark of an end."""
    parts = data.split(b"\xff\xd8\xff")[1:]
    return [b"\xff\xd8\xff" + part[: part.index(b"\xff\xd9") + 2] for part in parts]


def test_photographs_are_the_bytes_of_the_delivery_the_right_way_up(built, metadata):
    found = []
    for _, _, primitive, metres in drawn(built.folder):
        image = bytes(primitive.image)
        found.append(image)
        pixels = np.asarray(Image.open(io.BytesIO(image)))
        share = (metres[:, :2] - metres[:, :2].min(axis=0)) / np.ptp(metres[:, :2], axis=0)
        column, row = (np.clip(primitive.uv * 16, 0, 15).astype(int)).T
        white = pixels[row, column].min(axis=1) > 215
        inner = np.abs(share - 0.5).min(axis=1) > 0.2
        assert (white == ((share[:, 0] < 0.5) & (share[:, 1] > 0.5)))[inner].all()
    delivered = [image for path in metadata.parent.rglob("*.osgb") for image in jpegs(path.read_bytes())]
    assert sorted(found) == sorted(delivered)
    assert len(set(found)) == 10


def test_the_same_delivery_gives_the_same_bytes_wherever_it_lies(built, metadata, tmp_path):
    moved = shutil.copytree(metadata.parent, tmp_path / "elsewhere")
    build(moved / "metadata.xml", tmp_path / "tiles")
    assert files_of(tmp_path / "tiles") == files_of(built.folder)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Interrupted:
    """Does so many units, and is killed."""

    workers = 2

    def __init__(self, most: int) -> None:
        self.left = most

    def map(self, function: Callable[[Any], Any], units: Iterable[Unit[Any]], alive: Any = None) -> Iterator[Any]:
        for unit in units:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            yield function(unit.work)


def test_a_killed_build_goes_on_with_the_next_tree(built, metadata, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "_TREES_AT_ONCE", 1)
    with pytest.raises(KeyboardInterrupt):
        build(metadata, tmp_path / "tiles", Interrupted(6))
    assert not (tmp_path / "tiles").exists()
    again = Interrupted(1)
    assert replace(build(metadata, tmp_path / "tiles", again), faults=built.report.faults) == built.report
    assert again.left == 0
    assert files_of(tmp_path / "tiles") == files_of(built.folder)


def test_a_file_cut_off_is_named_and_the_level_above_stays(metadata, tmp_path):
    copy = shutil.copytree(metadata.parent, tmp_path / "copy")
    cut = copy / "Data/Tile_+000_+000/Tile_+000_+000_L18_2.osgb"
    cut.write_bytes(cut.read_bytes()[:-40])
    (copy / "Data/Tile_+000_+000/Tile_+000_+000_L18_1.osgb").unlink()
    report = build(copy / "metadata.xml", tmp_path / "tiles")
    lost = report.faults.examples["osgb-file-lost"]
    assert report.faults.counts == {"osgb-file-lost": 2}
    assert [line.partition(": ")[0][-11:] for line in lost] == ["_L18_1.osgb", "_L18_2.osgb"]
    assert "no such file" in lost[0]
    assert "osgconv says" in lost[1]
    errors = [error for _, error, _, _ in drawn(tmp_path / "tiles")]
    assert [errors.count(error) for error in (8.96, 2.24, 0.0)] == [1, 2, 2 + 2 + 1]
    whole = copy / "Data/Tile_+001_+000/Tile_+001_+000.osgb"
    whole.write_bytes(whole.read_bytes()[:300])
    assert len(build(copy / "metadata.xml", tmp_path / "tiles").trees) == 1
    with pytest.raises(UnreadableFileError) as caught:
        build(whole, tmp_path / "other")
    assert caught.value.value == whole.name
    assert "osgconv says" in caught.value.message
    assert not (tmp_path / "other").exists()


def test_what_lands_elsewhere_is_refused_before_the_rest_is_converted(metadata, tmp_path):
    far = Place("Florence", Bounds(11.2, 43.7, 11.3, 43.8))
    tasks = Interrupted(2)
    with pytest.raises(SuspiciousDatumError, match="km from Florence"):
        build(metadata, tmp_path / "tiles", tasks, far)
    assert (tasks.left, (tmp_path / "tiles").exists()) == (0, False)


def test_without_the_converter_the_package_is_named(metadata, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoConverterError) as caught:
        build(metadata, tmp_path / "tiles")
    assert "becomes a scene" in caught.value.message
    assert "openscenegraph" in str(caught.value.limit)
    assert "apt-get install openscenegraph" in caught.value.remedy


WKT = parse_crs("EPSG:4549").to_wkt(pretty=True)
NEAR = (120.0, 36.2474)


@pytest.mark.parametrize(
    ("srs", "origin", "stated", "anchor", "datum", "height"),
    [
        ("EPSG:4549", "500000,4013000,7.5", HEIGHTS, None, "EPSG:5737", 27.5),
        ("EPSG:4549+5773", "500000,4013000", Stated(), None, "EPSG:5773", 20.0),
        (WKT, "500000,4013000,0", HEIGHTS, None, "EPSG:5737", 20.0),
        (f"ENU:{NEAR[1]},{NEAR[0]}", "0,0,0", Stated(None, "ellipsoidal", None, 5.0), None, "EPSG:5737", 15.0),
        ("LOCAL", "0,0,0", HEIGHTS, Frame(*NEAR, 3.0), "EPSG:5737", 23.0),
        ("", "", HEIGHTS, Frame(*NEAR), "EPSG:5737", 20.0),
        ("LOCAL", "500000,4013000,0", Stated("EPSG:4549", "unknown"), None, "unknown", 20.0),
    ],
    ids=["code", "two codes", "WKT", "ENU", "LOCAL", "none", "overruled"],
)
def test_six_ways_to_say_where_it_is(tmp_path, srs, origin, stated, anchor, datum, height):
    file = tmp_path / "metadata.xml"
    said = srs.replace("<", "&lt;").replace("&", "&amp;")
    file.write_text(
        f"<ModelMetadata><SRS>{said}</SRS><SRSOrigin>{origin}</SRSOrigin></ModelMetadata>", encoding="utf-8"
    )
    placing = placing_of(read_metadata(file), stated, anchor, "town")
    lon, lat, up = placing.place([0.0], [0.0], [20.0])
    assert (lon[0], lat[0]) == pytest.approx(NEAR, abs=2e-4)
    assert (placing.vertical_datum, round(up[0], 6)) == (datum, height)


@pytest.mark.parametrize(
    ("srs", "stated", "anchor", "error", "word"),
    [
        ("", HEIGHTS, None, MissingCRSError, "--anchor"),
        ("LOCAL", HEIGHTS, None, MissingCRSError, "--crs"),
        ("EPSG:4549", Stated(), None, VerticalDatumError, "--vertical-datum"),
        ("EPSG:4549", HEIGHTS, Frame(*NEAR), BadCall, "--crs"),
        ("EPSG:4326", HEIGHTS, None, UnknownCRSError, "--anchor"),
        ("ENU:120.0,36.2", HEIGHTS, None, UnknownCRSError, "--anchor"),
        ("EPSG:999999", HEIGHTS, None, UnknownCRSError, "EPSG"),
    ],
)
def test_what_nobody_says_is_asked_for(srs, stated, anchor, error, word):
    with pytest.raises(error) as caught:
        placing_of(Metadata(srs), stated, anchor, "town")
    assert word in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<Other/>",
        "<ModelMetadata><SRSOrigin>1,x,2</SRSOrigin></ModelMetadata>",
        "<ModelMetadata><SRSOrigin>1,nan,2</SRSOrigin></ModelMetadata>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><ModelMetadata><SRS>&b;</SRS></ModelMetadata>",
    ],
)
def test_metadata_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "metadata.xml").write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFileError):
        read_metadata(tmp_path / "metadata.xml")


def test_a_delivery_is_found_by_its_folder_and_by_one_file(metadata):
    root = metadata.parent / "Data/Tile_+000_+000/Tile_+000_+000.osgb"
    assert find_entry(metadata.parent) == metadata
    single = find_delivery(root)
    assert (len(single.files), single.metadata.srs, single.metadata_file) == (6, "EPSG:4549", metadata)


@pytest.fixture
def converted(tmp_path: Path) -> Callable[..., MadeFile]:
    """Converts a scene in text; its GLBs are below `out`."""
    sample.require_osgconv()
    for name in ("out", "scratch"):
        (tmp_path / name).mkdir()

    def convert(scene: str, *options: str, name: str = "x.osgb") -> MadeFile:
        path = sample.osgb(scene, tmp_path / name, *options)
        return convert_file(FileWork(path, tmp_path, HERE, tmp_path / "out", tmp_path / "scratch"))

    return convert


SQUARE = np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 1 / 3], [0, 10, 0]])


def content(folder: Path, made: MadeFile) -> tuple[Primitive, ...]:
    (level,) = made.levels
    return read_model((folder / "out" / level.content).read_bytes()).primitives


@pytest.mark.parametrize(
    ("mode", "indices"),
    [
        ("TRIANGLES", [0, 1, 2, 0, 2, 3]),
        ("TRIANGLE_STRIP", [0, 1, 3, 2]),
        ("TRIANGLE_FAN", [0, 1, 2, 3]),
        ("POLYGON", [0, 1, 2, 3]),
        ("QUADS", [0, 1, 2, 3]),
        ("QUAD_STRIP", [0, 1, 3, 2]),
    ],
)
def test_every_way_of_drawing_covers_the_square_once(converted, tmp_path, mode, indices):
    made = converted(sample.geode(1, sample.geometry(10, SQUARE, [sample.elements(20, mode, indices)])))
    (primitive,) = content(tmp_path, made)
    a, b, c = (primitive.positions[primitive.indices[k::3]][:, :2] for k in range(3))
    areas = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert areas == pytest.approx([50.0, 50.0], abs=0.01)


def transform(number: int, node: str, east: float, north: float) -> str:
    rows = ["0 1 0 0", "-1 0 0 0", "0 0 1 0", f"{east!r} {north!r} 5 1"]
    moved = sample.group(number, node, name="osg::MatrixTransform")
    return moved[:-1] + sample.block("Matrix", *rows) + "\n}"


def test_transforms_and_doubles_keep_their_digits(converted, tmp_path):
    far = SQUARE + np.array([123_456.7891, -54_321.1234, 0.0])
    node = sample.geode(2, sample.geometry(10, far, [sample.elements(20, "QUADS", [0, 1, 2, 3])], kind="Vec3dArray"))
    file = sample.paged(30, node, 100.0, "finer/y.osgb")
    made = converted(transform(1, file, -54_321.1234, -123_456.7891))
    (level,) = made.levels
    (primitive,) = content(tmp_path, made)
    places = Frame(*level.place).places(primitive.positions)
    expected = np.column_stack([-SQUARE[:, 1], SQUARE[:, 0], SQUARE[:, 2] + 5.0])
    assert np.abs(HERE.frame.place(*places) - expected).max() < 0.001
    ((path, matrix),) = level.files
    assert path == "finer/y.osgb"
    assert matrix[12:14] == pytest.approx([-54_321.1234, -123_456.7891], abs=1e-9)


PAINTED = sample.geometry(10, SQUARE, [sample.elements(20, "QUADS", [0, 1, 2, 3])], SQUARE[:, :2] / 10, "照片 1.jpg")


@pytest.mark.parametrize(
    ("options", "keep", "bytes_of_file", "faults"),
    [
        (("Compressor=zlib",), False, True, {}),
        (("WriteImageHint=UseExternal",), True, True, {}),
        (("WriteImageHint=UseExternal",), False, None, {NO_IMAGE: 1}),
        (("WriteImageHint=IncludeData",), False, False, {PACKED_ANEW: 1}),
    ],
    ids=["compressed", "beside", "lost", "pixels"],
)
def test_photographs_wherever_they_stand(converted, tmp_path, options, keep, bytes_of_file, faults):
    file = sample.photograph(tmp_path / "照片 1.jpg", (200, 30, 30))
    path = sample.osgb(sample.geode(1, PAINTED), tmp_path / "x.osgb", *options)
    photograph = file.read_bytes()
    if not keep:
        file.unlink()
    made = convert_file(FileWork(path, tmp_path, HERE, tmp_path / "out", tmp_path / "scratch"))
    (primitive,) = content(tmp_path, made)
    assert made.faults.counts == faults
    if bytes_of_file is None:
        assert primitive.image is None
        return
    assert (bytes(primitive.image) == photograph) == bytes_of_file
    pixels = np.asarray(Image.open(io.BytesIO(primitive.image)).convert("RGB")).astype(int)
    assert np.abs(pixels - np.asarray(Image.open(io.BytesIO(photograph))).astype(int)).mean() < 3
    assert primitive.uv[primitive.positions[:, 1].argmax()][1] == 0.0


def test_what_is_not_read_is_counted(converted):
    node = sample.geode(2, sample.geometry(10, SQUARE, [sample.elements(20, "QUADS", [0, 1, 2, 3])]))
    switch = sample.group(40, node, name="osg::Switch", lists=["NewChildDefaultValue TRUE"])
    lines = sample.geode(3, sample.geometry(50, SQUARE, [sample.elements(60, "LINES", [0, 1, 2, 3])]))
    made = converted(sample.group(1, node.replace("UniqueID 2\n", "UniqueID 90\n"), switch, lines))
    assert made.faults.counts == {NODE_LEFT_OUT: 1, "osgb-lines-or-points": 1}


@pytest.mark.parametrize(
    ("geometry", "word"),
    [
        (
            sample.geometry(10, SQUARE, [sample.elements(20, "TRIANGLES", [0, 1, 4_000_000_000])]),
            "names vertex 4000000000 of 4",
        ),
        (
            sample.geometry(10, SQUARE, [sample.elements(20, "QUADS", [0, 1, 2, 3])], SQUARE[:3, :2], "a.jpg"),
            "3 elements for 4",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(converted, tmp_path, geometry, word):
    sample.photograph(tmp_path / "a.jpg", (1, 2, 3))
    made = converted(sample.geode(1, geometry))
    assert (made.levels, word in made.failed) == ((), True), made.failed


def test_billions_of_claimed_vertices_are_refused_in_little_memory(tmp_path):
    """The converter would make room for 2.9 GB of them first, and then find the file too short."""
    sample.require_osgconv()
    path = sample.osgb(sample.geode(1, PAINTED.replace("照片 1.jpg", "none.jpg")), tmp_path / "x.osgb")
    data = path.read_bytes()
    head = np.array([4, 0x3F800000], "<u4").tobytes()  # four coordinates of texture; the second is (1, 0)
    at = data.rindex(head[:4] + bytes(8) + head[4:])
    path.write_bytes(data[:at] + np.array([0x15555555], "<u4").tobytes() + data[at + 4 :])
    made = convert_file(FileWork(path, tmp_path, HERE, tmp_path, tmp_path))
    # Given the memory, it says that the file is too short.
    assert (made.levels, made.failed) == ((), "osgconv broke down on it")


def test_blocks_and_their_levels_are_told_apart(tmp_path):
    """大疆智图: terra_osgbs/Block/Block.osgb beside metadata.xml; trees without a file called like their folder."""
    names = ["Block/Block.osgb", "Block/Block_L17_3.osgb", "More/East.osgb", "More/East_L20_1.osgb", "More/West.OSGB"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    file = tmp_path / "metadata.xml"
    file.write_text("<ModelMetadata version='1'><SRS>EPSG:4549</SRS></ModelMetadata>", encoding="utf-8")
    delivery = find_delivery(find_entry(tmp_path))
    roots = [str(path.relative_to(tmp_path)) for path in delivery.roots]
    assert roots == ["Block/Block.osgb", "More/East.osgb", "More/West.OSGB"]
    assert len(delivery.files) == 5


@pytest.mark.parametrize("text", ["}", "Group {\n", "a {\n" * 300 + "}\n" * 300, "Matrix {\n1 2 x- 3\n"])
def test_text_that_is_no_scene_is_refused(text):
    with pytest.raises(ValueError, match=r"end|nested"):
        parse_scene(text)


def test_the_real_file(shared_data, tmp_path, gltf_problems):
    """The one real OSGB there is: version 91, one node, and the finer file that it names is not there."""
    sample.require_osgconv()
    for name in ("out", "scratch"):
        (tmp_path / name).mkdir()
    path = shared_data / "model3d/oblique-sample.osgb"
    made = convert_file(FileWork(path, path.parent, HERE, tmp_path / "out", tmp_path / "scratch"))
    photographed, plain = content(tmp_path, made)
    (level,) = made.levels
    assert [len(part.positions) for part in (photographed, plain)] == [194, 6]
    assert level.error_m == pytest.approx(
        16 * 2, rel=1e-6
    )  # it changes when its diameter fills as many pixels as its radius says
    assert [file for file, _ in level.files] == ["Tile_+000_+000_L16_0.osgb"]
    (image,) = jpegs_of_one(path.read_bytes())
    assert bytes(photographed.image) == image
    assert gltf_problems({"real": (tmp_path / "out" / level.content).read_bytes()}) == []


def jpegs_of_one(data: bytes) -> list[bytes]:
    start = data.index(b"\xff\xd8\xff")
    return [data[start : data.rindex(b"\xff\xd9") + 2]]
