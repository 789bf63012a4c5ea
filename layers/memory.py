"""Costly answers, computed once for a key and by one at a time: the same question again, or at the same moment, costs nothing.

A key names all that an answer depends on (releases, versions of layers), so that no answer is ever stale.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from twin.errors import StoreBusyError

T = TypeVar("T")
_KEPT = 32
_WAITING = 8


class Memory:
    """The last answers, and one worker at a time for new ones.

    Args:
        kept: Answers remembered.
        waiting: Callers that may wait for their turn, so that costly questions never take all of a server's threads.
    """

    def __init__(self, kept: int = _KEPT, waiting: int = _WAITING) -> None:
        self._kept = kept
        self._answers: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(waiting + 1)

    def recall(self, key: Hashable, compute: Callable[[], T], *, seconds: float | None = None) -> T:
        """The answer to `key`, computed if nobody has asked yet; an exception is passed on and not remembered.

        Args:
            seconds: How long an answer counts; None for ever.

        Raises:
            StoreBusyError: if too many wait already.
        """
        found = self._find(key, seconds)
        if found is not None:
            return found[0]  # type: ignore[no-any-return]
        if not self._places.acquire(blocking=False):
            raise StoreBusyError(
                "Too many costly questions at once.",
                limit=f"{_WAITING} waiting",
                remedy="Try again in a moment.",
            )
        try:
            with self._turn:
                found = self._find(key, seconds)
                answer: T = compute() if found is None else found[0]
                if found is None:
                    self._keep(key, answer)
                return answer
        finally:
            self._places.release()

    def _find(self, key: Hashable, seconds: float | None) -> tuple[Any] | None:
        with self._guard:
            kept = self._answers.get(key)
            if kept is None or (seconds is not None and time.monotonic() - kept[0] > seconds):
                return None
            self._answers.move_to_end(key)
            return (kept[1],)

    def _keep(self, key: Hashable, answer: object) -> None:
        with self._guard:
            self._answers[key] = (time.monotonic(), answer)
            self._answers.move_to_end(key)
            while len(self._answers) > self._kept:
                self._answers.popitem(last=False)
