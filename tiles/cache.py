"""Recent results by key, bounded in bytes, each made once however many threads ask."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that knows its size in bytes."""

    @property
    def size(self) -> int: ...


T = TypeVar("T", bound=Sized)


class BoundedEntries(Generic[T]):
    """Entries by key, bounded in bytes; the one that has stood longest without `refresh` goes first. Not locked.

    Args:
        max_bytes: Room for entries; 0 keeps nothing.
        overhead_bytes: What an entry costs beside its bytes: key, table slot, objects.
    """

    def __init__(self, max_bytes: int, overhead_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._overhead = overhead_bytes
        self._entries: OrderedDict[Hashable, T] = OrderedDict()
        self.bytes_used = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    def get(self, key: Hashable) -> T | None:
        return self._entries.get(key)

    def refresh(self, key: Hashable) -> None:
        """Make an entry the last to go."""
        self._entries.move_to_end(key)

    def keep(self, key: Hashable, entry: T) -> None:
        """Put an entry in, in place of an older one of that key, and let others go where room is short."""
        self.drop(key)
        cost = entry.size + self._overhead
        if cost > self._max_bytes // 4:  # one giant must not push everybody else out
            return
        self._entries[key] = entry
        self.bytes_used += cost
        while self.bytes_used > self._max_bytes:
            self.drop(next(iter(self._entries)))

    def drop(self, key: Hashable) -> None:
        """Let an entry go, if it is there."""
        gone = self._entries.pop(key, None)
        if gone is not None:
            self.bytes_used -= gone.size + self._overhead


# What an entry costs beside its bytes: key, table slot, objects.
_OVERHEAD_BYTES = 400


class SingleFlightCache(Generic[T]):
    """Least recently used entries go first; keys carry versions, so nothing in it is ever stale.

    Args:
        max_bytes: Room for entries; 0 keeps nothing, and still makes a result once for all who wait for it.
    """

    def __init__(self, max_bytes: int) -> None:
        self._lock = threading.Lock()
        self._entries: BoundedEntries[T] = BoundedEntries(max_bytes, _OVERHEAD_BYTES)
        self._making: dict[Hashable, Future[T]] = {}

    @property
    def bytes_used(self) -> int:
        return self._entries.bytes_used

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> T | None:
        """The entry of `key`, if it is there."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.refresh(key)
        return entry

    def is_making(self, key: Hashable) -> bool:
        """Whether somebody makes it now, so that who asks for it has to wait."""
        return key in self._making

    def get_or_make(self, key: Hashable, make: Callable[[], T], keep: Callable[[T], bool] = lambda _: True) -> T:
        """The entry of `key`, made by the first who asks while the others wait.

        Args:
            key: What is asked for.
            make: Makes it.
            keep: Whether what was made may be given again later.

        Raises:
            Exception: whatever `make` raises, to everybody who waited; nothing is kept then.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.refresh(key)
                return entry
            waiting = self._making.get(key)
            promise = self._making.setdefault(key, Future()) if waiting is None else waiting
        return promise.result() if waiting is not None else self._made(key, make, promise, keep)

    def _made(self, key: Hashable, make: Callable[[], T], promise: Future[T], keep: Callable[[T], bool]) -> T:
        try:
            entry = make()
        except BaseException as error:
            with self._lock:
                del self._making[key]
            promise.set_exception(error)
            raise
        with self._lock:
            del self._making[key]
            if keep(entry):
                self._entries.keep(key, entry)
        promise.set_result(entry)
        return entry
