"""Units of work done one after another, in the thread that asks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass

from twin.tasks.port import Alive, R, T, Unit, of_unit, still_wanted


@dataclass(frozen=True, slots=True)
class InThread:
    """A `Tasks` without anybody else."""

    workers: int = 1

    def map(
        self, function: Callable[[T], R], units: Iterable[Unit[T]], alive: Alive = still_wanted
    ) -> Generator[R, None, None]:
        """As `Tasks.map`."""
        for unit in units:
            alive()
            try:
                outcome = function(unit.work)
            except Exception as error:  # noqa: BLE001 — whatever a unit met goes on with its name
                named = of_unit(error, unit.name)
                raise named from (None if named is error else error)
            yield outcome


IN_THREAD = InThread()
