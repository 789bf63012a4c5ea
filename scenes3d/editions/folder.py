"""The folder of one scene.

::

    tiles/ab/ab12….glb     a tile, named by the checksum of its bytes
    tiles/ab/ab12….rows    what the tree needs to know of its buildings
    editions/17.json.gz    the tiles that make up the scene at version 17 of its layer
    editions/17@….json.gz  those of the states that hold at another time in the world; only the last few are kept
    retired/17.json.gz     an edition that is given up: whoever still reads it finds its tiles
    accuracy.json          what surveyed points said of the scene
    scene.json             the record; it names the edition that is served, and is replaced in one step

A build writes tiles and an edition, and last of all the record: one that fails on the way has changed nothing that is served.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from scenes3d.editions.edition import FILES, Edition, Entry
from scenes3d.editions.files import read_file
from scenes3d.glb.container import broken
from scenes3d.tileset.reading import Opener
from twin.files import put_file
from twin.interval import Interval

if TYPE_CHECKING:
    from scenes3d.buildings.tiling import BuiltTile
    from scenes3d.editions.standing import Standing

NAME = re.compile(r"[0-9a-f]{32}")
_PAUSE_S = 0.02
_KEPT_EDITIONS = 4
_EDITION = re.compile(r"(\d{1,15})\.json\.gz")
_OF_OTHER_TIMES = "*@*.json.gz"
MOST_OF_OTHER_TIMES = 64
"""So many editions of other valid times are kept, those that were made last: there is one for every instant."""


@dataclass(frozen=True)
class SceneFolder:
    """Tiles, editions and record of one scene. Threads and processes may share it; who writes holds `writing`."""

    path: Path
    _thread: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)
    _standing: dict[str, tuple[tuple[Entry, ...], Standing]] = field(default_factory=dict, repr=False, compare=False)
    _read: dict[str, tuple[tuple[int, int], Edition]] = field(default_factory=dict, repr=False, compare=False)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The right to write editions and record; others wait."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self._thread, (self.path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def writing_if_free(self) -> Iterator[bool]:
        """The same where nobody has it; else the block is told so, and nothing may be written in it."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not self._thread.acquire(blocking=False):
            yield False
            return
        try:
            with (self.path / ".lock").open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield False
                else:
                    yield True
        finally:
            self._thread.release()

    @contextmanager
    def writing_soon(self, patience_s: float) -> Iterator[bool]:
        """The same after waiting for a while: a build of a city takes minutes, an edition after an edit a moment."""
        end = time.monotonic() + patience_s
        while True:
            with self.writing_if_free() as free:
                if free or time.monotonic() >= end:
                    yield free
                    return
            time.sleep(_PAUSE_S)

    def tile_path(self, content: str) -> Path:
        """Where a tile of that name is, if there is one."""
        return self.path / "tiles" / content[:2] / f"{content}.glb"

    def read_tile(self, content: str) -> bytes | None:
        """A tile by its name; None where there is none."""
        if not NAME.fullmatch(content):
            return None
        with suppress(FileNotFoundError):
            return self.tile_path(content).read_bytes()
        return None

    def put(self, tile: BuiltTile) -> Entry:
        """Keep a tile; one that is here already stays, and is as young as a new one to who sweeps."""
        from scenes3d.editions.rows import pack_rows  # with the first tile: pyarrow comes along

        content = blake2b(tile.content, digest_size=16).hexdigest()
        path = self.tile_path(content)
        if not path.is_file() or path.stat().st_size != len(tile.content):
            path.parent.mkdir(parents=True, exist_ok=True)
            put_file(path.with_suffix(".rows"), pack_rows(tile.rows))
            put_file(path, tile.content)
        else:
            os.utime(path)
        return Entry(
            level=tile.level,
            code=tile.code,
            content=content,
            count=len(tile.rows.codes),
            length=len(tile.content),
            largest_m=tile.largest_m,
            region=tile.region,
            lon=tile.frame.lon,
            lat=tile.frame.lat,
        )

    def standing(self, entries: tuple[Entry, ...]) -> Standing:
        """All buildings of these tiles; those of the last edition that was made here are at hand.

        Raises:
            UnreadableFileError: if a file of the scene is lost or broken.
        """
        held = self._standing.get("last")
        if held is not None and held[0] == entries:
            return held[1]
        from scenes3d.editions.rows import read_rows  # with the first edit: pyarrow comes along
        from scenes3d.editions.standing import Standing

        tiles = [read_rows(self.tile_path(entry.content).with_suffix(".rows")) for entry in entries]
        return Standing.of(tiles, entries)

    def keep_standing(self, entries: tuple[Entry, ...], standing: Standing) -> None:
        """Have the buildings of these tiles at hand for the next edit."""
        self._standing["last"] = (entries, standing)

    def versions(self) -> list[int]:
        """Versions of the layer that have an edition, ascending."""
        with suppress(FileNotFoundError):
            found = (_EDITION.fullmatch(path.name) for path in (self.path / "editions").iterdir())
            return sorted(int(match[1]) for match in found if match)
        return []

    def edition(self, version: int) -> Edition:
        """The edition of a version that `versions` named a moment ago; the last few that were read are kept.

        Raises:
            UnreadableFileError: if it is lost or broken.
        """
        return self._edition_in(self.list_path(version))

    def edition_valid(self, version: int, valid: Interval) -> Edition | None:
        """The edition of a version and a valid time; None where it is not kept.

        Raises:
            UnreadableFileError: if it is broken.
        """
        path = self.list_path(version, valid)
        return self._edition_in(path) if path.is_file() else None

    def _edition_in(self, path: Path) -> Edition:
        if not path.is_file():
            path = self._retired_path(path)  # given up since the caller looked
        try:
            status = path.stat()
            mark = (status.st_mtime_ns, status.st_ino)
            held = self._read.get(path.name)
            if held is not None and held[0] == mark:
                return held[1]
            data = path.read_bytes()
        except OSError as error:
            raise broken(path.name, "it is lost", "the list of tiles of a scene") from error
        edition = Edition.from_bytes(data, path.name)
        with self._thread:
            self._read[path.name] = (mark, edition)
            for old in list(self._read)[:-_KEPT_EDITIONS]:
                del self._read[old]
        return edition

    def save(self, edition: Edition) -> None:
        """Keep an edition; one of the same version and valid time is replaced."""
        path = self.list_path(edition.version, edition.valid)
        path.parent.mkdir(parents=True, exist_ok=True)
        body = edition.to_bytes()
        if path.is_file() and (before := path.read_bytes()) != body:
            self._put_aside(path.name, before)
        put_file(path, body)
        if edition.valid is not None:
            made = sorted(self._of_other_times(), key=lambda other: other.stat().st_mtime_ns)
            for old in made[:-MOST_OF_OTHER_TIMES]:
                self.retire(old)

    def retire(self, path: Path) -> None:
        """Put a list of tiles aside; `retired` tells it until somebody sweeps."""
        self._put_aside(path.name, path.read_bytes())
        path.unlink()

    def lists(self) -> list[Path]:
        """The lists of tiles of all editions."""
        return [*map(self.list_path, self.versions()), *self._of_other_times()]

    def retired(self) -> list[Path]:
        """The lists that were put aside, each as old as the time since."""
        return list((self.path / "retired").glob("*.json.gz"))

    def forget_editions(self) -> None:
        """Remove all editions: they belong to a layer that is gone."""
        for path in [*self.lists(), *self.retired()]:
            path.unlink(missing_ok=True)

    def record(self) -> dict[str, Any] | None:
        """The record; None where nothing was ever built.

        Raises:
            UnreadableFileError: if it is broken.
        """
        return self._document("scene.json", "the record of a scene")

    def save_record(self, record: dict[str, Any]) -> None:
        """Put another record in its place, in one step."""
        put_file(self.path / "scene.json", orjson.dumps(record, option=orjson.OPT_INDENT_2))

    def _of_other_times(self) -> list[Path]:
        return list((self.path / "editions").glob(_OF_OTHER_TIMES))

    def accuracy(self) -> dict[str, Any] | None:
        """The report of surveyed points; None where there is none.

        Raises:
            UnreadableFileError: if it is broken.
        """
        return self._document("accuracy.json", "the report of control points")

    def save_accuracy(self, report: dict[str, Any]) -> None:
        """Put another report in its place, in one step."""
        put_file(self.path / "accuracy.json", orjson.dumps(report, option=orjson.OPT_INDENT_2))

    def _document(self, name: str, what: str) -> dict[str, Any] | None:
        path = self.path / name
        try:
            return dict(orjson.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except orjson.JSONDecodeError as error:
            raise broken(f"{self.path.name}/{name}", str(error), what) from error

    def list_path(self, version: int, valid: Interval | None = None) -> Path:
        """Where the list of tiles of an edition is, if there is one."""
        time = "" if valid is None else "@" + re.sub("[-:]", "", str(valid)).replace("/", "_")
        return self.path / "editions" / f"{version}{time}.json.gz"

    def _put_aside(self, name: str, body: bytes) -> None:
        target = self._retired_path(Path(name))
        target.parent.mkdir(exist_ok=True)
        put_file(target, body)

    def _retired_path(self, path: Path) -> Path:
        return self.path / "retired" / path.name


def edition_opener(folder: SceneFolder, edition: Edition) -> Opener:
    """Opens `tileset.json`, `tiles/…` and `files/…` of an edition, as `scenes3d.tileset` asks for them."""

    def opened(address: str) -> bytes:
        if address == "tileset.json":
            return edition.tileset().to_json()
        if address.startswith(f"{FILES}/"):
            data = read_file(folder.path, address)
        else:
            data = folder.read_tile(address.removeprefix("tiles/").removesuffix(".glb"))
        if data is None:
            raise broken(address, "it is lost", "a tile of the scene")
        return data

    return opened
