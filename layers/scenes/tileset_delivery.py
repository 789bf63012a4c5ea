"""A tileset that others made, taken over as an edition of files."""

from __future__ import annotations

import tempfile
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
from scenes3d.glb.reading import read_model
from scenes3d.sources.landing import Place, require_landing
from scenes3d.sources.reference import Said, Stated, resolve
from scenes3d.sources.tilesets.converting import contents_of
from scenes3d.sources.tilesets.importing import TilesetWish, find_tileset, import_tileset
from scenes3d.tileset.folder import folder_opener
from scenes3d.tileset.region import METRES_OF_AIR
from scenes3d.tileset.work import Work
from twin.files import file_sha256
from twin.formats.archive import ArchiveLimits, unpacked
from twin.vertical import ELLIPSOIDAL

_NAME = "tileset.json"
_LIMITS = ArchiveLimits(members=1_000_000, total_bytes=200 << 30)
_EXAMPLES = 5
# Ellipsoidal heights by the standard itself: 3D Tiles 1.1, section 6.5.
_SAID = Said("EPSG:4979", ELLIPSOIDAL)


def is_tileset(file: Path) -> bool:
    """Whether a file is a tileset: `tileset.json`, a zip archive that holds one, or a GLB, which is one of a single tile."""
    if file.name.lower() == _NAME or file.suffix.lower() == ".glb":
        return True
    if file.suffix.lower() != ".zip" or not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.rpartition("/")[2] == _NAME for name in archive.namelist())


def build_tileset(folder: SceneFolder, file: Path, stated: Stated, place: Place | None, anchor: Frame | None) -> Built:
    """Take the tileset over into the scene's folder.

    Args:
        anchor: Where the origin of a tileset goes that stands nowhere on the globe.

    Raises:
        BadData: as `import_tileset`, `resolve` and `require_landing` say.
    """
    said = Stated(None, stated.vertical_datum, None, stated.geoid_height_m)
    reference = resolve(_SAID, said, file.name, (0.0, 0.0, 0.0))
    checksum = file_sha256(file)
    source = {"file": file.name, "sha256": checksum, **reference.to_document()}
    extras = extras_of(reference.vertical_datum, [source])
    told = f"{checksum} {reference.to_document()} {anchor}"
    name, target = place_for(folder, told.encode())
    with _opened(file) as root, Work(target, {"tileset": name}) as work:
        for old in work.out.iterdir():
            old.unlink()
        wish = TilesetWish(anchor, reference.height_shift_m)
        report = import_tileset(find_tileset(root), folder_opener(root), work.out, wish, extras)
        region = region_of(work.out / _NAME)
        west, south, east, north = np.degrees([region.west, region.south, region.east, region.north]).tolist()
        middle = (
            np.array([(west + east) / 2]),
            np.array([(south + north) / 2]),
            np.array([(region.low + region.high) / 2]),
        )
        require_landing(*middle, file.name, place)
        work.finish()
    faults = [
        {
            "fault": rule,
            "count": sum(fault.rule == rule for fault in report.faults),
            "examples": [f"{fault.tile}: {fault.what}" for fault in report.faults if fault.rule == rule][:_EXAMPLES],
        }
        for rule in sorted({fault.rule for fault in report.faults})
    ]
    if report.widened:
        examples = list(report.widened[:_EXAMPLES])
        faults.append({"fault": "volume-widened", "count": len(report.widened), "examples": examples})
    said_of = {"built": report.tiles, "seen": report.tiles, "vertices": report.vertices, "faults": faults}
    said_of |= {"formats": dict(sorted(report.formats.items()))}
    outline = outline_of(file.name, (west, south, east, north, region.low, region.high), tiles=report.tiles)
    plan = Edition(0, (), {FILES: name, "region": region.to_list()}, extras, said_of)
    return Built("tileset", "", reference.vertical_datum, [outline], [source], plan)


@contextmanager
def _opened(file: Path) -> Iterator[Path]:
    if file.suffix.lower() == ".glb":
        with tempfile.TemporaryDirectory(prefix="onemap-glb-") as folder:
            _wrap(file, Path(folder))
            yield Path(folder)
        return
    if file.suffix.lower() != ".zip":
        yield file.parent
        return
    with unpacked(file, _LIMITS) as folder:
        yield folder


def _wrap(file: Path, folder: Path) -> None:
    """A tileset of one tile around a GLB: its box is that of its vertices."""
    data = file.read_bytes()
    (content,) = contents_of(data, file.name, lambda uri: b"")
    points = np.concatenate([primitive.positions for primitive in read_model(content.data, file.name).primitives])
    low, high = points.min(axis=0) - METRES_OF_AIR, points.max(axis=0) + METRES_OF_AIR
    x, y, z = ((high - low) / 2).tolist()
    box = [*((low + high) / 2 + content.centre).tolist(), x, 0.0, 0.0, 0.0, y, 0.0, 0.0, 0.0, z]
    root = {"boundingVolume": {"box": box}, "geometricError": 0.0, "refine": "ADD", "content": {"uri": "mesh.glb"}}
    error = float(np.linalg.norm(high - low))
    (folder / "mesh.glb").write_bytes(data)
    (folder / _NAME).write_bytes(orjson.dumps({"asset": {"version": "1.1"}, "geometricError": error, "root": root}))
