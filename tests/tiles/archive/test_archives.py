"""Archives: read by the pmtiles package and by GDAL, equal to their source, resumed after a kill, refused when damaged."""

from __future__ import annotations

import errno
import gzip
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
import shapely
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import Entry, deserialize_directory, serialize_directory

from api.cli import run
from loud_skips import skip_loudly
from processes import Spawned
from tiles.address import Tile
from tiles.archive.building import BuildOptions, Built, build_archive
from tiles.archive.directory import decode_directory, encode_directories
from tiles.archive.pyramid import SnapshotPyramids
from tiles.archive.reader import Archive
from tiles.features import StoreTileSource
from tiles.grids import WEB_MERCATOR_QUAD
from tiles.kernel import readiness
from tiles.snapshot.copying import make_snapshot
from tiles.snapshot.keeping import SnapshotKeeper
from tiles.snapshot.source import SnapshotTileSource
from twin.errors import AlreadyRunningError, BadCall, StoreBusyError, UnreadableFileError
from twin.feature import Feature
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

OPTIONS = BuildOptions(0, 15, threads=2)
AUTHOR = Author("test")


@pytest.fixture(scope="module", autouse=True)
def _kernels() -> None:
    """Where they are not loaded yet, sources draw in another way."""
    assert readiness.wait_for_kernels()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(str(tmp_path / "onemap.gpkg"))) as store:
        draw = np.random.default_rng(4)
        lamps = Schema(GeometryType.POINT, (Property("name", PropertyType.STRING),))
        with store.write(
            "lamps", AUTHOR, create=LayerSpec("lamps", lamps, {"title": {"zh": "路灯", "en": "Lamps"}})
        ) as w:
            for n, (x, y) in enumerate(draw.uniform(-0.02, 0.02, (200, 2))):
                w.insert(Feature(f"L{n}", shapely.Point(120 + x, 36.2 + y), {"name": f"灯{n}"}))
        # A speck of a metre: no tile above level 13 draws it, and those below must be found all the same.
        specks = Schema(GeometryType.POLYGON, (Property("name", PropertyType.STRING),))
        with store.write("specks", AUTHOR, create=LayerSpec("specks", specks, {"style": {"min_zoom": 0}})) as w:
            w.insert(Feature("S1", shapely.box(120.5, 36.5, 120.50001, 36.50001), {"name": "点"}))
        yield store


def pyramids(store: Store) -> SnapshotPyramids:
    return SnapshotPyramids(store, Path("no snapshots here"))


def build(store: Store, file: Path, source=None, options: BuildOptions = OPTIONS, **more) -> Built:
    return build_archive(source or pyramids(store), ["lamps", "specks"], file, options, **more)


def test_a_foreign_reader_finds_every_tile_as_the_source_draws_it(store: Store, tmp_path: Path):
    built = build(store, tmp_path / "a.pmtiles")
    source = SnapshotTileSource(StoreTileSource(store), SnapshotKeeper(store, tmp_path / "snapshots"))
    layers = [source.describe("lamps"), source.describe("specks")]
    seen: set[tuple[int, int, int]] = set()
    with (tmp_path / "a.pmtiles").open("rb") as file, Archive(tmp_path / "a.pmtiles") as own:
        for (z, x, y), packed in all_tiles(MmapSource(file)):
            tile = Tile(z=z, x=x, y=y)
            drawn = b"".join(source.tile(layer, tile, WEB_MERCATOR_QUAD).data for layer in layers)
            assert gzip.decompress(packed) == drawn
            assert own.tile(tile) == packed
            seen.add((z, x, y))
        reader = Reader(MmapSource(file))
        assert {layer["id"] for layer in reader.metadata()["vector_layers"]} == {"lamps", "specks"}
        assert "路灯" in reader.metadata()["name"]
        assert reader.metadata()["onemap:layers"]["lamps"]["version"] == 1
        assert reader.header()["clustered"]
    for lon, lat in ((120.0, 36.2), (120.500005, 36.500005)):
        around = WEB_MERCATOR_QUAD.tile_at(lon, lat, 15)
        assert (15, around.x, around.y) in seen
    assert len(seen) == built.tiles > 20


