"""Where the server's scenes come from."""

from __future__ import annotations

from starlette.requests import Request

from api.layer_parts import actor_of
from api.scene_files import SceneFiles
from api.settings import Settings
from layers.policy import Policy
from layers.scenes.desk import SceneDesk
from layers.scenes.record import BUILDINGS, SceneState, scene_state
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


def published_scenes(request: Request) -> dict[str, int]:
    """Layers whose buildings the one who asks sees as a scene made from them, and the version each stands at."""
    files: SceneFiles = request.app.state.scenes
    return {
        scene.layer.id: scene.layer.version
        for scene in files.desk.scenes(actor_of(request))
        if scene.record["kind"] == BUILDINGS and scene_state(scene.record) is SceneState.PUBLISHED
    }
