"""A cloud built: every point once and where it was, inside every volume, the same bytes whichever way, old scenes never lost."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from scenes3d.points.building import CloudOptions, build_cloud
from scenes3d.points.colour import linear_bytes
from scenes3d.points.content import ENCODERS
from scenes3d.tileset.checking import check_tileset
from scenes3d.tileset.folder import folder_opener
from scenes3d.tileset.reading import read_tileset
from twin.errors import AlreadyRunningError, BadGeometryError, DuplicateSceneError

SMALL = CloudOptions(take_all=400, extras={"verticalDatum": "EPSG:5737"})
BINNED = CloudOptions(bin_points=1_500, take_all=400)
DEEP = CloudOptions(bin_points=600, take_all=20)


def decoded(folder) -> dict[str, np.ndarray]:
    """All points of a tileset by glTF's own words, read without our reader: Earth-centred places and attributes."""
    columns: dict[str, list[np.ndarray]] = {"place": [], "COLOR_0": [], "_CLASSIFICATION": [], "_INTENSITY": []}
    for tile in read_tileset("tileset.json", folder_opener(folder)):
        for uri, _ in tile.contents:
            if not uri.endswith(".glb"):
                continue
            data = (folder / uri).read_bytes()
            length = struct.unpack_from("<I", data, 12)[0]
            document, body = json.loads(data[20 : 20 + length]), data[28 + length :]
            primitive, node = document["meshes"][0]["primitives"][0], document["nodes"][0]
            assert primitive["mode"] == 0
            found = {}
            for name, number in primitive["attributes"].items():
                accessor = document["accessors"][number]
                view = document["bufferViews"][accessor["bufferView"]]
                dtype = np.dtype({5121: "u1", 5123: "<u2", 5126: "<f4"}[accessor["componentType"]])
                width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
                strides = (view["byteStride"], dtype.itemsize)
                found[name] = np.ndarray((accessor["count"], width), dtype, body, view["byteOffset"], strides)
            y_up = found.pop("POSITION") * np.array(node.get("scale", [1.0] * 3)) + node.get("translation", 0.0)
            local = np.column_stack([y_up[:, 0], -y_up[:, 2], y_up[:, 1]])
            columns["place"].append(local @ tile.matrix[:3, :3].T + tile.matrix[:3, 3])
            for name, values in found.items():
                columns[name].append(values)
    return {name: np.concatenate(parts) for name, parts in columns.items() if parts}


@pytest.mark.parametrize("options", [SMALL, BINNED, DEEP], ids=["one bin", "bins", "bins above their cells"])
def test_every_point_is_there_once_where_it_was(tmp_path, waves, options):
    source = waves(points=6_000, knot=1_500)
    report = build_cloud(source, tmp_path / "cloud", options)
    found, given = decoded(tmp_path / "cloud"), source.table()
    assert report.points == len(found["place"]) == 6_000
    # The order is another: intensity tells who is who, being 3 n.
    number = np.argsort(found["_INTENSITY"][:, 0], kind="stable")
    earth = source.frame.earth(source.frame.place(given.lon, given.lat, given.height_m))
    assert np.abs(found["place"][number] - earth).max() < 0.007
    assert (found["_CLASSIFICATION"][number, 0] == given.classification).all()
    assert (found["COLOR_0"][number, :3] == linear_bytes(given.colour, 65_535)).all()
    depth = max(len(file.stem) for file in (tmp_path / "cloud").glob("r*.glb"))
    assert options is not DEEP or depth > 8
    checked = check_tileset("tileset.json", folder_opener(tmp_path / "cloud"))
    assert (checked.vertices, checked.faults) == (6_000, ())


def test_a_small_tile_keeps_its_points_to_the_quantum(tmp_path, waves):
    source = waves(points=500, edge_deg=5e-5)
    build_cloud(source, tmp_path / "cloud")
    given = source.table()
    earth = source.frame.earth(source.frame.place(given.lon, given.lat, given.height_m))
    found = decoded(tmp_path / "cloud")
    place = found["place"][np.argsort(found["_INTENSITY"][:, 0], kind="stable")]
    assert np.abs(place - earth).max() < 1.3e-4


def test_a_wide_tile_is_not_rounded_to_sixteen_bits(tmp_path, waves):
    source = waves(points=3_000, edge_deg=0.05)
    build_cloud(source, tmp_path / "cloud")
    given = source.table()
    earth = source.frame.earth(source.frame.place(given.lon, given.lat, given.height_m))
    found = decoded(tmp_path / "cloud")
    place = found["place"][np.argsort(found["_INTENSITY"][:, 0], kind="stable")]
    assert np.abs(place - earth).max() < 6e-4


def test_the_validator_of_khronos_finds_nothing(tmp_path, waves, gltf_problems):
    build_cloud(waves(), tmp_path / "quantized", SMALL)
    build_cloud(waves(points=2_000, edge_deg=0.05, coloured=False), tmp_path / "floats")
    files = {f"{d}-{f.stem}": f.read_bytes() for d in ("quantized", "floats") for f in (tmp_path / d).glob("*.glb")}
    assert len(files) > 15
    assert gltf_problems(files) == []


def test_the_same_points_give_the_same_bytes_in_other_chunks_and_after_a_break(tmp_path, waves, files_of, monkeypatch):
    build_cloud(waves(), tmp_path / "first", BINNED)
    build_cloud(waves(chunk=777), tmp_path / "second", BINNED)
    encode = ENCODERS["glb"]
    calls = []

    def breaking(tile):
        calls.append(tile)
        if len(calls) == 15:
            raise OSError("the disk is full")
        return encode(tile)

    monkeypatch.setitem(ENCODERS, "glb", breaking)
    with pytest.raises(OSError, match="full"):
        build_cloud(waves(), tmp_path / "third", BINNED)
    monkeypatch.setitem(ENCODERS, "glb", encode)
    assert not (tmp_path / "third").exists()
    # What has been read is not read again: this source would fail if it were.
    build_cloud(waves(fail_after=0), tmp_path / "third", BINNED)
    first = files_of(tmp_path / "first")
    assert first == files_of(tmp_path / "second") == files_of(tmp_path / "third")
    assert sum(name.endswith(".json") for name in first) > 10
    assert [entry.name for entry in tmp_path.iterdir() if "work" in entry.name] == []


