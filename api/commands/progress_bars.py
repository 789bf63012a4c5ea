"""Bars of commands that take long; silent where nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from api.commands.terminal import remarks

Told = Callable[[str, int, int | None], None]
"""Told the step, how much of it is done, and of how much, where that is known."""


@contextmanager
def step_bars(words: Mapping[str, str] | None = None) -> Iterator[Told]:
    """A bar for each step, from when it is first heard of.

    Args:
        words: What steps are called; others by their names.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=remarks(), disable=not remarks().is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def told(step: str, done: int, total: int | None) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task((words or {}).get(step, step), total=total)
            bars.update(tasks[step], completed=done)

        yield told