def test_every_tile_that_holds_a_feature_is_there(store: Store, tmp_path: Path):
    build(store, tmp_path / "a.pmtiles")
    found: set[str] = set()
    with Archive(tmp_path / "a.pmtiles") as archive:
        for feature in store.select("lamps", everything()).features():
            tile = WEB_MERCATOR_QUAD.tile_at(feature.geometry.x, feature.geometry.y, 15)
            packed = archive.tile(tile)
            assert packed is not None
            drawn = mapbox_vector_tile.decode(archive.plain(packed))["lamps"]["features"]
            found |= {f["properties"]["name"] for f in drawn}
    assert found == {f"灯{n}" for n in range(200)}


def everything():
    from twin.query import FeatureQuery

    return FeatureQuery()


def test_gdal_reads_it(store: Store, tmp_path: Path):
    if "PMTiles" not in pyogrio.list_drivers():
        skip_loudly("GDAL with the PMTiles driver", "install a pyogrio wheel")
    build(store, tmp_path / "a.pmtiles")
    assert {name for name, _ in pyogrio.list_layers(tmp_path / "a.pmtiles")} == {"lamps", "specks"}
    assert len(pyogrio.read_dataframe(tmp_path / "a.pmtiles", layer="lamps")) >= 200


class Stopping:
    """Pyramids that do something after some tiles: fail, or edit a layer in the middle of the build."""

    def __init__(self, inner: SnapshotPyramids, after: int, then) -> None:
        self._inner, self._left, self._then = inner, after, then

    def __getattr__(self, name: str):
        return getattr(self._inner, name)

    def pyramid(self, layers, folder, copied):
        self._pyramid = self._inner.pyramid(layers, folder, copied)
        return self

    def holds_anything(self, tile):
        return self._pyramid.holds_anything(tile)

    def tile(self, tile):
        self._left -= 1
        if self._left == 0:
            self._then()
        return self._pyramid.tile(tile)


def fail() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_no_archive_and_the_next_build_goes_on(store: Store, tmp_path: Path):
    whole = build(store, tmp_path / "whole.pmtiles")
    part = tmp_path / "part.pmtiles"
    one = BuildOptions(0, 15, threads=1)
    with pytest.raises(StoreBusyError, match="No space left"):
        build(store, part, Stopping(pyramids(store), 20, fail), one)
    assert not part.exists()
    assert build(store, part).resumed > 0
    assert part.read_bytes() == (tmp_path / "whole.pmtiles").read_bytes()
    assert not part.with_name("part.pmtiles.work").exists()
    assert whole.resumed == 0


