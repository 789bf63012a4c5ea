"""Units of work that mostly wait for programs of their own: done by threads, beside each other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from twin.tasks.port import Alive, R, T, Unit, still_wanted
from twin.tasks.processes import in_order


@dataclass(frozen=True, slots=True)
class Threads:
    """So many threads, started as units come and ended with the last."""

    workers: int

    def map(
        self, function: Callable[[T], R], units: Iterable[Unit[T]], alive: Alive = still_wanted
    ) -> Generator[R, None, None]:
        """As `Tasks.map`."""
        return in_order(ThreadPoolExecutor(self.workers), self.workers, function, units, alive)
