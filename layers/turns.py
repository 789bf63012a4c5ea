"""Heavy work one at a time: whoever comes second is told so instead of queueing behind it.

Counted by store within this process. It bounds what one server may be made to do at once; what two servers write is kept apart by
the store's own transactions.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from twin.errors import AlreadyRunningError
from twin.store.port import Store

_guard = threading.Lock()
_running: WeakKeyDictionary[Store, dict[str, threading.Lock]] = WeakKeyDictionary()


@contextmanager
def one_at_a_time(store: Store, what: str) -> Iterator[None]:
    """Hold the turn for `what` on a store while the block runs.

    Args:
        what: The work in words, such as "a check of the base map".

    Raises:
        AlreadyRunningError: if somebody holds it.
    """
    with _guard:
        turn = _running.setdefault(store, defaultdict(threading.Lock))[what]
    if not turn.acquire(blocking=False):
        raise AlreadyRunningError(
            f"This server is busy with {what} already.",
            value=what,
            limit="one at a time",
            remedy="Try again when it is done.",
        )
    try:
        yield
    finally:
        turn.release()
