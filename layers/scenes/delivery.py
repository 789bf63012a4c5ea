"""Scenes that were delivered as they are: files to tiles, a layer with their outlines, and the record of a draft.

The layer makes the scene what every other is: it has an owner, a policy, a life cycle, lineage with checksums, and a past.
Everything is built before anything is written down; a delivery that fails leaves the scene as it was.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from layers.city import City
from layers.import_options import Origin
from layers.importing import ImportOptions, import_file
from layers.manifest import parse_manifest
from layers.manifest_draft import draft_manifest
from layers.policy import Action, Actor
from layers.scenes.building_delivery import build_delivery
from layers.scenes.built import Built
from layers.scenes.desk import Scene, SceneDesk
from layers.scenes.record import REVIEWS, Level, buildings_record, now_text
from scenes3d.frames import Frame
from scenes3d.sources.landing import Place
from scenes3d.sources.reference import Stated
from scenes3d.tileset.progress import Progress
from tiles.terrain.elevation import Elevation
from twin.ellipsoid import Floats
from twin.errors import DuplicateLayerError, UnknownLayerError
from twin.store.port import LayerRecord

log = logging.getLogger(__name__)
_COLUMNS = ("file", "lowest_m", "highest_m")
"""What tells a layer of outlines from others: `outline_of` writes them."""
_NAMES_OF_ALL = {"tileset.json", "metadata.xml"}


@dataclass(frozen=True, slots=True)
class DeliveryWish:
    """What is said of delivered files.

    Attributes:
        stated: What their coordinates count from, over what they say themselves.
        accept_because: Why they are taken wherever they land; None takes none that lands far away.
        title_zh, title_en: None takes the first file's name.
        anchor: Where the origin of a tileset goes that stands nowhere on the globe.
        pnts: Points as pnts of 3D Tiles 1.0, for viewers that know no others.
    """

    stated: Stated
    accept_because: str | None = None
    title_zh: str | None = None
    title_en: str | None = None
    owner: str | None = None
    level: Level = Level.CITY
    date: str | None = None
    accuracy_m: float | None = None
    pnts: bool = False
    anchor: Frame | None = None


def deliver(
    desk: SceneDesk,
    scene_id: str,
    files: Sequence[Path],
    wish: DeliveryWish,
    actor: Actor,
    city: City | None,
    progress: Progress = lambda step, done, total: None,
) -> Scene:
    """Build the scene of these files, a draft when it is the first; a later delivery takes its place in one step.

    Args:
        progress: What it raises ends the delivery; told last before anything is written down.

    Raises:
        PolicyError: if the actor may not.
        DuplicateLayerError: if a layer of that id holds something else than the outlines of a delivery.
        BadData: as the readers and builders of `scenes3d.sources` say; nothing that is served has changed then.
    """
    authorise_delivery(desk, scene_id, actor)
    folder = desk.folder(scene_id)
    place = None if wish.accept_because or city is None else expected_place(desk, city)
    with folder.writing():
        built = build_delivery(
            folder, files, wish.stated, place, anchor=wish.anchor, pnts=wish.pnts, progress=progress, tasks=desk.tasks
        )
        progress("written", 1, 1)
        layer = _layer(desk, scene_id, files, built, wish, actor, city)
        before = folder.record()
        if before is not None and before["layer_birth"] != layer.created_at.isoformat():
            folder.forget_editions()
            before = None
        folder.save(built.edition(layer.version))
        record = buildings_record(
            layer,
            level=wish.level,
            date=wish.date,
            accuracy_m=wish.accuracy_m,
            vertical_datum=built.vertical_datum,
            by=actor.name,
        )
        record |= {"kind": built.kind, "lod": built.lod, "sources": built.sources, "built_at": now_text()}
        record |= {"made": {}, "ground": "as delivered", "current": layer.version}
        if wish.accept_because:
            record["accepted_because"] = wish.accept_because
        if before is not None:
            record |= {"state": before["state"], REVIEWS: before[REVIEWS]}
        folder.save_record(record)
    log.info("%s delivered scene %s at version %d", actor.name, scene_id, layer.version)
    return desk.scene(scene_id, actor)


def called(file: Path) -> str:
    """What a delivery is called: by its file, or by its folder where every delivery has a file of that name."""
    return file.absolute().parent.name if file.name.lower() in _NAMES_OF_ALL else file.name


def authorise_delivery(desk: SceneDesk, scene_id: str, actor: Actor) -> None:
    """Whether a delivery of that id may come. Raises as `deliver`, of what can be known beforehand."""
    desk.policy.authorise(actor, Action.REGISTER_LAYER, scene_id)
    try:
        layer = desk.store.layer(scene_id)
    except UnknownLayerError:
        return
    if not set(_COLUMNS) <= set(layer.schema.names):
        raise DuplicateLayerError(
            f"图层“{scene_id}”已存在，交付会替换其要素。A layer '{scene_id}' is there, and a delivery would take its features away.",
            value=scene_id,
            limit="a new id, or that of a scene that was delivered before",
            remedy="Give the scene another id.",
        )


def expected_place(desk: SceneDesk, city: City) -> Place:
    """Where sources should land: the city, and its terrain where there is only one."""
    known = desk.terrains.ids()
    ground = None
    if len(known) == 1:
        elevation = desk.terrains.terrain(next(iter(known))).surface.elevation
        ground = _ground(elevation)
    return Place(city.name.en, city.bounds, ground=ground)


def _ground(elevation: Elevation) -> Callable[[Floats, Floats], Floats]:
    return lambda lon, lat: elevation.heights(lon, lat, 0).astype(np.float64)


def _layer(
    desk: SceneDesk,
    scene_id: str,
    files: Sequence[Path],
    built: Built,
    wish: DeliveryWish,
    actor: Actor,
    city: City | None,
) -> LayerRecord:
    """The layer of the scene's outlines, a row for each file."""
    zh, en = wish.title_zh or wish.title_en, wish.title_en or wish.title_zh
    draft: Mapping[str, Any] = draft_manifest(scene_id, called(files[0]), "file").to_document()
    title = {"zh": zh, "en": en} if zh and en else draft["title"]
    owner = {"owner": wish.owner} if wish.owner else {}
    manifest = parse_manifest({**draft, **owner, "title": title, "geometry_type": "Polygon"})
    rows = {"type": "FeatureCollection", "features": built.outlines}
    with tempfile.TemporaryDirectory(prefix="onemap-outlines-") as folder:
        path = Path(folder) / f"{scene_id}.geojson"
        path.write_bytes(orjson.dumps(rows))
        options = ImportOptions(
            scene_id,
            id_property="file",
            mode="replace",
            manifest=manifest,
            name=", ".join(file.name for file in files)[:200],
            accept_because=wish.accept_because,
        )
        import_file(desk.store, path, options, origin=Origin(actor, desk.policy, None if wish.accept_because else city))
    return desk.store.layer(scene_id)
