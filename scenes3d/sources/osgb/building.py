"""A delivery of OSGB to a tileset: every tree a tileset of its own, one over all of them.

Trees are taken some at a time; the files of those are converted wave by wave, each wave wherever there are hands for it. What is done
of a tree stands in a document, so that a killed build goes on with the next one, and ends in the same bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from scenes3d.models.shaping import Faults
from scenes3d.sources.landing import Place, require_landing
from scenes3d.sources.osgb.assembling import Assembler, Key, grouped
from scenes3d.sources.osgb.converter import osgb_unreadable, require_converter
from scenes3d.sources.osgb.converting import AS_IT_IS, FileWork, MadeFile, convert_file
from scenes3d.sources.osgb.finding import Delivery
from scenes3d.sources.reference import Placing
from scenes3d.tileset.progress import Progress
from scenes3d.tileset.region import Region
from scenes3d.tileset.tile import Tile, Tileset
from scenes3d.tileset.work import Work
from twin.tasks.port import Tasks, Unit
from twin.tasks.threads import Threads

_FORMAT = 1
_TREES_AT_ONCE = 32
_MOST_THREADS = 8
_MOST_FILES = 500_000
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Tree:
    """What a root file became.

    Attributes:
        name: Its path in the delivery.
        region: Of all its tiles.
        error_m: Of its first tile.
        tiles, triangles, length, files: How many tiles draw something, their triangles and bytes, and files read.
    """

    name: str
    region: Region
    error_m: float
    tiles: int
    triangles: int
    length: int
    files: int


@dataclass(frozen=True, slots=True)
class OsgbReport:
    """What was built.

    Attributes:
        unnamed: Files of the delivery that no tree names.
    """

    trees: tuple[Tree, ...]
    files: int
    unnamed: int
    faults: Faults


def checksum_of(delivery: Delivery, progress: Progress) -> str:
    """SHA-256 over the names and checksums of all files of a delivery; the metadata's own come first."""
    digest = hashlib.sha256()
    if delivery.metadata_file is not None:
        digest.update(hashlib.sha256(delivery.metadata_file.read_bytes()).digest())
    for number, path in enumerate(delivery.files, start=1):
        with path.open("rb") as file:
            digest.update(f"{path.relative_to(delivery.folder)}\0".encode())
            digest.update(hashlib.file_digest(file, "sha256").digest())
        progress("read", number, len(delivery.files))
    return digest.hexdigest()


def build_osgb(
    delivery: Delivery,
    placing: Placing,
    target: Path,
    *,
    checksum: str,
    place: Place | None,
    extras: Mapping[str, Any],
    tasks: Tasks,
    progress: Progress,
) -> OsgbReport:
    """Write the tileset into the folder `target`, which it replaces when all of it is there.

    Args:
        checksum: Of the delivery: a build is taken up again only for the same.
        place: Where it should land; None takes it anywhere.
        extras: What the asset says of itself beyond the standard.
        tasks: Who converts files; threads of this process where nobody else is named.
        progress: What it raises ends the build.

    Raises:
        NoConverterError: if OpenSceneGraph's converter is not installed.
        UnreadableFileError: if no tree can be read.
        SuspiciousDatumError: if it lands far from where it should.
        AlreadyRunningError: if another process builds the same.
    """
    require_converter()
    plan = {"format": _FORMAT, "checksum": checksum, "placing": placing.to_document(), "extras": dict(extras)}
    with Work(target, plan) as work:
        return _Build(delivery, placing, work, place, tasks, progress).run(extras)


