"""Where a delivery of OSGB begins: its metadata, and the files that no other file names.

ContextCapture writes `metadata.xml` and `Data/Tile_+000_+000/Tile_+000_+000.osgb` with finer levels beside; 大疆智图 `terra_osgbs/` with
`Block/Block.osgb`. In both a tree begins with the file that is called like its folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scenes3d.sources.osgb.metadata import NAME, Metadata, is_metadata, read_metadata
from twin.errors import UnreadableFileError

SUFFIX = ".osgb"
_FOLDERS_ABOVE = 3
_FINER = re.compile(r"_L\d+(_|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Delivery:
    """A delivery as it stands on disk.

    Attributes:
        name: For messages.
        folder: Everything of it is below; nothing else is read.
        roots: Files that trees begin with.
        files: All files of the trees.
        metadata: What is said of coordinates, and the file that says it.
    """

    name: str
    folder: Path
    roots: tuple[Path, ...]
    files: tuple[Path, ...]
    metadata: Metadata
    metadata_file: Path | None


def find_delivery(file: Path) -> Delivery:
    """The delivery that a `metadata.xml` or a single OSGB stands for.

    Raises:
        UnreadableFileError: if the metadata cannot be read, or there is no OSGB.
    """
    if file.suffix.lower() == SUFFIX:
        above = [file.parent, *file.parent.parents][: _FOLDERS_ABOVE + 1]
        beside = next((folder / NAME for folder in above if is_metadata(folder / NAME)), None)
        metadata = Metadata() if beside is None else read_metadata(beside)
        folder = file.parent
        files = [path for path in _osgb_below(folder, "*") if path == file or path.stem.startswith(f"{file.stem}_")]
        return Delivery(file.name, folder, (file,), tuple(files), metadata, beside)
    files = _osgb_below(file.parent, "**/*")
    roots = _roots(files)
    if not roots:
        raise UnreadableFileError(
            "没有 OSGB 文件。There is no OSGB that a tree begins with.",
            value=f"{file.name}: {len(files):,} OSGB files below its folder",
            limit="Data/Tile_+000_+000/Tile_+000_+000.osgb below it",
            remedy="Import metadata.xml where it lies in the delivery, beside Data.",
        )
    return Delivery(file.parent.name or file.name, file.parent, tuple(roots), tuple(files), read_metadata(file), file)


def find_entry(folder: Path) -> Path | None:
    """The file that a folder's delivery is imported by: the metadata nearest to the top, else the only tree; None where there is none."""
    found = sorted(folder.rglob(NAME), key=lambda path: (len(path.parts), str(path)))
    for path in found:
        if is_metadata(path):
            return path
    roots = _roots(_osgb_below(folder, "**/*"))
    return roots[0] if len(roots) == 1 else None


def _osgb_below(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if path.suffix.lower() == SUFFIX and path.is_file())


def _roots(files: list[Path]) -> list[Path]:
    """Files called like their folder; where there is none in a folder, those whose names say no finer level."""
    by_folder: dict[Path, list[Path]] = {}
    for path in files:
        by_folder.setdefault(path.parent, []).append(path)
    found: list[Path] = []
    for folder, inside in sorted(by_folder.items()):
        named = [path for path in inside if path.stem == folder.name]
        found += named or [path for path in inside if not _FINER.search(path.stem)]
    return found
