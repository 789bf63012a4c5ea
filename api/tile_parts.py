"""Where the server's tiles come from."""

from __future__ import annotations

from collections.abc import Callable

from api.deps import Parts
from api.settings import Settings
from api.tile_desk import TileDesk
from tiles.disk_cache import DiskCache
from tiles.features import StoreTileSource
from tiles.kernel.readiness import are_kernels_ready
from tiles.service import TileService
from tiles.snapshot.keeping import SnapshotKeeper
from tiles.snapshot.making import MakerProcess
from tiles.snapshot.source import SnapshotTileSource
from tiles.source import TileSource
from twin.store.port import Store
from twin.store.sql import SqlStore


def tile_service(store: Store, settings: Settings, *, opened_here: bool) -> tuple[TileService, Callable[[], None]]:
    """The tiles of a store as `settings` want them kept, and what ends that. Arguments as `tile_source`."""
    source, close_source = tile_source(store, settings, opened_here=opened_here)
    disk = DiskCache(settings.tile_cache_file, settings.tile_disk_mb << 20) if settings.tile_disk_mb else None

    def close() -> None:
        close_source()
        if disk is not None:
            disk.close()

    return TileService(source, (settings.tile_memory_mb << 20) * 3 // 4, disk), close


def open_desk(service: TileService, parts: Parts) -> TileDesk:
    """The tiles of a store for those who may read them; a quarter of their room is for answers as they go out."""
    store = parts.store
    asker = store.revision_asker() if isinstance(store, SqlStore) else None
    return TileDesk(service, parts.policy, store.revisions, asker, parts.settings.tile_memory_mb << 18)


def tile_source(store: Store, settings: Settings, *, opened_here: bool) -> tuple[TileSource, Callable[[], None]]:
    """The source of tiles over a store, and what ends its work.

    Args:
        store: Where layers live.
        settings: Name the folder of snapshots, and the store if it was opened from them.
        opened_here: Whether it was: another process can then open it too and make snapshots there.
    """
    stored = StoreTileSource(store)
    if not isinstance(store, SqlStore):  # nothing tells what has changed
        return stored, lambda: None
    maker = MakerProcess(settings.store_location) if opened_here else None
    source = SnapshotTileSource(stored, SnapshotKeeper(store, settings.snapshot_dir, maker))
    if any(settings.snapshot_dir.glob("*.snapshot")):
        are_kernels_ready()  # there is work for them: they are loaded beside the start, not behind the first tile
    return source, source.close
