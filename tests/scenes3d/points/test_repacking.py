"""Clouds as 3D Tiles 1.0: the same points, colours as near as 8 bits of linear light know them."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from scipy.spatial import cKDTree

from scenes3d.glb.reading import read_model
from scenes3d.points.building import CloudOptions, build_cloud
from scenes3d.points.colour import linear_bytes, shown_bytes
from scenes3d.points.repacking import pnts_files, pnts_of
from scenes3d.sources.tilesets.importing import TilesetWish, import_tileset
from scenes3d.tileset.folder import folder_opener
from scenes3d.tileset.reading import read_tileset
from twin.errors import UnreadableFileError


def points(folder):
    """Earth-centred places and linear colours of all points, (n, 6)."""
    parts = []
    for tile in read_tileset("tileset.json", folder_opener(folder)):
        for uri, _ in tile.contents:
            if uri.endswith(".glb"):
                (primitive,) = read_model((folder / uri).read_bytes()).primitives
                earth = primitive.positions @ tile.matrix[:3, :3].T + tile.matrix[:3, 3]
                parts.append(np.column_stack([earth, primitive.attributes["COLOR_0"][:, :3]]))
    return np.concatenate(parts)


def test_read_back_the_export_has_the_same_points(waves, tmp_path):
    cloud, out, back = (tmp_path / name for name in ("cloud", "out", "back"))
    build_cloud(waves(), cloud, CloudOptions(bin_points=9_000, take_all=2_000))
    opened = folder_opener(cloud)
    for folder in (out, back):
        folder.mkdir()
    for name, data in pnts_files([path.name for path in sorted(cloud.iterdir())], opened):
        (out / name).write_bytes(data)
    assert {path.suffix for path in out.iterdir()} == {".json", ".pnts"}
    assert {orjson.loads(path.read_bytes())["asset"]["version"] for path in out.glob("*.json")} == {"1.0"}
    report = import_tileset("tileset.json", folder_opener(out), back, TilesetWish(), {})
    assert (report.faults, report.formats.keys()) == ((), {"pnts"})
    one, other = points(cloud), points(back)
    assert len(one) == len(other) == 24_000
    metres, twin = cKDTree(other[:, :3]).query(one[:, :3])
    assert metres.max() < 1e-4
    assert len(np.unique(twin)) == 24_000
    assert np.abs(one[:, 3:] - other[twin, 3:]).max() <= 1


def test_colours_come_back_as_near_as_linear_light_knows_them():
    shown = np.arange(256, dtype=np.uint16)
    light = linear_bytes(shown, 255)
    off = np.abs(shown_bytes(light).astype(int) - shown)
    assert (off.max(), off[64:].max()) == (6, 1)
    assert (linear_bytes(shown_bytes(light).astype(np.uint16), 255) == light).all()


def test_what_is_no_tile_of_a_cloud_is_refused():
    with pytest.raises(UnreadableFileError):
        pnts_of(b"glTF", "r.glb")
