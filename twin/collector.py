"""Python's cycle collector, paused while millions of plain rows go by, or a program loads.

Rows are tuples of numbers, texts and bytes, and what a program is made of never goes: but their number makes the collector walk all
of them again and again, an eighth of a large import, a sixth of the start of a server.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_pauses = 0


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cycle collection in this process while any such block is open; off before stays off after."""
    global _pauses  # noqa: PLW0603  one collector per process, one count of who paused it
    with _lock:
        was_on = _pauses > 0 or gc.isenabled()
        _pauses += 1
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if _pauses == 0 and was_on:
                gc.enable()
