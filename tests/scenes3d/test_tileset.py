"""The tree: what is written is read again, and the containment check finds what was moved out of place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson
import pyarrow as pa
import pytest

from scenes3d.frames import Frame
from scenes3d.glb.mesh import Mesh, write_mesh
from scenes3d.glb.property_table import Column, ColumnKind
from scenes3d.tileset.checking import check_tileset, metres_outside
from scenes3d.tileset.reading import read_tileset
from scenes3d.tileset.region import Region
from scenes3d.tileset.tile import Tile, Tileset
from twin.ellipsoid import earth_centred
from twin.errors import UnreadableFileError

ID = (Column("id", ColumnKind.STRING, pa.array(["a"]), semantic="ID"),)


def wall(frame: Frame, lon: float, lat: float) -> tuple[bytes, Region]:
    """A wall 30 m high and some 90 m wide."""
    lons, lats = np.array([lon, lon + 0.001, lon + 0.001, lon]), np.full(4, lat)
    heights = np.array([0.0, 0.0, 30.0, 30.0])
    mesh = Mesh(
        frame.place(lons, lats, heights),
        np.tile(np.array([0, -1, 0], dtype=np.float32), (4, 1)),
        np.zeros(4, dtype=np.uint16),
        np.array([0, 1, 2, 0, 2, 3], dtype=np.uint32),
    )
    return write_mesh(mesh, ID, "wall"), Region.around(lons, lats, heights)


@pytest.fixture
def town() -> tuple[Tileset, dict[str, bytes]]:
    """A parent and a child some kilometres away, each with a wall."""
    near, far = Frame(120.0, 36.2), Frame(120.05, 36.25, 4.0)
    first, first_region = wall(near, 120.001, 36.2)
    second, second_region = wall(far, 120.051, 36.251)
    child = Tile(second_region, 0.0, "far.glb", second_region, far)
    root = Tile(Region.union([first_region, second_region]), 30.0, "near.glb", first_region, near, (child,))
    tileset = Tileset(root, 100.0, {"verticalDatum": "EPSG:5737"})
    return tileset, {"near.glb": first, "far.glb": second}


def opener(tileset: Tileset, files: dict[str, bytes]):
    return ({"tileset.json": tileset.to_json()} | files).__getitem__


def test_everything_lies_where_it_should(town):
    checked = check_tileset("tileset.json", opener(*town))
    assert (checked.tiles, checked.contents, checked.vertices, checked.faults) == (2, 2, 8, ())


def test_frames_are_multiplied_out_to_the_globe(town):
    root, child = read_tileset("tileset.json", opener(*town))
    assert np.abs(child.matrix - Frame(120.05, 36.25, 4.0).matrix).max() < 1e-6
    assert child.path == "/0"
    assert child.ancestors == (root,)


@pytest.mark.parametrize("metres", [0.05, 3.0])
def test_a_vertex_outside_is_found_with_its_distance(town, metres):
    tileset, files = town
    low = replace(tileset.root.region, high=tileset.root.region.high - metres)
    checked = check_tileset("tileset.json", opener(replace(tileset, root=replace(tileset.root, region=low)), files))
    rules = {(fault.tile, fault.rule) for fault in checked.faults}
    assert rules == {("/", "content-outside"), ("/0", "content-outside"), ("/0", "child-outside")}
    assert max(fault.metres for fault in checked.faults) == pytest.approx(metres, abs=0.021)


def test_an_error_that_grows_downwards_and_a_lost_content_are_found(town):
    tileset, files = town
    child = replace(tileset.root.children[0], geometric_error=31.0)
    wrong = replace(tileset, root=replace(tileset.root, children=(child,)))
    checked = check_tileset("tileset.json", opener(wrong, files | {"far.glb": b"glTF"}))
    assert {fault.rule for fault in checked.faults} == {"error-grows", "content-unreadable"}


@pytest.mark.parametrize(
    ("volume", "outside"),
    [
        ({"box": [0, 0, 15, 100, 0, 0, 0, 100, 0, 0, 0, 15]}, 0.0),
        ({"box": [0, 0, 15, 10, 0, 0, 0, 100, 0, 0, 0, 15]}, 40.0),
        ({"sphere": [0, 0, 0, 60]}, 0.0),
        ({"sphere": [0, 0, 0, 45]}, 5.0),
    ],
)
def test_boxes_and_spheres_are_measured_in_their_frame(volume, outside):
    frame = Frame(120.0, 36.2, 7.0)
    points = frame.earth(np.array([[0.0, 0.0, 0.0], [50.0, 0.0, 0.0]]))
    assert metres_outside(volume, frame.matrix, points) == pytest.approx(outside, abs=1e-6)


def test_a_region_holds_what_it_was_made_around():
    lon, lat, height = np.array([120.0, 120.1]), np.array([36.0, 36.1]), np.array([0.0, 50.0])
    region = {"region": Region.around(lon, lat, height).to_list()}
    assert metres_outside(region, np.identity(4), earth_centred(lon, lat, height)) == 0.0
    assert metres_outside(region, np.identity(4), earth_centred(lon, lat, height + 1.0)) == pytest.approx(
        0.98, abs=1e-6
    )


def external(name: str) -> bytes:
    root = {"boundingVolume": {"sphere": [0, 0, 0, 9e6]}, "geometricError": 1, "content": {"uri": name}}
    return orjson.dumps({"asset": {"version": "1.1"}, "geometricError": 1, "root": root})


def test_a_ring_of_external_tilesets_ends():
    files = {"tileset.json": external("b.json"), "b.json": external("tileset.json")}
    with pytest.raises(UnreadableFileError, match="lead back"):
        list(read_tileset("tileset.json", files.__getitem__))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"root": {}}', b'{"root": {"implicitTiling": {}}}'])
def test_what_is_no_tileset_is_refused(data):
    with pytest.raises(UnreadableFileError):
        list(read_tileset("t.json", lambda _: data))


def test_the_same_tree_gives_the_same_bytes(town):
    assert town[0].to_json() == town[0].to_json()
