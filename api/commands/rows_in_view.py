"""Progress bars of rows: how many, how fast, how long to go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from api.commands.terminal import remarks

if TYPE_CHECKING:
    from layers.import_source import Progress as RowsSoFar

    Advance = Callable[[str, RowsSoFar], None]


class RateColumn(ProgressColumn):
    """Rows per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:>9,.0f} rows/s" if speed else "", style="cyan")


@contextmanager
def rows_in_view() -> Iterator[Advance]:
    """A function `advance(name, state)` that draws one bar for each name, for the length of the block.

    On a pipe nothing is drawn.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("[yellow]{task.fields[rejected]}"),
    )
    with Progress(*columns, console=remarks(), disable=not remarks().is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def advance(name: str, state: RowsSoFar) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=None, rejected="")
            rejected = f"{state.rejected:,} refused" if state.rejected else ""
            bars.update(tasks[name], completed=state.rows, total=state.total, rejected=rejected)

        yield advance
