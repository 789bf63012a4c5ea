"""What an unfinished build has made so far, kept so that a killed build goes on where it stood.

A folder `<archive>.work` holds `plan.json` (what is built; another plan begins anew), `tiles` (different contents, one behind the other)
and `journal` (one record for each tile that has been made, behind its content). A record counts only when its content is there, whole.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from twin.held import hold_folder

_RECORD = struct.Struct("<QQIBI")  # tile id, offset, length, whether something may lie below, checksum


@dataclass(frozen=True, slots=True)
class Made:
    """One tile that has been made: where its content lies (`length` 0 for none), and whether tiles below it may hold something."""

    offset: int
    length: int
    deeper: bool


class WorkFolder:
    """The folder of a build, held by one process.

    Raises:
        AlreadyRunningError: if another process is building the same archive.
    """

    def __init__(self, folder: Path, plan: Mapping[str, Any]) -> None:
        self.folder = folder
        self._lock = hold_folder(
            folder, "This archive is being built already.", value=folder.name, remedy="Wait, or name another file."
        )
        self._tiles_path, journal, planned = folder / "tiles", folder / "journal", folder / "plan.json"
        text = json.dumps(plan, ensure_ascii=False, sort_keys=True)
        if not planned.exists() or planned.read_text(encoding="utf-8") != text:
            for old in (self._tiles_path, journal):
                old.unlink(missing_ok=True)
            planned.write_text(text, encoding="utf-8")
        self._tiles = self._tiles_path.open("a+b", buffering=0)
        self._journal = journal.open("a+b", buffering=0)
        self.made: dict[int, Made] = {}
        self._known: dict[bytes, int] = {}
        self.size = 0
        self._recall()

    def _recall(self) -> None:
        """Take over whole records; what stands behind the last one is cut off."""
        self._journal.seek(0)
        records, whole = self._journal.read(), 0
        for at in range(0, len(records) - _RECORD.size + 1, _RECORD.size):
            tile_id, offset, length, deeper, checksum = _RECORD.unpack_from(records, at)
            if length:
                self._tiles.seek(offset)
                content = self._tiles.read(length)
                if len(content) != length or zlib.crc32(content) != checksum:
                    break
                self._known.setdefault(_digest(content), offset)
                self.size = max(self.size, offset + length)
            self.made[tile_id] = Made(offset, length, bool(deeper))
            whole = at + _RECORD.size
        self._journal.truncate(whole)
        self._tiles.truncate(self.size)

    def add(self, tile_id: int, content: bytes, *, deeper: bool) -> None:
        """Keep a tile; a content that is there already is not written again."""
        offset = 0
        if content:
            digest = _digest(content)
            known = self._known.get(digest)
            offset = self.size if known is None else known
            if known is None:
                _write_all(self._tiles.fileno(), content)
                self._known[digest] = offset
                self.size += len(content)
        record = _RECORD.pack(tile_id, offset, len(content), deeper, zlib.crc32(content))
        _write_all(self._journal.fileno(), record)
        self.made[tile_id] = Made(offset, len(content), deeper)

    @property
    def contents(self) -> int:
        """Different contents."""
        return len(self._known)

    def finish(self, target: Path, head: bytes) -> None:
        """Write `head` and all contents under the archive's name, in one step, and drop the folder."""
        part = self.folder / "archive"
        with part.open("wb") as file, self._tiles_path.open("rb") as tiles:
            file.write(head)
            shutil.copyfileobj(tiles, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        parent = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for file in (self._tiles, self._journal, self._lock):
            file.close()


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()


def _write_all(descriptor: int, data: bytes) -> None:
    """A raw write may take a part only, when the disk is nearly full."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
