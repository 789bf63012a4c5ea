"""Delivered files to an edition's tiles: which reader takes them, and what the record says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from layers.scenes.built import Box, Built, extras_of, outline_of, place_for
from layers.scenes.mesh_delivery import MESHES, build_meshes
from layers.scenes.model_files import MODELS, read_model_file
from layers.scenes.osgb_delivery import build_osgb_delivery, is_osgb
from layers.scenes.tileset_delivery import build_tileset, is_tileset
from scenes3d.editions.edition import FILES, Edition
from scenes3d.editions.files import region_of
from scenes3d.editions.folder import SceneFolder
from scenes3d.frames import Frame
from scenes3d.models.building import build_model
from scenes3d.models.shaping import Faults, Shape
from scenes3d.points.building import CloudOptions, build_cloud
from scenes3d.sources.clouds.source import LasSource, open_clouds
from scenes3d.sources.landing import Place, require_landing
from scenes3d.sources.reference import Stated
from scenes3d.tileset.progress import Progress
from twin.errors import BadCall
from twin.files import file_sha256
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Tasks
from twin.vertical import check_same_vertical

CLOUDS = (".las", ".laz")
_SAMPLE = 1000


def build_delivery(
    folder: SceneFolder,
    files: Sequence[Path],
    stated: Stated,
    place: Place | None,
    *,
    anchor: Frame | None = None,
    pnts: bool = False,
    progress: Progress = lambda step, done, total: None,
    tasks: Tasks = IN_THREAD,
) -> Built:
    """Build the tiles of files of one kind into the scene's folder.

    Args:
        progress: What it raises ends the build.
        tasks: Who makes the tiles of large deliveries.

    Raises:
        BadCall: if they are of different kinds, or of one that nothing reads.
        BadData: as the readers and builders say.
    """
    suffixes = {file.suffix.lower() for file in files}
    if suffixes <= {*MESHES, ".zip"}:
        mesh = build_meshes(folder, files, stated, place, anchor, progress, tasks)
        if mesh is not None:
            return mesh
    if len(files) == 1 and is_tileset(files[0]):
        return build_tileset(folder, files[0], stated, place, anchor)
    if len(files) == 1 and is_osgb(files[0]):
        return build_osgb_delivery(folder, files[0], stated, place, anchor, tasks, progress)
    if suffixes <= set(CLOUDS):
        return _points(folder, open_clouds(files, stated, place), pnts=pnts, progress=progress, tasks=tasks)
    if suffixes <= {*MODELS, ".zip"}:
        return _models(folder, files, stated, place, anchor, progress, tasks)
    raise BadCall(
        "这些文件不能构成一个场景。These files are of no kind that becomes a scene.",
        value=", ".join(file.name for file in files),
        limit=f"{', '.join(CLOUDS)} together, {', '.join((*MODELS, *MESHES[1:]))} and zip archives of one of them, a tileset.json or its zip, the metadata.xml of an OSGB tree or one .osgb",
        remedy="Import clouds and city models as scenes of their own; footprints become a layer by `onemap import`, "
        "and that a scene by `onemap scenes build`.",
    )


def _points(folder: SceneFolder, source: LasSource, *, pnts: bool, progress: Progress, tasks: Tasks) -> Built:
    extras = extras_of(source.vertical_datum, source.described())
    identity = orjson.dumps([source.described(), pnts], option=orjson.OPT_SORT_KEYS)
    name, target = place_for(folder, identity)
    options = CloudOptions(content="pnts" if pnts else "glb", extras=extras)
    report = build_cloud(source, target, options, progress, tasks)
    boxes = [source.box(number) for number in range(len(source.readings))]
    said = {"built": report.points, "points": report.points, "without_place": report.empty, "withheld": source.withheld}
    made = {FILES: name, "region": region_of(target / "tileset.json").to_list()}
    outlines = [
        outline_of(reading.header.path.name, box, points=reading.header.points)
        for reading, box in zip(source.readings, boxes, strict=True)
    ]
    plan = Edition(0, (), made, extras, said | {"seen": source.points, "faults": []})
    return Built("points", "", source.vertical_datum, outlines, source.described(), plan)


def _models(
    folder: SceneFolder,
    files: Sequence[Path],
    stated: Stated,
    place: Place | None,
    anchor: Frame | None,
    progress: Progress,
    tasks: Tasks,
) -> Built:
    faults = Faults()
    shapes: list[Shape] = []
    sources: list[dict[str, Any]] = []
    outlines: list[dict[str, Any]] = []
    datum: str | None = None
    for number, file in enumerate(files):
        progress("read", number, len(files))
        model = read_model_file(file, stated, anchor, faults)
        check_same_vertical(model.vertical_datum, datum, file.name)
        datum = datum or model.vertical_datum
        own = model.shapes
        if own:
            sample = np.array([shape.box for shape in own[:: max(len(own) // _SAMPLE, 1)]])
            middle = (sample[:, 0] + sample[:, 2]) / 2, (sample[:, 1] + sample[:, 3]) / 2, sample[:, 4]
            require_landing(*middle, file.name, place)
            outlines.append(outline_of(file.name, _around([shape.box for shape in own]), features=len(own)))
        checksum = file_sha256(file)
        sources.append({"file": file.name, "sha256": checksum, "features": len(own), **model.said})
        shapes += own
    extras = extras_of(datum or "", sources)
    edition, report = build_model(
        shapes, faults, folder, 0, extras, tasks, lambda: progress("read", len(files), len(files))
    )
    lod = max(report.lods, key=float)
    return Built("model", f"LOD{lod}" if lod != "0" else "", datum or "", outlines, sources, edition)


def _around(boxes: Sequence[Box]) -> Box:
    table = np.array(boxes)
    west, south, low = table[:, [0, 1, 4]].min(axis=0).tolist()
    east, north, high = table[:, [2, 3, 5]].max(axis=0).tolist()
    return west, south, east, north, low, high
