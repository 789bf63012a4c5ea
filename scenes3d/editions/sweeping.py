"""Tiles that no edition names go from the disk, while others read and even when the sweep is killed.

An edition goes in two steps. First its list is put aside (`retired/`): no new reader finds it, and its tiles stay, because whoever
has its tileset open will ask for them. After the grace period the list goes, and then every tile that no list names any more and that
was not written within the grace period, since it may belong to an edition that is being made.

Killed between any two steps the folder is whole: a list goes before its tiles, a tile before its rows (`SceneFolder.put` writes them
in the other order), a folder of files is renamed before it is emptied. The next sweep ends what this one began.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from scenes3d.editions.edition import FILES, named_files
from scenes3d.editions.folder import SceneFolder

GRACE = timedelta(hours=1)
"""Longer than anybody walks a tileset without asking for it again."""

_GONE = ".gone-"
_DELIVERY = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed: lists of retired editions, tiles and folders of files, and their bytes."""

    lists: int = 0
    tiles: int = 0
    length: int = 0


def retire(folder: SceneFolder, versions: Iterable[int]) -> None:
    """Put editions aside; the caller holds `writing`."""
    for version in versions:
        folder.retire(folder.list_path(version))


def sweep(folder: SceneFolder, now: datetime, grace: timedelta = GRACE) -> Swept:
    """Remove what has been nobody's for the grace period; the caller holds `writing`.

    Raises:
        UnreadableFileError: if a list is broken: which tiles it names is not known, and none is removed.
    """
    youngest = (now - grace).timestamp()
    named: set[str] = set()
    over: list[Path] = []
    for path in folder.retired():
        if path.stat().st_mtime <= youngest:
            over.append(path)
        else:
            named |= named_files(path)
    for path in folder.lists():
        named |= named_files(path)
    for path in [*over, *_drafts(folder.path, youngest)]:
        path.unlink()
    tiles = length = 0
    for tile in _nobodys(folder.path / "tiles", named, youngest):
        length += tile.stat().st_size
        tiles += tile.suffix == ".glb"
        tile.unlink()
    for files in _deliveries(folder.path / FILES, named, youngest):
        length += sum(path.stat().st_size for path in files.rglob("*") if path.is_file())
        tiles += 1
        shutil.rmtree(files.rename(files.with_name(_GONE + files.name)))
    return Swept(len(over), tiles, length)


def _drafts(scene: Path, youngest: float) -> list[Path]:
    """Drafts of lists and records that a killed writer left."""
    found = [*scene.glob(".*.part"), *scene.glob("editions/.*.part"), *scene.glob("retired/.*.part")]
    return [path for path in found if path.stat().st_mtime <= youngest]


def _nobodys(tiles: Path, named: set[str], youngest: float) -> Iterator[Path]:
    """Tiles and rows that nobody names, each tile before its rows; drafts of them among these."""
    with suppress(FileNotFoundError):
        for shelf in sorted(tiles.iterdir()):
            for path in sorted(shelf.iterdir()):  # .glb before .rows
                if path.name.partition(".")[0] not in named and path.stat().st_mtime <= youngest:
                    yield path


def _deliveries(files: Path, named: set[str], youngest: float) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        for path in sorted(files.iterdir()):
            if path.name.startswith(_GONE):
                shutil.rmtree(path)
            elif _DELIVERY.fullmatch(path.name) and path.name not in named and path.stat().st_mtime <= youngest:
                yield path
