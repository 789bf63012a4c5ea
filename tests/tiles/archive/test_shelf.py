"""The shelf: an archive is the file that was opened, whatever becomes of its name, and is let go when it is gone."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest
from pmtiles.tile import Compression, TileType
from pmtiles.writer import Writer

from tiles.address import Tile
from tiles.archive.reader import Archive
from tiles.archive.shelf import ArchiveShelf, UnknownArchiveError
from twin.errors import UnreadableFileError

TOP = Tile(z=0, x=0, y=0)


def write(path: Path, content: bytes, compression: Compression = Compression.NONE) -> Path:
    """An archive of one tile, by the pmtiles package."""
    with path.open("wb") as file:
        writer = Writer(file)
        writer.write_tile(0, content)
        writer.finalize(
            {
                "tile_type": TileType.PNG,
                "tile_compression": compression,
                "min_lon_e7": 0,
                "min_lat_e7": 0,
                "max_lon_e7": 1,
                "max_lat_e7": 1,
                "center_zoom": 0,
                "center_lon_e7": 0,
                "center_lat_e7": 0,
            },
            {"name": "one"},
        )
    return path


def open_files(path: Path) -> int:
    """How often this process has a file open, its name or not."""
    gc.collect()
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += str(entry.readlink()).removesuffix(" (deleted)") == str(path)
        except FileNotFoundError:  # the folder's own
            continue
    return found


def test_a_replaced_file_changes_nothing_for_who_has_it_and_everything_for_the_next(tmp_path: Path) -> None:
    path = write(tmp_path / "city.pmtiles", b"old")
    shelf = ArchiveShelf.of_folder(tmp_path)
    before = shelf.get("city")
    old = path.read_bytes()
    write(tmp_path / "next", b"another").replace(path)
    assert before.archive.tile(TOP) == b"old"
    assert before.archive.read(0, before.archive.size) == old
    after = shelf.get("city")
    assert after.archive.tile(TOP) == b"another"
    assert before.etag("identity") != after.etag("identity")
    assert after.etag("identity") != after.etag("gzip")


def test_a_file_that_is_gone_is_let_go(tmp_path: Path) -> None:
    path = write(tmp_path / "city.pmtiles", b"old")
    write(tmp_path / "other.pmtiles", b"x")
    shelf = ArchiveShelf.of_folder(tmp_path)
    shelf.get("city")
    assert open_files(path) == 1
    path.unlink()
    with pytest.raises(UnknownArchiveError):
        shelf.get("city")
    assert open_files(path) == 0
    other = tmp_path / "other.pmtiles"
    shelf.get("other")
    other.unlink()
    assert shelf.names() == ()
    assert open_files(other) == 0


def test_the_mark_is_that_of_the_file_that_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "city.pmtiles", b"old")
    late = write(tmp_path / "late", b"put there meanwhile")
    shelf = ArchiveShelf.of_files([path])

    class Late(Archive):
        def __init__(self, path: Path) -> None:
            shutil.copy(late, tmp_path / "copy")
            (tmp_path / "copy").replace(path)
            super().__init__(path)

    monkeypatch.setattr("tiles.archive.shelf.Archive", Late)
    found = shelf.get("city")
    assert found.archive.tile(TOP) == b"put there meanwhile"
    monkeypatch.undo()
    assert shelf.get("city") is found


def test_a_file_cut_while_it_is_open_is_broken_and_not_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "city.pmtiles", bytes(100_000))
    with Archive(path) as archive:
        os.truncate(path, 1000)
        with pytest.raises(UnreadableFileError, match=r"city\.pmtiles"):
            archive.tile(TOP)


def test_tiles_compressed_in_a_way_nobody_unfolds_here_are_refused(tmp_path: Path) -> None:
    with (
        Archive(write(tmp_path / "city.pmtiles", b"x", Compression.BROTLI)) as archive,
        pytest.raises(UnreadableFileError, match="brotli"),
    ):
        archive.tile(TOP)
