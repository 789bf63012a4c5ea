"""An iterator that works ahead in a thread of its own, so that reading a file and writing to the store overlap."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
_POLL_S = 0.1


def prefetched(items: Generator[T], depth: int = 2) -> Generator[T]:
    """The same items in the same order, at most `depth` of them made ahead.

    An error of the producer is raised where its item would have come. When the consumer stops early, the producer
    stops with it before this generator's `close` returns.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def offer(item: T | None, error: BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                ready.put((item, error), timeout=_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not offer(item, None):
                    return
        except BaseException as error:  # noqa: BLE001 (raised again in the consumer's thread)
            offer(None, error)
        else:
            offer(None, StopIteration())
        finally:
            items.close()

    thread = threading.Thread(target=produce, name="onemap-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()
