"""A PMTiles archive read in place: opened once, its directories decoded once, a tile found by bisection.

Bytes are read and not mapped: a file that somebody cuts short while it is served is then a broken archive, and not the end of the server.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from os import pread
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from weakref import finalize

import numpy as np
import numpy.typing as npt
from pmtiles.tile import Compression, HeaderDict, deserialize_header

from tiles.address import Tile
from tiles.archive.directory import Directory, decode_directory, unzip
from tiles.archive.tile_id import tile_number
from tiles.grids import WEB_MERCATOR_QUAD
from twin.errors import UnreadableFileError

HEADER_BYTES = 127
_MOST_ENTRIES = 20_000_000
_MOST_TILE_BYTES = 64 * 1024 * 1024
_DEEPEST = 4
_DEEPEST_LEVEL = WEB_MERCATOR_QUAD.max_zoom
# Images say no compression, and some writers of them say none of either.
_PLAIN = (Compression.NONE, Compression.UNKNOWN)

Mark = tuple[int, int, int]
"""Which file, when written to, how large."""


def mark_of(known: os.stat_result) -> Mark:
    """What tells a file from every other that had its name."""
    return known.st_ino, known.st_mtime_ns, known.st_size


class Archive:
    """An open archive. Every place that a directory names has been checked before the first tile is given.

    Whatever happens to its name in the file system, all of it comes from the file that was opened.

    Args:
        path: The file.

    Raises:
        UnreadableFileError: if it is no PMTiles 3 archive, cut, damaged, or its directories lead in circles.

    Attributes:
        path: As given.
        size: Bytes of the file.
        mark: What tells the file from every other that had its name, and from itself before it was written to.
        header, metadata: As they are kept.
        directory: All entries for tiles.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _broken(path, str(error)) from error
        self._close = finalize(self, os.close, self._descriptor)
        known = os.fstat(self._descriptor)
        self.size, self.mark = known.st_size, mark_of(known)
        try:
            self._open()
        except Exception as error:
            self._close()
            raise _broken(path, str(error) or type(error).__name__) from error

    def _open(self) -> None:
        if self.size < HEADER_BYTES:
            raise ValueError("it is shorter than a header")
        self.header: HeaderDict = deserialize_header(self._read(0, HEADER_BYTES))
        for part in ("root", "metadata", "leaf_directory", "tile_data"):
            self._section(part)
        if self.header["internal_compression"] is not Compression.GZIP:
            raise ValueError("its directories are not compressed by gzip, the only way read here")
        entries = self._entries(self._read(self.header["root_offset"], self.header["root_length"]))
        found = Directory(*(np.concatenate([getattr(d, name) for d in entries]) for name in Directory.__slots__))
        if (found.ids[1:] < found.ids[:-1] + found.runs[:-1]).any():
            raise ValueError("its tiles are out of order")
        if (found.offsets + found.lengths > self.header["tile_data_length"]).any() or (found.offsets < 0).any():
            raise ValueError("a tile lies outside of the file")
        self.directory = found
        self._tiles_from = int(self.header["tile_data_offset"])
        # Plain numbers come out of a view without the wrapping of an array's scalars, and no list of them is kept.
        self._ids, self._runs = _plain(found.ids), _plain(found.runs)
        self._lengths, self._offsets = _plain(found.lengths), _plain(found.offsets)
        self._sound = bytearray(len(found.ids))
        packed = self._read(self.header["metadata_offset"], self.header["metadata_length"])
        self.metadata: dict[str, Any] = json.loads(unzip(packed, _MOST_TILE_BYTES)) if packed else {}

    def _section(self, part: str) -> None:
        places: dict[str, Any] = dict(self.header)
        if places[f"{part}_offset"] + places[f"{part}_length"] > self.size:
            raise ValueError(f"its {part.replace('_', ' ')} lies behind its end: it is cut")

    def _entries(self, packed: bytes, depth: int = 1) -> list[Directory]:
        """The entries for tiles, in order; leaves are read where they stand. Each may be reached once."""
        directory = decode_directory(packed)
        tiles = directory.runs > 0
        if tiles.all():
            return [directory]
        if tiles.any() or depth == _DEEPEST:
            raise ValueError("its directories are nested in a way that is not read here")
        offsets, lengths = directory.offsets.tolist(), directory.lengths.tolist()
        if len(set(offsets)) != len(offsets):
            raise ValueError("its directories lead in circles")
        if max(a + b for a, b in zip(offsets, lengths, strict=True)) > self.header["leaf_directory_length"]:
            raise ValueError("a directory lies outside of the file")
        base = self.header["leaf_directory_offset"]
        found: list[Directory] = []
        for offset, length in zip(offsets, lengths, strict=True):
            found += self._entries(self._read(base + offset, length), depth + 1)
            if sum(len(part.ids) for part in found) > _MOST_ENTRIES:
                raise ValueError(f"it has more than {_MOST_ENTRIES:,} entries")
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    def tile(self, tile: Tile) -> bytes | None:
        """The bytes of a tile as they are kept, most often compressed; None where the archive has none.

        Raises:
            TileOutsideGridError: if WebMercatorQuad has no such tile.
            UnreadableFileError: if they are damaged, or compressed in a way that is not read here.
        """
        z, x, y = tile.z, tile.x, tile.y
        if not 0 <= z <= _DEEPEST_LEVEL or (x | y) >> z:  # of a negative number ones are left as well
            WEB_MERCATOR_QUAD.check(tile)
        number = tile_number(z, x, y)
        at = bisect_right(self._ids, number) - 1
        if at < 0 or number - self._ids[at] >= self._runs[at]:
            return None
        start, length = self._tiles_from + self._offsets[at], self._lengths[at]
        try:
            stored = pread(self._descriptor, length, start)
        except OSError:
            stored = b""
        if len(stored) != length:
            stored = self.read(start, length)  # which says what is wrong
        if not self._sound[at]:
            self.plain(stored)
            self._sound[at] = 1
        return stored

    def read(self, start: int, length: int) -> bytes:
        """Bytes of the file from a place on, which is in it.

        Raises:
            UnreadableFileError: if the file has been cut since it was opened.
        """
        try:
            return self._read(start, length)
        except (OSError, ValueError) as error:
            raise _broken(self.path, str(error)) from error

    def _read(self, start: int, length: int) -> bytes:
        data = pread(self._descriptor, length, start)
        while len(data) < length:  # a call gives 2 GB at most
            more = pread(self._descriptor, length - len(data), start + len(data))
            if not more:
                raise ValueError("it was cut while it was read")
            data += more
        return data

    def plain(self, stored: bytes) -> bytes:
        """A tile's bytes without compression.

        Raises:
            UnreadableFileError: if they are damaged, unfold to more than 64 MB, or are compressed in another way than by gzip.
        """
        kind = self.header["tile_compression"]
        if kind in _PLAIN:
            return stored
        if kind is not Compression.GZIP:
            raise _broken(self.path, f"its tiles are compressed by {kind.name.lower()}, which is not read here")
        try:
            return unzip(stored, _MOST_TILE_BYTES)
        except ValueError as error:
            raise _broken(self.path, f"a tile's {error}") from error

    def verify(self) -> int:
        """Unfold every stored content once, and say how many there are.

        Raises:
            UnreadableFileError: if one is damaged.
        """
        base = self.header["tile_data_offset"]
        contents = set(zip(self.directory.offsets.tolist(), self.directory.lengths.tolist(), strict=True))
        for offset, length in sorted(contents):
            self.plain(self.read(base + offset, length))
        return len(contents)


def _plain(numbers: npt.NDArray[np.int64]) -> memoryview:
    return numbers.data  # type: ignore[no-any-return, unused-ignore]


def _broken(path: Path, why: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"The tile archive {path.name} cannot be used: {why}.",
        value=path.name,
        limit="a whole PMTiles 3 archive",
        remedy="Build or copy it again.",
    )
