"""A delivery of oblique photogrammetry in OSGB, as an edition of files: metadata.xml with its trees, or one tree."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import orjson

from layers.scenes.built import Built, extras_of, outline_of, place_for
from scenes3d.editions.edition import FILES, Edition
from scenes3d.editions.files import region_of
from scenes3d.editions.folder import SceneFolder
from scenes3d.frames import Frame
from scenes3d.sources.landing import Place
from scenes3d.sources.osgb.building import build_osgb, checksum_of
from scenes3d.sources.osgb.converter import require_converter
from scenes3d.sources.osgb.finding import SUFFIX, Delivery, find_delivery, find_entry
from scenes3d.sources.osgb.metadata import NAME, is_metadata, placing_of
from scenes3d.sources.reference import Stated
from scenes3d.tileset.progress import Progress
from scenes3d.tileset.region import Region
from twin.errors import BadCall, UnreadableFileError
from twin.formats.archive import ArchiveLimits, unpacked
from twin.tasks.port import Tasks

_LIMITS = ArchiveLimits(members=1_000_000, total_bytes=200 << 30)


def is_osgb(file: Path) -> bool:
    """Whether a file is a tree of OSGB: the metadata of one, one of its files, or a zip archive with OSGB in it."""
    if file.suffix.lower() == SUFFIX or is_metadata(file):
        return True
    if file.suffix.lower() != ".zip" or not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.lower().endswith(SUFFIX) for name in archive.namelist())


def build_osgb_delivery(
    folder: SceneFolder,
    file: Path,
    stated: Stated,
    place: Place | None,
    anchor: Frame | None,
    tasks: Tasks,
    progress: Progress,
) -> Built:
    """Convert the delivery into the scene's folder.

    Args:
        anchor: Where the origin of local coordinates lies.

    Raises:
        NoConverterError: if OpenSceneGraph's converter is not installed.
        BadData: as `find_delivery`, `placing_of` and `build_osgb` say.
    """
    require_converter()
    with _opened(file) as entry:
        delivery = find_delivery(entry)
        placing = placing_of(delivery.metadata, stated, anchor, file.name)
        checksum = checksum_of(delivery, progress)
        source = {"file": file.name, "sha256": checksum, "files": len(delivery.files), **placing.to_document()}
        extras = extras_of(placing.vertical_datum, [source])
        told = orjson.dumps([checksum, placing.to_document()], option=orjson.OPT_SORT_KEYS)
        name, target = place_for(folder, told)
        report = build_osgb(
            delivery, placing, target, checksum=checksum, place=place, extras=extras, tasks=tasks, progress=progress
        )
    trees = report.trees
    said = {
        "built": sum(tree.triangles for tree in trees),
        "seen": report.files,
        "tiles": sum(tree.tiles for tree in trees),
        "trees": len(trees),
        "unnamed_files": report.unnamed,
        "faults": report.faults.to_document(),
    }
    made = {FILES: name, "region": region_of(target / "tileset.json").to_list()}
    outlines = [outline_of(_unique(tree.name, delivery), _box(tree.region), tiles=tree.tiles) for tree in trees]
    return Built("mesh", "", placing.vertical_datum, outlines, [source], Edition(0, (), made, extras, said))


def entry_of(folder: Path) -> Path:
    """The file by which what a folder holds is imported: that of an OSGB delivery, or the tileset.json nearest to the top.

    Raises:
        BadCall: if it holds neither.
    """
    entry = find_entry(folder)
    if entry is not None:
        return entry
    tilesets = sorted(folder.rglob("tileset.json"), key=lambda path: (len(path.parts), str(path)))
    if tilesets:
        return tilesets[0]
    raise BadCall(
        "文件夹中没有可导入的三维数据。The folder holds neither OSGB nor 3D Tiles.",
        value=str(folder),
        limit=f"{NAME} with Data beside it, the files of one OSGB tree, or a tileset.json",
        remedy="Name the files themselves.",
    )


@contextmanager
def _opened(file: Path) -> Iterator[Path]:
    if file.suffix.lower() != ".zip":
        yield file
        return
    with unpacked(file, _LIMITS) as folder:
        entry = find_entry(folder)
        if entry is None:
            raise UnreadableFileError(
                "压缩包中没有一棵完整的 OSGB 树。The archive does not hold one delivery of OSGB.",
                value=file.name,
                limit=f"{NAME} beside Data, or the files of one tree",
                remedy=f"Unpack it and import {NAME} where it lies.",
            )
        yield entry


def _unique(name: str, delivery: Delivery) -> str:
    """What a tree is called in the layer of outlines."""
    return name.removesuffix(SUFFIX) if len(delivery.roots) > 1 else Path(name).name


def _box(region: Region) -> tuple[float, float, float, float, float, float]:
    west, south, east, north = np.degrees([region.west, region.south, region.east, region.north]).tolist()
    return west, south, east, north, region.low, region.high
