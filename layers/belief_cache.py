"""What is believed of layers, kept as long as neither they nor the base map change; judged once, however many ask at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from layers.manifest import BASEMAP
from twin.guard.belief import Belief
from twin.standing import is_shown
from twin.store.port import Store

Key = tuple[object, ...]
MOST_KEPT = 1_000


@dataclass
class BeliefCache:
    """One belief a layer, the newest; a judgement takes seconds, so those who ask meanwhile wait for it."""

    _kept: dict[str, tuple[Key, Belief]] = field(default_factory=dict)
    _turns: dict[str, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def belief(self, store: Store, layer_id: str, judge: Callable[[], Belief]) -> Belief:
        """The belief of a layer as it stands, from `judge` where it is not known. Raises UnknownLayerError."""
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
                self._turns.clear()
            turn = self._turns.setdefault(layer_id, threading.Lock())
        with turn:
            key = _key(store, layer_id)
            known = self._kept.get(layer_id)
            if known is not None and known[0] == key:
                return known[1]
            belief = judge()
            with self._lock:
                self._kept[layer_id] = (key, belief)
            return belief


def _key(store: Store, layer_id: str) -> Key:
    """What a belief depends on: the states of the layer and of the base map, as they were before the judgement."""
    witnesses = (r for r in store.layers() if r.document.get("department") == BASEMAP and is_shown(r.document))
    own = store.layer(layer_id)
    return (own.created_at, own.version, *((r.id, r.created_at, r.version) for r in witnesses))
