"""Which versions of its layers a release means; asked for every tile of an old release, so remembered: releases never change."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from types import MappingProxyType
from weakref import WeakKeyDictionary

from twin.basemap.release_book import open_releases
from twin.store.port import Store

_KEPT = 100
_lock = Lock()
_known: WeakKeyDictionary[Store, dict[str, Mapping[str, int]]] = WeakKeyDictionary()


def pinned_versions(store: Store, name: str) -> Mapping[str, int]:
    """The version of each layer that a release pins, by the layer's id. Raises UnknownReleaseError."""
    with _lock:
        known = _known.setdefault(store, {})
        if name in known:
            return known[name]
    pins = MappingProxyType({layer.id: layer.version for layer in open_releases(store).release(name).layers})
    with _lock:
        if len(known) >= _KEPT:
            known.clear()
        known[name] = pins
    return pins
