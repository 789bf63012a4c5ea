"""Meshes that were delivered, cut into levels of detail: OBJ with pictures, PLY, large GLB, alone or in zip archives."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson

from layers.scenes.built import Built, extras_of, outline_of, place_for
from layers.scenes.model_files import placing_of
from scenes3d.editions.edition import FILES, Edition
from scenes3d.editions.folder import SceneFolder
from scenes3d.frames import Frame
from scenes3d.meshes.building import MeshOptions, build_mesh
from scenes3d.meshes.cells import MOST_TRIANGLES
from scenes3d.models.shaping import Faults
from scenes3d.sources.landing import Place
from scenes3d.sources.meshes.glb_mesh import GlbMesh, is_large_mesh
from scenes3d.sources.meshes.mesh import MeshFile
from scenes3d.sources.meshes.obj_mesh import ObjMesh
from scenes3d.sources.meshes.ply import PlyMesh
from scenes3d.sources.meshes.source import open_source
from scenes3d.sources.reference import Placing, Said, Stated
from scenes3d.tileset.progress import Progress
from twin.files import file_sha256
from twin.formats.archive import ArchiveLimits, unpacked
from twin.tasks.port import Tasks
from twin.vertical import check_same_vertical

MESHES = (".obj", ".ply", ".glb")
_LIMITS = ArchiveLimits(members=100_000, total_bytes=200 << 30)


def build_meshes(
    folder: SceneFolder,
    files: Sequence[Path],
    stated: Stated,
    place: Place | None,
    anchor: Frame | None,
    progress: Progress,
    tasks: Tasks,
) -> Built | None:
    """Build one mesh of these files into the scene's folder; None where they are something else.

    An OBJ is a mesh where it has pictures or is of one piece; many objects without a picture are features that one can pick. A GLB is
    one where it has more triangles than a tile should, no attributes, and a place was stated; else it stays the tile that it is.

    Raises:
        BadData: as the readers and builders say.
    """
    if not all(_may_be(file, placed=anchor is not None or stated.crs is not None) for file in files):
        return None
    faults = Faults()
    with ExitStack() as stack:
        opened: list[tuple[Path, MeshFile]] = []
        folders: list[Path] = []
        for file in files:
            folder_of, inside = stack.enter_context(_opened(file))
            opened += [(file, _mesh(path, faults)) for path in inside]
            folders += [folder_of] * len(inside)
        if not opened or any(isinstance(mesh, ObjMesh) and not mesh.is_mesh() for _, mesh in opened):
            return None
        placed = [(mesh, _placing(mesh, file, stated, anchor)) for file, mesh in opened]
        datum = placed[0][1].vertical_datum
        for mesh, placing in placed[1:]:
            check_same_vertical(placing.vertical_datum, datum, mesh.path.name)
        sources = [
            {"file": file.name, "sha256": file_sha256(file), **placing.to_document()}
            for file, placing in dict(zip([file for file, _ in opened], [p for _, p in placed], strict=True)).items()
        ]
        names = _names(opened, folders)
        extras = extras_of(datum, sources)
        source = open_source(placed, place, faults)
        identity = orjson.dumps(source.identity(), option=orjson.OPT_SORT_KEYS)
        name, target = place_for(folder, identity)
        report = build_mesh(source, target, MeshOptions(extras=extras), progress, tasks)
    outlines = [
        outline_of(called, tuple(box), triangles=triangles)
        for called, box, triangles in zip(names, report.source["boxes"], report.source["triangles"], strict=True)
    ]
    said: dict[str, Any] = {
        "built": report.triangles,
        "seen": report.triangles,
        "tiles": report.tiles,
        "levels": report.levels,
        "painted": report.painted,
        "coarsest_off_m": round(report.error_m, 3),
        "meshes": report.source["files"],
        "faults": report.faults,
    }
    plan = Edition(0, (), {FILES: name, "region": report.region.to_list()}, extras, said)
    return Built("mesh", "", datum, outlines, sources, plan)


def _may_be(file: Path, *, placed: bool) -> bool:
    suffix = file.suffix.lower()
    if suffix == ".glb":
        return placed and is_large_mesh(file, MOST_TRIANGLES)
    if suffix != ".zip":
        return suffix in MESHES
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        inside = {Path(name).suffix.lower() for name in archive.namelist()}
    # A mesh may have a metadata.xml beside it; a tree of OSGB has no OBJ.
    return bool(inside & {".obj", ".ply"}) and not inside & {".gml", ".json", ".jsonl", ".osgb"}


def _names(opened: Sequence[tuple[Path, MeshFile]], folders: Sequence[Path]) -> list[str]:
    """What the outlines of files are called: by their names, where these are not enough by their paths in their archives too."""
    inside = [str(mesh.path.relative_to(folder)) for (_, mesh), folder in zip(opened, folders, strict=True)]
    whole = [f"{file.name}/{path}" for (file, _), path in zip(opened, inside, strict=True)]
    short = [mesh.path.name for _, mesh in opened]
    return next((names for names in (short, inside) if len(set(names)) == len(names)), whole)


@contextmanager
def _opened(file: Path) -> Iterator[tuple[Path, list[Path]]]:
    """The meshes in a file, and the folder they lie below: itself, or those of an archive, with what lies beside them."""
    if file.suffix.lower() != ".zip":
        yield file.parent, [file]
        return
    with unpacked(file, _LIMITS) as folder:
        yield folder, [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in MESHES[:2]]


def _mesh(path: Path, faults: Faults) -> MeshFile:
    kinds: dict[str, Any] = {".obj": ObjMesh, ".ply": PlyMesh, ".glb": GlbMesh}
    mesh: MeshFile = kinds[path.suffix.lower()](path, faults)
    return mesh


def _placing(mesh: MeshFile, file: Path, stated: Stated, anchor: Frame | None) -> Placing:
    sample = mesh.sample()
    return placing_of(Said(), stated, file.name, sample[0].tolist() if len(sample) else [0.0, 0.0, 0.0], anchor)
