"""Editions whose tiles are files of their own names: point clouds, and tilesets that others made.

They stand in a folder below the scene's, named by what they were made of: `files/<name>/`, with a `tileset.json` of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from scenes3d.editions.edition import FILES, Edition
from scenes3d.glb.container import broken
from scenes3d.tileset.region import Region
from scenes3d.tileset.tile import Tile, Tileset
from twin.ellipsoid import geodetic

_PLACE = re.compile(r"files/[0-9a-f]{16}/[A-Za-z0-9_][A-Za-z0-9._-]{0,200}")


@dataclass(frozen=True)
class ReadyTileset(Tileset):
    """A tileset that was written when it was built.

    Attributes:
        body: Its JSON.
    """

    body: bytes = b""

    def to_json(self) -> bytes:
        return self.body


@dataclass(frozen=True)
class FilesEdition(Edition):
    """An edition with a folder of files.

    Attributes:
        folder: Where they are.
    """

    folder: Path = field(default_factory=Path)

    @classmethod
    def of(cls, edition: Edition, scene: Path) -> FilesEdition:
        """The edition of a scene's folder that names its files."""
        made = edition.made
        return cls(edition.version, (), made, edition.extras, edition.report, folder=scene / FILES / str(made[FILES]))

    @property
    def buildings(self) -> int:
        return int(self.report.get("built", 0))

    @property
    def region(self) -> Region:
        return Region(*self.made["region"])

    @property
    def length(self) -> int:
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def addresses(self) -> list[str]:
        """Of all its files, relative to the scene's own `tileset.json`."""
        return [f"{FILES}/{self.folder.name}/{path.name}" for path in sorted(self.folder.iterdir())]

    def tileset(self) -> Tileset:
        """The tree, the addresses of its contents below `files/`.

        Raises:
            UnreadableFileError: if its file is lost or broken.
        """
        path = self.folder / "tileset.json"
        try:
            document = orjson.loads(path.read_bytes())
            address = _prefixed(document["root"], f"{FILES}/{self.folder.name}/")
            return ReadyTileset(
                Tile(self.region, float(document["root"]["geometricError"]), address),
                float(document["geometricError"]),
                self.extras,
                body=orjson.dumps(document),
            )
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise broken(path.name, f"{type(error).__name__}: {error}", "the tileset of a scene") from error


def region_of(path: Path) -> Region:
    """The region that holds the root's volume of a `tileset.json`.

    That of a box, or of the box around a sphere, is taken at 5 × 5 places of its floor and its ceiling: the floor is flat, and the
    globe bends away from it.

    Raises:
        KeyError, ValueError: if the root has no volume, or no place on the globe.
    """
    root = orjson.loads(path.read_bytes())["root"]
    volume = root["boundingVolume"]
    if "region" in volume:
        return Region(*volume["region"])
    matrix = np.array(root["transform"], dtype=np.float64).reshape(4, 4)
    if "box" in volume:
        box = np.array(volume["box"], dtype=np.float64)
    else:
        x, y, z, radius = volume["sphere"]
        box = np.array([x, y, z, radius, 0, 0, 0, radius, 0, 0, 0, radius], dtype=np.float64)
    share = np.linspace(-1, 1, 5)
    grid = np.stack(np.meshgrid(share, share, [-1.0, 1.0]), axis=-1).reshape(-1, 3)
    local = box[:3] + grid @ box[3:].reshape(3, 3)
    lon, lat, height = geodetic(local @ matrix[:3, :3] + matrix[3, :3])
    return Region.around(lon, lat, height)


def is_of_files(edition: Edition) -> bool:
    """Whether an edition is one of files."""
    return FILES in edition.made


def read_file(scene: Path, address: str) -> bytes | None:
    """A file of a scene by its address; None where there is none."""
    if not _PLACE.fullmatch(address):
        return None
    path = scene / address
    return path.read_bytes() if path.is_file() else None


def _prefixed(tile: dict[str, Any], prefix: str) -> str:
    """Put `prefix` before every address of a tree; gives that of the root, or the first below it."""
    waiting, first = [tile], ""
    while waiting:
        current = waiting.pop()
        for content in [*current.get("contents", ()), *([current["content"]] if "content" in current else [])]:
            content["uri"] = prefix + content["uri"]
            first = first or content["uri"]
        waiting += current.get("children", ())
    return first
