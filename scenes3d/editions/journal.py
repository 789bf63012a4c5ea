"""What an unfinished build has made so far, so that a killed one goes on where it stood.

`building.jsonl` in the scene's folder: its first line tells what is built, every other one is a tile that stands on disk, written behind
the tile. Another build begins anew; one that is done takes the file away, one that fails leaves it.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from scenes3d.editions.edition import Cell, Edition, Entry
from scenes3d.editions.folder import SceneFolder

_NAME = "building.jsonl"
_FORMAT = 1
"""Raised when the same plan makes other tiles than before."""


class Journal:
    """The tiles of one build; whoever opens it holds `SceneFolder.writing`.

    Args:
        plan: The edition without its tiles.
        birth: Tells the layer from an earlier one of the same name.

    Attributes:
        resumed: Cells whose tiles stood when it was opened.
    """

    def __init__(self, folder: SceneFolder, plan: Edition, birth: str) -> None:
        self._folder = folder
        folder.path.mkdir(parents=True, exist_ok=True)
        self._path = folder.path / _NAME
        said = f"{_FORMAT} {birth} ".encode() + orjson.dumps([plan.version, plan.made, plan.extras, plan.report])
        head = orjson.dumps({"plan": blake2b(said, digest_size=16).hexdigest()})
        self.resumed: dict[Cell, Entry] = {}
        lines = self._lines()
        if lines[:1] == [head]:
            for line in lines[1:]:
                entry = Entry.from_list(orjson.loads(line))
                if self._stands(entry):
                    self.resumed[entry.cell] = entry
        # Written anew without the line that a kill has cut off.
        self._file = self._path.open("wb", buffering=0)
        self._file.write(b"\n".join([head, *(orjson.dumps(e.to_list()) for e in self.resumed.values()), b""]))

    def add(self, entry: Entry) -> Entry:
        """Note a tile that has been put on disk; gives it back."""
        self._file.write(orjson.dumps(entry.to_list()) + b"\n")
        return entry

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        if error is None:
            self._path.unlink(missing_ok=True)

    def _lines(self) -> list[bytes]:
        """Whole lines."""
        try:
            return self._path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []

    def _stands(self, entry: Entry) -> bool:
        path: Path = self._folder.tile_path(entry.content)
        return path.is_file() and path.stat().st_size == entry.length