@pytest.mark.parametrize("most", [1_000, 6_000, 40_000])
def test_a_disk_that_takes_no_more_leaves_what_was_in_service(store: Store, tmp_path: Path, most: int):
    """Files may not grow beyond a size: that of a layer's copy, of the tiles, of the archive."""
    file = tmp_path / "a.pmtiles"
    build(store, file, options=BuildOptions(0, 3))
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        with pytest.raises(StoreBusyError, match="too large"):
            build(store, file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == before
    assert sorted(f.name for f in tmp_path.glob("a.pmtiles*")) == ["a.pmtiles", "a.pmtiles.work"]
    build(store, file)
    build(store, tmp_path / "whole.pmtiles")
    assert file.read_bytes() == (tmp_path / "whole.pmtiles").read_bytes()


def test_an_edit_during_the_build_is_not_in_the_archive(store: Store, tmp_path: Path):
    build(store, tmp_path / "before.pmtiles")

    def edit() -> None:
        with store.write("lamps", AUTHOR) as writer:
            writer.insert(Feature("new", shapely.Point(120, 36.2), {"name": "新"}))

    build(store, tmp_path / "during.pmtiles", Stopping(pyramids(store), 8, edit), BuildOptions(0, 15, 1))
    assert store.version("lamps") == 2
    assert (tmp_path / "during.pmtiles").read_bytes() == (tmp_path / "before.pmtiles").read_bytes()


BUILDER = """
import sys
from pathlib import Path
from tiles.archive.building import BuildOptions, build_archive
from tiles.archive.pyramid import SnapshotPyramids
from twin.store import open_store

store = open_store(sys.argv[1])
def advance(level, done, total):
    print(level, flush=True)
    if level == 14:
        sys.stdin.readline()
build_archive(SnapshotPyramids(store, Path("none")), ["lamps", "specks"], Path(sys.argv[2]), BuildOptions(0, 15, 2), advance)
"""


def test_a_killed_build_goes_on_and_gives_the_same_bytes(store: Store, tmp_path: Path, spawn):
    build(store, tmp_path / "whole.pmtiles")
    file = tmp_path / "killed.pmtiles"
    program: Spawned = spawn(BUILDER, str(tmp_path / "onemap.gpkg"), str(file))
    while program.read_line() != "14":
        pass
    with pytest.raises(AlreadyRunningError):
        build(store, file)
    program.kill()
    journal = file.with_name("killed.pmtiles.work") / "journal"
    with journal.open("ab") as torn:
        torn.write(b"half a record")
    assert not file.exists()
    assert build(store, file).resumed > 0
    assert file.read_bytes() == (tmp_path / "whole.pmtiles").read_bytes()


def test_an_edit_between_plan_and_copy_is_not_in_the_archive(store: Store, tmp_path: Path):
    build(store, tmp_path / "before.pmtiles")

    class Late(SnapshotPyramids):
        def pyramid(self, layers, folder, copied):
            with store.write("lamps", AUTHOR) as writer:
                writer.delete("L0")
                writer.insert(Feature("new", shapely.Point(120, 36.2), {"name": "新"}))
            return super().pyramid(layers, folder, copied)

    build(store, tmp_path / "during.pmtiles", Late(store, tmp_path / "none"))
    assert (tmp_path / "during.pmtiles").read_bytes() == (tmp_path / "before.pmtiles").read_bytes()
    with Archive(tmp_path / "during.pmtiles") as archive:
        assert archive.metadata["onemap:layers"]["lamps"]["version"] == 1
    assert store.version("lamps") == 2


def test_a_servers_snapshot_is_taken_while_it_shows_the_version_and_nothing_later(store: Store, tmp_path: Path):
    source = StoreTileSource(store)
    make_snapshot(store, source.describe("lamps"), tmp_path / "lamps.snapshot")
    read: list[str] = []
    build_archive(
        SnapshotPyramids(store, tmp_path), ["lamps"], tmp_path / "b.pmtiles", BuildOptions(8, 9), copied=_named(read)
    )
    assert read == []
    with store.write("lamps", AUTHOR) as writer:
        writer.delete("L1")
    build_archive(
        SnapshotPyramids(store, tmp_path), ["lamps"], tmp_path / "c.pmtiles", BuildOptions(8, 9), copied=_named(read)
    )
    assert read == ["lamps"]
    assert (tmp_path / "c.pmtiles").read_bytes() != (tmp_path / "b.pmtiles").read_bytes()


def _named(names: list[str]):
    return lambda name, _rows: names.append(name)


def test_other_levels_begin_anew(store: Store, tmp_path: Path):
    file = tmp_path / "a.pmtiles"
    with pytest.raises(StoreBusyError):
        build(store, file, Stopping(pyramids(store), 15, fail), BuildOptions(0, 15, 1))
    assert build(store, file, options=BuildOptions(3, 12)).resumed == 0
    with pytest.raises(BadCall):
        build(store, file, options=BuildOptions(5, 4))


def test_directories_of_many_entries_get_leaves_and_come_back():
    draw = np.random.default_rng(1)
    ids = np.cumsum(draw.integers(1, 9, 50_000)).tolist()
    entries = [Entry(n, int(draw.integers(0, 1 << 40)), int(draw.integers(1, 1 << 20)), 1) for n in ids]
    root, leaves = encode_directories(entries)
    assert leaves
    assert all(e.run_length == 0 for e in deserialize_directory(root))
    back = decode_directory(serialize_directory(entries))
    assert back.ids.tolist() == ids
    assert back.offsets.tolist() == [e.offset for e in entries]


class Sea(Stopping):
    """Every tile of it is the same."""

    def holds_anything(self, tile):
        return True

    def tile(self, tile):
        return b"the sea"


def test_equal_tiles_are_stored_once(store: Store, tmp_path: Path):
    built = build(store, tmp_path / "a.pmtiles", Sea(pyramids(store), 0, fail), BuildOptions(4, 7))
    with Archive(tmp_path / "a.pmtiles") as archive:
        assert archive.verify() == built.contents == 1
        assert len(archive.directory.ids) < built.tiles == 9 * (1 + 4 + 16 + 64)
        assert archive.header["tile_data_length"] == archive.directory.lengths[0]


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign", "root", "tile"])
def test_a_damaged_archive_is_refused_by_name(store: Store, tmp_path: Path, damage: str):
    file = tmp_path / "broken.pmtiles"
    build(store, file)
    data = bytearray(file.read_bytes())
    with Archive(file) as archive:
        header = dict(archive.header)
    broken = {
        "cut": data[:-10],
        "empty": b"",
        "foreign": b"PK" + data[2:],
        "root": data[:140] + bytes(20) + data[160:],
        "tile": data[: header["tile_data_offset"]] + b"\xff" * 8 + data[header["tile_data_offset"] + 8 :],
    }[damage]
    file.write_bytes(broken)
    with pytest.raises(UnreadableFileError, match=r"broken\.pmtiles"), Archive(file) as archive:
        archive.verify()


def test_directories_that_lead_in_circles_are_refused(store: Store, tmp_path: Path):
    file = tmp_path / "circle.pmtiles"
    build(store, file)
    data = file.read_bytes()
    root = serialize_directory([Entry(0, 0, 40, 0), Entry(9, 0, 40, 0)])
    header = bytearray(data[:127])
    for place, value in ((8, 127), (16, len(root)), (24, 127), (32, 0), (40, 127), (48, 40)):
        header[place : place + 8] = value.to_bytes(8, "little")
    file.write_bytes(bytes(header) + root + data[127 + len(root) :])
    with pytest.raises(UnreadableFileError, match="circles"):
        Archive(file)


def test_a_tile_that_unfolds_without_end_is_refused(store: Store, tmp_path: Path):
    build(store, tmp_path / "a.pmtiles")
    with Archive(tmp_path / "a.pmtiles") as archive, pytest.raises(UnreadableFileError, match="unfold"):
        archive.plain(gzip.compress(bytes(65 << 20)))


def test_a_foreign_archive_is_read_as_the_pmtiles_package_reads_it(shared_data: Path):
    path = shared_data / "vector/firenze-protomaps.pmtiles"
    if not path.exists():
        skip_loudly("firenze-protomaps.pmtiles", "put the shared data beside the checkout")
    with path.open("rb") as file, Archive(path) as own:
        reader = Reader(MmapSource(file))
        checked = 0
        for (z, x, y), packed in all_tiles(MmapSource(file)):
            if checked % 7 == 0:
                assert own.tile(Tile(z=z, x=x, y=y)) == packed == reader.get(z, x, y)
            checked += 1
        assert own.metadata == reader.metadata()
        assert int(own.directory.runs.sum()) == own.header["addressed_tiles_count"]
    assert checked > 20


def test_the_command_builds_and_verifies(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(tmp_path / "onemap.gpkg", folder)
    if (tmp_path / "onemap.gpkg-wal").exists():
        shutil.copy(tmp_path / "onemap.gpkg-wal", folder)
    file = str(tmp_path / "c.pmtiles")
    assert run(["tiles", "build", "-o", file, "--max-zoom", "12", "--data", str(folder)]) == 0
    assert "lamps v1" in capsys.readouterr().out
    assert run(["tiles", "verify", file]) == 0
    assert "levels 0-12" in capsys.readouterr().out
    os.truncate(file, 200)
    assert run(["tiles", "verify", file]) == 2
    assert "c.pmtiles" in capsys.readouterr().err
