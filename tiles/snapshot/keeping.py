"""Which layers have a snapshot, made when first asked for and brought up to date before every tile that needs it."""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from tiles.kernel import readiness
from tiles.snapshot.files import BrokenSnapshotError, Snapshot, read_head, read_snapshot
from tiles.snapshot.layout import Columns
from tiles.snapshot.state import State
from tiles.source import TileLayer
from twin.errors import OneMapError
from twin.feature import FeatureBatch

if TYPE_CHECKING:
    from tiles.snapshot.making import FollowedStore, Maker

log = logging.getLogger(__name__)

# A layer up to this size is copied into memory while the first tile waits (some tenths of a second); a larger one to disk, beside
# the requests.
_COPIED_AT_ONCE = 20_000
# So many times changes are laid over a copy one by one, then they are read as a whole.
_MOST_EDITS_APART = 16
# Changed rows over a copy from which a new one is made beside the requests, and up to which tiles go on being cut from the old one.
_MANY_EDITED = 2_000
_MOST_EDITED = 20_000
# After a copy that could not be made, the next one is not tried before.
_PAUSE_S = 60.0


class SnapshotKeeper:
    """Snapshots of layers: small ones in memory, large ones on disk.

    Args:
        store: Where the layers live.
        folder: Where files of snapshots go; made when the first is written. Several servers may share it.
        maker: Puts snapshots there; None for one that does so in a thread of this process.
    """

    def __init__(self, store: FollowedStore, folder: Path, maker: Maker | None = None) -> None:
        self._store = store
        self._folder = folder
        self._maker = maker
        self._lock = threading.Lock()
        self._turns: dict[str, threading.RLock] = {}
        self._states: dict[str, State] = {}
        self._ordered: set[str] = set()
        self._not_before: dict[str, float] = {}
        self._builders = ThreadPoolExecutor(1, thread_name_prefix="snapshots")

    def state(self, layer: TileLayer) -> State | None:
        """A state that shows the layer's version or a later one; None while there is none.

        Raises:
            UnknownLayerError: if the layer has gone.
        """
        known = self.state_at_hand(layer)
        if known is not None:
            return known
        with self._turn(layer.id):
            known = self._states.get(layer.id)
            if known is None or known.make != layer.make:
                known = self._first(layer)
            if known is not None and known.version < layer.version:
                known = self._followed(known, layer)
            if known is None:
                self._states.pop(layer.id, None)
                return None
            self._states[layer.id] = known
            return known if known.version >= layer.version else None

    def state_at_hand(self, layer: TileLayer) -> State | None:
        """The same, if nothing has to be done for it."""
        known = self._states.get(layer.id)
        return known if known is not None and known.make == layer.make and known.version >= layer.version else None

    def is_coming(self, layer_id: str) -> bool:
        """Whether a layer that has no state will have one soon."""
        return layer_id in self._ordered or readiness.are_kernels_loading()

    def forget(self, layer_id: str) -> None:
        """Let go of a layer that is gone or looks different."""
        self._states.pop(layer_id, None)

    def close(self) -> None:
        """Make no other copy; leave off or wait for the one that is being made."""
        if self._maker is not None:
            self._maker.close()
        self._builders.shutdown(cancel_futures=True)

    def _turn(self, layer_id: str) -> threading.RLock:
        with self._lock:
            return self._turns.setdefault(layer_id, threading.RLock())

    def _first(self, layer: TileLayer) -> State | None:
        """A copy made now where that is quick, or found on disk; else one is ordered."""
        if not readiness.are_kernels_ready():
            return None
        if self._is_small(layer):
            return State.of(_copied(self._store, layer))
        opened = self._opened(layer)
        if opened is None:
            self._order(layer, later_than=-1)
        return opened

    def _followed(self, known: State, layer: TileLayer) -> State | None:
        """The state after what was written meanwhile; None where that is too much."""
        if len(known.edits) >= _MOST_EDITS_APART:
            known = known.without_edits()
        changes = self._store.changes_since(layer.id, known.version, most=_MOST_EDITED, properties=layer.schema.names)
        if changes is not None:
            fresh = _columns_of(changes.rows, layer)
            known = known.with_changes(changes.version, changes.touched, fresh)
        if changes is None or known.edited > _MANY_EDITED:
            if self._is_small(layer):
                return State.of(_copied(self._store, layer))
            self._order(layer, later_than=known.base_version)
        return None if changes is None else known

    def _is_small(self, layer: TileLayer) -> bool:
        return self._store.layer(layer.id).feature_count <= _COPIED_AT_ONCE

    def _path(self, layer_id: str) -> Path:
        return self._folder / f"{layer_id}.snapshot"

    def _opened(self, layer: TileLayer) -> State | None:
        """The copy on disk, if it is of this make and whole."""
        path = self._path(layer.id)
        try:
            snapshot = read_snapshot(path)
        except FileNotFoundError:
            return None
        except (BrokenSnapshotError, OSError) as error:
            log.warning("%s It is not used.", error)
            return None
        return State.of(snapshot) if snapshot.make == layer.make else None

    def _order(self, layer: TileLayer, later_than: int) -> None:
        """Have a copy made of a version behind `later_than`, unless that is under way or has just failed."""
        with self._lock:
            if layer.id not in self._ordered and self._not_before.get(layer.id, 0.0) <= monotonic():
                self._builders.submit(self._make_aside, layer, later_than)
                self._ordered.add(layer.id)

    def _make_aside(self, layer: TileLayer, later_than: int) -> None:
        try:
            self._make(layer, later_than)
        except (OneMapError, OSError) as error:  # the layer has gone, the store is busy, the disk is full
            log.warning("No snapshot of layer %s: %s", layer.id, error)
            self._not_before[layer.id] = monotonic() + _PAUSE_S
        except Exception:
            log.exception("No snapshot of layer %s was made.", layer.id)
            self._not_before[layer.id] = monotonic() + _PAUSE_S
        finally:
            with self._lock:
                self._ordered.discard(layer.id)

    def _maker_at_work(self) -> Maker:
        from tiles.snapshot.copying import MakerHere

        return self._maker or MakerHere(self._store)

    def _make(self, layer: TileLayer, later_than: int) -> None:
        path = self._path(layer.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_suffix(".lock")):
            head = read_head(path)
            if head is None or head.make != layer.make or head.version <= later_than or self._opened(layer) is None:
                self._maker_at_work().make(layer, path)
        opened = self._opened(layer)
        if opened is not None:
            with self._turn(layer.id):
                self._states[layer.id] = opened


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process makes the same copy: one makes it, all open it."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _copied(store: FollowedStore, layer: TileLayer) -> Snapshot:
    # Imported late, here and below: the compiler comes along, which must not delay the start of a server.
    from tiles.snapshot.copying import copied

    return copied(store, layer)


def _columns_of(rows: FeatureBatch, layer: TileLayer) -> Columns:
    from tiles.snapshot.building import build_columns

    return build_columns([rows], layer.schema, classes=layer.classes, blocks=layer.blocks)
