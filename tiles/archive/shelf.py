"""Archives at hand by name: opened when first asked for, opened anew when their file was replaced, refused while it is broken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tiles.archive.reader import Archive
from twin.errors import NotFound, UnreadableFileError

SUFFIX = ".pmtiles"
_Mark = tuple[int, int, int]


class UnknownArchiveError(NotFound):
    """There is no archive of that name."""

    code = "unknown-archive"


@dataclass(frozen=True, slots=True)
class ShelvedArchive:
    """An archive, and what tells it from every other file that had its name.

    Attributes:
        name: What it is called in addresses.
        etag: Strong validator of the whole file.
    """

    name: str
    archive: Archive
    etag: str


class ArchiveShelf:
    """Archives by name.

    Args:
        files: Gives the files by name, at each call as they are.
    """

    def __init__(self, files: Callable[[], Mapping[str, Path]]) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._open: dict[str, tuple[_Mark, ShelvedArchive | UnreadableFileError]] = {}

    @classmethod
    def of_folder(cls, folder: Path) -> ArchiveShelf:
        """Every archive of a folder, which need not exist; hidden files are none."""
        return cls(lambda: {f.stem: f for f in sorted(folder.glob(f"*{SUFFIX}")) if not f.name.startswith(".")})

    @classmethod
    def of_files(cls, files: list[Path]) -> ArchiveShelf:
        """These archives. Of two of one name the first is taken."""
        named = {file.stem: file for file in reversed(files)}
        return cls(lambda: named)

    def names(self) -> tuple[str, ...]:
        """Names of all files, broken ones included, in order."""
        return tuple(sorted(self._files()))

    def get(self, name: str) -> ShelvedArchive:
        """The archive of that name as its file is now. One that was replaced is closed when its last reader has let it go.

        Raises:
            UnknownArchiveError: if there is none.
            UnreadableFileError: if it is broken; the file is looked at again when it has changed.
        """
        path = self._files().get(name)
        if path is None:
            raise UnknownArchiveError(
                f"There is no archive '{name}'.", value=name, remedy="See /archives for the list."
            )
        try:
            known = path.stat()
        except OSError as error:
            raise UnknownArchiveError(f"The archive '{name}' has gone.", value=name) from error
        mark = (known.st_ino, known.st_mtime_ns, known.st_size)
        with self._lock:
            at_hand = self._open.get(name)
            if at_hand is None or at_hand[0] != mark:
                at_hand = self._open[name] = (mark, _opened(name, path, mark))
        if isinstance(at_hand[1], UnreadableFileError):
            raise at_hand[1]
        return at_hand[1]


def _opened(name: str, path: Path, mark: _Mark) -> ShelvedArchive | UnreadableFileError:
    try:
        return ShelvedArchive(name, Archive(path), '"' + "-".join(f"{part:x}" for part in mark) + '"')
    except UnreadableFileError as error:
        return error