def test_errors_shrink_downwards_and_end_in_zero(tmp_path, waves):
    source = waves()
    build_cloud(source, tmp_path / "cloud", SMALL)
    tiles = list(read_tileset("tileset.json", folder_opener(tmp_path / "cloud")))
    parents = {tile.ancestors[-1].path for tile in tiles if tile.ancestors}
    assert {tile.geometric_error == 0.0 for tile in tiles if tile.path not in parents} == {True}
    assert all(tile.geometric_error > 0 for tile in tiles if tile.path in parents)
    document = json.loads((tmp_path / "cloud/tileset.json").read_bytes())
    # While nothing is drawn, all of the cloud is missed: viewers show it from as far away as it is a few pixels wide.
    given = source.table()
    corners = source.frame.place(given.lon, given.lat, given.height_m)
    assert document["geometricError"] == pytest.approx(np.linalg.norm(np.ptp(corners, axis=0)), rel=1e-3)
    assert document["asset"] == {"version": "1.1", "extras": {"verticalDatum": "EPSG:5737"}}


def test_a_failed_build_leaves_the_old_scene_and_nothing_else_is_replaced(tmp_path, waves, files_of):
    build_cloud(waves(), tmp_path / "cloud")
    before = files_of(tmp_path / "cloud")
    with pytest.raises(OSError, match="went away"):
        build_cloud(waves(points=12_000, fail_after=1), tmp_path / "cloud")
    assert files_of(tmp_path / "cloud") == before
    build_cloud(waves(points=12_000), tmp_path / "cloud")
    assert files_of(tmp_path / "cloud") != before
    (tmp_path / "letters").mkdir()
    with pytest.raises(DuplicateSceneError, match="no tileset"):
        build_cloud(waves(), tmp_path / "letters")


def test_two_builds_of_one_scene_do_not_run_at_once(tmp_path, waves):
    class Nosy(waves):
        def chunks(self):
            with pytest.raises(AlreadyRunningError):
                build_cloud(waves(), tmp_path / "cloud")
            yield from super().chunks()

    assert build_cloud(Nosy(), tmp_path / "cloud").points == 24_000


def test_points_without_a_place_are_counted_and_many_are_refused(tmp_path, waves):
    class Holes(waves):
        every = 500

        def table(self):
            table = super().table()
            table.height_m[:: self.every] = np.nan
            return table

    report = build_cloud(Holes(), tmp_path / "cloud")
    assert (report.points, report.empty) == (24_000 - 48, 48)
    Holes.every = 50
    with pytest.raises(BadGeometryError, match="no number") as caught:
        build_cloud(Holes(points=24_001), tmp_path / "other")
    assert caught.value.value == "481 of 24,001 points"


def test_a_point_far_from_the_others_is_named(tmp_path, waves):
    class Stray(waves):
        def table(self):
            table = super().table()
            table.lon[1234] = 130.0
            return table

    with pytest.raises(BadGeometryError, match="too far") as caught:
        build_cloud(Stray(), tmp_path / "cloud")
    assert "1 points, the first at 130.00000E" in caught.value.value


def test_more_points_at_one_place_than_memory_holds_are_refused(tmp_path, waves):
    class Pile(waves):
        def table(self):
            table = super().table()
            table.lon[:3_000], table.lat[:3_000], table.height_m[:3_000] = 120.001, 36.261, 30.0
            return table

    with pytest.raises(BadGeometryError, match="one and the same place") as caught:
        build_cloud(Pile(), tmp_path / "cloud", BINNED)
    assert caught.value.value.startswith("3,000 points at 89.")
    assert build_cloud(Pile(), tmp_path / "cloud", SMALL).points == 24_000


def test_pnts_hold_the_same_points(tmp_path, waves):
    source = waves(points=2_000)
    build_cloud(source, tmp_path / "cloud", CloudOptions(content="pnts"))
    data = (tmp_path / "cloud/r.pnts").read_bytes()
    magic, version, total, *lengths = struct.unpack_from("<4sIIIIII", data)
    assert (magic, version, total) == (b"pnts", 1, len(data))
    assert [length % 8 for length in lengths[1:]] == [0, 0, 0]
    features = json.loads(data[28 : 28 + lengths[0]])
    body = data[28 + lengths[0] :]
    place = np.frombuffer(body, "<f4", 6_000, features["POSITION"]["byteOffset"]).reshape(-1, 3)
    shades = np.frombuffer(data, "<u2", 2_000, 28 + sum(lengths[:3]))
    (tile,) = read_tileset("tileset.json", folder_opener(tmp_path / "cloud"))
    given, order = source.table(), np.argsort(shades, kind="stable")
    earth = source.frame.earth(source.frame.place(given.lon, given.lat, given.height_m))
    found = place[order] @ tile.matrix[:3, :3].T + tile.matrix[:3, 3]
    assert np.abs(found - earth).max() < 2e-4
    rgb = np.frombuffer(body, "u1", 6_000, features["RGB"]["byteOffset"]).reshape(-1, 3)[order]
    assert np.abs(rgb.astype(int) - given.colour / 257).max() <= 0.5
    assert json.loads((tmp_path / "cloud/tileset.json").read_bytes())["asset"]["version"] == "1.0"
