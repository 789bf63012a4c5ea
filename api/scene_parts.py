"""Where the server's scenes come from."""

from __future__ import annotations

from api.scene_files import SceneFiles
from api.settings import Settings
from layers.policy import Policy
from layers.scenes.desk import SceneDesk
from tiles.cache import SingleFlightCache
from tiles.terrain.shelf import TerrainShelf
from twin.store.port import Store

# A share of the room that tiles of features have.
_SHARE_OF_MEMORY = 4


def scene_files(store: Store, settings: Settings, terrains: TerrainShelf, policy: Policy) -> SceneFiles:
    """The scenes in the data folder; nothing is opened yet."""
    room = settings.tile_memory_mb * 1024 * 1024 // _SHARE_OF_MEMORY
    return SceneFiles(SceneDesk(store, settings.data_dir / "scenes", terrains, policy), SingleFlightCache(room))
