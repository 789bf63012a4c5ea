"""Whether the compiled kernels are loaded. That takes a second or more and is done once in a process, beside the requests."""

from __future__ import annotations

import gc
import logging
import threading

from twin.collector import collector_paused

log = logging.getLogger(__name__)

_lock = threading.Lock()
_loading: threading.Thread | None = None
_loaded = threading.Event()


def are_kernels_ready() -> bool:
    """Whether tiles can be drawn by them now. The first call starts the loading."""
    global _loading  # noqa: PLW0603 - one for the process, like the kernels themselves
    with _lock:
        if _loading is None:
            _loading = threading.Thread(target=_load, name="kernels")
            _loading.start()
    return _loaded.is_set()


def are_kernels_loading() -> bool:
    """Whether they will be ready soon; no where that has failed."""
    return not _loaded.is_set() and _loading is not None and _loading.is_alive()


def wait_for_kernels() -> bool:
    """Load them, if that has not been done, and wait. Gives whether they are ready."""
    are_kernels_ready()
    if _loading is not None:
        _loading.join()
    return _loaded.is_set()


def _load() -> None:
    try:
        with collector_paused():
            # Imported here: the compiler comes along, which must not delay the start of a server.
            from tiles.kernel.warming import load_kernels

            load_kernels()
        # The compiler leaves a million objects that never go: each full collection would walk them all, in the middle of a tile.
        gc.collect()
        gc.freeze()
    except Exception:
        log.exception("The tile kernels cannot be compiled; tiles go on being made from the store.")
    else:
        _loaded.set()
