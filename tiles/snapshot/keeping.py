"""Which layers have a snapshot, made when first asked for and brought up to date before every tile that needs it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Protocol

from tiles.snapshot.layout import Columns
from tiles.snapshot.state import State
from tiles.source import TileLayer
from twin.errors import OneMapError
from twin.feature import FeatureBatch
from twin.query import FeatureQuery
from twin.store.changes import Changes
from twin.store.port import Store

log = logging.getLogger(__name__)

# A layer up to this size is copied while the first tile waits (some tenths of a second), a larger one beside the requests.
_COPIED_AT_ONCE = 20_000
# Edits that lie over a copy before it is made anew.
_MOST_EDITS = 2_000


class FollowedStore(Store, Protocol):
    """A store that tells what has changed."""

    def changes_since(
        self, layer_id: str, version: int, *, most: int, properties: tuple[str, ...] | None = None
    ) -> Changes | None:
        """What has changed since a version; None where it is more than `most` rows. Raises UnknownLayerError."""


class SnapshotKeeper:
    """Snapshots of layers, in memory.

    Args:
        store: Where the layers live.
        most_features: Larger layers have no snapshot.
    """

    def __init__(self, store: FollowedStore, most_features: int = 200_000) -> None:
        self._store = store
        self._most_features = most_features
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._states: dict[str, State] = {}
        self._ordered: set[str] = set()
        self._builders = ThreadPoolExecutor(1, thread_name_prefix="snapshots")

    def state(self, layer: TileLayer) -> State | None:
        """A state that shows the layer's version or a later one; None while there is none.

        Raises:
            UnknownLayerError: if the layer has gone.
        """
        known = self._states.get(layer.id)
        if known is not None and known.make == _make_of(layer) and known.version >= layer.version:
            return known
        with self._lock:
            turn = self._turns.setdefault(layer.id, threading.Lock())
        with turn:
            return self._brought_up_to_date(layer)

    def forget(self, layer_id: str) -> None:
        """Drop the snapshot of a layer that is gone or looks different."""
        self._states.pop(layer_id, None)

    def close(self) -> None:
        """Wait for the copy that is being made; make no other."""
        self._builders.shutdown(cancel_futures=True)

    def _brought_up_to_date(self, layer: TileLayer) -> State | None:
        known = self._states.get(layer.id)
        if known is None or known.make != _make_of(layer):
            return self._new_state(layer)
        if known.version < layer.version:
            changes = self._store.changes_since(
                layer.id, known.base_version, most=_MOST_EDITS, properties=layer.schema.names
            )
            if changes is None:
                return self._new_state(layer)
            fresh = _columns_of([changes.rows], layer)
            known = self._states[layer.id] = known.with_changes(changes.version, changes.touched, fresh)
        return known if known.version >= layer.version else None

    def _new_state(self, layer: TileLayer) -> State | None:
        """A copy made now where that is quick; else one is ordered, and whoever asks takes another way until it is there."""
        self._states.pop(layer.id, None)
        if not _are_kernels_ready():
            return None
        count = self._store.layer(layer.id).feature_count
        if count <= _COPIED_AT_ONCE:
            return self._copy(layer)
        if count <= self._most_features:
            with self._lock:
                if layer.id not in self._ordered:
                    self._builders.submit(self._copy_aside, layer)
                    self._ordered.add(layer.id)
        return None

    def _copy_aside(self, layer: TileLayer) -> None:
        try:
            self._copy(layer)
        except OneMapError as error:  # the layer has gone, or the store is busy: the next tile orders another copy
            log.info("No snapshot of layer %s was made: %s", layer.id, error)
        except Exception:
            log.exception("No snapshot of layer %s was made.", layer.id)
        finally:
            with self._lock:
                self._ordered.discard(layer.id)

    def _copy(self, layer: TileLayer) -> State:
        version = self._store.version(layer.id)
        query = FeatureQuery(properties=layer.schema.names)
        with closing(self._store.iterate(layer.id, query)) as batches:
            state = State.of(_make_of(layer), version, _columns_of(batches, layer))
        self._states[layer.id] = state
        return state


def _make_of(layer: TileLayer) -> str:
    """What settles how a layer is copied: its edition without the version."""
    return layer.edition.rpartition("-")[0]


_kernels_lock = threading.Lock()
_kernels: threading.Thread | None = None
_kernels_loaded = threading.Event()


def _are_kernels_ready() -> bool:
    """Whether the compiled kernels are loaded. The first call starts that beside the requests, as it takes a second or more."""
    global _kernels  # noqa: PLW0603 - one for the process, like the kernels themselves
    with _kernels_lock:
        if _kernels is None:
            _kernels = threading.Thread(target=_load_kernels, name="kernels")
            _kernels.start()
    return _kernels_loaded.is_set()


def _load_kernels() -> None:
    try:
        from tiles.kernel.warming import load_kernels

        load_kernels()
    except Exception:
        log.exception("The tile kernels cannot be compiled; tiles go on being made from the store.")
    else:
        _kernels_loaded.set()


def _columns_of(batches: Iterable[FeatureBatch], layer: TileLayer) -> Columns:
    # Imported late: the compiler comes along, which must not delay the start of a server.
    from tiles.snapshot.building import build_columns

    return build_columns(batches, layer.schema)
