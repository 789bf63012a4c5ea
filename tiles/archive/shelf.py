"""Archives at hand by name: opened when first asked for, opened anew when their file was replaced, refused while it is broken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tiles.archive.reader import Archive, Mark, mark_of
from twin.errors import NotFound, UnreadableFileError

SUFFIX = ".pmtiles"


class UnknownArchiveError(NotFound):
    """There is no archive of that name."""

    code = "unknown-archive"


@dataclass(frozen=True, slots=True)
class ShelvedArchive:
    """An archive by the name it has in addresses."""

    name: str
    archive: Archive

    def etag(self, representation: str) -> str:
        """A strong validator for one form of what is in the file. Source: RFC 9110, 8.8.3."""
        return '"' + "-".join([*(f"{part:x}" for part in self.archive.mark), representation]) + '"'


class ArchiveShelf:
    """Archives by name.

    Args:
        files: Gives the files by name, at each call as they are.
    """

    def __init__(self, files: Callable[[], Mapping[str, Path]]) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._open: dict[str, tuple[Mark, ShelvedArchive | UnreadableFileError]] = {}

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
        files = self._files()
        self._drop_all_but(files)
        return tuple(sorted(files))

    def get(self, name: str) -> ShelvedArchive:
        """The archive of that name as its file is now. One that was replaced is closed when its last reader has let it go.

        Raises:
            UnknownArchiveError: if there is none.
            UnreadableFileError: if it is broken; the file is looked at again when it has changed.
        """
        files = self._files()
        self._drop_all_but(files)
        path = files.get(name)
        if path is None:
            raise UnknownArchiveError(
                f"There is no archive '{name}'.", value=name, remedy="See /archives for the list."
            )
        try:
            mark = mark_of(path.stat())
        except OSError as error:
            with self._lock:
                self._open.pop(name, None)
            raise UnknownArchiveError(f"The archive '{name}' has gone.", value=name) from error
        with self._lock:
            at_hand = self._open.get(name)
            if at_hand is None or at_hand[0] != mark:
                at_hand = self._open[name] = _opened(name, path, mark)
        if isinstance(at_hand[1], UnreadableFileError):
            raise at_hand[1]
        return at_hand[1]

    def _drop_all_but(self, files: Mapping[str, Path]) -> None:
        """Let go of files that are gone: an open one keeps its room on the disk."""
        with self._lock:
            for name in self._open.keys() - files.keys():
                del self._open[name]


def _opened(name: str, path: Path, mark: Mark) -> tuple[Mark, ShelvedArchive | UnreadableFileError]:
    """The archive under the mark of the file that was opened, which may have taken the place of the one looked at."""
    try:
        archive = Archive(path)
    except UnreadableFileError as error:
        return mark, error
    return archive.mark, ShelvedArchive(name, archive)
