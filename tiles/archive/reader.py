"""A PMTiles archive read in place: mapped, its directories decoded once, a tile found by bisection."""

from __future__ import annotations

import json
import mmap
from bisect import bisect_right
from pathlib import Path
from types import TracebackType
from typing import Any, Self

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


class Archive:
    """An open archive. Every place that a directory names has been checked before the first tile is given.

    Args:
        path: The file.

    Raises:
        UnreadableFileError: if it is no PMTiles 3 archive, cut, damaged, or its directories lead in circles.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise _broken(path, str(error)) from error
        try:
            self._open()
        except Exception as error:
            self._map.close()
            raise _broken(path, str(error) or type(error).__name__) from error

    def _open(self) -> None:
        if len(self._map) < HEADER_BYTES:
            raise ValueError("it is shorter than a header")
        self.header: HeaderDict = deserialize_header(self._map[:HEADER_BYTES])
        for part in ("root", "metadata", "leaf_directory", "tile_data"):
            self._section(part)
        if self.header["internal_compression"] is not Compression.GZIP:
            raise ValueError("its directories are not compressed by gzip, the only way read here")
        root = self.header["root_offset"]
        entries = self._entries(self._map[root : root + self.header["root_length"]])
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
        start = self.header["metadata_offset"]
        packed = self._map[start : start + self.header["metadata_length"]]
        self.metadata: dict[str, Any] = json.loads(unzip(packed, _MOST_TILE_BYTES)) if packed else {}

    def _section(self, part: str) -> None:
        places: dict[str, Any] = dict(self.header)
        if places[f"{part}_offset"] + places[f"{part}_length"] > len(self._map):
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
            found += self._entries(self._map[base + offset : base + offset + length], depth + 1)
            if sum(len(part.ids) for part in found) > _MOST_ENTRIES:
                raise ValueError(f"it has more than {_MOST_ENTRIES:,} entries")
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._map.close()

    def tile(self, tile: Tile) -> bytes | None:
        """The bytes of a tile as they are kept, most often compressed; None where the archive has none.

        Raises:
            TileOutsideGridError: if WebMercatorQuad has no such tile.
        """
        WEB_MERCATOR_QUAD.check(tile)
        number = tile_number(tile.z, tile.x, tile.y)
        at = bisect_right(self._ids, number) - 1
        if at < 0 or number - self._ids[at] >= self._runs[at]:
            return None
        start = self._tiles_from + self._offsets[at]
        return self._map[start : start + self._lengths[at]]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self._map)

    def plain(self, stored: bytes) -> bytes:
        """A tile's bytes without compression.

        Raises:
            UnreadableFileError: if they are damaged, unfold to more than 64 MB, or are compressed in another way than by gzip.
        """
        kind = self.header["tile_compression"]
        if kind is Compression.NONE:
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
            self.plain(self._map[base + offset : base + offset + length])
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
