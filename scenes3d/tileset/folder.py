"""Tilesets in folders: addresses are paths below one folder, and nothing outside of it is opened."""

from __future__ import annotations

from pathlib import Path

from scenes3d.glb.container import broken
from scenes3d.tileset.reading import Opener


def folder_opener(folder: Path) -> Opener:
    """Opens files by their path below `folder`.

    Raises (when called):
        UnreadableFileError: if there is no such file, or the path leads out of the folder.
    """
    root = folder.resolve()

    def opened(address: str) -> bytes:
        path = (root / address.partition("?")[0]).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise broken(address, "there is no such file in the tileset's folder", "files below the tileset")
        return path.read_bytes()

    return opened
