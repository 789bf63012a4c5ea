"""Units of work done by processes of this machine.

They are spawned, never forked: a fork copies the locks of other libraries' threads (lazrs, Arrow) in whatever state they are.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait

from twin.tasks.port import Alive, R, T, Unit, lost, of_unit, still_wanted

_AHEAD = 2  # units for each worker that are handed out, so that none waits for the next
_PATIENCE_S = 0.4


@dataclass(frozen=True, slots=True)
class Processes:
    """So many processes, started when the first unit comes and ended with the last."""

    workers: int

    def map(
        self, function: Callable[[T], R], units: Iterable[Unit[T]], alive: Alive = still_wanted
    ) -> Generator[R, None, None]:
        """As `Tasks.map`."""
        pool = ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn"), initializer=_begin)
        return in_order(pool, self.workers, function, units, alive)


def in_order(
    pool: Executor, workers: int, function: Callable[[T], R], units: Iterable[Unit[T]], alive: Alive
) -> Generator[R, None, None]:
    """Outcomes of a pool in the order of the units; the pool is shut when the loop over them is left."""
    waiting: deque[tuple[str, Future[R]]] = deque()
    coming = iter(units)
    try:
        while True:
            while len(waiting) < _AHEAD * workers and (unit := next(coming, None)) is not None:
                try:
                    waiting.append((unit.name, pool.submit(function, unit.work)))
                except BrokenProcessPool as error:
                    raise lost(unit.name, "the process is gone") from error
            if not waiting:
                return
            yield _outcome(*waiting.popleft(), alive)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(name: str, future: Future[R], alive: Alive) -> R:
    while True:
        alive()
        try:
            return future.result(_PATIENCE_S)
        except BrokenProcessPool as error:
            raise lost(name, "the process is gone") from error
        except Exception as error:  # noqa: BLE001 — whatever a unit met goes on with its name
            if isinstance(error, TimeoutError) and not future.done():
                continue
            named = of_unit(error, name)
            raise named from (error.__cause__ if named is error else error)


def _begin() -> None:
    """A worker leaves ^C to the one who started it, and goes when that one is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
