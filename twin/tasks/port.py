"""The port through which builds hand out their work.

A build names a pure function and units for it; outcomes come back in the order of the units, whoever did them and whenever they
were done, so that what is made of them has the same bytes everywhere. Units are asked for as room for them comes, never all at once.
Leaving the loop over the outcomes, by an error as well, drops what waits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from twin.errors import OneMapError, Unavailable, shorten

T = TypeVar("T")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)
Alive = Callable[[], None]
"""Called before every outcome, and while one is waited for at least twice a second; what it raises ends the work."""


@dataclass(frozen=True, slots=True)
class Unit(Generic[T_co]):
    """One piece of work.

    Attributes:
        name: What it is called where it fails.
        work: What the function is given; it must pickle.
    """

    name: str
    work: T_co


class Tasks(Protocol):
    """Somebody who does units of work.

    Attributes:
        workers: How many units are done at the same time.
    """

    @property
    def workers(self) -> int: ...

    def map(self, function: Callable[[T], R], units: Iterable[Unit[T]], alive: Alive = ...) -> Generator[R, None, None]:
        """The outcome of `function` for each unit, in their order.

        Args:
            function: Of a module, pure: units may be done twice and anywhere.

        Raises:
            OneMapError: what the function raised, with the unit's name before its value.
            TaskFailedError: if it raised anything else.
            TaskLostError: if a worker ended without an outcome.
        """


class TaskFailedError(OneMapError):
    """A unit of work met what nobody expected; the cause is attached."""

    code = "task-failed"


class TaskLostError(Unavailable):
    """A worker ended in the middle of its work."""

    code = "task-lost"


def still_wanted() -> None:
    """An `Alive` that never minds."""


def of_unit(error: Exception, name: str) -> OneMapError:
    """The error of a unit, with the unit's name."""
    if not isinstance(error, OneMapError):
        return TaskFailedError(
            f"Work on {name} failed: {type(error).__name__}: {error}",
            value=name,
            remedy="This is a fault of the program; the log says more.",
        )
    error.value = shorten(name if error.value is None else f"{name}: {error.value}")
    return error


def lost(name: str, what: str) -> TaskLostError:
    """The error of a unit whose worker is gone."""
    return TaskLostError(
        "工作进程中断。A worker ended in the middle of its work.",
        value=f"{name}: {what}",
        limit="the memory of the machine",
        remedy="Ask again with fewer workers; what is done already is not done again.",
    )
