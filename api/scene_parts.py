"""Where the server's scenes come from."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from api.layer_parts import actor_of
from api.scene_files import JSON, SceneFiles
from api.settings import Settings
from layers.policy import Policy
from layers.scenes.desk import Scene, SceneDesk
from layers.scenes.record import SceneState, scene_entry, scene_state
from layers.scenes.serving import ServedEdition
from scenes3d.editions.keeping import Keep
from tiles.cache import SingleFlightCache
from tiles.terrain.shelf import TerrainShelf
from twin.store.port import Store
from twin.tasks.opening import open_tasks

# A share of the room that tiles of features have.
_SHARE_OF_MEMORY = 4


def scene_files(store: Store, settings: Settings, terrains: TerrainShelf, policy: Policy) -> SceneFiles:
    """The scenes in the data folder; nothing is opened yet."""
    room = settings.tile_memory_mb * 1024 * 1024 // _SHARE_OF_MEMORY
    desk = SceneDesk(store, settings.data_dir / "scenes", terrains, policy, open_tasks(settings.tasks))
    return SceneFiles(desk, SingleFlightCache(room), Keep.parse(settings.scene_keep))


def scene_summary(scene: Scene, base: str) -> dict[str, Any]:
    """The record of a scene with links; `base` is the address of the server."""
    here, collection = f"{base}/scenes/{scene.id}", f"{base}/collections/{scene.layer.id}"
    links = [
        {"rel": "self", "type": JSON, "href": here},
        {"rel": "tileset", "type": JSON, "href": f"{here}/tileset.json", "title": "3D Tiles 1.1"},
        {"rel": "version-history", "type": JSON, "href": f"{here}/changes"},
        {"rel": "collection", "type": JSON, "href": collection},
    ]
    return scene_entry(scene.record) | {"links": links}


def scene_document(scene: Scene, served: ServedEdition, base: str) -> dict[str, Any]:
    """The record with the edition that is served, and what became of the layer's features."""
    edition = served.edition
    return scene_summary(scene, base) | {
        "version": edition.version,
        "behind": served.behind,
        "buildings": edition.buildings,
        "tiles": len(edition.entries),
        "bytes": edition.length,
        "editions": scene.folder.versions(),
        "report": edition.report,
    }


def published_scenes(request: Request) -> dict[str, Scene]:
    """The published scenes that the one who asks may see, by the ids of their layers."""
    files: SceneFiles = request.app.state.scenes
    scenes = files.desk.scenes(actor_of(request))
    return {scene.layer.id: scene for scene in scenes if scene_state(scene.record) is SceneState.PUBLISHED}


def drawn_scene(scene: Scene) -> dict[str, Any]:
    """What a view has to know of a scene: the fields of `layers.viewing.record.SceneRecord`."""
    record = scene.record
    return {
        "version": scene.layer.version,
        "kind": record["kind"],
        "vertical_datum": record["vertical_datum"],
        "terrain": record["made"].get("terrain", ""),
    }


def told_scene(scene: Scene) -> dict[str, Any]:
    """What the page tells its reader of a scene."""
    entry = scene_entry(scene.record)
    names = (
        "kind",
        "lod",
        "level",
        "level_title",
        "date",
        "accuracy_m",
        "vertical_datum",
        "vertical_datum_title",
        "built_at",
    )
    return {name: entry.get(name) for name in names}
