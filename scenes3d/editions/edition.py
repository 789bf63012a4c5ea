"""An edition: which tiles make up a scene at one version of its layer, and of that at one time in the world.

Tiles are named by their content. Two editions share the files of all tiles that are the same in both; an edit adds the tiles
it touched and one list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from isal import igzip

from scenes3d.buildings.quadtree import DEEPEST
from scenes3d.frames import Frame
from scenes3d.glb.container import broken
from scenes3d.tileset.region import Region
from scenes3d.tileset.tile import Tile, Tileset
from twin.interval import Interval

FILES = "files"
"""What `made` calls the folder of an edition of files, below a folder of that name."""

_NOWHERE = Region(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One tile of an edition.

    Attributes:
        level, code: Its cell of the quadtree.
        content: Name of its GLB: the checksum of its bytes.
        count, length: Buildings in it, and bytes of it.
        largest_m: Size of the largest building in it.
        region: Of its content alone.
        lon, lat: Where its frame stands.
    """

    level: int
    code: int
    content: str
    count: int
    length: int
    largest_m: float
    region: Region
    lon: float
    lat: float

    @property
    def cell(self) -> Cell:
        return self.level, self.code

    def to_list(self) -> list[Any]:
        numbers = [self.largest_m, self.lon, self.lat, *self.region.to_list()]
        return [self.level, self.code, self.content, self.count, self.length, *numbers]

    @classmethod
    def from_list(cls, values: Sequence[Any]) -> Entry:
        level, code, content, count, length, largest, lon, lat, *region = values
        return cls(level, code, content, count, length, largest, Region(*region), lon, lat)


@dataclass(frozen=True)
class Edition:
    """A scene at one version of its layer.

    Attributes:
        version: Of the layer.
        entries: Its tiles, wide cells first, in the order of the curve.
        made: How it was made: rules for heights, terrain, note of copyright. Editions made in another way share no tiles.
        extras: What tileset.json says of it.
        report: What became of the layer's features when all of them were last read.
        valid: Valid time: of each building the state that holds then; None for its newest state.
    """

    version: int
    entries: tuple[Entry, ...]
    made: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    valid: Interval | None = None

    @property
    def buildings(self) -> int:
        return sum(entry.count for entry in self.entries)

    @property
    def region(self) -> Region | None:
        """What holds all of its tiles; None where there are none."""
        return Region.union([entry.region for entry in self.entries]) if self.entries else None

    @property
    def length(self) -> int:
        """Bytes of all its tiles."""
        return sum(entry.length for entry in self.entries)

    def addresses(self) -> list[str]:
        """Of all its contents, relative to `tileset.json`."""
        return [f"tiles/{entry.content}.glb" for entry in self.entries]

    def tileset(self) -> Tileset:
        """The tree; addresses of contents are `tiles/<checksum>.glb`, below the tileset's own."""
        if not self.entries:
            return Tileset(Tile(_NOWHERE, 0.0), 0.0, self.extras)
        tile, largest = _tree(self.entries)
        return Tileset(tile, largest, self.extras)

    def to_bytes(self) -> bytes:
        """For keeping; the same edition gives the same bytes."""
        said = {
            "version": self.version,
            "made": self.made,
            "extras": self.extras,
            "report": self.report,
            "tiles": [entry.to_list() for entry in self.entries],
        }
        if self.valid is not None:
            said["valid"] = str(self.valid)
        return igzip.compress(orjson.dumps(said), 1, mtime=0)

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Edition:
        """What `to_bytes` gave.

        Raises:
            UnreadableFileError: if it is something else.
        """
        try:
            said = orjson.loads(igzip.decompress(data))  # type: ignore[no-untyped-call]
            entries = tuple(Entry.from_list(values) for values in said["tiles"])
            valid = Interval.parse(said["valid"]) if "valid" in said else None
            return cls(int(said["version"]), entries, said["made"], said["extras"], said["report"], valid)
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise broken(name, f"{type(error).__name__}: {error}", "the list of tiles of a scene") from error


def named_files(path: Path) -> set[str]:
    """Names of the tiles, or of the folder of files, that a kept edition is made of; read without making the edition.

    Raises:
        UnreadableFileError: if it is something else.
    """
    try:
        said = orjson.loads(igzip.decompress(path.read_bytes()))  # type: ignore[no-untyped-call]
        files = said["made"].get(FILES)
        return {str(values[2]) for values in said["tiles"]} | ({str(files)} if files else set())
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError) as error:
        raise broken(path.name, f"{type(error).__name__}: {error}", "the list of tiles of a scene") from error


def _tree(entries: Sequence[Entry]) -> tuple[Tile, float]:
    """The tile of the first entry with all others below it, and the size of the largest building of all.

    What is missed while only one tile is drawn is the largest building below it. Children come after their parents, so the tree
    grows from its leaves.
    """
    below: dict[Cell, list[Tile]] = {}
    largest: dict[Cell, float] = {}
    root = entries[0]
    outside = root.level - 1, root.code >> 2
    for entry in reversed(entries):
        level, code = entry.level, entry.code
        tiles, missed, region = below.pop((level, code), []), largest.pop((level, code), 0.0), entry.region
        if tiles:
            region = Region.union([region, *(tile.region for tile in tiles)])
        frame = Frame(entry.lon, entry.lat)
        tile = Tile(region, missed, f"tiles/{entry.content}.glb", entry.region, frame, tuple(reversed(tiles)))
        above = level - 1, code >> 2
        below.setdefault(above, []).append(tile)
        largest[above] = max(largest.get(above, 0.0), missed, entry.largest_m)
    return below[outside][0], largest[outside]


def cell_name(cell: Cell) -> str:
    """A cell as people read it: level, column and row from the south-west.

    >>> cell_name((2, 13))
    '2/3/2'
    """
    column, row = column_and_row(cell)
    return f"{cell[0]}/{column}/{row}"


def column_and_row(cell: Cell) -> tuple[int, int]:
    """Where a cell stands in its level, counted from the south-west."""
    _, code = cell
    column = sum(((code >> (2 * bit)) & 1) << bit for bit in range(DEEPEST))
    row = sum(((code >> (2 * bit + 1)) & 1) << bit for bit in range(DEEPEST))
    return column, row