class _Build:
    def __init__(
        self, delivery: Delivery, placing: Placing, work: Work, place: Place | None, tasks: Tasks, progress: Progress
    ) -> None:
        self._delivery, self._placing, self._work = delivery, placing, work
        # A file is mostly waited for, since its converter is a program of its own: nobody has to be named for that.
        self._tasks = tasks if tasks.workers > 1 else Threads(min(os.cpu_count() or 1, _MOST_THREADS))
        self._place, self._progress = place, progress
        self._done = 0

    def run(self, extras: Mapping[str, Any]) -> OsgbReport:
        known: dict[int, dict[str, Any]] = {}
        roots = list(enumerate(self._delivery.roots))
        for number, _ in roots:
            document = self._work.done(f"tree-{number}")
            if document is not None:
                known[number] = document
                self._advance(len(document["files"]))
        waiting = iter([pair for pair in roots if pair[0] not in known])
        while some := list(islice(waiting, _TREES_AT_ONCE)):
            known |= self._trees(some)
        return self._finish([known[number] for number, _ in roots], extras)

    def _trees(self, some: list[tuple[int, Path]]) -> dict[int, dict[str, Any]]:
        """Convert all files of some trees and write their tilesets."""
        keys = {number: (str(path.relative_to(self._delivery.folder)), AS_IT_IS) for number, path in some}
        files: dict[Key, MadeFile] = {}
        wave = list(dict.fromkeys(keys.values()))
        first = True
        while wave:
            units = (Unit(key[0], self._work_on(key)) for key in wave)
            with closing(self._tasks.map(convert_file, units, lambda: self._advance(0))) as made:
                for key, outcome in zip(wave, made, strict=True):
                    files[key] = outcome
                    self._advance(1)
            if first:
                self._require_landing(files.values())
                first = False
            named = (key for done in wave for key in files[done].successors())
            wave = [key for key in dict.fromkeys(named) if key not in files and key[0]]
            if len(files) + len(wave) > _MOST_FILES:
                raise osgb_unreadable(self._delivery.name, f"one of its trees has more than {_MOST_FILES:,} files")
        found: dict[int, dict[str, Any]] = {}
        for number, key in keys.items():
            found[number] = self._tree(number, key, files)
            self._work.finish_step(f"tree-{number}", found[number])
        return found

    def _work_on(self, key: Key) -> FileWork:
        root = self._delivery.folder
        return FileWork(root / key[0], root, self._placing, self._work.out, self._work.bins, key[1])

    def _tree(self, number: int, key: Key, files: Mapping[Key, MadeFile]) -> dict[str, Any]:
        """The document of a tree, after its tileset has been written."""
        faults, own = Faults(), _reached(key, files)
        tile = Assembler(files, faults).root(key)
        for name in own:
            faults.take(files[name].faults)
        said = {
            "name": key[0],
            "files": sorted({name for name, _ in own}),
            "counts": faults.counts,
            "examples": faults.examples,
        }
        if tile is None:
            return said | {"failed": files[key].failed or "it draws nothing"}
        contents = {made.content: made for name in own for top in files[name].levels for made in top.walk()}
        drawn = [contents[below.uri] for below in tile.walk() if below.uri]
        tileset = Tileset(tile, tile.geometric_error, refine="REPLACE")
        (self._work.out / f"tree-{number}.json").write_bytes(tileset.to_json())
        return said | {
            "region": tile.region.to_list(),
            "error": tile.geometric_error,
            "tiles": len(drawn),
            "triangles": sum(made.triangles for made in drawn),
            "length": sum(made.length for made in drawn),
        }

    def _finish(self, documents: list[dict[str, Any]], extras: Mapping[str, Any]) -> OsgbReport:
        faults, trees, tiles = Faults(), [], []
        for number, said in enumerate(documents):
            faults.take(Faults(said["counts"], said["examples"]))
            if "failed" in said:
                continue
            region = Region(*said["region"])
            tree = Tree(
                said["name"],
                region,
                said["error"],
                said["tiles"],
                said["triangles"],
                said["length"],
                len(said["files"]),
            )
            trees.append(tree)
            tiles.append(Tile(region, tree.error_m, f"tree-{number}.json"))
        if not trees:
            raise osgb_unreadable(documents[0]["name"], documents[0]["failed"])
        self._require_near([tree.region for tree in trees])
        root = tiles[0] if len(tiles) == 1 else grouped(tiles)
        tileset = Tileset(root, root.geometric_error, dict(extras), "REPLACE")
        (self._work.out / "tileset.json").write_bytes(tileset.to_json())
        self._work.finish()
        read = {name for said in documents for name in said["files"]}
        there = {str(path.relative_to(self._delivery.folder)) for path in self._delivery.files}
        return OsgbReport(tuple(trees), len(read), len(there - read), faults)

    def _require_landing(self, roots: Iterable[MadeFile]) -> None:
        """Before all the rest is converted: do the first files land where they should?"""
        tops = (level for file in roots for top in file.levels for level in top.walk())
        self._require_near([level.region for level in tops if level.region is not None])

    def _require_near(self, regions: list[Region]) -> None:
        if regions:
            table = np.array([region.to_list() for region in regions])
            lon, lat = np.degrees(table[:, [0, 2]]).mean(axis=1), np.degrees(table[:, [1, 3]]).mean(axis=1)
            require_landing(lon, lat, table[:, 4:].mean(axis=1), self._delivery.name[:_LONGEST_NAME], self._place)

    def _advance(self, more: int) -> None:
        self._done += more
        self._progress("cut", self._done, max(len(self._delivery.files), self._done))


def _reached(key: Key, files: Mapping[Key, MadeFile]) -> list[Key]:
    """The files of a tree that are there, each once, in order."""
    found: dict[Key, None] = {}
    waiting = [key]
    while waiting:
        current = waiting.pop()
        if current in files and current not in found:
            found[current] = None
            waiting += reversed(files[current].successors())
    return list(found)
